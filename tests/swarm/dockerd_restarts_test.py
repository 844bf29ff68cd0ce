#!/usr/bin/env python3
"""dockerd ended and started again and again under a fleet of containers that live on (--live-restore), by SIGTERM and kill -9 in
turn, while containers are started, stopped and killed: before, after, and while nobody is there to say so. choregosd, which
asks that dockerd, must take no living agent for dead and miss no change. CHOREGOS_DOCKERD_RESTARTS says how often (5)."""
import json
import os
import random
import signal
import subprocess
import threading
import time

from engine import Api, Engine, program, wait_for

RESTARTS = int(os.environ.get("CHOREGOS_DOCKERD_RESTARTS", "5"))
FLEET = 6


class Fleet:
    """Containers by name, and their processes as the kernel knows them."""

    def __init__(self, engine):
        self.engine, self.number = engine, 0
        self.pids, self.ended = {}, set()

    def start(self):
        self.number += 1
        name = f"agent-{self.number}"
        self.engine.docker("run", "-d", "--name", name, "--label", "choregos.enable=true", "--label", "choregos.capabilities=review", "--env", f"CHOREGOS_ID={name}",
                           "--env", "CHOREGOS_HEALTH=0.0.0.0:8081", "--env", "CHOREGOS_BEACON=false", "choregos-test:1", "/bin/choregos-agent")
        self.pids[name] = int(self.engine.docker("inspect", "-f", "{{.State.Pid}}", name))

    def kill(self, name):
        os.kill(self.pids[name], signal.SIGKILL)
        self.ended.add(name)

    def remove(self, name):
        self.ended.add(name)
        self.engine.docker("rm", "-f", name)

    def lives(self, name):
        """A zombie has ended, though its shim has not looked."""
        try:
            with open(f"/proc/{self.pids[name]}/stat") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def living(self):
        return {name for name in self.pids if name not in self.ended}


class Witness(threading.Thread):
    """Asks choregosd all the time, and writes down each living agent that it calls lost."""

    def __init__(self, pid, port, fleet):
        super().__init__(daemon=True)
        self.api, self.fleet = Api(pid, port), fleet
        self.false, self.looks, self.done = [], 0, False

    def run(self):
        while not self.done:
            agents = self.api.agents()
            for agent in agents or []:
                if agent["liveness"] in ("lost", "left") and agent["id"] in self.fleet.pids and agent["id"] not in self.fleet.ended and self.fleet.lives(agent["id"]):
                    self.false.append((agent["id"], agent["liveness_reason"]))
            self.looks += agents is not None
            time.sleep(0.02)


def main():
    with Engine(swarm=False) as engine:
        engine.import_image("choregos-test:1", "choregos-agent")
        fleet = Fleet(engine)
        for _ in range(FLEET):
            fleet.start()
        state = engine.folder / "state"
        log = open(engine.folder / "choregosd.log", "wb")
        daemon = subprocess.Popen(["nsenter", f"--net=/run/netns/{engine.namespace}", program("choregosd"), "--http", "127.0.0.1:4470", "--udp", "0", "--state", str(state), "--store", "memory",
                                   "--docker-engine", f"unix://{engine.socket}", "--probe-period", "2s", "--docker-period", "5s"], stdout=log, stderr=log)
        try:
            api = Api(daemon.pid, 4470)

            def settled():
                listed = api.agents()
                return listed is not None and {a["id"] for a in listed if a["liveness"] == "alive"} == fleet.living()

            def agree(what, seconds=15):
                started = time.monotonic()
                try:
                    wait_for(what, settled, seconds, 0.02)
                except AssertionError:
                    print("expected", sorted(fleet.living()), "listed", [(a["id"], a["liveness"], a["liveness_reason"]) for a in api.agents() or []])
                    print((engine.folder / "choregosd.log").read_text(errors="replace")[-3000:])
                    raise
                return time.monotonic() - started

            wait_for("choregosd serves", lambda: api.get("/healthz")[0] == 200, 20)
            agree("the first fleet is listed")
            witness = Witness(daemon.pid, 4470, fleet)
            witness.start()
            slowest, dice, began = 0.0, random.Random(4471), time.monotonic()
            for turn in range(RESTARTS):
                living = sorted(fleet.living())
                fleet.kill(living[0])                      # just before
                engine.stop_dockerd(signal.SIGTERM if turn % 2 == 0 else signal.SIGKILL)
                fleet.kill(living[1])                      # while nobody is there to say so
                time.sleep(dice.uniform(0, 0.3))
                engine.start_dockerd()
                fleet.remove(living[2])                    # at once after
                for _ in range(FLEET - len(fleet.living())):
                    fleet.start()
                slowest = max(slowest, agree(f"the list equals the containers after restart {turn + 1}"))
            health = next(s for s in api.get("/api/v1/sources")[1]["sources"] if s["name"] == "docker_engine")

            def missed_now():
                # Long runs outlive forget_after: who is no longer listed has been told, too.
                return {a["id"] for a in api.agents() if a["id"] in fleet.ended and a["liveness"] not in ("lost", "left")}

            # A container that is removed takes its address along: nothing refuses there, so silence has to prove its end.
            started = time.monotonic()
            while missed_now() and time.monotonic() - started < 40:
                time.sleep(0.1)
            missed = missed_now()
            witness.done = True
            witness.join(10)
            print(f"{RESTARTS} restarts in {time.monotonic() - began:.0f} s, {fleet.number} containers, {len(fleet.ended)} ended; false lost: {len(set(witness.false))} in {witness.looks} looks; "
                  f"missed: {len(missed)}; list right again at most {slowest:.2f} s after; {json.dumps(health['counters'])}")
            assert not witness.false, witness.false[:5]
            assert not missed, missed
            assert health["state"] == "ok" or "Swarm" in health["advice"], health
        finally:
            daemon.terminate()
            daemon.wait(10)
    print("ok")


main()
