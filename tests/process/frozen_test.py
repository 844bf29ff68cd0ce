#!/usr/bin/env python3
"""Many agents fall silent at once: nobody is declared lost, and every way of asking says so; an operator thaws; those that are
heard again stay. Real programs on loopback, the agents stopped by SIGSTOP."""
import os
import signal
import subprocess
import sys
import unittest

from agent_support import program, start_agent, wait_for
from daemon_support import Choregosd

AGENTS = 10


def choregos(daemon, *arguments):
    done = subprocess.run([program("choregos"), *arguments], capture_output=True, text=True, timeout=30, env={"PATH": os.environ["PATH"], "CHOREGOS_ADDR": f"http://127.0.0.1:{daemon.port}"})
    assert done.returncode == 0 or arguments[0] == "doctor", done
    return done


class FrozenTest(unittest.TestCase):
    def setUp(self):
        self.daemon = Choregosd()
        self.addCleanup(self.daemon.close)
        port = (self.daemon.state / "beacon.port").read_text().strip()
        self.agents = [start_agent("--id", f"a{i}", "--beacon", "--no-multicast", "--beacon-to", f"127.0.0.1:{port}", "--health", "none", "--quiet", stderr=subprocess.DEVNULL) for i in range(AGENTS)]
        self.addCleanup(self.end_agents)

    def end_agents(self):
        for agent in self.agents:
            agent.send_signal(signal.SIGCONT)
            agent.kill()
            agent.wait()

    def all(self, number):
        for agent in self.agents:
            agent.send_signal(number)

    def counts(self):
        return self.daemon.json("/api/v1/summary")["liveness"]

    def test_is_seen_on_top_of_every_list_and_ended_by_an_operator(self):
        daemon = self.daemon
        wait_for("all are alive", lambda: self.counts()["alive"] == AGENTS, 20, 0.05)
        self.assertNotIn("guard", daemon.json("/api/v1/agents"))
        self.assertIn("everything looks well", choregos(daemon, "doctor").stdout)
        self.all(signal.SIGSTOP)
        frozen = wait_for("a domain is frozen", lambda: [b for b in [daemon.json("/api/v1/agents")] if b["mode"] == "frozen"], 30, 0.05)[0]
        domain = frozen["guard"]["domains"][0]
        self.assertEqual(domain["mode"], "frozen")
        self.assertIn("fell silent", domain["cause"])
        # Longer than an agent of its own would be believed.
        wait_for("ten seconds of it", lambda: daemon.json("/api/v1/agents")["guard"]["domains"][0]["for_ms"] > 10_000, 20, 0.2)
        self.assertEqual(self.counts()["lost"], 0, self.counts())

        for verb in ("agents", "summary"):
            shown = choregos(daemon, verb)
            self.assertTrue(shown.stderr.startswith("FROZEN since "), shown.stderr)
            self.assertIn(f"{domain['name']} - {domain['cause']}; nobody there is declared lost", shown.stderr)
            self.assertNotIn("FROZEN", shown.stdout)
        doctor = choregos(daemon, "doctor").stdout
        self.assertIn("FROZEN since ", doctor)
        self.assertIn(f"choregos thaw '{domain['name']}'", doctor)
        self.assertIn(f"{domain['name']} is frozen", choregos(daemon, "why", "a1").stdout)
        status, metrics = daemon.get("/metrics")
        self.assertEqual(status, 200)
        for line in ('choregos_mode{mode="frozen"} 1', f'choregos_silent_agents{{domain="{domain["name"]}",mode="frozen"}} '):
            self.assertIn(line, metrics.decode())
        self.assertNotIn("\nchoregos_frozen_domains 0\n", metrics.decode())

        self.assertIn(domain["name"], choregos(daemon, "thaw").stdout)
        wait_for("it drains", lambda: daemon.json("/api/v1/agents")["mode"] == "draining", 10, 0.05)
        wait_for("one is let go", lambda: self.counts()["lost"] > 0, 30, 0.05)
        self.assertTrue(choregos(daemon, "agents").stderr.startswith("DRAINING since "))
        self.assertEqual(daemon.events("thaw")[0]["domain"], "all")
        self.all(signal.SIGCONT)
        wait_for("all are alive again", lambda: self.counts()["alive"] == AGENTS, 30, 0.05)
        wait_for("nothing is held back", lambda: daemon.json("/api/v1/agents")["mode"] == "normal", 30, 0.05)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
