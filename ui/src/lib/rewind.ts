// Who was believed to be what at a moment before: the fleet of now with the changes since then taken back, one by one. Pure.
import type { FleetEvent } from './fleet.types';
import type { Agent, Liveness } from './types';

/** As far as one is drawn in a picture of the fleet. */
export interface Seated {
  id: string;
  liveness: Liveness;
  status?: string;
  cluster_id: string;
  node?: string;
}

/** How many of the newest events are an unbroken run: every revision of this life of the daemon, none left out. */
export function reach(events: readonly FleetEvent[]): number {
  let n = 0;
  let expected: number | undefined;
  let epoch = '';
  for (const event of events) {
    const [life = '', number = ''] = event.revision.split('.');
    if (expected !== undefined && (Number(number) !== expected || life !== epoch)) break;
    epoch = life;
    expected = Number(number) - 1;
    ++n;
  }
  return n;
}

/** The fleet right after events[index], which must lie within reach(). */
export function fleetAt(now: readonly Agent[], events: readonly FleetEvent[], index: number): Seated[] {
  const then = new Map<string, Seated>(now.map((agent) => [agent.id, { id: agent.id, liveness: agent.liveness, cluster_id: agent.cluster_id, ...(agent.node ? { node: agent.node } : {}) }]));
  for (const event of events.slice(0, index)) {
    if (event.kind === 'appeared') then.delete(event.id);
    else if (event.kind === 'forgotten' || event.kind === 'merged') then.set(event.id, { id: event.id, liveness: event.liveness, cluster_id: '' });
    else if (event.was) {
      const seated = then.get(event.id);
      if (seated) then.set(event.id, { ...seated, liveness: event.was });
    }
  }
  return [...then.values()];
}
