#!/usr/bin/env python3
"""Two real processes that say one id and one incarnation: the first keeps the record, the copy is named beside it, everywhere an
operator would look; nothing flips; when the first is killed the copy is the agent, and nobody was ever lost."""
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from agent_support import Asker, program, wait_for  # noqa: E402
from api_daemon import Daemon  # noqa: E402


class Clone(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(program("choregosd"))
        self.api = Asker(self.daemon.port)
        with open(os.path.join(self.daemon.state, "beacon.port"), encoding="ascii") as file:
            self.udp = file.read().strip()
        self.agents = []

    def tearDown(self):
        for agent in self.agents:
            if agent.poll() is None:
                agent.kill()
            agent.wait(10)
        self.api.connection.close()
        self.daemon.stop()

    def start(self, model):
        self.agents.append(subprocess.Popen([program("choregos-agent"), "--id", "twin", "--incarnation", "7", "--model", model, "--beacon", "--beacon-to", f"127.0.0.1:{self.udp}"], stderr=subprocess.DEVNULL))
        return self.agents[-1]

    def twin(self):
        return self.api.get("/api/v1/agents/twin")[1]

    def ask(self, *arguments):
        return subprocess.run([program("choregos"), *arguments], capture_output=True, text=True, timeout=30, check=False,
                              env={"PATH": os.environ["PATH"], "CHOREGOS_ADDR": f"127.0.0.1:{self.daemon.port}"}).stdout

    def test_the_first_stays_and_the_copy_is_named(self):
        first = self.start("first")
        wait_for("the first", lambda: self.twin().get("liveness") == "alive")
        events = subprocess.Popen([program("choregos"), "events", "-a", f"127.0.0.1:{self.daemon.port}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.start("copy")
        wait_for("the conflict", lambda: self.twin().get("conflict"), 10)
        seen = self.twin()
        self.assertEqual((seen["model"], seen["liveness"]), ("first", "alive"))
        self.assertRegex(seen["contenders"][0], r"^beacon from 127\.0\.0\.1:\d+$")
        channels = self.api.get("/api/v1/agents/twin/why")[1]["channels"]
        self.assertEqual([c["counts"] for c in channels], [True, False], "both are shown, one counts")
        self.assertIn("alive,conflict", self.ask("agents"))
        self.assertIn("two living processes claim this id", self.ask("doctor"))
        self.assertIn("conflict", self.ask("history", "twin"))

        revision = seen["revision"]
        heard = lambda: next(s for s in self.api.get("/api/v1/sources")[1]["sources"] if s["kind"] == "beacon")["counters"]["accepted"]
        before = heard()
        wait_for("six beacons more", lambda: heard() >= before + 6, 10)
        self.assertEqual(self.twin()["revision"], revision, "nothing flips")

        first.kill()
        wait_for("the copy to be the agent", lambda: self.twin()["model"] == "copy" and not self.twin().get("conflict"), 15)
        self.assertEqual(self.twin()["liveness"], "alive")
        events.terminate()
        told, _ = events.communicate(timeout=10)
        self.assertNotIn("lost", told)
        self.assertNotIn("suspect", told)


if __name__ == "__main__":
    unittest.main(verbosity=2)
