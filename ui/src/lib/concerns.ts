// What needs somebody's attention, the worst first. Pure.
import { text } from './text';
import type { Agent, ExpectedFound, Guard, Liveness, SourceHealth } from './types';

export interface Concern {
  key: string;
  href: string;
  what: string;
  detail: string;
  since?: string;
  liveness?: Liveness;
}

export function concerns(agents: readonly Agent[], capabilities: readonly { name: string; total: number; live: number; href: string }[], sources: readonly SourceHealth[], expected: ExpectedFound | null, guard: Guard | null): Concern[] {
  const out: Concern[] = [];
  const page = (id: string): string => `#/agents/${encodeURIComponent(id)}`;
  for (const domain of guard?.domains ?? []) out.push({ key: `domain ${domain.name}`, href: '#/topology', what: text.mode.is(domain.name, domain.mode), detail: domain.cause, since: domain.since });
  for (const agent of agents) if (agent.conflict) out.push({ key: `twice ${agent.id}`, href: page(agent.id), what: text.attention.twice(agent.id), detail: (agent.contenders ?? []).join(', ') });
  for (const c of capabilities) if (c.live === 0) out.push({ key: `nobody ${c.name}`, href: c.href, what: text.attention.nobody(c.name), detail: text.attention.listed(c.total) });
  const hurt = (liveness: Liveness): void => {
    for (const agent of agents)
      if (agent.liveness === liveness) out.push({ key: agent.id, href: page(agent.id), what: agent.id, detail: agent.liveness_reason ?? '', liveness, ...(agent.liveness_since ? { since: agent.liveness_since } : {}) });
  };
  hurt('lost');
  hurt('suspect');
  for (const service of expected?.services ?? []) {
    const reasons = (rows: { reason: string }[]): string => [...new Set(rows.map((row) => row.reason))].slice(0, 2).join('; ');
    if (service.missing.length > 0) out.push({ key: `missing ${service.name}`, href: '#/expected', what: text.attention.missing(service.name, service.missing.length), detail: reasons(service.missing) });
    if (service.phantom.length > 0) out.push({ key: `phantom ${service.name}`, href: '#/expected', what: text.attention.phantom(service.name, service.phantom.length), detail: reasons(service.phantom) });
  }
  for (const s of sources)
    if (s.state === 'failed' || s.state === 'degraded') out.push({ key: `source ${s.name}`, href: '#/sources', what: text.attention.source(s.name, s.state), detail: s.last_error || s.advice || s.detail || '' });
  return out;
}
