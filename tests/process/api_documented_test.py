#!/usr/bin/env python3
"""Tries every documented operation and status against a running choregosd, and checks each reply against the document:
status, media type, headers and body. A status that is documented and not tried fails, and so does one that comes
undocumented. Standard library only.

    [CHOREGOS_BIN_DIR=build/dev] api_documented_test.py [CHOREGOSD]
"""
import json
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "openapi"))
sys.dont_write_bytecode = True
from schema_check import Mismatch, check, resolve  # noqa: E402
from agent_support import program  # noqa: E402
from api_daemon import Daemon, Response  # noqa: E402

TOKEN = "0123456789abcdef0123456789abcdef"
LONG = "x" * 3000
JSON_TYPE = {"Content-Type": "application/json"}

# Statuses that a healthy daemon cannot be made to give from outside; choregos/api/http/*_test.cpp give them with fakes.
ONLY_WITH_FAKES = {
    ("GET", "/readyz", 503): "ready as soon as it listens, with these sources",
    ("PUT", "/api/v1/agents/{id}", 503): "registration is on",
    ("POST", "/api/v1/agents/{id}/renew", 503): "registration is on",
    ("DELETE", "/api/v1/agents/{id}", 503): "registration is on",
    ("GET", "/api/v1/agents/{id}/tether", 503): "registration is on",
    ("GET", "/api/v1/agents/{id}/why", 503): "the registry explains as long as it runs",
    ("GET", "/api/v1/agents/{id}/history", 503): "the store answers as long as it runs",
    ("GET", "/api/v1/watch", 503): "a stream waits with its reader until the lists are ready",
    ("GET", "/api/v1/expected", 503): "ready as soon as it listens, with these sources",
    ("POST", "/api/v1/guard/thaw", 503): "the registry takes signs as long as it runs",
}


class Failure(Exception):
    pass


class Tried:
    """The document, what was tried of it, and the checks of one reply."""

    def __init__(self, document):
        self.document = document
        self.done = set()

    def operation(self, method, pattern):
        return self.document["paths"][pattern][method.lower()]

    def judge(self, method, pattern, expected, response: Response):
        label = f"{method} {pattern} {expected}"
        if response.status != expected:
            raise Failure(f"{label}: answered {response.status}: {response.body[:300]!r}")
        documented = self.operation(method, pattern)["responses"].get(str(response.status))
        if documented is None:
            raise Failure(f"{label}: this status is not documented")
        documented = resolve(self.document, documented)
        try:
            self.judge_body(documented, response)
            self.judge_headers(documented, response)
        except Mismatch as mismatch:
            raise Failure(f"{label}: {mismatch}; body {response.body[:400]!r}") from None
        self.done.add((method, pattern, expected))

    def judge_body(self, documented, response):
        media = response.headers.get("content-type", "").split(";")[0]
        content = documented.get("content")
        if content is None:
            if response.body:
                raise Mismatch("a body where none is documented")
            return
        if media not in content:
            raise Mismatch(f"the media type is {media!r}, documented are {list(content)}")
        value = json.loads(response.body) if media.endswith("json") and media != "application/x-ndjson" else response.body.decode()
        check(self.document, content[media]["schema"], value)
        if media == "application/problem+json" and value["status"] != response.status:
            raise Mismatch("the problem names another status")

    def judge_headers(self, documented, response):
        wanted = {"x-content-type-options", "content-security-policy", "referrer-policy", "x-frame-options", "cache-control"}
        wanted |= {name.lower() for name in documented.get("headers", {}) if name not in OPTIONAL_HEADERS}
        if response.early:  # refused while it was still being read, before the API saw it
            wanted = set()
        for name in sorted(wanted):
            if name not in response.headers:
                raise Mismatch(f"the header {name} is missing")


# Sent only when there is something to say.
OPTIONAL_HEADERS = {"Link", "Content-Location", "ETag"}


def path_of(pattern, agent="doc-1"):
    return pattern.replace("{id}", agent)


def try_gate(tried, daemon, guarded, method, pattern):
    """What every route answers before its handler is asked."""
    path = path_of(pattern)
    operation = tried.operation(method, pattern)["responses"]
    headers = dict(JSON_TYPE) if "requestBody" in tried.operation(method, pattern) else {}
    body = b"{}" if headers else b""

    def ask(server, expected, at=path, extra=None, content=body):
        tried.judge(method, pattern, expected, server.ask(method, at, {**headers, **(extra or {})}, content))

    ask(daemon, 400, at=path + "?no_such_parameter=1")
    ask(daemon, 403, extra={"Origin": "http://evil.example"})
    ask(daemon, 421, extra={"Host": "evil.example"})
    if "413" in operation:
        ask(daemon, 413, content=b"[" + b"1," * 40_000 + b"1]")
    ask(daemon, 414, at=path + "?q=" + LONG)
    ask(daemon, 431, extra={"X-Filler": "y" * 9000})
    if "415" in operation:
        tried.judge(method, pattern, 415, daemon.ask(method, path, {"Content-Type": "text/plain"}, b"{}"))
    if "401" in operation:
        ask(guarded, 401)
        ask(guarded, 429, extra={"Authorization": "Bearer wrong-wrong-wrong-wrong"})


def try_reading(tried, daemon):
    script = re.search(r"/assets/([^\"]+)", daemon.ask("GET", "/").body.decode()).group(1)
    tried.judge("GET", "/assets/{id}", 404, daemon.ask("GET", "/assets/of-an-older-build.js"))
    for pattern in ("/", "/assets/{id}", "/favicon.svg", "/healthz", "/readyz", "/metrics", "/openapi.json", "/api/v1/agents", "/api/v1/agents/{id}",
                    "/api/v1/agents/{id}/why", "/api/v1/agents/{id}/history", "/api/v1/capabilities", "/api/v1/summary", "/api/v1/sources", "/api/v1/expected",
                    "/api/v1/version"):
        path = path_of(pattern, script) if pattern.startswith("/assets") else path_of(pattern)
        response = daemon.ask("GET", path)
        tried.judge("GET", pattern, 200, response)
        head = daemon.ask("HEAD", path)
        if head.status != 200 or head.body or head.headers.get("content-type") != response.headers["content-type"]:
            raise Failure(f"HEAD {path}: {head.status} {head.headers} {head.body[:80]!r}")
        if "304" in tried.operation("GET", pattern)["responses"]:
            tried.judge("GET", pattern, 304, daemon.ask("GET", path, {"If-None-Match": response.headers["etag"]}))
        if "max_age" in json.dumps(tried.operation("GET", pattern)):
            # Evidence ages by at least a millisecond before a second request can be read.
            time.sleep(0.01)
            tried.judge("GET", pattern, 503, daemon.ask("GET", path + "?max_age=1ms"))
    tried.judge("GET", "/api/v1/agents", 200, daemon.ask("GET", "/api/v1/agents?format=array"))
    tried.judge("GET", "/api/v1/agents", 200, daemon.ask("GET", "/api/v1/agents?limit=1&fields=id,age_ms&capability=go&sort=-name"))
    tried.judge("GET", "/api/v1/agents/{id}", 404, daemon.ask("GET", "/api/v1/agents/nobody"))
    for part in ("why", "history"):
        pattern = "/api/v1/agents/{id}/" + part
        tried.judge("GET", pattern, 404, daemon.ask("GET", path_of(pattern, "nobody")))
    thaw = "/api/v1/guard/thaw"
    tried.judge("POST", thaw, 200, daemon.ask("POST", thaw, JSON_TYPE, b"{}"))
    tried.judge("POST", thaw, 404, daemon.ask("POST", thaw, JSON_TYPE, b'{"domain":"node nowhere"}'))


def try_registration(tried, daemon):
    one = "/api/v1/agents/{id}"
    put = lambda agent, record, expected: tried.judge("PUT", one, expected, daemon.ask("PUT", path_of(one, agent), JSON_TYPE, json.dumps(record).encode()))
    record = {"incarnation": 5, "name": "Documented", "capabilities": ["go"], "status": "idle", "labels": {"zone": "a"}, "ttl": "30s"}
    put("doc-1", record, 201)
    put("doc-1", record, 200)
    put("doc-1", {**record, "last_seen": "2026-11-23T10:00:00Z"}, 400)
    put("doc-1", {**record, "capabilites": []}, 400)

    renew = "/api/v1/agents/{id}/renew"
    post = lambda agent, query, content, expected: tried.judge("POST", renew, expected, daemon.ask("POST", path_of(renew, agent) + query, JSON_TYPE if content else {}, content))
    post("doc-1", "?incarnation=5", b"", 200)
    post("doc-1", "", b'{"status":"working","running":1}', 200)
    post("nobody", "", b"", 404)

    tether = "/api/v1/agents/{id}/tether"
    with daemon.stream(path_of(tether) + "?incarnation=5") as stream:
        tried.judge("GET", tether, 200, stream.response)
        if not stream.read_until(b"event: hello"):
            raise Failure("the tether does not begin with hello")
    tried.judge("GET", tether, 404, daemon.ask("GET", path_of(tether, "nobody")))
    return one, renew, tether


def try_watch(tried, daemon):
    watch = "/api/v1/watch"
    for accept, first, last in (("text/event-stream", b"event: reset", b"event: ready"), ("application/x-ndjson", b'{"event":"reset"', b'{"event":"ready"')):
        with daemon.stream(watch + "?fields=id", {"Accept": accept}) as stream:
            tried.judge("GET", watch, 200, stream.response)
            if not (stream.read_until(last) and first in stream.buffered):
                raise Failure(f"the stream for {accept} does not begin with a list: {stream.buffered[:300]!r}")
        head = daemon.ask("HEAD", watch, {"Accept": accept})
        if head.status != 200 or head.body or head.headers.get("content-type") != accept:
            raise Failure(f"HEAD {watch}: {head.status} {head.headers}")
    page = json.loads(daemon.ask("GET", "/api/v1/agents").body)
    since = lambda number: f"{watch}?since={page['epoch']}.{number}&wait=1ms"
    tried.judge("GET", watch, 200, daemon.ask("GET", since(page["revision"])))
    news = daemon.ask("GET", since(page["revision"] - 1))
    tried.judge("GET", watch, 200, news)
    if len(json.loads(news.body)["events"]) != 1:
        raise Failure(f"one step back is one change: {news.body[:300]!r}")
    tried.judge("GET", watch, 400, daemon.ask("GET", since(page["revision"] + 1000)))
    tried.judge("GET", watch, 400, daemon.ask("GET", watch + "?sort=name"))
    tried.judge("GET", watch, 410, daemon.ask("GET", watch + "?since=1.1"))


def try_conflicts(tried, daemon, one, renew, tether):
    # doc-2 is alive in its 9th life; whoever comes with an older one is refused.
    daemon.ask("PUT", path_of(one, "doc-2"), JSON_TYPE, b'{"incarnation":9}')
    with daemon.stream(path_of(tether, "doc-2") + "?incarnation=9"):
        tried.judge("PUT", one, 409, daemon.ask("PUT", path_of(one, "doc-2"), JSON_TYPE, b'{"incarnation":8}'))
        tried.judge("POST", renew, 409, daemon.ask("POST", path_of(renew, "doc-2") + "?incarnation=8"))
        tried.judge("GET", tether, 409, daemon.ask("GET", path_of(tether, "doc-2") + "?incarnation=8"))
        tried.judge("DELETE", one, 409, daemon.ask("DELETE", path_of(one, "doc-2") + "?incarnation=8"))
    tried.judge("DELETE", one, 404, daemon.ask("DELETE", path_of(one, "nobody")))
    tried.judge("DELETE", one, 204, daemon.ask("DELETE", path_of(one, "doc-2") + "?incarnation=9&reason=done"))


def check_manners(daemon):
    """What belongs to no operation: unknown paths and methods."""
    missing = daemon.ask("GET", "/api/v1/agnets")
    if missing.status != 404 or b"/api/v1/agents" not in missing.body:
        raise Failure(f"an unknown path: {missing.status} {missing.body!r}")
    wrong = daemon.ask("POST", "/api/v1/agents", JSON_TYPE, b"{}")
    if wrong.status != 405 or wrong.headers.get("allow") != "GET, HEAD":
        raise Failure(f"a wrong method: {wrong.status} {wrong.headers}")


def check_metrics(daemon):
    promtool = shutil.which("promtool")
    if not promtool:
        if os.environ.get("CHOREGOS_NO_SKIP") == "1":
            raise Failure("promtool is not installed (apt-get install prometheus)")
        print("promtool is not installed: /metrics is not linted")
        return
    text = daemon.ask("GET", "/metrics").body
    result = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, timeout=30, check=False)
    if result.returncode != 0:
        raise Failure("promtool: " + (result.stdout + result.stderr).decode())


def main(choregosd):
    with Daemon(choregosd) as daemon, Daemon(choregosd, token=TOKEN) as guarded:
        tried = Tried(json.loads(daemon.ask("GET", "/openapi.json").body))
        names = try_registration(tried, daemon)
        try_reading(tried, daemon)
        try_watch(tried, daemon)
        try_conflicts(tried, daemon, *names)
        # Over the allowance of wrong tokens, so that the next one is refused with 429.
        for _ in range(21):
            guarded.ask("GET", "/api/v1/agents", {"Authorization": "Bearer wrong-wrong-wrong-wrong"})
        if guarded.ask("GET", "/api/v1/version", {"Authorization": "Bearer " + TOKEN}).status != 200:
            raise Failure("the right token is refused")
        operations = [(method.upper(), pattern) for pattern, path in tried.document["paths"].items() for method in path if method != "parameters"]
        for method, pattern in operations:
            try_gate(tried, daemon, guarded, method, pattern)
        check_manners(daemon)
        check_metrics(daemon)
        untried = [(method, pattern, int(status)) for method, pattern in operations for status in tried.operation(method, pattern)["responses"]
                   if (method, pattern, int(status)) not in tried.done and (method, pattern, int(status)) not in ONLY_WITH_FAKES]
        if untried:
            raise Failure("documented but not tried: " + "; ".join(f"{m} {p} {s}" for m, p, s in untried))
        print(f"{len(tried.done)} documented replies of {len(operations)} operations fit; {len(ONLY_WITH_FAKES)} only with fakes")


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else program("choregosd"))
    except Failure as failure:
        sys.exit(f"FAILED: {failure}")
