// The shared worker: follows the registry once, keeps what a page that comes later needs, and ends when the last page goes.
import type { Agent, ListHead } from './types';
import type { Message } from './fleet.svelte';
import { follow, type Following } from './follow';

/** What the page's library of types lacks. */
interface SharedWorkerScope {
  onconnect: ((event: MessageEvent) => void) | null;
}
const scope = self as unknown as SharedWorkerScope;
const ports = new Set<MessagePort>();
let following: Following | null = null;
let agents = new Map<string, Agent>();
let head: ListHead | null = null;
let link: Message | null = null;

function take(message: Message): void {
  if (message.type === 'list') {
    agents = new Map(message.agents.map((agent) => [agent.id, agent]));
    head = message.head;
  } else if (message.type === 'change') {
    if (message.agent) agents.set(message.agent.id, message.agent);
    else agents.delete(message.event.id);
  } else if (message.type === 'mode' && head) {
    const { guard: _, ...rest } = head;
    head = { ...rest, mode: message.mode, ...(message.guard ? { guard: message.guard } : {}) };
  } else if (message.type === 'link') {
    link = message;
  }
  for (const port of ports) port.postMessage(message);
}

scope.onconnect = (event) => {
  const port = event.ports[0];
  if (!port) return;
  ports.add(port);
  port.onmessage = (said: MessageEvent<{ type: 'authorize'; token: string } | { type: 'bye' }>) => {
    if (said.data.type === 'authorize') following?.authorize(said.data.token);
    else {
      ports.delete(port);
      if (ports.size === 0) {
        following?.close();
        following = null;
        head = null;
      }
    }
  };
  port.start();
  if (following && head) port.postMessage({ type: 'list', head, agents: [...agents.values()] } satisfies Message);
  if (following && link) port.postMessage(link);
  following ??= follow(take);
};
