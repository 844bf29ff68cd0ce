#!/usr/bin/env python3
"""A process that is stopped keeps its connections, for its kernel holds them. It is seen all the same, because it answers no
question: suspect at about 3 s, lost at about 10 s, back within a second of going on. Stopped by SIGSTOP, over loopback."""
import signal
import subprocess
import sys
import time
import unittest

from agent_support import SOURCE_DIR, start_agent, wait_for
from daemon_support import Choregosd


class StoppedAgent(unittest.TestCase):
    def setUp(self):
        self.daemon = Choregosd()
        self.addCleanup(self.daemon.close)
        self.agents = []
        self.addCleanup(self.end_agents)

    def end_agents(self):
        for agent in self.agents:
            agent.send_signal(signal.SIGCONT)
            agent.kill()
            agent.wait()

    def agent(self, name, *arguments):
        self.agents.append(start_agent("--id", name, "--health", "none", "--quiet", "--registry", f"http://127.0.0.1:{self.daemon.port}", *arguments, stderr=subprocess.DEVNULL))
        return self.agents[-1]

    def one(self, name):
        return self.daemon.json(f"/api/v1/agents/{name}")

    def liveness(self, name):
        return self.one(name)["liveness"]

    def until(self, name, word, seconds):
        start = time.monotonic()
        wait_for(f"{name} is {word}", lambda: self.liveness(name) == word, seconds, 0.02)
        return time.monotonic() - start

    def figures(self, source):
        found = next(one for one in self.daemon.json("/api/v1/sources")["sources"] if one["name"] == source)
        return found["counters"]

    def stop_and_go_on(self, name, process):
        self.assertEqual(self.liveness(f"{name}-witness"), "alive")
        process.send_signal(signal.SIGSTOP)
        suspect = self.until(name, "suspect", 8)
        lost = suspect + self.until(name, "lost", 20)
        process.send_signal(signal.SIGCONT)
        back = self.until(name, "alive", 5)
        print(f"{name}: suspect after {suspect:.2f} s, lost after {lost:.2f} s, back {back * 1000:.0f} ms after going on", flush=True)
        # What it says last may lie up to one interval back, and to be lost it takes the evidence, too.
        self.assertGreaterEqual(suspect, 1.5)
        self.assertLessEqual(suspect, 4.5)
        self.assertGreaterEqual(lost, 8.5)
        self.assertLessEqual(lost, 13)
        self.assertLessEqual(back, 1.1)
        self.assertEqual(self.liveness(f"{name}-witness"), "alive")

    def test_with_a_tether_alone(self):
        self.agent("quiet-witness")
        process = self.agent("quiet")
        wait_for("both are tethered", lambda: self.figures("registration").get("answered", 0) >= 2, 20)
        # A while of ordinary life: whoever is asked answers.
        time.sleep(3)
        self.assertEqual(self.liveness("quiet"), "alive")
        self.stop_and_go_on("quiet", process)

    def test_an_agent_in_another_language_answers_too(self):
        example = SOURCE_DIR / "examples/agent_in_python.py"
        self.agents.append(subprocess.Popen([sys.executable, "-B", str(example), "python", "analysis", f"http://127.0.0.1:{self.daemon.port}"], stdout=subprocess.DEVNULL))
        wait_for("it answered the first question", lambda: self.figures("registration").get("answered", 0) >= 1, 20)

    def test_with_a_tether_and_beacons(self):
        port = (self.daemon.state / "beacon.port").read_text().strip()
        beacons = ("--beacon", "--no-multicast", "--beacon-to", f"127.0.0.1:{port}")
        self.agent("loud-witness", *beacons)
        process = self.agent("loud", *beacons)
        wait_for("both are tethered and heard", lambda: self.figures("registration").get("answered", 0) >= 2 and self.figures("beacon")["accepted"] > 10, 20)
        self.stop_and_go_on("loud", process)
        figures = self.figures("beacon")
        print({name: figures[name] for name in ("asked", "answered", "asked_through_helpers", "answered_through_helpers", "unanswered_says_helper", "canaries_lost")}, flush=True)
        self.assertGreater(figures["asked"], 0)
        self.assertGreater(figures["asked_through_helpers"], 0, "the witness was asked to help")
        self.assertEqual(figures["canaries_lost"], 0)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
