#!/usr/bin/env python3
"""What survives: kill -9 in the middle of 200 registrations a second loses nothing that was acknowledged; over restarts with
1,000 agents no read shows fewer than 1,000 and no revision falls; counts, teams and all else that an agent said outlive kill -9 though
the agent is gone; on a full disk reads go on, and writes again as soon as there is room."""
import http.client
import http.server
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from agent_support import skip, wait_for  # noqa: E402
from daemon_support import Choregosd, check  # noqa: E402

RATE = 200
KILLS = 5
AGENTS = 1000


class Registrar:
    """Registers RATE new agents a second from four connections, whatever happens to the daemon; keeps what was answered."""

    def __init__(self, daemon, prefix):
        self.daemon, self.prefix = daemon, prefix
        self.acknowledged, self.ending, self.lock = {}, threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(n, 4)) for n in range(4)]
        self.began = time.monotonic()
        for thread in self.threads:
            thread.start()

    def work(self, number, of):
        connection = None
        for i in range(number, 1_000_000, of):
            delay = self.began + i / RATE - time.monotonic()
            if delay > 0:
                time.sleep(delay)
            if self.ending.is_set():
                return
            agent_id = f"{self.prefix}-{i}"
            try:
                connection = connection or self.daemon.connect(timeout=5)
                status, body = self.daemon.register(agent_id, connection, name=f"name of {agent_id}", model="m", capabilities=["go", f"c{i % 7}"])
                if status in (200, 201):
                    with self.lock:
                        self.acknowledged[agent_id] = json.loads(body)["agent"]["revision"]
            except (OSError, http.client.HTTPException):
                connection = None
                time.sleep(0.01)

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()
        return self.acknowledged


def check_kill():
    rng = random.Random(4470)
    acknowledged = {}
    newest = (0, 0)
    with Choregosd() as daemon:
        for turn in range(KILLS):
            registrar = Registrar(daemon, f"t{turn}")
            want = rng.randint(100, 400)
            wait_for("registrations are acknowledged", lambda: len(registrar.acknowledged) >= want, 30)
            daemon.kill()
            acknowledged.update(registrar.stop())
            daemon.start()
            page = daemon.json("/api/v1/agents")
            listed = {a["id"]: a for a in page["agents"]}
            lost = set(acknowledged) - set(listed)
            check(not lost, f"kill {turn}: {len(lost)} of {len(acknowledged)} acknowledged agents are lost, such as {sorted(lost)[:3]}")
            for agent_id in acknowledged:
                agent = listed[agent_id]
                check(agent["name"] == f"name of {agent_id}" and len(agent["capabilities"]) == 2, f"half an agent survived: {agent}")
            epoch, number = page["epoch"], page["revision"]
            check(epoch > newest[0] and number >= max(newest[1], max(acknowledged.values())), f"kill {turn}: ({epoch}, {number}) after {newest} and {max(acknowledged.values())}")
            newest = (epoch, number)
    print(f"kill -9 x{KILLS} at {RATE} registrations a second: {len(acknowledged)} acknowledged, none lost, revision at {newest}")


class Reader:
    """Reads the list all the time; notes everything that a reader must never see."""

    def __init__(self, daemon, least):
        self.daemon, self.least = daemon, least
        self.reads, self.refused, self.unreachable, self.faults = 0, 0, 0, []
        self.newest = (0, 0)
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        connection = None
        while not self.ending.is_set():
            try:
                connection = connection or self.daemon.connect(timeout=5)
                status, body = self.daemon.request("GET", "/api/v1/agents?fields=id,liveness", connection=connection)
            except (OSError, http.client.HTTPException):
                connection = None
                self.unreachable += 1
                time.sleep(0.002)
                continue
            if status == 503:
                self.refused += 1
                continue
            page = json.loads(body)
            self.reads += 1
            position = (page["epoch"], page["revision"])
            if status != 200 or page["total"] < self.least or len(page["agents"]) < self.least:
                self.faults.append(f"status {status}, {len(page['agents'])} agents at {position}")
            if position < self.newest or position[1] < self.newest[1]:
                self.faults.append(f"position {position} after {self.newest}")
            if any(a["liveness"] in ("lost", "left") for a in page["agents"]):
                self.faults.append(f"an agent was given up at {position}")
            self.newest = position

    def stop(self):
        self.ending.set()
        self.thread.join()
        return self


def check_restart():
    """L19, and what goes with it: agents come back within three seconds because they renew, and nobody is lost meanwhile."""
    with Choregosd() as daemon:
        connection = daemon.connect()
        for i in range(AGENTS):
            check(daemon.register(f"agent-{i}", connection)[0] in (200, 201), "a registration failed")
        reader = Reader(daemon, AGENTS)
        pauses = []
        for turn in range(4):
            if turn % 2 == 0:
                check(daemon.stop()[1] == 0, daemon.log()[-2000:])
            else:
                daemon.kill()
            began = time.monotonic()
            daemon.start()
            pauses.append(time.monotonic() - began)
            page = daemon.json("/api/v1/agents")
            check(page["total"] == AGENTS and all(a["liveness"] == "unconfirmed" for a in page["agents"]), "a restored agent is not unconfirmed")
            connection = daemon.connect()
            began = time.monotonic()
            for i in range(AGENTS):
                check(daemon.register(f"agent-{i}", connection)[0] == 200, "a second registration is not taken as the same agent")
            check(daemon.json("/api/v1/agents?liveness=alive")["total"] == AGENTS, "an agent that was heard is not alive")
        reader.stop()
        check(not reader.faults, f"{len(reader.faults)} wrong reads of {reader.reads}, such as {reader.faults[:3]}")
        check(reader.reads > 50, f"only {reader.reads} reads")
        print(f"4 restarts with {AGENTS} agents: {reader.reads} reads, none with fewer; {reader.refused} answered 503; ready again after "
              f"{', '.join(f'{1000 * p:.0f}' for p in pauses)} ms")


SAID = {"id": "counted", "name": "Counted", "status": "working", "capabilities": ["go_development"], "model": "m1", "endpoint": "http://127.0.0.1:1",
        "tasks_completed": 41, "current_team": "alpha", "p2p_addr": "127.0.0.1:2", "cluster_id": "c"}


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    said = SAID

    def do_GET(self):
        body = json.dumps(self.said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def check_counts_and_teams():
    """An agent that is probed says how much it has done and in which team it is. It is gone before the registry comes back."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with Choregosd("--probe-period", "1s", start=False) as daemon:
            targets = daemon.path / "targets.json"
            targets.write_text(json.dumps({"target": [{"address": f"127.0.0.1:{server.server_address[1]}"}]}))
            daemon.arguments += ["--targets", str(targets)]
            daemon.start()
            daemon.wait("it was probed", lambda: daemon.get("/api/v1/agents/counted")[0] == 200)
            Answering.said = {**SAID, "tasks_completed": 42}
            daemon.wait("the count rose", lambda: daemon.json("/api/v1/agents/counted")["tasks_completed"] == 42)
            before = daemon.json("/api/v1/agents/counted")
            for how in (daemon.kill, daemon.stop):
                how()
                server.shutdown()
                server.server_close()
                daemon.start()
                after = daemon.json("/api/v1/agents/counted")
                for field in (*SAID, "first_seen"):
                    check(after[field] == before[field], f"{field} was {before[field]!r} and is {after[field]!r} after a restart")
                check(after["liveness"] in ("unconfirmed", "suspect", "lost"), after)
            print(f"after kill -9 and a restart, with the agent gone: {after['tasks_completed']} tasks completed, team {after['current_team']}")
    finally:
        server.shutdown()
        thread.join()


def check_start_is_quick():
    with Choregosd(start=False) as daemon:
        times = []
        for _ in range(5):
            began = time.monotonic()
            daemon.start()
            check(daemon.json("/api/v1/agents")["agents"] == [], "somebody is listed")
            times.append(time.monotonic() - began)
            daemon.stop()
            daemon.port = 0
        check(min(times) < 0.5, f"an empty start takes {min(times):.2f} s")
        print(f"from start to an empty list: {1000 * min(times):.0f} to {1000 * max(times):.0f} ms")


def check_full_disk():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", folder], check=True)
        try:
            fill_and_free(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def fill_and_free(folder):
    with Choregosd(state=f"{folder}/state") as daemon:
        connection = daemon.connect()
        acknowledged = set()
        for i in range(50):
            check(daemon.register(f"before-{i}", connection)[0] in (200, 201), "a registration failed on an empty disk")
            acknowledged.add(f"before-{i}")
        filler = os.open(f"{folder}/filler", os.O_CREAT | os.O_WRONLY)
        try:
            while True:
                os.write(filler, bytes(4096))
        except OSError:
            pass
        refusals, slowest = 0, 0.0
        for i in range(2000):
            began = time.monotonic()
            status, body = daemon.register(f"full-{i}", connection, labels={f"k{k}": "x" * 100 for k in range(20)})
            if status in (200, 201):
                acknowledged.add(f"full-{i}")
                continue
            slowest = max(slowest, time.monotonic() - began)
            refusals += 1
            check(status >= 500 and b"disk" in body.lower() or b"full" in body.lower() or b"state.db" in body, (status, body))
            if refusals == 20:
                break
        check(refusals == 20, f"only {refusals} refusals on a full disk")
        # Reads and liveness go on.
        page = daemon.json("/api/v1/agents")
        check(acknowledged <= {a["id"] for a in page["agents"]}, "a read shows less because the disk is full")
        check(daemon.get("/readyz")[0] == 200 and b"choregos_store_ok{kind=\"sqlite\"} 0" in daemon.get("/metrics")[1], "the fault is not in the metrics")
        errors = daemon.events("store_failed")
        check(len(errors) == 1, f"a disk that is full was said {len(errors)} times")
        # Room again.
        os.ftruncate(filler, 0)
        os.close(filler)
        freed = time.monotonic()
        daemon.wait("the store has recovered by itself", lambda: daemon.events("store_recovered"), 5)
        recovered = time.monotonic() - freed
        check(recovered < 1.5, f"it took {recovered:.2f} s to write again")
        check(daemon.register("after", connection)[0] in (200, 201), "a registration failed with room again")
        acknowledged.add("after")
        daemon.kill()
        daemon.start()
        lost = acknowledged - {a["id"] for a in daemon.json("/api/v1/agents")["agents"]}
        check(not lost, f"lost: {sorted(lost)[:5]}")
        print(f"full disk: {refusals} refused (slowest {1000 * slowest:.0f} ms), written again {recovered:.2f} s after there was room, nothing acknowledged lost")


def main():
    check_start_is_quick()
    check_kill()
    check_restart()
    check_counts_and_teams()
    if os.geteuid() != 0:
        skip("a file system of its own needs root")
    check_full_disk()
    print("ok")


main()
