// What a stream hands to the page; shared by the page and the worker, so it holds no state.
import type { Agent, Guard, Liveness, ListHead, Mode } from './types';

/** `waiting`: the daemon is there, but does not vouch for its list yet. */
export type Link = 'connecting' | 'live' | 'waiting' | 'broken';

export interface FleetEvent {
  at: string;
  revision: string;
  kind: string;
  id: string;
  liveness: Liveness;
  was?: Liveness;
  reason?: string;
  source?: string;
  /** Of a loss: from the agent's last word to the verdict. */
  noticed_ms?: number;
}

/** What a stream hands over: a whole list, one change, what was before the page opened, a change of mode, a sign of life. */
export type Message =
  | { type: 'list'; head: ListHead; agents: Agent[] }
  | { type: 'change'; event: FleetEvent; agent: Agent | null }
  | { type: 'past'; events: FleetEvent[] }
  | { type: 'mode'; mode: Mode; guard: Guard | null }
  | { type: 'link'; link: Link; detail: string; needs_token: boolean; heard_at?: number }
  | { type: 'beat' };

export const EVENTS_KEPT = 2000;
