#!/usr/bin/env python3
"""choregos-agent around a command: exit codes, signals, the end of the command, statuses, and mistakes in its flags."""
import os
import signal
import subprocess
import sys
import tempfile
import unittest

from agent_support import Registry, get_json, lines_of, program, start_agent, wait_for


def run(*arguments, env=None, timeout=20):
    process = start_agent(*arguments, stdout=subprocess.PIPE, env=env or {})
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out.decode(), err.decode()


def health_port(lines):
    """From the line that tells where /health answers."""
    while True:
        line = lines.get(timeout=10)
        assert line is not None, "ended before it said where /health answers"
        if "answers http://" in line:
            return int(line.split("answers http://")[1].split("/")[0].rsplit(":", 1)[1])


class Wrapper(unittest.TestCase):
    def setUp(self):
        self.registry = Registry()
        self.common = ["--id", "w1", "--registry", self.registry.url, "--health", "127.0.0.1:0"]

    def tearDown(self):
        self.registry.close()

    def test_passes_on_the_exit_code(self):
        for code in (0, 3, 77, 255):
            self.assertEqual(run(*self.common, "--", "sh", "-c", f"exit {code}")[0], code)

    def test_reports_death_by_a_signal_as_128_and_its_number(self):
        self.assertEqual(run(*self.common, "--", "sh", "-c", "kill -KILL $$")[0], 137)
        self.assertEqual(run(*self.common, "--", "sh", "-c", "kill -SEGV $$")[0], 139)

    def test_a_command_that_is_not_there_gives_127_and_one_that_cannot_run_126(self):
        code, _, err = run(*self.common, "--", "/no/such/program")
        self.assertEqual(code, 127)
        self.assertIn("/no/such/program", err)
        self.assertEqual(run(*self.common, "--", "/etc/passwd")[0], 126)

    def test_passes_signals_on(self):
        script = "for s in HUP INT QUIT USR1 USR2; do trap \"echo got $s\" $s; done; trap 'echo got TERM; exit 9' TERM; echo ready; while :; do sleep 0.01; done"
        process = start_agent(*self.common, "--quiet", "--", "sh", "-c", script, stdout=subprocess.PIPE, stderr=None)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        for name in ("HUP", "USR1", "USR2", "INT", "QUIT", "TERM"):
            process.send_signal(getattr(signal, "SIG" + name))
            self.assertEqual(process.stdout.readline().decode().strip(), "got " + name)
        self.assertEqual(process.wait(10), 9)

    def test_says_goodbye_when_the_command_ends(self):
        process = start_agent(*self.common, "--quiet", "--", "cat", stdin=subprocess.PIPE)
        self.registry.wait_for_request("GET", "/tether")
        process.stdin.close()
        self.assertEqual(process.wait(10), 0)
        method, path, query, _ = self.registry.wait_for_request("DELETE", "/w1")
        self.assertEqual(path, "/api/v1/agents/w1")
        registered = self.registry.wait_for_request("PUT", "/w1")[3]
        self.assertEqual(query["incarnation"], [str(registered["incarnation"])])
        self.assertEqual(self.registry.requests[-1][0], "DELETE", "nothing is sent after the goodbye")

    def test_without_a_command_terminates_with_a_goodbye_and_zero(self):
        process = start_agent(*self.common, "--quiet")
        self.registry.wait_for_request("GET", "/tether")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 0)
        self.registry.wait_for_request("DELETE", "/w1", seconds=1)

    def test_says_that_it_is_draining_once_it_was_told_to_stop(self):
        process = start_agent(*self.common, "--", "sh", "-c", "trap 'read line; exit 0' TERM; while :; do sleep 0.01; done", stdin=subprocess.PIPE)
        port = health_port(lines_of(process))
        self.registry.wait_for_request("GET", "/tether")
        self.assertNotIn("draining", get_json(port, "/health")[1])
        process.send_signal(signal.SIGTERM)
        wait_for("draining on /health", lambda: get_json(port, "/health")[1].get("draining"))
        process.stdin.write(b"\n")
        process.stdin.close()
        self.assertEqual(process.wait(10), 0)

    def test_answers_health_with_what_it_was_told(self):
        process = start_agent(*self.common, "--name", "Writer", "--capability", "go,sql", "--model", "llama3", "--label", "zone=eu", "--endpoint",
                              "http://127.0.0.1:9000", "--", "sleep", "60")
        try:
            status, body = get_json(health_port(lines_of(process)), "/health")
            self.assertEqual(status, 200)
            self.assertGreater(body.pop("incarnation"), 1_600_000_000_000)
            self.assertEqual(body, {"id": "w1", "name": "Writer", "status": "online", "capabilities": ["go", "sql"], "model": "llama3",
                                    "endpoint": "http://127.0.0.1:9000", "labels": {"zone": "eu"}})
        finally:
            process.terminate()
            process.wait(10)

    def test_takes_the_status_from_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "status")
            with open(path, "w") as file:
                file.write("idle\n")
            process = start_agent(*self.common, "--status-file", path)
            lines = lines_of(process)
            port = health_port(lines)
            self.assertEqual(self.registry.wait_for_request("PUT", "/w1")[3]["status"], "idle")
            self.registry.wait_for_request("GET", "/tether")
            with open(path, "w") as file:
                file.write("working\n")
            self.assertEqual(self.registry.wait_for_request("POST", "/renew", seconds=3)[3]["status"], "working")
            with open(path, "w") as file:
                file.write("lunch\n")
            wait_for("no status after another word", lambda: "status" not in get_json(port, "/health")[1])
            wait_for("the note", lambda: "lunch" in (lines.get(timeout=5) or ""))
            process.terminate()
            self.assertEqual(process.wait(10), 0)

    def test_takes_the_status_from_a_url(self):
        import http.server
        import threading

        state = {"status": "working", "running": 2, "capacity": 4}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                import json
                body = json.dumps(state).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        process = start_agent(*self.common, "--status-url", f"http://127.0.0.1:{server.server_port}/state", "--status-every", "50ms")
        port = health_port(lines_of(process))
        wait_for("working on /health", lambda: get_json(port, "/health")[1].get("status") == "working")
        state["status"] = "idle"
        wait_for("idle on /health", lambda: get_json(port, "/health")[1].get("status") == "idle")
        server.shutdown()
        server.server_close()
        wait_for("no status once nobody answers", lambda: "status" not in get_json(port, "/health")[1])
        process.terminate()
        self.assertEqual(process.wait(10), 0)

    def test_registers_again_after_the_tether_broke(self):
        process = start_agent(*self.common, "--quiet")
        self.registry.wait_for_request("GET", "/tether")
        wait_for("an open tether", lambda: self.registry.tethers)
        seen = len(self.registry.requests)
        self.registry.cut_tethers()
        self.registry.wait_for_request("PUT", "/w1", after=seen, seconds=5)
        self.registry.wait_for_request("GET", "/tether", after=seen, seconds=5)
        process.terminate()
        process.wait(10)

    def test_takes_its_identity_from_the_environment(self):
        process = start_agent("--quiet", env={"CHOREGOS_TASK_NAME": "chorus.3.abc", "CHOREGOS_CAPABILITIES": "x,y", "CHOREGOS_REGISTRY": self.registry.url})
        body = self.registry.wait_for_request("PUT", "/chorus.3.abc")[3]
        self.assertEqual(body["capabilities"], ["x", "y"])
        process.terminate()
        process.wait(10)

    def test_mistakes_end_with_2_and_name_the_nearest_flag(self):
        code, _, err = run("--capabilty", "go")
        self.assertEqual(code, 2)
        self.assertIn("did you mean --capability?", err)
        code, _, err = run("--id", "two words", "--beacon")
        self.assertEqual(code, 2)
        code, out, _ = run("--help")
        self.assertEqual(code, 0)
        self.assertIn("CHOREGOS_ID", out)

    def test_a_taken_health_port_ends_it_and_says_which(self):
        import socket
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            code, _, err = run("--id", "w1", "--health", f"127.0.0.1:{port}")
            self.assertEqual(code, 1)
            self.assertIn(str(port), err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
