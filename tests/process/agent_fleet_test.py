#!/usr/bin/env python3
"""Fleets of 9 and of 200 real choregos-agent processes at a real choregosd: listed exactly, each small, each leaving with a
goodbye."""
import signal
import unittest

from agent_support import Asker, Fleet, kill_and_restart, program, resident_kib, wait_for
from api_daemon import Daemon


class Fleets(unittest.TestCase):
    def run_fleet(self, count):
        ids = [f"agent-{number}" for number in range(1, count + 1)]
        with Daemon(program("choregosd")) as daemon, Asker(daemon.port) as api:
            with Fleet(daemon.port, ids, "--capability", "go,sql", "--model", "llama3", "--name", "An agent") as fleet:
                fleet.wait_until_tethered()
                agents = api.listed()
                # Natural order, nobody twice, nobody else.
                self.assertEqual([agent["id"] for agent in agents], ids)
                for agent in agents:
                    self.assertEqual(agent["liveness"], "alive", agent)
                    self.assertEqual(agent["capabilities"], ["go", "sql"])
                    self.assertEqual(agent["model"], "llama3")
                    self.assertIn("registration", agent["sources"])
                    self.assertGreater(agent["incarnation"], 0)
                sizes = [resident_kib(process.pid) for process in fleet.agents.values()]
                print(f"{count} agents: resident {min(sizes)} to {max(sizes)} KiB", flush=True)
                self.assertLess(max(sizes), 8 * 1024)

                for process in fleet.agents.values():
                    process.send_signal(signal.SIGTERM)
                for agent_id, process in fleet.agents.items():
                    self.assertEqual(process.wait(20), 0, agent_id)
                left = wait_for("all left", lambda: [a for a in [api.listed()] if all(x["liveness"] == "left" for x in a)], 5)[0]
                self.assertEqual([agent["id"] for agent in left], ids)

    def test_nine(self):
        self.run_fleet(9)

    def test_two_hundred(self):
        self.run_fleet(200)

    def test_a_second_process_with_the_same_id_is_refused_and_says_so(self):
        with Daemon(program("choregosd")) as daemon, Asker(daemon.port) as api:
            with Fleet(daemon.port, ["twin"]) as first:
                first.wait_until_tethered()
                before = api.get("/api/v1/agents/twin")[1]
                with Fleet(daemon.port, ["twin"]) as second:
                    process = second.agents["twin"]
                    line = b""
                    while b"another living process" not in line:
                        line = process.stderr.readline()
                        self.assertTrue(line, "ended without a word")
                    after = api.get("/api/v1/agents/twin")[1]
                    self.assertEqual(after["incarnation"], before["incarnation"])
                    self.assertEqual(after["liveness"], "alive")
                    process.terminate()
                    process.wait(10)
                self.assertEqual(api.liveness("twin"), "alive", "the goodbye of the second must not end the first")

    def test_agents_come_back_after_the_daemon_was_killed(self):
        ids = [f"a{number}" for number in range(20)]
        with Daemon(program("choregosd")) as daemon:
            with Fleet(daemon.port, ids) as fleet:
                fleet.wait_until_tethered()
                kill_and_restart(daemon)
                with Asker(daemon.port) as api:
                    self.assertEqual(len(api.listed()), len(ids), "no read after the restart shows fewer")
                    wait_for("all back", lambda: len(api.listed("?liveness=alive")) == len(ids), 8)
                for process in fleet.agents.values():
                    self.assertIsNone(process.poll())


if __name__ == "__main__":
    unittest.main(verbosity=2)
