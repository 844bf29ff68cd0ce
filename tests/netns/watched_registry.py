"""A choregosd on a host of lan.py, whose word is taken from its own log (each change of liveness with its time) and from its API
(the mode and health that every list carries), asked over its loopback, which no cut of its network touches."""
import calendar
import http.client
import json
import os
import pathlib
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "swarm"))
from engine import InNamespace  # noqa: E402

from agent_support import program, wait_for  # noqa: E402

TOKEN = "a-token-for-tests-only"


def wall(rfc3339):
    """Seconds since 1970 of "2026-01-02T03:04:05.678Z"."""
    whole, _, fraction = rfc3339.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{fraction or 0}")


class Asker:
    """One kept connection from within the host."""

    def __init__(self, pid, port):
        self.pid, self.port, self.connection = pid, port, None

    def get(self, path, timeout=5):
        for attempt in (1, 2):
            try:
                if self.connection is None:
                    with InNamespace(self.pid):
                        sock = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.port)
                    self.connection.sock = sock
                self.connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
                answer = self.connection.getresponse()
                return answer.status, json.loads(answer.read() or b"null")
            except (OSError, http.client.HTTPException):
                self.connection = None
                if attempt == 2:
                    return 0, None


class WatchedRegistry:
    """`watch` = seconds between two looks at the mode; 0 = none are taken."""

    PORT = 4470

    def __init__(self, lans, host, address, *extra, watch=0.05):
        self.folder = tempfile.TemporaryDirectory(prefix="choregos-netns-")
        path = pathlib.Path(self.folder.name)
        self.host, self.address, self.url = host, address, f"http://{address}:{self.PORT}"
        token = path / "token"
        with open(os.open(token, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(TOKEN + "\n")
        self.log_path = path / "log"
        with open(self.log_path, "wb") as log:
            self.process = lans.start(host, program("choregosd"), "--http", f"127.0.0.1:{self.PORT}", "--http", f"{address}:{self.PORT}", "--token-file", token, "--udp", "4471", "--memory",
                                      "--accept-unsigned", "any", "--log-format", "json", *extra, stderr=log, stdout=log)
        self.asker = Asker(self.process.pid, self.PORT)
        self.looks = []  # (time, mode, health score, the guard's domains)
        self.read_to, self.lines = 0, []
        wait_for(f"the registry on {host} is ready", self._ready, 20, 0.05)
        self._ending = threading.Event()
        self._watching = threading.Thread(target=self._watch, args=(watch,), daemon=True)
        if watch:
            self._watching.start()

    def _ready(self):
        assert self.process.poll() is None, f"choregosd ended with {self.process.returncode}:\n{self.log_path.read_text()}"
        return self.asker.get("/readyz")[0] == 200

    def _watch(self, every):
        asker = Asker(self.process.pid, self.PORT)
        while not self._ending.wait(every):
            status, body = asker.get("/api/v1/agents?limit=1&fields=id", timeout=200)
            if status == 200:
                guard = body.get("guard") or {}
                self.looks.append((time.time(), body["mode"], guard.get("health_score", 0), guard.get("domains", []), guard.get("health_reason", "")))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._ending.set()
        if keep := os.environ.get("CHOREGOS_KEEP_LOGS"):
            pathlib.Path(keep).mkdir(parents=True, exist_ok=True)
            (pathlib.Path(keep) / f"{os.getpid()}-{self.host}.log").write_bytes(self.log_path.read_bytes())
        self.folder.cleanup()

    # ---- what it said ----

    def log(self):
        with open(self.log_path, "rb") as file:
            file.seek(self.read_to)
            text = file.read()
        whole, _, _ = text.rpartition(b"\n")
        self.read_to += len(whole) + 1 if whole else 0
        self.lines += [json.loads(line) for line in whole.splitlines()]
        assert not any(line["event"] == "agents_changed" for line in self.lines), "more changed at once than the log tells; ask for fewer"
        return self.lines

    def transitions(self, since=0.0, until=float("inf"), to=None, ids=None):
        """(time, agent id, liveness, reason) of each change of liveness within those times."""
        found = []
        for line in self.log():
            if line["event"] not in ("agent_liveness", "agent_forgotten"):
                continue
            at, word = wall(line["time"]), line.get("to", "forgotten")
            if since <= at <= until and (to is None or word == to) and (ids is None or line["agent_id"] in ids):
                found.append((at, line["agent_id"], word, line.get("reason", "")))
        return found

    def wait_for_transition(self, agent_id, to, since, seconds):
        return wait_for(f"{agent_id} is {to}", lambda: next(iter(self.transitions(since, to=to, ids={agent_id})), None), seconds, 0.02)

    def frozen_at(self, since):
        """When a look first showed that belief is restrained; None = never."""
        return next((look[0] for look in list(self.looks) if look[0] >= since and look[1] != "normal"), None)

    def story(self, since):
        """What the looks showed, each time that it changed: for people who ask why a test failed."""
        lines, before = [], None
        for at, mode, score, domains, reason in list(self.looks):
            shown = (mode, score, reason if score else "", tuple((d["name"], d["mode"], d["silent"], d["members"], d["cause"]) for d in domains))
            if at >= since and shown != before:
                lines.append(f"  {self.host} {at - since:+7.2f} s {mode}, health {score} {shown[2]} " + "; ".join(f"{n} {m} {silent}/{of} ({cause})" for n, m, silent, of, cause in shown[3]))
            before = shown
        return "\n".join(lines)

    def health(self, since, until=float("inf")):
        """The worst health score seen: at 0 every wait is as documented, else they are stretched by 1 + score/2."""
        return max((look[2] for look in list(self.looks) if since <= look[0] <= until), default=0)

    def stretch(self, since, until=float("inf")):
        return 1 + self.health(since, until) / 2

    def agents(self):
        status, body = self.asker.get("/api/v1/agents?limit=1000&fields=id,liveness,incarnation,first_seen,identity,liveness_reason", timeout=30)
        assert status == 200, (status, body)
        return {agent["id"]: agent for agent in body["agents"]}

    def agent(self, agent_id):
        return self.asker.get(f"/api/v1/agents/{agent_id}")[1]

    def mode(self):
        return self.asker.get("/api/v1/agents?limit=1&fields=id")[1]["mode"]

    def dropped(self):
        """Datagrams that the kernel threw away, because nobody read them."""
        sources = self.asker.get("/api/v1/sources", timeout=30)[1]["sources"]
        return sum(source.get("counters", {}).get("dropped_by_kernel", 0) for source in sources)

    def wait_until_alive(self, ids, seconds):
        """All of them; returns how long it took."""
        started, ids = time.monotonic(), set(ids)

        def missing():
            agents = self.agents()
            return {i for i in ids if agents.get(i, {}).get("liveness") != "alive"}

        try:
            wait_for("all are alive", lambda: not missing(), seconds, 0.05)
        except AssertionError:
            late = missing()
            raise AssertionError(f"{self.host}: not alive within {seconds} s: {len(late)} of {len(ids)}, such as {[(i, self.agents().get(i)) for i in sorted(late)[:3]]}") from None
        return time.monotonic() - started
