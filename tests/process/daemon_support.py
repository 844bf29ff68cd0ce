"""A choregosd with arguments of one's own, for tests of the daemon as a process. Standard library only."""
import http.client
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from agent_support import program, wait_for


def clean_environment(**more):
    """Nothing of choregos or of where state lies, besides what is given."""
    dropped = ("XDG_STATE_HOME", "STATE_DIRECTORY", "NOTIFY_SOCKET")
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CHOREGOS_") and k not in dropped}
    return {**kept, **more}


def ask_choregosd(*arguments, **environment):
    """Runs choregosd to its end; for questions and refusals."""
    return subprocess.run([program("choregosd"), *map(str, arguments)], env=clean_environment(**environment), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)


class Choregosd:
    def __init__(self, *arguments, state=None, port=0, prefix=(), environment=None, start=True):
        self.folder = tempfile.TemporaryDirectory(prefix="choregosd-")
        self.path = pathlib.Path(self.folder.name)
        self.state = pathlib.Path(state) if state else self.path / "state"
        self.arguments = [str(a) for a in arguments]
        self.prefix = list(prefix)
        self.environment = clean_environment(**(environment or {}))
        self.log_path = self.path / "log"
        self.process = None
        self.port = port
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def start(self, ready=True):
        command = [*self.prefix, program("choregosd"), "--http", f"127.0.0.1:{self.port}", "--udp", "0", "--no-beacon-multicast", "--state", str(self.state), *self.arguments]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        if ready:
            self.wait_for_address()
            self.wait("choregosd is ready", lambda: self.get("/readyz")[0] == 200)
        return self

    def wait(self, what, condition, seconds=20.0, every=0.01):
        def or_ended():
            assert self.process.poll() is None, f"choregosd ended with {self.process.returncode}; it said:\n{self.log()}"
            return condition()
        try:
            return wait_for(what, or_ended, seconds, every)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()[-4000:]}") from None

    def wait_for_address(self):
        file = self.state / "http.address"
        self.wait("http.address", file.exists)
        self.port = int(file.read_text().strip().rsplit(":", 1)[1])

    def log(self):
        return self.log_path.read_text(errors="replace")

    def events(self, name=None):
        """Lines of the log as objects; every line must be one."""
        found = [json.loads(line) for line in self.log().splitlines()]
        return [e for e in found if name is None or e["event"] == name]

    def connect(self, timeout=10):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None, connection=None):
        own = connection or self.connect()
        try:
            own.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json", **(headers or {})} if body is not None else headers or {})
            answer = own.getresponse()
            return answer.status, answer.read()
        finally:
            if connection is None:
                own.close()

    def get(self, path, headers=None):
        try:
            return self.request("GET", path, headers=headers)
        except (ConnectionError, http.client.HTTPException):
            return 0, b""

    def json(self, path):
        status, body = self.get(path)
        assert status == 200, (status, body)
        return json.loads(body)

    def register(self, agent_id, connection=None, **fields):
        return self.request("PUT", f"/api/v1/agents/{agent_id}", {"incarnation": 1, "ttl": "60s", **fields}, connection=connection)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=10):
        """SIGTERM; returns how long it took and the exit code."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        return time.monotonic() - began, code

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        self.folder.cleanup()


def check(condition, what):
    if not condition:
        raise AssertionError(what)
