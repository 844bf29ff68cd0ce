// Numbers and times for people. Pure.

/** An age in one unit, as the command line writes it: "3 s", "4 min", "2 h", "5 d". */
export function age(ms: number): string {
  const s = Math.max(0, ms) / 1000;
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

/** A measured time with what matters of it: "0.43 s", "12 s". */
export function duration(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(ms < 1000 ? 2 : 1)} s` : age(ms);
}

export function since(iso: string | undefined, now: number): string {
  if (!iso) return '';
  const t = Date.parse(iso);
  return Number.isNaN(t) ? '' : age(now - t);
}

export function clock(iso: string | undefined): string {
  if (!iso) return '';
  const t = new Date(iso);
  return Number.isNaN(t.getTime()) ? '' : t.toLocaleTimeString('en-GB');
}

export function moment(iso: string | undefined): string {
  if (!iso) return '';
  const t = new Date(iso);
  return Number.isNaN(t.getTime()) ? iso : t.toLocaleString('en-GB');
}

export function count(n: number): string {
  return n.toLocaleString('en');
}

/** Digits in a name count as numbers: agent-2 before agent-10, as the daemon sorts. */
const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'variant' });
export const byName = (a: string, b: string): number => collator.compare(a, b);
