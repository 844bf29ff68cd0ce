// Dark and light: the system's choice until somebody makes another, which this browser remembers.
export type Theme = 'system' | 'light' | 'dark';
export const THEMES: readonly Theme[] = ['light', 'dark', 'system'];
const KEY = 'choregos.theme';

class ThemeSwitch {
  value = $state<Theme>('system');
  /** Rises when colours may have changed, for what is drawn with colours taken from the style. */
  version = $state(0);
  constructor() {
    const kept = localStorage.getItem(KEY);
    if (kept === 'light' || kept === 'dark') this.set(kept);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => ++this.version);
  }
  set(value: Theme): void {
    this.value = value;
    if (value === 'system') {
      localStorage.removeItem(KEY);
      delete document.documentElement.dataset['theme'];
    } else {
      localStorage.setItem(KEY, value);
      document.documentElement.dataset['theme'] = value;
    }
    ++this.version;
  }
  next(): void {
    this.set(THEMES[(THEMES.indexOf(this.value) + 1) % THEMES.length] as Theme);
  }
}
export const theme = new ThemeSwitch();

/** Colours by name, as the style has them now. */
export function colours<K extends string>(...names: K[]): Record<K, string> {
  const probe = document.createElement('span');
  document.body.append(probe);
  const out = {} as Record<K, string>;
  for (const name of names) {
    probe.style.color = `var(--${name})`;
    out[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return out;
}
