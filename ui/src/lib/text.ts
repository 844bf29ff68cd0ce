// Every sentence of the page, in one place.
export const text = {
  title: 'choregos',
  views: { overview: 'Overview', agents: 'Agents', topology: 'Topology', expected: 'Expected', sources: 'Sources', events: 'Events' },
  search: 'Search agents',
  keys: {
    title: 'Keys',
    rows: [
      ['?', 'this list'],
      ['/', 'search agents'],
      ['g o', 'overview'],
      ['g a', 'agents'],
      ['g t', 'topology'],
      ['g x', 'expected against found'],
      ['g s', 'sources'],
      ['g e', 'events'],
      ['j k', 'next, previous row'],
      ['Enter', 'open the row'],
      ['Esc', 'close, leave'],
    ],
    close: 'Close',
  },
  link: {
    connecting: 'Connecting to choregosd …',
    broken: (age: string) => `No word from choregosd for ${age}. What you see is what was known then; the page reconnects by itself.`,
  },
  token: { title: 'This registry asks for a token', label: 'Bearer token', go: 'Show the fleet', why: 'It is kept in the memory of this page and nowhere else.' },
  mode: {
    frozen: (names: string) => `Frozen: ${names}. Nobody there is declared lost for being silent.`,
    draining: (names: string) => `Draining: ${names}. One silent agent a second is let go.`,
    health: (score: number, reason: string) => `Our own ears are bad (${score} of 8): ${reason}. Every wait is longer meanwhile.`,
  },
  empty: {
    title: 'No agents yet',
    intro: 'choregos lists an agent as soon as one answers. Three ways to begin:',
    ways: [
      ['Wrap a program', 'choregos-agent --id writer-1 --capability writing -- sleep infinity'],
      ['Introduce one yourself', `curl -X PUT ${location.origin}/api/v1/agents/writer-1 -H 'Content-Type: application/json' -d '{"incarnation":1,"capabilities":["writing"]}'`],
      ['Find those of a Swarm service', 'choregosd --swarm-service chorus'],
    ] as const,
    heard: 'What each source has heard so far:',
    filtered: 'No agent matches these filters.',
    clear: 'Show all',
  },
  attention: { title: 'Needs attention', none: 'Nothing. Every agent is heard, every source works.' },
  gone: 'This agent is not in the list any more.',
  copied: 'copied',
  paused: (n: number) => `Paused, ${n} new`,
};
