// What the daemon tells, as it writes it. Absent members were not said.

export type Liveness = 'alive' | 'suspect' | 'lost' | 'left' | 'unconfirmed';
export type Status = 'online' | 'idle' | 'working';
export type Mode = 'normal' | 'draining' | 'frozen';

export interface Agent {
  id: string;
  name: string;
  status: Status;
  capabilities: string[];
  model: string;
  endpoint: string;
  last_seen: string;
  tasks_completed: number;
  current_team?: string;
  p2p_addr: string;
  cluster_id: string;
  liveness: Liveness;
  liveness_reason?: string;
  identity?: string;
  incarnation?: number;
  first_seen?: string;
  liveness_since?: string;
  age_ms?: number;
  latency_ms?: number;
  running?: number;
  capacity?: number;
  node?: string;
  version?: string;
  task?: { service: string; slot: string; task_id: string };
  aliases?: string[];
  sources?: string[];
  labels?: Record<string, string>;
  draining?: boolean;
  reachable?: boolean;
  conflict?: boolean;
  contenders?: string[];
  revision?: number;
}

export interface Domain {
  kind: string;
  name: string;
  mode: Mode;
  members: number;
  silent: number;
  since: string;
  for_ms: number;
  cause: string;
  drains_in_ms?: number;
}

export interface Guard {
  health_score: number;
  health_reason?: string;
  freezes: number;
  domains: Domain[];
}

export interface ListHead {
  total: number;
  epoch: number;
  revision: number;
  mode: Mode;
  guard?: Guard;
}

export interface AgentList extends ListHead {
  agents: Agent[];
  next_cursor?: string;
}

export interface SourceHealth {
  name: string;
  kind: string;
  state: 'off' | 'starting' | 'ok' | 'degraded' | 'failed';
  detail?: string;
  last_error?: string;
  advice?: string;
  last_ok?: string;
  last_error_at?: string;
  counters?: Record<string, number>;
  gauges?: Record<string, number>;
}

export interface Channel {
  source: string;
  subject: string;
  incarnation?: number;
  says: string;
  counts: boolean;
  age_ms?: number;
  alive_for_ms?: number;
  while_open?: boolean;
  loss?: number;
  missed?: number;
  asked?: number;
  asked_by_helpers?: number;
  weight?: number;
  detail?: string;
}

export interface FieldEvidence {
  field: string;
  value: string;
  source?: string;
  subject?: string;
  age_ms?: number;
  rule?: string;
  others?: string[];
}

export interface Explanation {
  id: string;
  liveness: Liveness;
  liveness_reason?: string;
  silence_ms: number;
  evidence: number;
  evidence_needed: number;
  silence_needed_ms: number;
  longest_silence_ms?: number;
  stretch: number;
  held_by?: string[];
  would_change?: string[];
  channels: Channel[];
  fields: FieldEvidence[];
}

export interface HistoryEvent {
  at: string;
  kind: string;
  id: string;
  liveness: Liveness;
  was?: Liveness;
  reason?: string;
  source?: string;
  other?: string;
  revision?: string;
}

export const LIVENESS: readonly Liveness[] = ['alive', 'suspect', 'unconfirmed', 'lost', 'left'];
export const STATUS: readonly Status[] = ['working', 'idle', 'online'];

export interface Named {
  task?: string;
  address?: string;
  agent?: string;
  node?: string;
  reason: string;
}

export interface ServiceFound {
  name: string;
  mode?: string;
  desired?: number;
  desired_by?: string;
  tasks?: number;
  in_dns?: number;
  answering?: number;
  listed?: number;
  registered?: number;
  matches: boolean;
  missing: Named[];
  phantom: Named[];
}

export interface ExpectedFound {
  matches: boolean;
  services: ServiceFound[];
  orchestrator_age_ms?: number;
  nodes?: string[];
}
