#!/usr/bin/env python3
"""Records tests/incidents/stopped_together.recording anew: six agents, known from before a restart; four are stopped at once and go
on some seconds later, when their domain is frozen; one is killed, one says goodbye.

usage: record_stopped_together.py FILE
"""
import pathlib
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "process"))
from agent_support import program  # noqa: E402
from daemon_support import Choregosd  # noqa: E402


def main(target):
    with Choregosd("--no-registration") as daemon:
        port = int((daemon.state / "beacon.port").read_text())

        def agent(i):
            # Beacons alone: an open connection to a stopped process would say that it still is there.
            return subprocess.Popen([program("choregos-agent"), "--id", f"agent-{i}", "--beacon-to", f"127.0.0.1:{port}", "--beacon", "--no-multicast", "--health", "none"],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        agents = [agent(i) for i in range(6)]
        try:
            daemon.wait("all are alive", lambda: daemon.json("/api/v1/agents?liveness=alive")["total"] == 6, 20, 0.1)
            daemon.stop()
            daemon.arguments += ["--record", str(target), "--udp", str(port), "--forget-after", "2s"]
            daemon.start()
            daemon.wait("all are alive again", lambda: daemon.json("/api/v1/agents?liveness=alive")["total"] == 6, 20, 0.1)
            for a in agents[:4]:
                a.send_signal(signal.SIGSTOP)
            daemon.wait("they are frozen", lambda: daemon.json("/api/v1/agents")["mode"] == "frozen", 20, 0.1)
            time.sleep(4)
            for a in agents[:4]:
                a.send_signal(signal.SIGCONT)
            daemon.wait("all are alive after all", lambda: daemon.json("/api/v1/agents?liveness=alive")["total"] == 6 and daemon.json("/api/v1/agents")["mode"] == "normal", 60, 0.1)
            agents[4].kill()
            agents[5].terminate()
            daemon.wait("four are alive", lambda: daemon.json("/api/v1/agents?liveness=alive")["total"] == 4, 30, 0.1)
            daemon.wait("four are listed", lambda: daemon.json("/api/v1/agents")["total"] == 4, 60, 0.1)
            daemon.stop()
        finally:
            for a in agents:
                a.send_signal(signal.SIGCONT)
                a.kill()
                a.wait()


main(pathlib.Path(sys.argv[1]).resolve())
