"""What the tests of choregos-agent share: where the programs are, a small registry that writes down what it is told, and
waiting for a condition with a bound."""
import http.client
import http.server
import json
import os
import pathlib
import queue
import selectors
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import parse_qs, unquote, urlsplit

SOURCE_DIR = pathlib.Path(__file__).resolve().parents[2]
BIN_DIR = pathlib.Path(os.environ.get("CHOREGOS_BIN_DIR", SOURCE_DIR / "build/dev")).resolve()


def program(name):
    for folder in ("", "choregos/agent", "choregos/daemon", "choregos/cli", "examples", "bin"):
        path = BIN_DIR / folder / name
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    raise SystemExit(f"no program {name} below {BIN_DIR}; build it, or set CHOREGOS_BIN_DIR")


def skip(reason):
    """Ends the script as skipped, or as failed where skips are not allowed."""
    print("SKIPPED:", reason, flush=True)
    sys.exit(1 if os.environ.get("CHOREGOS_NO_SKIP") == "1" else 77)


def wait_for(what, condition, seconds=10.0, every=0.01):
    """The first true value of condition(); fails with `what` when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(every)


def get_json(port, path, host="127.0.0.1", timeout=5):
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def lines_of(process):
    """A queue of the lines that a process writes to standard error, filled by a thread."""
    lines = queue.Queue()

    def pump():
        for line in process.stderr:
            lines.put(line.decode(errors="replace").rstrip("\n"))
        lines.put(None)

    threading.Thread(target=pump, daemon=True).start()
    return lines


class Registry:
    """Takes registrations and writes down every request as (method, path, query, body). No belief, no judgement."""

    def __init__(self, ttl_ms=3000, conflict=False):
        self.requests = []
        self.tethers = []
        self.changed = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                url = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                with outer.changed:
                    outer.requests.append((self.command, unquote(url.path), parse_qs(url.query), body))
                    outer.changed.notify_all()
                if conflict and self.command == "PUT":
                    return self.answer(409, {"title": "Conflict", "status": 409, "detail": "another process holds it", "code": "conflict"})
                if url.path.endswith("/tether"):
                    return self.tether()
                if self.command == "DELETE":
                    self.send_response(204)
                    self.end_headers()
                    return
                agent_id = unquote(url.path.split("/")[4])
                self.answer(200, {"agent": {"id": agent_id}, "created": True, "ttl_ms": ttl_ms, "beacon_interval_ms": 1000})

            do_GET = do_PUT = do_POST = do_DELETE = handle_any

            def answer(self, status, document):
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def tether(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.close_connection = True
                self.push(": hello\n\n")
                outer.tethers.append(self)
                try:
                    self.connection.settimeout(120)
                    self.connection.recv(1)
                except OSError:
                    pass
                outer.tethers.remove(self)

            def push(self, text):
                data = text.encode()
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self.wfile.flush()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for_request(self, method, suffix="", seconds=10.0, after=0):
        """The first request of this method, from number `after` on, whose path ends with suffix."""
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                for request in self.requests[after:]:
                    if request[0] == method and request[1].endswith(suffix):
                        return request
                left = end - time.monotonic()
                if left <= 0 or not self.changed.wait(left):
                    raise AssertionError(f"no {method} …{suffix} within {seconds} s; came: {self.requests[after:]}")

    def cut_tethers(self):
        for handler in list(self.tethers):
            handler.connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def start_agent(*arguments, **options):
    """choregos-agent with its standard error piped; the caller stops it."""
    options.setdefault("stderr", subprocess.PIPE)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CHOREGOS_")}
    environment.update(options.pop("env", {}))
    return subprocess.Popen([program("choregos-agent"), *arguments], env=environment, **options)


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Fleet:
    """Many agents that register at one choregosd; each is killed at the end if it still runs."""

    def __init__(self, daemon_port, ids, *arguments):
        self.url = f"http://127.0.0.1:{daemon_port}"
        self.agents = {}
        try:
            for agent_id in ids:
                self.agents[agent_id] = start_agent("--id", agent_id, "--registry", self.url, "--health", "127.0.0.1:0", *arguments)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def wait_until_tethered(self, seconds=30):
        """Until each has said so on its standard error."""
        selector = selectors.DefaultSelector()
        heard = {}
        for agent_id, process in self.agents.items():
            os.set_blocking(process.stderr.fileno(), False)
            heard[agent_id] = b""
            selector.register(process.stderr, selectors.EVENT_READ, agent_id)
        end = time.monotonic() + seconds
        while selector.get_map():
            ready = selector.select(max(0.0, end - time.monotonic()))
            if not ready:
                missing = [key.data for key in selector.get_map().values()]
                raise AssertionError(f"not tethered within {seconds} s: {len(missing)} of {len(self.agents)}, such as {missing[:3]}: {heard[missing[0]].decode()}")
            for key, _ in ready:
                piece = key.fileobj.read(65536)
                heard[key.data] += piece or b""
                if b"tethered to" in heard[key.data]:
                    selector.unregister(key.fileobj)
                elif piece == b"":
                    raise AssertionError(f"{key.data} ended: {heard[key.data].decode()}")

    def close(self):
        for process in self.agents.values():
            if process.poll() is None:
                process.kill()
        for process in self.agents.values():
            process.wait()
            process.stderr.close()


class Asker:
    """One kept-alive connection to the API."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def get(self, path):
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def liveness(self, agent_id):
        status, body = self.get(f"/api/v1/agents/{agent_id}")
        return body["liveness"] if status == 200 else f"status {status}"

    def listed(self, query=""):
        status, body = self.get("/api/v1/agents" + query)
        assert status == 200, (status, body)
        return body["agents"]


def kill_and_restart(daemon):
    """kill -9 of an api_daemon.Daemon, and a new process on the same port and state."""
    daemon.process.kill()
    daemon.process.wait()
    os.unlink(os.path.join(daemon.state, "http.address"))
    daemon.process = subprocess.Popen(
        [program("choregosd"), "--http", f"127.0.0.1:{daemon.port}", "--udp", "0", "--state", daemon.state],
        stdout=daemon.log, stderr=daemon.log, stdin=subprocess.DEVNULL)
    daemon.wait_for_address()
    daemon.wait_until_ready()
