"""A choregosd of one's own on loopback, for tests of the API: started on a port that the kernel chose, stopped at the end.
Requests are written by hand, so that odd ones can be sent, too. Standard library only.
"""
import json
import os
import signal
import socket
import subprocess
import tempfile
import time


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # lower-case names
        self.body = body
        # Refused by the framing gate: the connection closes and the API never saw a request.
        self.early = status in (413, 414, 431)


def parse_head(head):
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(lines[0].split(" ")[1]), headers


class Stream:
    """A reply that stays open."""

    def __init__(self, connection, buffered, response):
        self.connection, self.buffered, self.response = connection, buffered, response

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def read_until(self, part, timeout=5):
        end = time.monotonic() + timeout
        while part not in self.buffered:
            self.connection.settimeout(max(0.01, end - time.monotonic()))
            try:
                more = self.connection.recv(65536)
            except TimeoutError:
                return False
            if not more:
                return False
            self.buffered += more
        return True


class Daemon:
    def __init__(self, choregosd, token=None):
        self.folder = tempfile.TemporaryDirectory(prefix="choregos-api-")
        self.state = os.path.join(self.folder.name, "state")
        arguments = [choregosd, "--http", "127.0.0.1:0", "--udp", "0", "--state", self.state]
        if token:
            path = os.path.join(self.folder.name, "token")
            with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
                file.write(token + "\n")
            arguments += ["--token-file", path]
        self.log = open(os.path.join(self.folder.name, "log"), "wb+")
        self.process = subprocess.Popen(arguments, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        try:
            self.host, self.port = self.wait_for_address()
            self.wait_until_ready()
        except Exception:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def wait_for(self, condition, what):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            if value := condition():
                return value
            time.sleep(0.02)
        self.log.seek(0)
        raise RuntimeError(f"choregosd: {what}; exit code {self.process.poll()}; it said:\n{self.log.read().decode(errors='replace')}")

    def wait_for_address(self):
        path = os.path.join(self.state, "http.address")

        def address():
            if not os.path.exists(path):
                return None
            with open(path, encoding="ascii") as file:
                host, _, port = file.read().strip().removeprefix("http://").rpartition(":")
            return (host, int(port)) if port else None

        return self.wait_for(address, "no address")

    def wait_until_ready(self):
        self.wait_for(lambda: self.ask("GET", "/readyz").status == 200, "not ready")

    def send(self, method, target, headers, body):
        connection = socket.create_connection((self.host, self.port), timeout=10)
        lines = {"Host": f"{self.host}:{self.port}", **(headers or {})}
        if body or method in ("PUT", "POST"):
            lines.setdefault("Content-Length", str(len(body)))
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n"
        try:
            connection.sendall(head.encode("latin-1") + body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before it was all sent: the answer is there to be read
        return connection

    def ask(self, method, target, headers=None, body=b""):
        """One request on a connection of its own."""
        with self.send(method, target, {**(headers or {}), "Connection": "close"}, body) as connection:
            data = b""
            try:
                while more := connection.recv(65536):
                    data += more
            except ConnectionResetError:
                pass
        head, _, rest = data.partition(b"\r\n\r\n")
        if not head:
            raise RuntimeError(f"{method} {target[:80]}: no answer")
        status, fields = parse_head(head)
        if fields.get("transfer-encoding") == "chunked":
            raise RuntimeError("chunked replies are not expected here")
        return Response(status, fields, rest)

    def stream(self, target, headers=None):
        connection = self.send("GET", target, headers or {}, b"")
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                raise RuntimeError(f"GET {target}: no answer")
            data += more
        head, _, rest = data.partition(b"\r\n\r\n")
        status, fields = parse_head(head)
        response = Response(status, fields, b"")
        return Stream(connection, rest, response)

    def json(self, target):
        return json.loads(self.ask("GET", target).body)
