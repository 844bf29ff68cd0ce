#!/usr/bin/env python3
"""The examples do what they say, at a real choregosd."""
import os
import signal
import subprocess
import sys
import unittest

from agent_support import SOURCE_DIR, Asker, Fleet, program, wait_for
from api_daemon import Daemon

EXAMPLES = SOURCE_DIR / "examples"


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(program("choregosd"))
        cls.url = f"http://127.0.0.1:{cls.daemon.port}"

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def setUp(self):
        self.api = Asker(self.daemon.port)
        self.started = []

    def tearDown(self):
        self.api.connection.close()
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()

    def start(self, *command, **options):
        process = subprocess.Popen(command, **options)
        self.started.append(process)
        return process

    def wait_for_liveness(self, agent_id, wanted, seconds=10):
        wait_for(f"{agent_id} {wanted}", lambda: self.api.liveness(agent_id) == wanted, seconds)

    def test_agent_in_shell(self):
        process = self.start(str(EXAMPLES / "agent_in_shell.sh"), "shell-1", "writing", self.url, stdout=subprocess.DEVNULL)
        self.wait_for_liveness("shell-1", "alive")
        agent = self.api.get("/api/v1/agents/shell-1")[1]
        self.assertEqual((agent["capabilities"], agent["status"], agent["name"]), (["writing"], "idle", "shell agent"))
        renewals = lambda: next(s for s in self.api.get("/api/v1/sources")[1]["sources"] if s["kind"] == "registration")["counters"]["renewed"]
        before = renewals()
        wait_for("a renewal", lambda: renewals() > before, 12)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 0)
        self.wait_for_liveness("shell-1", "left")

    def test_agent_in_python(self):
        process = self.start(sys.executable, str(EXAMPLES / "agent_in_python.py"), "python-1", "analysis", self.url, stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline().strip(), b"registered 200")
        agent = self.api.get("/api/v1/agents/python-1")[1]
        self.assertEqual((agent["capabilities"], agent["liveness"]), (["analysis"], "alive"))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 0)
        self.wait_for_liveness("python-1", "left")

    def test_agent_in_python_that_is_killed_is_lost_at_once(self):
        tethers = lambda: next(s for s in self.api.get("/api/v1/sources")[1]["sources"] if s["kind"] == "registration")["counters"]["tethers_opened"]
        before = tethers()
        process = self.start(sys.executable, str(EXAMPLES / "agent_in_python.py"), "python-2", "analysis", self.url, stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline().strip(), b"registered 200")
        wait_for("its tether", lambda: tethers() > before, 5)
        process.kill()
        self.wait_for_liveness("python-2", "lost", seconds=2)

    def test_announcer(self):
        process = self.start(program("example_announcer"), self.url, "cpp-1", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.wait_for_liveness("cpp-1", "alive")
        process.stdin.write(b"working\n")
        process.stdin.flush()
        wait_for("working", lambda: self.api.get("/api/v1/agents/cpp-1")[1]["status"] == "working")
        process.stdin.close()
        self.assertEqual(process.wait(10), 0)
        self.wait_for_liveness("cpp-1", "left")
        process.stdin = None

    def test_client(self):
        with Fleet(self.daemon.port, ["asked-1", "asked-2"], "--capability", "asking", "--endpoint", "http://127.0.0.1:9000") as fleet:
            fleet.wait_until_tethered()
            answer = subprocess.run([program("example_client"), self.url, "asking"], capture_output=True, text=True, timeout=20)
            self.assertEqual(answer.returncode, 0, answer.stderr)
            lines = answer.stdout.splitlines()
            self.assertEqual([line.split("\t")[0] for line in lines[:2]], ["asked-1", "asked-2"])
            self.assertTrue(lines[2].startswith("2 agents at revision "))
        answer = subprocess.run([program("example_client"), "http://127.0.0.1:1"], capture_output=True, text=True, timeout=20)
        self.assertEqual(answer.returncode, 4)
        self.assertIn("http://127.0.0.1:1", answer.stderr)

    def test_watch(self):
        process = self.start(program("example_watch"), self.url, "watching", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with Fleet(self.daemon.port, ["watched-1"], "--capability", "watching") as fleet:
            self.assertTrue(process.stdout.readline().startswith("watched-1 is alive"))
            fleet.wait_until_tethered()
        line = process.stdout.readline()
        while "lost" not in line and "left" not in line:
            line = process.stdout.readline()
        process.stdin.close()
        self.assertEqual(process.wait(10), 0)

    def test_discovery(self):
        with Fleet(self.daemon.port, ["found-1", "found-2"]) as fleet:
            fleet.wait_until_tethered()
            places = [self.api.get(f"/api/v1/agents/{agent_id}")[1]["health_url"].split("/")[2] for agent_id in fleet.agents]
            process = self.start(program("example_discovery"), *places, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            appeared = {process.stdout.readline().split()[2] for _ in range(2)}
            self.assertEqual(appeared, {b"found-1", b"found-2"})
            process.stdin.write(b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
            while b" agents" not in line:
                line = process.stdout.readline()
            self.assertEqual(line, b"2 agents\n")
            process.stdin.close()
            self.assertEqual(process.wait(10), 0)
            process.stdin = None


if __name__ == "__main__":
    unittest.main(verbosity=2)
