#!/usr/bin/env python3
"""When lists may be believed: until every polling source has finished or failed its first round, at most five seconds, the
API says 503 and why, never an empty list; from then on the list is there."""
import http.server
import json
import pathlib
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from daemon_support import Choregosd, check  # noqa: E402


def slow_agent(agent_id, delay):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            time.sleep(delay)
            body = json.dumps({"id": agent_id}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def first_answers(daemon, seconds=8):
    """Asks for the list until it is given: how long that took, the list, and what was said before."""
    began, said = time.monotonic(), []
    while time.monotonic() - began < seconds:
        status, body = daemon.get("/api/v1/agents")
        if status == 200:
            return time.monotonic() - began, [a["id"] for a in json.loads(body)["agents"]], said
        if status == 503:
            problem = json.loads(body)
            said.append(problem["detail"])
            check(daemon.get("/readyz")[0] in (200, 503) and daemon.get("/healthz")[0] == 200, "healthz or readyz is wrong meanwhile")
        time.sleep(0.001)
    raise AssertionError(f"no list within {seconds} s; it said {said[-1:]}\n{daemon.log()}")


def start_with(daemon, targets):
    if targets:
        file = daemon.path / "targets.toml"
        file.write_text("".join(f'[[target]]\naddress = "127.0.0.1:{port}"\n' for port in targets))
        daemon.arguments += ["--targets", str(file)]
    daemon.start(ready=False)
    daemon.wait_for_address()


def main():
    # Slow answers are waited for: the first list holds them all.
    servers = [slow_agent(f"slow-{i}", 0.3) for i in range(8)]
    for _ in range(5):
        with Choregosd(start=False) as daemon:
            start_with(daemon, [s.server_port for s in servers])
            took, listed, said = first_answers(daemon)
            check(listed == [f"slow-{i}" for i in range(8)], f"the first list is {listed}")
            check(said and any("http_probe has not tried" in text for text in said), f"it was not said why: {said[:1]}")
    print(f"eight slow targets: 503 for {took:.2f} s, then all of them")
    # Nobody answers there: a failure that shows ends the wait as well.
    with socket.socket() as refuses, Choregosd(start=False) as daemon:
        refuses.bind(("127.0.0.1", 0))
        start_with(daemon, [refuses.getsockname()[1]])
        took, listed, _ = first_answers(daemon)
        check(listed == [] and took < 1.5, f"{listed} after {took:.2f} s")
    # A name server that is silent, and a target that is, too: bounded.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent_dns, socket.socket() as hanging, Choregosd(start=False) as daemon:
        silent_dns.bind(("127.0.0.1", 0))
        hanging.bind(("127.0.0.1", 0))
        hanging.listen()
        daemon.arguments = ["--swarm-service", "chorus", "--dns-server", f"127.0.0.1:{silent_dns.getsockname()[1]}"]
        start_with(daemon, [hanging.getsockname()[1]])
        took, listed, said = first_answers(daemon)
        check(listed == [] and 1.0 < took < 6.0, f"{listed} after {took:.2f} s")
        check(any("swarm_dns" in text for text in said), f"it was not said why: {said[:1]}")
        failed = [s for s in daemon.json("/api/v1/sources")["sources"] if s["name"] == "swarm_dns"][0]
        check(failed["state"] == "failed" and failed["last_error"] and failed["advice"], failed)
        print(f"silent name server and target: 503 for {took:.2f} s")
    # What is restored is listed at once, though the probe has nobody heard yet.
    with Choregosd() as daemon:
        daemon.register("kept")
        daemon.stop()
        daemon.port = 0
        daemon.start()
        _, listed, _ = first_answers(daemon)
        check(listed == ["kept"], listed)
    print("ok")


main()
