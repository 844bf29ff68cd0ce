// Follows a watch with the npm client `eventsource`, as a program of somebody else would, and prints what it hears: one JSON object a
// line. Ends with its input.
//   node follow.mjs FOLDER_OF_NODE_MODULES URL
import { createRequire } from 'node:module';

const [, , modules, url] = process.argv;
const { EventSource } = createRequire(modules + '/')('eventsource');

const say = (what) => process.stdout.write(JSON.stringify(what) + '\n');
const source = new EventSource(url);
for (const name of ['reset', 'agents', 'ready', 'put', 'remove', 'mode', 'mark', 'waiting', 'end']) {
  source.addEventListener(name, (event) => {
    const data = JSON.parse(event.data);
    say({ name, id: event.lastEventId, reason: data.reason, agents: (data.agents ?? (data.agent ? [data.agent] : [])).map((agent) => agent.id) });
  });
}
source.onopen = () => say({ name: 'open' });
source.onerror = () => say({ name: 'error', closed: source.readyState === EventSource.CLOSED });
process.stdin.resume();
process.stdin.on('end', () => {
  source.close();
  process.exit(0);
});
