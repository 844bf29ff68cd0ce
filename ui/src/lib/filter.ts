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
  return [agent.id, agent.name, agent.model, agent.endpoint, ...agent.capabilities, ...(agent.aliases ?? []), ...Object.entries(agent.labels ?? {}).flat()].join('\n').toLowerCase();
}

/** `key` with "-" in front sorts the other way round; equal ones stay in order of ids. */
export function sorter(key: string | undefined): ((a: Agent, b: Agent) => number) | null {
  if (!key || key === 'id') return null;
  const down = key.startsWith('-');
  const field = key.replace(/^-/, '');
  const order = down ? -1 : 1;
  const value = (agent: Agent): string => {
    switch (field) {
      case 'name': return agent.name;
      case 'status': return agent.status;
      case 'liveness': return String(['alive', 'unconfirmed', 'suspect', 'lost', 'left'].indexOf(agent.liveness));
      case 'model': return agent.model;
      case 'cluster': return agent.cluster_id;
      case 'node': return agent.node ?? '';
      case 'last_seen': return agent.last_seen;
      case 'tasks_completed': return String(agent.tasks_completed).padStart(20, '0');
      default: return agent.id;
    }
  };
  return (a, b) => order * byName(value(a), value(b)) || byName(a.id, b.id);
}

/** The same question to the API and to the command line. */
export function as_curl(filters: Filters): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(filters)) {
    if (!value || key === 'columns' || key === 'node') continue;
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
    if (!value || key === 'columns' || key === 'node') continue;
    if (key === 'capability') for (const c of value.split(',')) flags.push(`--capability ${quote(c)}`);
    else flags.push(`--${key} ${quote(value)}`);
  }
  return ['choregos agents', ...flags].join(' ');
}
