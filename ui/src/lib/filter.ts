// Which agents a view shows: the same filters as the list of the API, so that a link, a curl and a command agree. Pure.
import { byName } from './format';
import type { Agent } from './types';

export type Filters = Record<string, string | undefined>;

function glob(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.');
  return new RegExp(`^${escaped}$`, 'i');
}

export function matcher(filters: Filters): (agent: Agent) => boolean {
  const any = (value: string | undefined): Set<string> | null => (value ? new Set(value.split(',')) : null);
  const status = any(filters['status']);
  const liveness = any(filters['liveness']);
  const cluster = any(filters['cluster']);
  const team = any(filters['team']);
  const capabilities = filters['capability'] ? filters['capability'].split(',') : [];
  const model = filters['model'] ? glob(filters['model']) : null;
  const node = filters['node'];
  const words = (filters['q'] ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  return (agent) =>
    (!status || status.has(agent.status)) &&
    (!liveness || liveness.has(agent.liveness)) &&
    (!cluster || cluster.has(agent.cluster_id)) &&
    (!team || team.has(agent.current_team ?? '-')) &&
    (!node || agent.node === node) &&
    (!model || model.test(agent.model)) &&
    capabilities.every((c) => agent.capabilities.includes(c)) &&
    words.every((word) => haystack(agent).includes(word));
}

function haystack(agent: Agent): string {
  return [agent.id, agent.name, agent.model, agent.endpoint, agent.node ?? '', ...agent.capabilities, ...(agent.aliases ?? []), ...Object.entries(agent.labels ?? {}).flat()].join('\n').toLowerCase();
}

/** By what the list can be put in order; those that the API knows, too, are in SHARED. */
export const SORTS: ReadonlySet<string> = new Set(['id', 'liveness', 'since', 'status', 'model', 'node', 'cluster', 'team', 'tasks_completed', 'latency_ms', 'version', 'last_seen']);
const SHARED: ReadonlySet<string> = new Set(['id', 'name', 'status', 'liveness', 'model', 'cluster', 'last_seen', 'tasks_completed']);
const RANK = ['alive', 'unconfirmed', 'suspect', 'lost', 'left'];

/** `key` with "-" in front sorts the other way round; equal ones stay in order of ids. */
export function sorter(key: string | undefined): ((a: Agent, b: Agent) => number) | null {
  if (!key || key === 'id') return null;
  const order = key.startsWith('-') ? -1 : 1;
  const field = key.replace(/^-/, '');
  const by = comparison(field);
  return (a, b) => order * by(a, b) || byName(a.id, b.id);
}

function comparison(field: string): (a: Agent, b: Agent) => number {
  const words = (of: (agent: Agent) => string) => (a: Agent, b: Agent): number => byName(of(a), of(b));
  const numbers = (of: (agent: Agent) => number) => (a: Agent, b: Agent): number => of(a) - of(b);
  // Times of RFC 3339 in one zone are in the order of their letters. What is longest ago is longest.
  const times = (of: (agent: Agent) => string) => (a: Agent, b: Agent): number => (of(a) < of(b) ? 1 : of(a) > of(b) ? -1 : 0);
  switch (field) {
    case 'status': return words((a) => a.status);
    case 'liveness': return numbers((a) => RANK.indexOf(a.liveness));
    case 'since': return times((a) => a.liveness_since ?? '');
    case 'model': return words((a) => a.model);
    case 'node': return words((a) => a.node ?? '');
    case 'cluster': return words((a) => a.cluster_id);
    case 'team': return words((a) => a.current_team ?? '');
    case 'version': return words((a) => a.version ?? '');
    case 'last_seen': return (a, b) => -times((each) => each.last_seen)(a, b);
    case 'tasks_completed': return numbers((a) => a.tasks_completed);
    case 'latency_ms': return numbers((a) => a.latency_ms ?? -1);
    default: return words((a) => a.id);
  }
}

const passes = (key: string, value: string): boolean => (key === 'sort' ? SHARED.has(value.replace(/^-/, '')) : key !== 'columns' && key !== 'node');

/** The same question to the API and to the command line. */
export function as_curl(filters: Filters): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(filters)) {
    if (!value || !passes(key, value)) continue;
    if (key === 'capability') for (const c of value.split(',')) query.append(key, c);
    else query.append(key, value);
  }
  const text = query.toString();
  return `curl -s '${location.origin}/api/v1/agents${text ? `?${text}` : ''}'`;
}

export function as_command(filters: Filters): string {
  const quote = (value: string): string => (/^[\w.,:/-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`);
  const flags: string[] = [];
  for (const [key, value] of Object.entries(filters)) {
    if (!value || !passes(key, value)) continue;
    if (key === 'capability') for (const c of value.split(',')) flags.push(`--capability ${quote(c)}`);
    else flags.push(`--${key} ${quote(value)}`);
  }
  return ['choregos agents', ...flags].join(' ');
}
