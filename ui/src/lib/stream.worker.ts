// The shared worker: follows the registry once, keeps what a page that comes later needs, and ends when the last page goes.
import { EVENTS_KEPT, newestFirst, Tally, type FleetEvent, type Message } from './fleet.types';
import type { Agent, ListHead } from './types';
import { follow, type Following } from './follow';

/** What the page's library of types lacks. */
interface SharedWorkerScope {
  onconnect: ((event: MessageEvent) => void) | null;
}
const scope = self as unknown as SharedWorkerScope;
const ports = new Set<MessagePort>();
let following: Following | null = null;
let agents = new Map<string, Agent>();
let events: FleetEvent[] = [];  // the oldest first
let tally = new Tally();
let head: ListHead | null = null;
let link: (Message & { type: 'link' }) | null = null;
let heard_at = Date.now();
let token = '';

function keep(more: FleetEvent[], older: boolean): void {
  for (const event of more) tally.add(event);
  events.push(...more);
  if (older) events.sort((a, b) => newestFirst(b, a));
  if (events.length > EVENTS_KEPT * 1.2) events = events.slice(-EVENTS_KEPT);
}

function take(message: Message): void {
  if (message.type !== 'link') heard_at = Date.now();
  if (message.type === 'list') {
    agents = new Map(message.agents.map((agent) => [agent.id, agent]));
    head = message.head;
  } else if (message.type === 'change') {
    if (message.agent) agents.set(message.agent.id, message.agent);
    else agents.delete(message.event.id);
    keep([message.event], false);
  } else if (message.type === 'past') {
    keep(message.events, true);
  } else if (message.type === 'mode' && head) {
    const { guard: _, ...rest } = head;
    head = { ...rest, mode: message.mode, ...(message.guard ? { guard: message.guard } : {}) };
  } else if (message.type === 'link') {
    if (message.link === 'live' || message.link === 'waiting') heard_at = Date.now();
    message = { ...message, heard_at };
    link = message;
  }
  for (const port of ports) port.postMessage(message);
}

scope.onconnect = (event) => {
  const port = event.ports[0];
  if (!port) return;
  ports.add(port);
  port.onmessage = (said: MessageEvent<{ type: 'authorize'; token: string } | { type: 'bye' }>) => {
    if (said.data.type === 'authorize') {
      token = said.data.token;
      following?.authorize(token);
    } else {
      ports.delete(port);
      if (ports.size === 0) {
        following?.close();
        following = null;
        head = null;
        link = null;
        token = '';
        events = [];
        tally = new Tally();
      }
    }
  };
  port.start();
  if (token) port.postMessage({ type: 'token', token } satisfies Message);
  if (following && head) {
    port.postMessage({ type: 'list', head, agents: [...agents.values()] } satisfies Message);
    port.postMessage({ type: 'past', events, minutes: [...tally.counts] } satisfies Message);
  }
  if (following && link) port.postMessage(link);
  following ??= follow(take);
};
