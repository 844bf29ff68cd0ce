#!/usr/bin/env python3
"""An agent in Python's standard library alone: answers /health, registers, and holds a tether open.

    agent_in_python.py ID CAPABILITY [http://127.0.0.1:4470]

The tether is a response that stays open: its end tells the registry within milliseconds that we died, and tells us that
the registry went away, so that we register again.
"""
import http.client, http.server, json, random, signal, sys, threading, time
from urllib.parse import quote, urlsplit

agent_id, capability = sys.argv[1], sys.argv[2]
registry = urlsplit(sys.argv[3] if len(sys.argv) > 3 else "http://127.0.0.1:4470")
statement = {"incarnation": int(time.time() * 1000), "name": "python agent", "capabilities": [capability], "status": "idle"}
path = "/api/v1/agents/" + quote(agent_id, safe="")


class Health(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps({"id": agent_id, **statement}).encode() if self.path == "/health" else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def ask(method, suffix="", body=None, timeout=5):
    connection = http.client.HTTPConnection(registry.hostname, registry.port, timeout=timeout)
    headers = {"Content-Type": "application/json"} if body is not None else {}
    connection.request(method, path + suffix, None if body is None else json.dumps(body), headers)
    return connection, connection.getresponse()


def renew(ends, every):
    while not ends.wait(every):
        connection, _ = ask("POST", "/renew", {"incarnation": statement["incarnation"]})
        connection.close()


def leave(*_):
    ask("DELETE", f"?incarnation={statement['incarnation']}")[1].read()
    sys.exit(0)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health)
threading.Thread(target=server.serve_forever, daemon=True).start()
statement["health_url"] = f"http://127.0.0.1:{server.server_port}/health"
signal.signal(signal.SIGTERM, leave)
signal.signal(signal.SIGINT, leave)

wait = 0.1
while True:
    ends = threading.Event()
    try:
        _, answer = ask("PUT", body=statement)
        document = json.load(answer)
        if answer.status >= 300:
            raise OSError(document.get("detail", answer.reason))
        threading.Thread(target=renew, args=(ends, document["ttl_ms"] / 3000), daemon=True).start()
        _, tether = ask("GET", f"/tether?incarnation={statement['incarnation']}", timeout=60)
        print("registered", tether.status, flush=True)
        wait = 0.1
        event = b""
        for line in tether:  # pacing, questions whether we live and, later, offers of work
            if line.startswith(b"event: "):
                event = line[7:].strip()
            elif line.startswith(b"data: ") and event == b"ping":
                ask("POST", "/renew", {"incarnation": statement["incarnation"], "answer": json.loads(line[6:])["nonce"]})[0].close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        print("registry:", error, flush=True)
    ends.set()
    time.sleep(wait * random.uniform(0.5, 1))
    wait = min(wait * 2, 5)
