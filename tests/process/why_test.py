#!/usr/bin/env python3
"""Why an agent is believed to be as it is, and what happened to it, told by real programs: an agent whose HTTP dies alone
while its tether holds; one that dies, is forgotten and still found by id, also by the next choregosd; a service that lacks tasks."""
import http.client
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import unittest

from agent_support import program, wait_for
from daemon_support import Choregosd


def choregos(daemon, *arguments):
    return subprocess.run([program("choregos"), *arguments], capture_output=True, text=True, timeout=30,
                          env={"PATH": os.environ["PATH"], "CHOREGOS_ADDR": f"http://127.0.0.1:{daemon.port}"})


def get(daemon, path):
    status, body = daemon.get(path)
    return status, json.loads(body)


class Health:
    """GET /health of one agent, on a port of the kernel's choice, until it is stopped."""

    def __init__(self, agent_id):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = json.dumps({"id": agent_id, "status": "idle", "model": "llama3"}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            connections = []

            def process_request(self, request, address):
                self.connections.append(request)
                super().process_request(request, address)

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        """As a process whose HTTP thread died: nobody listens, what was open is closed."""
        self.server.shutdown()
        self.server.server_close()
        for connection in self.server.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()


class Tether:
    """Holds the tether of an agent open and reads what comes."""

    def __init__(self, port, agent_id):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.request("GET", f"/api/v1/agents/{agent_id}/tether?incarnation=1")
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()

    def close(self):
        self.answer.close()
        self.connection.close()


class WhyTest(unittest.TestCase):
    def test_names_the_failed_probe_the_live_tether_and_the_verdict(self):
        health = Health("builder")
        with Choregosd("--probe-period", "1s") as daemon:
            status, _ = daemon.register("builder", incarnation=1, model="codellama", health_url=f"http://127.0.0.1:{health.port}/health")
            self.assertIn(status, (200, 201))
            tether = Tether(daemon.port, "builder")
            why = lambda: get(daemon, "/api/v1/agents/builder/why")[1]
            channel = lambda says: [c for c in why()["channels"] if c["says"] == says]
            wait_for("the probe answers", lambda: any(c["source"] == "http_probe" for c in channel("alive")), 20, 0.05)
            record = get(daemon, "/api/v1/agents/builder")[1]
            self.assertEqual(record["reachable"], True, record)
            model = next(f for f in why()["fields"] if f["field"] == "model")
            self.assertEqual((model["value"], model["source"], model["others"]), ("codellama", "registration", ["http_probe says llama3"]))

            health.stop()
            wait_for("the probe fails", lambda: get(daemon, "/api/v1/agents/builder")[1].get("reachable") is False, 20, 0.05)
            answer = why()
            self.assertEqual(answer["liveness"], "alive")
            probes = [c for c in answer["channels"] if c["source"] == "http_probe"]
            self.assertTrue(probes and all(c["says"] not in ("alive", "open") and c["detail"] for c in probes), answer)
            self.assertTrue(any(c["source"] == "registration" and c.get("while_open") for c in answer["channels"]), answer)
            text = choregos(daemon, "why", "builder")
            self.assertEqual(text.returncode, 0, text)
            lines = text.stdout.splitlines()
            self.assertTrue(lines[0].startswith("builder is alive"), text.stdout)
            self.assertTrue(any(l.startswith("  http_probe 127.0.0.1:") and "refused" in l for l in lines), text.stdout)
            self.assertTrue(any(l.startswith("  registration") and "as long as it is open" in l for l in lines), text.stdout)
            self.assertEqual(json.loads(choregos(daemon, "why", "builder", "-o", "json").stdout)["id"], "builder")
            self.assertIn("builder: is heard, and does not answer when it is asked", choregos(daemon, "doctor").stdout)

            tether.close()
            wait_for("it is lost", lambda: get(daemon, "/api/v1/agents/builder")[1]["liveness"] == "lost", 20, 0.05)
            kinds = [(e["kind"], e["liveness"]) for e in get(daemon, "/api/v1/agents/builder/history")[1]["events"]]
            self.assertEqual(kinds[0], ("liveness", "lost"), kinds)
            self.assertEqual(kinds[-1], ("appeared", "alive"), kinds)
            self.assertEqual(choregos(daemon, "why", "nobody").returncode, 3)


class HistoryTest(unittest.TestCase):
    def test_a_forgotten_agent_is_found_by_id_with_its_history_also_after_a_restart(self):
        with Choregosd("--forget-after", "1s") as daemon:
            daemon.register("brief", incarnation=1)
            self.assertEqual(daemon.request("DELETE", "/api/v1/agents/brief?reason=done")[0], 204)
            wait_for("it is forgotten", lambda: get(daemon, "/api/v1/agents/brief")[0] == 404, 20, 0.05)

            def check():
                status, problem = get(daemon, "/api/v1/agents/brief")
                self.assertEqual(status, 404)
                self.assertIn("was forgotten at", problem["detail"])
                self.assertEqual(problem["forgotten"]["liveness"], "left")
                status, history = get(daemon, problem["history"])
                self.assertEqual(status, 200)
                self.assertFalse(history["listed"])
                self.assertEqual([e["kind"] for e in history["events"]], ["forgotten", "liveness", "appeared"], history)
                self.assertEqual(history["events"][1]["was"], "alive")
                shown = choregos(daemon, "history", "brief")
                self.assertEqual(shown.returncode, 0, shown)
                self.assertIn("forgotten", shown.stdout.splitlines()[1])
                self.assertIn("brief is not listed: forgotten at", shown.stderr)
                gone = choregos(daemon, "agent", "brief")
                self.assertEqual(gone.returncode, 3)
                self.assertIn("was forgotten at", gone.stderr)

            check()
            daemon.stop()
            daemon.start()
            check()
            daemon.process.kill()
            daemon.process.wait()
            daemon.start()
            check()
            daemon.register("brief", incarnation=2)
            events = get(daemon, "/api/v1/agents/brief/history")[1]
            self.assertTrue(events["listed"])
            self.assertEqual(events["events"][0]["kind"], "appeared")


class ExpectedTest(unittest.TestCase):
    def test_nothing_found_where_something_is_expected_is_a_warning_with_the_names(self):
        with Choregosd("--swarm-service", "chorus=2", "--dns-server", "127.0.0.1:1", start=False) as daemon:
            daemon.start(ready=False)
            daemon.wait_for_address()
            daemon.wait("it serves lists", lambda: daemon.get("/readyz")[0] == 200, 30)
            shown = choregos(daemon, "expected")
            self.assertEqual(shown.returncode, 1, shown)
            self.assertIn("2 missing", shown.stdout)
            self.assertEqual(shown.stdout.count("missing  chorus"), 2, shown.stdout)
            body = get(daemon, "/api/v1/expected")[1]
            self.assertEqual((body["matches"], body["services"][0]["desired"], body["services"][0]["desired_by"]), (False, 2, "configuration"))
            self.assertIn("chorus: 2 should be there, 0 are listed", choregos(daemon, "doctor").stdout)
            warning = daemon.wait("a warning in the log", lambda: daemon.events("expected_not_found"), 40, 0.1)[0]
            self.assertEqual((warning["level"], warning["service"], warning["missing"]), ("warn", "chorus", 2))

    def test_nothing_expected_is_a_match(self):
        with Choregosd() as daemon:
            shown = choregos(daemon, "expected")
            self.assertEqual(shown.returncode, 0, shown)
            self.assertIn("nothing says what should be there", shown.stderr)
            thaw = choregos(daemon, "thaw")
            self.assertEqual((thaw.returncode, thaw.stdout), (0, ""), thaw)
            self.assertIn("nothing is frozen", thaw.stderr)
            for words in (["node nowhere"], ["node", "nowhere"]):
                unknown = choregos(daemon, "thaw", *words)
                self.assertEqual(unknown.returncode, 3)
                self.assertIn("no frozen domain is named 'node nowhere'", unknown.stderr)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
