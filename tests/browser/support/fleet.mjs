// A fleet that has something for every view: real agents with tethers on several machines, tasks of a service of which one is
// missing, one that is silent, one that says goodbye.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { agent, Daemon, free_port, name_server, until } from './programs.mjs';

const CREW = [
  ['architect', 'system_design,code_review', 'claude-sonnet-4', 'atlas', 'working'],
  ['gopher-1', 'go_development,testing', 'llama3.1:8b', 'atlas', 'idle'],
  ['gopher-2', 'go_development,testing', 'llama3.1:8b', 'boreas', 'working'],
  ['librarian', 'summarization,retrieval', 'qwen2.5:14b', 'boreas', 'idle'],
  ['painter', 'image_generation', 'flux.1-dev', 'calypso', 'working'],
  ['rustacean', 'rust_development,code_review', 'qwen2.5-coder:32b', 'calypso', 'idle'],
  ['scribe-1', 'writing,translation', 'llama3.1:70b', 'atlas', 'idle'],
  ['scribe-2', 'writing,translation', 'llama3.1:70b', 'calypso', 'working'],
  ['tester-1', 'testing', 'llama3.1:8b', 'boreas', 'idle'],
];

/** An address of this machine that is not loopback: what a name server tells of may not be loopback. Packets to it stay inside. */
const own_address = () => Object.values(os.networkInterfaces()).flat().find((a) => a.family === 'IPv4' && !a.internal)?.address;

export async function start_fleet() {
  const own = own_address();
  const health = await free_port(own);
  const dns = await name_server('tasks.chorus', own ? [own] : []);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'choregos-targets-'));
  const targets = path.join(folder, 'targets.toml');
  const edge = [['edge-1', '127.0.0.2', await free_port('127.0.0.2')], ['edge-2', '127.0.0.3', await free_port('127.0.0.3')]];
  fs.writeFileSync(targets, edge.map(([, address, port]) => `[[target]]\naddress = "${address}:${port}"\n`).join(''));
  const daemon = await Daemon.start('--swarm-service', `chorus:${health}=3`, '--dns-server', `127.0.0.1:${dns.port}`, '--targets', targets, '--probe-period', '1s', ...(own ? ['--probe-allow', `${own}/32`] : []));
  const agents = new Map();
  for (const [id, capabilities, model, node] of CREW)
    agents.set(id, agent(id, '--registry', daemon.url, '--health', '127.0.0.1:0', '--capability', capabilities, '--model', model, '--node', node, '--cluster', 'docker-unified-stack', '--name', id.replace(/-/, ' ')));
  const probed = (id, address, cluster) => agents.set(id, agent(id, '--health', address, '--no-beacon', '--capability', 'planning', '--model', 'llama3.1:8b', '--node', 'dione', '--cluster', cluster));
  for (const [id, address, port] of edge) probed(id, `${address}:${port}`, 'edge-lab');
  if (own) probed('chorus-1', `${own}:${health}`, 'docker-unified-stack');
  await Promise.all(CREW.map(([id]) => agents.get(id).tethered));
  for (const [id, , , , status] of CREW) if (status === 'working') await daemon.ask('POST', `/api/v1/agents/${id}/renew`, { status });
  await until('all are listed', async () => (await daemon.json('/api/v1/agents')).total === agents.size);
  return {
    daemon,
    agents,
    async close() {
      await Promise.all([...agents.values()].map((child) => child.kill_at_once()));
      dns.close();
      fs.rmSync(folder, { recursive: true });
      await daemon.close();
    },
  };
}
