// The fleet as this page knows it: records by id, what changed lately, and how fresh all that is. Changes gather and are shown
// at most once a frame, so ten thousand of them cost one drawing.
import { byName } from './format';
import { EVENTS_KEPT, newestFirst, Tally, type FleetEvent, type Link, type Message } from './fleet.types';
import type { Agent, Guard, Mode } from './types';

class Fleet {
  /** Rises whenever something below changed; views derive from it. */
  version = $state(0);
  link = $state<Link>('connecting');
  linkDetail = $state('');
  needsToken = $state(false);
  /** When the page last heard from the daemon. */
  heardAt = $state(Date.now());
  revision = $state('');
  mode = $state<Mode>('normal');
  guard = $state.raw<Guard | null>(null);
  loaded = $state(false);
  /** The newest first. */
  events = $state.raw<readonly FleetEvent[]>([]);

  /** Changes by minute since 1970; read it after `events`. */
  readonly tally = new Tally();

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
    if (message.type === 'link') {
      this.link = message.link;
      this.linkDetail = message.detail;
      this.needsToken = message.needs_token;
      if (message.link === 'live' || message.link === 'waiting') this.heardAt = message.heard_at ?? Date.now();
      else if (message.heard_at) this.heardAt = message.heard_at;
      return;
    }
    this.heardAt = Date.now();
    switch (message.type) {
      case 'beat':
      case 'token':
        return;
      case 'mode':
        this.mode = message.mode;
        this.guard = message.guard;
        return;
      case 'past': {
        const known = new Set(this.events.map((event) => event.revision));
        const old = message.events.filter((event) => !known.has(event.revision));
        if (message.minutes) this.tally.counts = new Map(message.minutes);
        else for (const event of old) this.tally.add(event);
        this.events = [...this.events, ...old].sort(newestFirst).slice(0, EVENTS_KEPT);
        return;
      }
      case 'list':
        this.byId = new Map(message.agents.map((agent) => [agent.id, agent]));
        this.mode = message.head.mode;
        this.guard = message.head.guard ?? null;
        this.revision = `${message.head.epoch}.${message.head.revision}`;
        this.loaded = true;
        this.stale = true;
        break;
      case 'change': {
        const { event, agent } = message;
        // A record that only changed keeps its place in the order.
        if (agent && this.byId.has(agent.id) && !this.stale) {
          const old = this.byId.get(agent.id) as Agent;
          const at = this.place(old);
          if (at >= 0) this.sorted[at] = agent;
          else this.stale = true;
        } else this.stale = true;
        if (agent) this.byId.set(agent.id, agent);
        else this.byId.delete(event.id);
        this.fresh.push(event);
        this.tally.add(event);
        this.revision = event.revision;
      }
    }
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.fresh.length > 0) {
        this.events = [...this.fresh.reverse(), ...this.events].slice(0, EVENTS_KEPT);
        this.fresh = [];
      }
      // A copy, so that what was derived from the former list sees a new one.
      if (!this.stale) this.sorted = [...this.sorted];
      ++this.version;
    });
  }

  private place(agent: Agent): number {
    let low = 0;
    let high = this.sorted.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const there = this.sorted[middle] as Agent;
      if (there.id === agent.id) return middle;
      if (byName(there.id, agent.id) < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
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
