// Real programs of ours on loopback: a choregosd, agents, and a name server such as Docker's. Whatever is started here is ended by
// its own pid when the test ends.
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const BIN = process.env.CHOREGOS_BIN_DIR ?? path.resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../../../build/dev');
const program = (name) => path.join(BIN, 'choregos', { choregosd: 'daemon', 'choregos-agent': 'agent' }[name], name);
const clean_environment = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CHOREGOS_') && name !== 'XDG_STATE_HOME'));

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
function start(name, args, stderr) {
  const child = spawn(program(name), args.map(String), { env: clean_environment(), stdio: ['ignore', 'ignore', stderr] });
  running.add(child);
  child.ended = new Promise((resolve) => child.once('exit', (code) => { running.delete(child); resolve(code); }));
  return child;
}

/** The first true value of condition(), asked again and again; fails with `what` when there is none in time. */
export async function until(what, condition, { seconds = 15, every = 10 } = {}) {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}

export async function free_port(host = '127.0.0.1') {
  const server = net.createServer().listen(0, host);
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class Daemon {
  #keepalive = new http.Agent({ keepAlive: true, maxSockets: 16 });
  constructor(args) {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'choregos-browser-'));
    this.state = path.join(this.folder, 'state');
    this.args = args;
    this.port = 0;
  }
  static async start(...args) {
    return new Daemon(args).run();
  }
  get url() {
    return `http://127.0.0.1:${this.port}`;
  }
  /** Also after kill() or stop(): the same port and the same state. */
  async run() {
    const address = path.join(this.state, 'http.address');
    fs.rmSync(address, { force: true });
    const log = fs.openSync(path.join(this.folder, 'log'), 'a');
    this.process = start('choregosd', ['--http', `127.0.0.1:${this.port}`, '--udp', 0, '--no-beacon-multicast', '--state', this.state, ...this.args], log);
    fs.closeSync(log);
    const said = () => fs.readFileSync(path.join(this.folder, 'log'), 'utf8').slice(-3000);
    await until('choregosd says where it serves', () => {
      if (this.process.exitCode !== null) throw new Error(`choregosd ended with ${this.process.exitCode}; it said:\n${said()}`);
      return fs.existsSync(address) && /:\d+\s*$/.test(fs.readFileSync(address, 'utf8'));
    });
    this.port = Number(fs.readFileSync(address, 'utf8').trim().split(':').pop());
    await until('choregosd is ready', async () => (await this.ask('GET', '/readyz')).status === 200);
    return this;
  }
  ask(method, target, body, headers = {}) {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const request = http.request({ host: '127.0.0.1', port: this.port, method, path: target, agent: this.#keepalive, headers: { ...(text ? { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) } : {}), ...headers } }, (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(parts).toString() }));
        answer.on('error', reject);
      });
      request.on('error', reject);
      request.end(text);
    });
  }
  async json(target) {
    const answer = await this.ask('GET', target);
    if (answer.status !== 200) throw new Error(`GET ${target}: ${answer.status} ${answer.text}`);
    return JSON.parse(answer.text);
  }
  async register(id, fields = {}) {
    const answer = await this.ask('PUT', `/api/v1/agents/${encodeURIComponent(id)}`, { incarnation: 1, ttl: '300s', ...fields });
    return answer;
  }
  async liveness(id) {
    const answer = await this.ask('GET', `/api/v1/agents/${encodeURIComponent(id)}`);
    return answer.status === 200 ? JSON.parse(answer.text).liveness : `status ${answer.status}`;
  }
  async kill() {
    this.process.kill('SIGKILL');
    await this.process.ended;
    this.#keepalive.destroy();
  }
  async stop() {
    this.process.kill('SIGTERM');
    await this.process.ended;
    this.#keepalive.destroy();
  }
  async close() {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.kill();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A choregos-agent; with a registry it holds a tether once `tethered` is kept. */
export function agent(id, ...args) {
  const child = start('choregos-agent', ['--id', id, ...args], 'pipe');
  let said = '';
  child.tethered = new Promise((resolve, reject) => {
    child.stderr.on('data', (part) => {
      said += part;
      if (said.includes('tethered to')) resolve();
    });
    child.ended.then(() => reject(new Error(`${id} ended: ${said}`)));
  });
  child.tethered.catch(() => undefined);  // who wants to know awaits it
  child.kill_at_once = async () => {
    child.kill('SIGKILL');
    await child.ended;
  };
  return child;
}

/** Answers each question for an A record of `name` with these addresses, as Docker's server does for tasks.NAME; all else does not exist. */
export async function name_server(name, addresses) {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (question, from) => {
    let end = 12;
    const labels = [];
    while (question[end] > 0) {
      labels.push(question.toString('latin1', end + 1, end + 1 + question[end]).toLowerCase());
      end += question[end] + 1;
    }
    end += 5;
    const known = labels.join('.') === name;
    const found = known && question.readUInt16BE(end - 4) === 1 ? addresses : [];
    const head = Buffer.from(question.subarray(0, 12));
    head.writeUInt16BE(known ? 0x8580 : 0x8583, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(found.length, 6);
    head.writeUInt32BE(0, 8);
    const answers = found.map((address) => Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split('.').map(Number)]));
    socket.send(Buffer.concat([head, question.subarray(12, end), ...answers]), from.port, from.address);
  });
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { port: socket.address().port, close: () => socket.close() };
}

/** A way to a port that can be cut: `cut` breaks what is open and refuses what comes, until `mend`. */
export async function breakable_way(port) {
  const open = new Set();
  let whole = true;
  const server = net.createServer((near) => {
    if (!whole) return near.destroy();
    const far = net.connect(port, '127.0.0.1');
    for (const [one, other] of [[near, far], [far, near]]) {
      open.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => { open.delete(one); other.destroy(); });
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    cut() { whole = false; open.forEach((each) => each.destroy()); },
    mend() { whole = true; },
    close() { this.cut(); server.close(); },
  };
}
