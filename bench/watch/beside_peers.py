#!/usr/bin/env python3
"""The watch stream of choregosd beside Redis pub/sub, NATS, an etcd watch and a bare epoll broadcaster: the time from a change to the
moment when the last of N watchers has read it, for events of the same bytes; what a burst of changes comes to in events per second; and
what an idle watcher costs choregosd in memory.

All servers are ours, on loopback, on one core; the load client has the other. Each round asks all of them in alternation, beginning with
another one each time, and ratios are taken within a round. As root everything runs with real-time priority, so that what else the
machine does disturbs little.

  beside_peers.py [--rounds N] [--watchers 1,100,1000] [--changes N] [--only NAME,…] [--choregosd FILE] [--markdown FILE]"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
AGENTS = 100
AGENT = {"ttl": "24h", "name": "planner", "status": "idle", "capabilities": ["planning", "review"], "model": "llama3.1:70b", "endpoint": "http://10.0.1.17:8080",
         "p2p_addr": "10.0.1.17:9000", "cluster_id": "docker-unified-stack", "node": "node-17", "version": "1.4.2"}


def say(*words):
    print(*words, flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Cores:
    """Where servers and the client run, and how."""

    def __init__(self, server, client):
        self.server_core, self.client_core = server, client
        self.realtime = ["chrt", "--rr", "10"] if os.geteuid() == 0 and shutil.which("chrt") else []

    def server(self, *command):
        return [*self.realtime, "taskset", "-c", str(self.server_core), *map(str, command)]

    def client(self, *command):
        return [*self.realtime, "taskset", "-c", str(self.client_core), *map(str, command)]


class Server:
    """One server process, ended by close()."""

    def __init__(self, cores, folder, name, port, *command):
        self.name, self.port = name, port
        self.log = open(folder / f"{name}.log", "wb")
        self.process = subprocess.Popen(cores.server(*command), stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

    def wait_until_open(self):
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        sys.exit(f"{self.name} does not answer; its log is {self.log.name}")

    def rss_kib(self):
        for line in open(f"/proc/{self.process.pid}/status", encoding="ascii"):
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def start_choregosd(cores, folder, name, choregosd, *flags):
    state = folder / f"state-{name}"
    server = Server(cores, folder, name, 0, choregosd, "--http", "127.0.0.1:0", "--udp", "0", "--state", state, "--log-level", "warn", *flags)
    for _ in range(600):
        with contextlib.suppress(OSError, ValueError):
            server.port = int((state / "http.address").read_text().strip().rpartition(":")[2])
            break
        time.sleep(0.05)
    server.wait_until_open()
    api = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    while True:
        api.request("GET", "/readyz")
        answer = api.getresponse()
        answer.read()
        if answer.status == 200:
            break
        time.sleep(0.05)
    for number in range(AGENTS):
        api.request("PUT", f"/api/v1/agents/bench-{number:03}", json.dumps(AGENT), {"Content-Type": "application/json"})
        answer = api.getresponse()
        answer.read()
        if answer.status != 201:
            sys.exit(f"choregosd answers {answer.status} to a registration")
    return server


def start_peers(cores, folder, programs):
    """etcd keeps its data in memory (/dev/shm), where it is fastest; Redis and NATS keep nothing."""
    shm = pathlib.Path(tempfile.mkdtemp(prefix="choregos-etcd-", dir="/dev/shm"))
    floor, redis, nats, etcd, peer = (free_port() for _ in range(5))
    servers = [
        Server(cores, folder, "floor", floor, programs / "fan_floor", floor),
        Server(cores, folder, "redis", redis, "redis-server", "--port", redis, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder),
        Server(cores, folder, "nats", nats, "nats-server", "-a", "127.0.0.1", "-p", nats),
        Server(cores, folder, "etcd", etcd, "etcd", "--data-dir", shm, "--listen-client-urls", f"http://127.0.0.1:{etcd}", "--advertise-client-urls", f"http://127.0.0.1:{etcd}",
               "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}", "--initial-cluster", f"default=http://127.0.0.1:{peer}",
               "--log-level", "error"),
    ]
    return [server.wait_until_open() for server in servers], shm


def one_event(server, file):
    """The bytes of one `put` event as choregosd sends it, for the peers to send."""
    stream = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    stream.sendall(b"GET /api/v1/watch HTTP/1.0\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
    heard = b""
    while b"event: ready" not in heard:
        heard += stream.recv(65536)
    api = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    api.request("POST", "/api/v1/agents/bench-000/renew", json.dumps({"name": "planner 00000000 00000000"}), {"Content-Type": "application/json"})
    api.getresponse().read()
    while b"event: put" not in heard or not heard.endswith(b"\n\n"):
        heard += stream.recv(65536)
    event = heard[heard.rindex(b"id: "):]
    file.write_bytes(event)
    return event


class Contestant:
    def __init__(self, label, protocol, server, connections=0):
        self.label, self.protocol, self.server, self.connections = label, protocol, server, connections


class Bench:
    def __init__(self, options, cores, folder, programs):
        self.options, self.cores, self.programs = options, cores, programs
        self.memory = start_choregosd(cores, folder, "choregos", options.choregosd, "--memory")
        self.disk = start_choregosd(cores, folder, "choregos-disk", options.choregosd)
        peers, self.shm = start_peers(cores, folder, programs)
        self.servers = [self.memory, self.disk, *peers]
        self.payload = folder / "payload"
        self.event = one_event(self.memory, self.payload)
        floor, redis, nats, etcd = peers
        self.contestants = [Contestant("fan_floor", "floor", floor), Contestant("choregos", "choregos", self.memory), Contestant("choregos, state on disk", "choregos", self.disk),
                            Contestant("redis", "redis", redis), Contestant("nats", "nats", nats), Contestant("etcd", "etcd", etcd),
                            Contestant("etcd, 100 connections", "etcd", etcd, 100)]
        if options.only:
            self.contestants = [c for c in self.contestants if c.label in options.only.split(",")]

    def load(self, contestant, watchers, *arguments):
        command = self.cores.client(self.programs / "fan_load", contestant.protocol, contestant.server.port, "--watchers", watchers, "--agents", AGENTS, "--payload", self.payload,
                                    *(["--connections", contestant.connections] if contestant.connections else []), *arguments)
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            sys.exit(f"{contestant.label} with {watchers} watchers: {done.stderr}")
        return json.loads(done.stdout)

    def rounds(self, watchers, *arguments):
        """label -> a result for each round."""
        names = [c for c in self.contestants if not c.connections or c.connections < watchers]
        results = {c.label: [] for c in names}
        for turn in range(self.options.rounds):
            first = turn % len(names)
            for contestant in names[first:] + names[:first]:
                results[contestant.label].append(self.load(contestant, watchers, *arguments))
            say(f"{watchers} watchers, round {turn + 1}: " + ", ".join(f"{label} {r[-1].get('p50_us', r[-1].get('events_per_s')):.0f}" for label, r in results.items()))
        return results

    def close(self):
        for server in self.servers:
            server.close()
        shutil.rmtree(self.shm, ignore_errors=True)


def idle_memory(cores, folder, programs, choregosd, counts):
    """[(watchers, KiB of choregosd)], each count with a choregosd of its own."""
    rows = []
    for count in (0, *counts):
        server = start_choregosd(cores, folder, f"idle-{count}", choregosd, "--memory")
        client = None
        try:
            if count:
                client = subprocess.Popen(cores.client(programs / "fan_load", "choregos", server.port, "--watchers", count, "--idle"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                if client.stdout.readline() != b"idle\n":
                    sys.exit("the idle watchers did not come")
            time.sleep(2)
            rows.append((count, server.rss_kib()))
        finally:
            if client:
                client.stdin.close()
                client.wait(20)
            server.close()
    return rows


def spread(values, form):
    return f"{form(statistics.median(values))} [{form(min(values))}-{form(max(values))}]"


def ratios(results, key, ours, label):
    """Median over the rounds of ours / theirs, each taken within its round."""
    return statistics.median(a[key] / b[key] for a, b in zip(results[ours], results[label]))


def latency_table(results, watchers):
    ms = lambda us: f"{us / 1000:.2f}"
    lines = [f"### {watchers} watcher{'s' if watchers > 1 else ''}", "", "| | p50 to the last, ms | p99, ms | deliveries/s | choregos / this, p50 | p99 |", "|---|---:|---:|---:|---:|---:|"]
    for label, rounds in results.items():
        of = lambda key: [r[key] for r in rounds]
        lines.append(f"| {label} | {spread(of('p50_us'), ms)} | {spread(of('p99_us'), ms)} | {statistics.median(of('deliveries_per_s')):,.0f} | "
                     f"{ratios(results, 'p50_us', 'choregos', label):.2f} | {ratios(results, 'p99_us', 'choregos', label):.2f} |")
    return lines


def burst_table(results, watchers, burst):
    thousands = lambda rate: f"{rate / 1000:,.0f}k"
    lines = [f"### {burst} changes at once, {watchers} watchers", "", "| | events/s received | told by a later event of the same agent | choregos / this |", "|---|---:|---:|---:|"]
    for label, rounds in results.items():
        lines.append(f"| {label} | {spread([r['events_per_s'] for r in rounds], thousands)} | {max(r['folded_share'] for r in rounds) * 100:.1f} % | "
                     f"{ratios(results, 'events_per_s', 'choregos', label):.1f} |")
    return lines


def memory_table(rows):
    base = rows[0][1]
    lines = ["### Idle watchers", "", "| watchers | RSS of choregosd, KiB | a watcher, KiB |", "|---:|---:|---:|"]
    for count, rss in rows:
        lines.append(f"| {count:,} | {rss:,} | {(rss - base) / count:.1f} |" if count else f"| 0 | {rss:,} | |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--watchers", default="1,100,1000", help="empty leaves single changes out")
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--burst", type=int, default=200, help="changes at once; 0 leaves the bursts out")
    parser.add_argument("--burst-watchers", type=int, default=1000)
    parser.add_argument("--idle", default="1000,10000", help="counts of idle watchers; empty leaves the memory out")
    parser.add_argument("--only")
    parser.add_argument("--choregosd", type=pathlib.Path, default=ROOT / "build/release/choregos/daemon/choregosd")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/bench-watch", help="where the client and the floor are built")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--client-core", type=int, default=1)
    parser.add_argument("--markdown", type=pathlib.Path)
    options = parser.parse_args()
    missing = [name for name in ("redis-server", "nats-server", "etcd", "taskset", "cmake") if shutil.which(name) is None]
    if missing:
        sys.exit(f"needs {', '.join(missing)}; bench/watch/install.sh installs the servers")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for command in (["cmake", "-S", str(HERE), "-B", str(options.build)], ["cmake", "--build", str(options.build), "-j1"]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    cores = Cores(options.server_core, options.client_core)
    lines = []
    with tempfile.TemporaryDirectory(prefix="choregos-watch-") as name:
        folder = pathlib.Path(name)
        bench = Bench(options, cores, folder, options.build)
        try:
            say(f"events of {len(bench.event)} bytes:\n{bench.event.decode()}")
            for watchers in map(int, filter(None, options.watchers.split(","))):
                lines += [*latency_table(bench.rounds(watchers, "--changes", options.changes), watchers), ""]
            if options.burst:
                results = bench.rounds(options.burst_watchers, "--bursts", 5, "--burst", options.burst)
                lines += [*burst_table(results, options.burst_watchers, options.burst), ""]
        finally:
            bench.close()
        if options.idle:
            lines += memory_table(idle_memory(cores, folder, options.build, options.choregosd, [int(n) for n in options.idle.split(",")]))
    text = "\n".join(lines)
    say("\n" + text)
    if options.markdown:
        options.markdown.parent.mkdir(parents=True, exist_ok=True)
        options.markdown.write_text(text + "\n")


main()
