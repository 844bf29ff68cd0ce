// Following the registry over its watch stream: a whole list, then every change in its order, none left out. Runs in the shared
// worker, or in the page where there is none. A fetch and not an EventSource, because that cannot carry a token.
import type { FleetEvent, Message } from './fleet.types';
import type { Agent, Guard, Liveness, Mode } from './types';

export interface Following {
  authorize(token: string): void;
  close(): void;
}

const RETRY_MAX_MS = 5_000;
/** The daemon says something every 15 s; a stream that is silent for longer than two of these is dead, whatever TCP believes. */
const SILENCE_MAX_MS = 35_000;
/** How many changes of before the page opened are asked for; where fewer are held, fewer. */
const PAST = [1000, 250, 50];
/** What an update is told by, when it changed. */
const TOLD = ['status', 'model', 'endpoint', 'current_team', 'node', 'cluster_id', 'version', 'capabilities', 'draining', 'conflict', 'reachable', 'sources', 'running', 'capacity'] as const;

/** What comes in the data of an event; docs/WATCH.md of the daemon. */
interface Told {
  event: 'waiting' | 'reset' | 'agents' | 'ready' | 'put' | 'remove' | 'mode' | 'mark' | 'end';
  kind?: string;
  epoch?: number;
  revision?: number;
  total?: number;
  mode?: Mode;
  guard?: Guard;
  at?: string;
  was?: Liveness;
  source?: string;
  reason?: string;
  reasons?: string[];
  into?: string;
  agent?: Agent;
  agents?: Agent[];
}

export function follow(take: (message: Message) => void): Following {
  let token = '';
  let closed = false;
  let position = '';  // the last event id: where the stream goes on
  let gathering: Agent[] | null = null;
  let pastOf = 0;  // the epoch whose past was asked for
  let known = new Map<string, Agent>();
  let failures = 0;
  let reading = false;
  let silent = false;  // the turn ended because nothing came
  let abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;

  const headers = (more: Record<string, string>): Record<string, string> => ({ ...more, ...(token ? { Authorization: `Bearer ${token}` } : {}) });
  const heard = (): void => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      silent = true;
      abort.abort();
    }, SILENCE_MAX_MS);
  };

  function tell(said: Told): void {
    switch (said.event) {
      case 'waiting':
        take({ type: 'link', link: 'waiting', detail: (said.reasons ?? []).join('; '), needs_token: false });
        return;
      case 'reset':
        gathering = [];
        return;
      case 'agents':
        gathering?.push(...(said.agents ?? []));
        return;
      case 'ready':
        if (gathering) {
          known = new Map(gathering.map((agent) => [agent.id, agent]));
          take({ type: 'list', head: { total: gathering.length, epoch: said.epoch ?? 0, revision: said.revision ?? 0, mode: said.mode ?? 'normal', ...(said.guard ? { guard: said.guard } : {}) }, agents: gathering });
          gathering = null;
        }
        take({ type: 'link', link: 'live', detail: '', needs_token: false });
        void past(said.epoch ?? 0, said.revision ?? 0);
        return;
      case 'put':
      case 'remove':
        if (!said.agent) return;
        take({ type: 'change', event: event_of(said, said.agent, known.get(said.agent.id)), agent: said.event === 'put' ? said.agent : null });
        if (said.event === 'put') known.set(said.agent.id, said.agent);
        else known.delete(said.agent.id);
        return;
      case 'mode':
        take({ type: 'mode', mode: said.mode ?? 'normal', guard: said.guard ?? null });
    }
  }

  /** What happened shortly before, so that a page that was just opened does not begin with empty charts. */
  async function past(epoch: number, revision: number): Promise<void> {
    if (pastOf === epoch || revision === 0) return;
    pastOf = epoch;
    for (const back of PAST) {
      const events: FleetEvent[] = [];
      const former = new Map<string, Agent>();
      let since = Math.max(0, revision - back);
      for (;;) {
        const answer = await fetch(`/api/v1/watch?wait=0s&fields=id,liveness,liveness_reason,last_seen,${TOLD.join(',')}&since=${epoch}.${since}`, { headers: headers({ Accept: 'application/json' }), cache: 'no-store' }).catch(() => null);
        if (!answer?.ok) break;
        const page = (await answer.json()) as { events: Told[]; revision: number; more: boolean };
        for (const each of page.events) {
          if (!each.agent || (each.revision ?? 0) > revision) continue;
          events.push(event_of(each, each.agent, former.get(each.agent.id)));
          former.set(each.agent.id, each.agent);
        }
        since = page.revision;
        if (page.more && since < revision) continue;
        take({ type: 'past', events });
        return;
      }
    }
  }

  async function turn(): Promise<void> {
    abort = new AbortController();
    reading = true;
    silent = false;
    heard();
    try {
      const answer = await fetch('/api/v1/watch', { headers: headers({ Accept: 'text/event-stream', ...(position ? { 'Last-Event-ID': position } : {}) }), cache: 'no-store', signal: abort.signal });
      if (!answer.ok || !answer.body) throw new Refusal(answer.status);
      if (position) take({ type: 'link', link: 'live', detail: '', needs_token: false });
      failures = 0;
      await read(answer.body, (id, data) => {
        heard();
        if (data) tell(JSON.parse(data) as Told);
        else take({ type: 'beat' });
        if (id) position = id;
      });
      throw new Refusal(0);
    } catch (error) {
      reading = false;
      if (closed) return;
      gathering = null;
      // A connection that breaks was good until now, however little there was to say.
      if (failures === 0 && position && !silent) take({ type: 'beat' });
      const status = error instanceof Refusal ? error.status : 0;
      take({ type: 'link', link: 'broken', detail: status ? String(status) : '', needs_token: status === 401 });
      timer = setTimeout(() => void turn(), Math.min(RETRY_MAX_MS, 250 * 2 ** Math.min(failures++, 5)));
    } finally {
      clearTimeout(silence);
    }
  }

  void turn();
  return {
    authorize(value) {
      token = value.trim();
      failures = 0;
      clearTimeout(timer);
      if (reading) abort.abort();  // the turn that ends begins the next
      else void turn();
    },
    close() {
      closed = true;
      clearTimeout(timer);
      abort.abort();
    },
  };
}

/** Hands over each event of a stream, and each comment as one without data. */
async function read(body: ReadableStream<Uint8Array>, each: (id: string, data: string) => void): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  let id = '';
  let data = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('data:')) data += line.slice(5).trimStart();
      else if (line.startsWith('id:')) id = line.slice(3).trim();
      else if (line.startsWith(':')) each('', '');
      else if (line === '') {
        if (data) each(id, data);
        id = data = '';
      }
    }
  }
}

class Refusal extends Error {
  constructor(readonly status: number) {
    super(String(status));
  }
}

function event_of(said: Told, agent: Agent, before: Agent | undefined): FleetEvent {
  const event: FleetEvent = { at: said.at ?? '', revision: `${said.epoch}.${said.revision}`, kind: said.kind ?? '', id: agent.id, liveness: agent.liveness };
  if (said.was) event.was = said.was;
  if (said.source) event.source = said.source;
  const reason = said.into ? `→ ${said.into}` : said.event === 'remove' ? said.reason : said.kind === 'liveness' ? agent.liveness_reason : before ? difference(before, agent) : undefined;
  if (reason) event.reason = reason;
  // From its last word to the verdict: how long the death of an agent went unnoticed.
  if (said.kind === 'liveness' && agent.liveness === 'lost' && agent.last_seen) event.noticed_ms = Math.max(0, Date.parse(event.at) - Date.parse(agent.last_seen));
  return event;
}

/** What an update moved, in a few words: "status idle → working". */
function difference(before: Agent, agent: Agent): string {
  const word = (value: unknown): string => (value === undefined || value === '' ? '–' : Array.isArray(value) ? value.join(', ') || '–' : String(value));
  return TOLD.filter((field) => word(before[field]) !== word(agent[field]))
    .map((field) => `${field.replaceAll('_', ' ')} ${word(before[field])} → ${word(agent[field])}`)
    .join('; ');
}
