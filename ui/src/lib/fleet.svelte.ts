// The fleet as this page knows it: records by id, what changed lately, and how fresh all that is. Changes gather and are shown
// at most once a frame, so ten thousand of them cost one drawing.
import { byName } from './format';
import type { Agent, Guard, Liveness, ListHead, Mode } from './types';

export type Link = 'connecting' | 'live' | 'broken';

export interface FleetEvent {
  at: string;
  revision: string;
  kind: string;
  id: string;
  liveness: Liveness;
  was?: Liveness;
  reason?: string;
  source?: string;
}

/** What a stream hands over: a whole list, one change, or a change of mode. */
export type Message =
  | { type: 'list'; head: ListHead; agents: Agent[] }
  | { type: 'change'; event: FleetEvent; agent: Agent | null }
  | { type: 'mode'; mode: Mode; guard: Guard | null }
  | { type: 'link'; link: Link; detail: string; needs_token: boolean };

const EVENTS_KEPT = 500;

class Fleet {
  /** Rises whenever something below changed; views derive from it. */
  version = $state(0);
  link = $state<Link>('connecting');
  linkDetail = $state('');
  needsToken = $state(false);
  /** When the page last heard from the daemon. */
  heardAt = $state(Date.now());
  mode = $state<Mode>('normal');
  guard = $state.raw<Guard | null>(null);
  loaded = $state(false);
  events = $state.raw<FleetEvent[]>([]);

  private byId = new Map<string, Agent>();
  private sorted: Agent[] = [];
  private stale = false;
  private fresh: FleetEvent[] = [];
  private waiting = false;

  get(id: string): Agent | undefined {
    void this.version;
    return this.byId.get(id);
  }

  /** All records in natural order of ids; do not change it. */
  all(): readonly Agent[] {
    void this.version;
    if (this.stale) {
      this.sorted = [...this.byId.values()].sort((a, b) => byName(a.id, b.id));
      this.stale = false;
    }
    return this.sorted;
  }

  take(message: Message): void {
    this.heardAt = Date.now();
    switch (message.type) {
      case 'link':
        this.link = message.link;
        this.linkDetail = message.detail;
        this.needsToken = message.needs_token;
        return;
      case 'mode':
        this.mode = message.mode;
        this.guard = message.guard;
        return;
      case 'list':
        this.byId = new Map(message.agents.map((agent) => [agent.id, agent]));
        this.mode = message.head.mode;
        this.guard = message.head.guard ?? null;
        this.loaded = true;
        this.stale = true;
        break;
      case 'change':
        if (message.agent) this.byId.set(message.agent.id, message.agent);
        else this.byId.delete(message.event.id);
        this.fresh.push(message.event);
        this.stale = true;
    }
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.fresh.length > 0) {
        this.events = [...this.fresh.reverse(), ...this.events].slice(0, EVENTS_KEPT);
        this.fresh = [];
      }
      ++this.version;
    });
  }
}

export const fleet = new Fleet();

/** The time, once a second, for ages that tick. */
class Clock {
  now = $state(Date.now());
  constructor() {
    setInterval(() => (this.now = Date.now()), 1000);
  }
}
export const time = new Clock();
