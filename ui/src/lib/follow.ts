// Following the registry: the whole list once, then every change. Runs in the shared worker, or in the page where there is none.
import type { FleetEvent, Message } from './fleet.svelte';
import type { Agent, AgentList, Guard, Mode } from './types';

export interface Following {
  authorize(token: string): void;
  close(): void;
}

const PERIOD_MS = 1000;
const RETRY_MAX_MS = 10_000;
const PAGE = 1000;

export function follow(take: (message: Message) => void): Following {
  let token = '';
  let closed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let etag = '';
  let known: Map<string, Agent> | null = null;
  let mode: Mode = 'normal';
  let guard = '';
  let failures = 0;

  async function ask(path: string, tag: string): Promise<Response> {
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (token) headers['Authorization'] = `Bearer ${token}`;
    if (tag) headers['If-None-Match'] = tag;
    return fetch(path, { headers, cache: 'no-store' });
  }

  /** The whole list, page by page; null while it is what we have. A list that moved between two pages is read anew. */
  async function list(): Promise<AgentList | null> {
    for (;;) {
      const first = await ask(`/api/v1/agents?limit=${PAGE}`, etag);
      if (first.status === 304) return null;
      if (!first.ok) throw new Refusal(first.status);
      const whole = (await first.json()) as AgentList;
      let cursor = whole.next_cursor;
      let moved = false;
      while (cursor && !moved) {
        const next = await ask(`/api/v1/agents?limit=${PAGE}&cursor=${cursor}`, '');
        if (!next.ok) throw new Refusal(next.status);
        const page = (await next.json()) as AgentList;
        moved = page.revision !== whole.revision || page.epoch !== whole.epoch;
        whole.agents.push(...page.agents);
        cursor = page.next_cursor;
      }
      if (moved) continue;
      etag = first.headers.get('ETag') ?? '';
      return whole;
    }
  }

  function tell(whole: AgentList): void {
    const now = new Map(whole.agents.map((agent) => [agent.id, agent]));
    if (!known) {
      take({ type: 'list', head: whole, agents: whole.agents });
    } else {
      for (const agent of whole.agents) {
        const before = known.get(agent.id);
        if (before?.revision === agent.revision) continue;
        take({ type: 'change', event: event_of(before, agent, whole), agent });
      }
      for (const [id, before] of known)
        if (!now.has(id)) take({ type: 'change', event: { ...event_of(before, before, whole), kind: 'forgotten', revision: `${whole.epoch}.${whole.revision}/${id}` }, agent: null });
    }
    known = now;
    const guard_now = JSON.stringify(whole.guard ?? null);
    if (whole.mode !== mode || guard_now !== guard) {
      mode = whole.mode;
      guard = guard_now;
      take({ type: 'mode', mode, guard: (whole.guard as Guard | undefined) ?? null });
    }
  }

  async function turn(): Promise<void> {
    try {
      const whole = await list();
      if (closed) return;
      if (whole) tell(whole);
      failures = 0;
      take({ type: 'link', link: 'live', detail: '', needs_token: false });
    } catch (error) {
      if (closed) return;
      ++failures;
      const status = error instanceof Refusal ? error.status : 0;
      take({ type: 'link', link: 'broken', detail: status ? `It answers ${status}.` : 'It does not answer.', needs_token: status === 401 });
    }
    timer = setTimeout(turn, failures === 0 ? PERIOD_MS : Math.min(RETRY_MAX_MS, PERIOD_MS * 2 ** Math.min(failures - 1, 4)));
  }

  void turn();
  return {
    authorize(value) {
      token = value.trim();
      failures = 0;
      clearTimeout(timer);
      void turn();
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

class Refusal extends Error {
  constructor(readonly status: number) {
    super(String(status));
  }
}

function event_of(before: Agent | undefined, agent: Agent, whole: AgentList): FleetEvent {
  const event: FleetEvent = {
    at: agent.liveness_since && before?.liveness !== agent.liveness ? agent.liveness_since : new Date().toISOString(),
    revision: `${whole.epoch}.${agent.revision ?? whole.revision}`,
    kind: !before ? 'appeared' : before.liveness !== agent.liveness ? 'liveness' : 'updated',
    id: agent.id,
    liveness: agent.liveness,
  };
  if (before && before.liveness !== agent.liveness) event.was = before.liveness;
  if (agent.liveness_reason) event.reason = agent.liveness_reason;
  return event;
}
