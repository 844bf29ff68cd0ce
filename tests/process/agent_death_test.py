#!/usr/bin/env python3
"""How soon the death of a tethered agent is seen, measured through the API: one by one, a hundred times, and fifty at once."""
import os
import signal
import time
import unittest

from agent_support import Asker, Fleet, percentile, program
from api_daemon import Daemon

DEAD = ("lost", "left")


class Death(unittest.TestCase):
    def test_a_hundred_kills_one_by_one(self):
        ids = [f"victim-{number}" for number in range(100)]
        took = []
        with Daemon(program("choregosd")) as daemon, Asker(daemon.port) as api, Fleet(daemon.port, ids) as fleet:
            fleet.wait_until_tethered()
            for agent_id in ids:
                self.assertEqual(api.liveness(agent_id), "alive")
                start = time.monotonic()
                os.kill(fleet.agents[agent_id].pid, signal.SIGKILL)
                while api.liveness(agent_id) not in DEAD:
                    self.assertLess(time.monotonic() - start, 15, f"{agent_id} is still {api.liveness(agent_id)}")
                    time.sleep(0.01)
                took.append((time.monotonic() - start) * 1000)
            listed = api.listed()
            self.assertEqual(len(listed), len(ids), "the dead stay listed for a while, as lost")
            self.assertEqual(api.get("/api/v1/agents")[1]["mode"], "normal")
        print(f"kill -9 to lost: p50 {percentile(took, 0.5):.0f} ms, p99 {percentile(took, 0.99):.0f} ms, worst {max(took):.0f} ms", flush=True)
        self.assertLessEqual(percentile(took, 0.5), 300)
        self.assertLessEqual(percentile(took, 0.99), 1000)

    def test_fifty_at_once(self):
        ids = [f"victim-{number}" for number in range(50)]
        survivors = [f"survivor-{number}" for number in range(10)]
        with Daemon(program("choregosd")) as daemon, Asker(daemon.port) as api, Fleet(daemon.port, ids + survivors) as fleet:
            fleet.wait_until_tethered()
            start = time.monotonic()
            for agent_id in ids:
                os.kill(fleet.agents[agent_id].pid, signal.SIGKILL)
            while True:
                agents = api.listed()
                dead = {agent["id"] for agent in agents if agent["liveness"] in DEAD}
                if dead == set(ids):
                    break
                self.assertLess(time.monotonic() - start, 15, f"{len(dead)} of {len(ids)} are lost")
                time.sleep(0.01)
            took = time.monotonic() - start
            print(f"50 at once: all lost after {took * 1000:.0f} ms", flush=True)
            self.assertLessEqual(took, 2)
            self.assertEqual({agent["id"] for agent in agents if agent["liveness"] == "alive"}, set(survivors))
            self.assertEqual(api.get("/api/v1/agents")[1]["mode"], "normal")


if __name__ == "__main__":
    unittest.main(verbosity=2)
