// The views: where each is, its key after g, its group in the navigation. A view's code comes when it is first needed, and all of it
// once the page is idle, so that going somewhere never depends on a daemon that is away.
import type { Component } from 'svelte';
import type { IconName } from '../parts/Icon.svelte';
import { text } from './text';

export interface View {
  path: string;
  key: string;
  label: string;
  icon: IconName;
  load: () => Promise<{ default: Component }>;
}
export interface ViewGroup {
  label: string;
  views: readonly View[];
}

export const GROUPS: readonly ViewGroup[] = [
  {
    label: text.groups.fleet,
    views: [
      { path: '/', key: 'o', label: text.views.overview, icon: 'overview', load: () => import('../views/Overview.svelte') },
      { path: '/agents', key: 'a', label: text.views.agents, icon: 'agents', load: () => import('../views/Agents.svelte') },
      { path: '/topology', key: 't', label: text.views.topology, icon: 'topology', load: () => import('../views/Topology.svelte') },
      { path: '/events', key: 'e', label: text.views.events, icon: 'events', load: () => import('../views/Events.svelte') },
    ],
  },
  {
    label: text.groups.truth,
    views: [
      { path: '/expected', key: 'x', label: text.views.expected, icon: 'expected', load: () => import('../views/Expected.svelte') },
      { path: '/sources', key: 's', label: text.views.sources, icon: 'sources', load: () => import('../views/Sources.svelte') },
    ],
  },
];
export const VIEWS: readonly View[] = GROUPS.flatMap((group) => group.views);
export const loadAgent = (): Promise<{ default: Component<{ id: string }> }> => import('../views/Agent.svelte');

/** Everything, in the background. */
export function loadAll(): void {
  for (const view of VIEWS) void view.load().catch(() => undefined);
  void loadAgent().catch(() => undefined);
}
