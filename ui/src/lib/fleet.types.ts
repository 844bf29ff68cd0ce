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
  /** `minutes`: changes counted by minute since 1970, instead of being counted from the events. */
  | { type: 'past'; events: FleetEvent[]; minutes?: [number, number][] }
  | { type: 'mode'; mode: Mode; guard: Guard | null }
  | { type: 'link'; link: Link; detail: string; needs_token: boolean; heard_at?: number }
  | { type: 'beat' }
  /** From the worker to a page that comes later: what was typed into another. */
  | { type: 'token'; token: string };

export const EVENTS_KEPT = 2000;

const number_of = (event: FleetEvent): number => Number(event.revision.split('.')[1]);
/** Revisions never fall, not even across restarts of the daemon. */
export const newestFirst = (a: FleetEvent, b: FleetEvent): number => number_of(b) - number_of(a);

/** Changes by minute, for longer than the events themselves are kept. */
export class Tally {
  counts = new Map<number, number>();
  add(event: FleetEvent): void {
    const minute = Math.floor(Date.parse(event.at) / 60_000);
    const before = this.counts.get(minute);
    this.counts.set(minute, (before ?? 0) + 1);
    if (before === undefined && this.counts.size > 120) this.counts.delete(Math.min(...this.counts.keys()));
  }
}
