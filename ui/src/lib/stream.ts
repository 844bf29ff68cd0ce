// One stream for all tabs of this browser: a shared worker holds it, and hands every message to each page. Where there are no
// shared workers (some phones) the page holds a stream of its own.
import { setToken } from './api';
import type { Message } from './fleet.types';
import { follow, type Following } from './follow';

export interface Connection {
  authorize(token: string): void;
  close(): void;
}

export function connect(take: (message: Message) => void): Connection {
  if (typeof SharedWorker === 'undefined') {
    const following: Following = follow(take);
    return { authorize: (token) => following.authorize(token), close: () => following.close() };
  }
  const worker = new SharedWorker(new URL('./stream.worker.ts', import.meta.url), { type: 'module', name: 'choregos' });
  worker.port.onmessage = (event: MessageEvent<Message>) => {
    if (event.data.type === 'token') setToken(event.data.token);
    else take(event.data);
  };
  worker.port.start();
  const bye = (): void => worker.port.postMessage({ type: 'bye' });
  window.addEventListener('pagehide', bye);
  return {
    authorize: (token) => worker.port.postMessage({ type: 'authorize', token }),
    close: () => {
      window.removeEventListener('pagehide', bye);
      bye();
      worker.port.close();
    },
  };
}
