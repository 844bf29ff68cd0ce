#!/usr/bin/env python3
"""choregosd beside a real Docker Swarm, through a proxy that lets only GET through and writes down what is asked. Nine agents are
found by their labels; a killed one is lost with Docker's own reason within a second; phantom and repeated DNS records are
never listed; a service scaled to nothing is gone within two seconds of its processes, with no freeze."""
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

from engine import SOURCE_DIR, Api, Engine, InNamespace, wait_for
from get_only_proxy import GetOnlyProxy

SCALED = int(os.environ.get("CHOREGOS_SWARM_SCALE", "50"))


def alive(agents):
    return {a["id"]: a for a in agents or [] if a["liveness"] == "alive"}


def gone(agents):
    return {a["id"]: a for a in agents or [] if a["liveness"] in ("lost", "left")}


def settled(engine, api, service, count, seconds=60):
    def same():
        tasks = engine.pids(service)
        listed = alive(api.agents())
        return listed if len(tasks) == count and set(tasks) == set(listed) else None
    return wait_for(f"{count} agents of {service} listed exactly", same, seconds, 0.1)


class LyingDns:
    """A records of tasks.chorus: all true ones twice, and some of nobody. No PTR. In the network namespace of a process."""

    def __init__(self, pid):
        self.addresses = []
        self.asked = 0
        with InNamespace(pid):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind(("127.0.0.1", 5300))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(2048)
            except OSError:
                return
            end = query.index(b"\0", 12) + 5
            is_a = query[end - 4:end - 2] == b"\0\1"
            answers = self.addresses if is_a else []
            self.asked += is_a
            reply = query[:2] + struct.pack(">HHHHH", 0x8180 if is_a else 0x8183, 1, len(answers), 0, 0) + query[12:end]
            for address in answers:
                reply += b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 600, 4) + socket.inet_aton(address)
            try:
                self.socket.sendto(reply, peer)
            except OSError:
                return

    def close(self):
        self.socket.close()


def documented_proxy(engine, gate):
    """The proxy of docs/OPERATING.md between `gate` and the engine; nothing where HAProxy is not installed."""
    haproxy = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
    if haproxy is None:
        return None
    text = re.search(r"```\n(# haproxy\.cfg.*?)```", (SOURCE_DIR / "docs" / "OPERATING.md").read_text(), re.S).group(1)
    changed = text.replace("bind 127.0.0.1:2375", f"bind unix@{gate} mode 666").replace("unix@/var/run/docker.sock", f"unix@{engine.socket}")
    assert changed.count(str(engine.folder)) == 2, changed
    config = engine.folder / "haproxy.cfg"
    config.write_text(changed)
    process = subprocess.Popen([haproxy, "-f", config, "-db"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for("haproxy listens", gate.exists, 10)
    for method, path, status in (("GET", "/v1.41/tasks", "200"), ("POST", "/v1.41/containers/create", "403"), ("DELETE", "/v1.41/services/chorus", "403"), ("GET", "/v1.41/secrets", "403"),
                                 ("GET", "/v1.41/containers/json/../../secrets", "403")):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(gate))
            client.sendall(f"{method} {path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())
            answer = client.recv(64).decode(errors="replace")
            assert answer.split()[1] == status, (method, path, answer)
    return process


def registry(engine, name, *extra, gate="docker.sock"):
    engine.docker("run", "-d", "--name", name, "--network", "fleet", "-v", f"{engine.folder}/gate:/gate", "choregos-test:1", "/bin/choregosd", "--http", "127.0.0.1:4470", "--memory",
                  "--docker-engine", f"unix:///gate/{gate}", "--probe-period", "2s", *extra)
    pid = int(engine.docker("inspect", "-f", "{{.State.Pid}}", name))
    return pid, Api(pid, 4470)


def source(api, name):
    return next(s for s in api.get("/api/v1/sources")[1]["sources"] if s["name"] == name)


def main():
    with Engine() as engine:
        engine.import_image("choregos-test:1", "choregos-agent", "choregosd")
        (engine.folder / "gate").mkdir()
        proxy = GetOnlyProxy(engine.folder / "gate" / "docker.sock", engine.socket)
        engine.docker("service", "create", "--detach", "--name", "chorus", "--network", "fleet", "--endpoint-mode", "dnsrr", "--replicas", "9", "--no-resolve-image", "--restart-delay", "0s",
                      "--stop-grace-period", "3s", "--label", "choregos.enable=true", "--label", "choregos.port=8088", "--label", "choregos.capabilities=review,go_development",
                      "--env", "CHOREGOS_TASK_NAME={{.Task.Name}}", "--env", "CHOREGOS_HEALTH=0.0.0.0:8088", "--env", "CHOREGOS_BEACON=false", "choregos-test:1", "/bin/choregos-agent")
        engine.docker("service", "create", "--detach", "--name", "other", "--network", "fleet", "--endpoint-mode", "dnsrr", "--replicas", "1", "--no-resolve-image",
                      "--env", "CHOREGOS_HEALTH=0.0.0.0:8088", "--env", "CHOREGOS_BEACON=false", "choregos-test:1", "/bin/choregos-agent")
        wait_for("nine tasks run", lambda: len(engine.pids("chorus")) == 9, 60, 0.2)
        pid, api = registry(engine, "registry")
        served = wait_for("the registry serves", lambda: api.get("/healthz")[0] == 200 and time.monotonic(), 20)
        try:
            listed = settled(engine, api, "chorus", 9)
        except AssertionError:
            print(engine.docker("logs", "registry")[-3000:])
            raise
        print(f"nine true ids {time.monotonic() - served:.2f} s after the registry serves, by Docker alone")
        node = engine.docker("node", "inspect", "self", "-f", "{{.Description.Hostname}}")
        for name, agent in listed.items():
            assert agent["capabilities"] == ["go_development", "review"], agent
            assert agent["node"] == node and agent["task"]["service"] == "chorus", agent
            assert agent["identity"] == "declared" and agent["sources"] == ["http_probe"], agent
        assert source(api, "docker_engine")["state"] == "ok", source(api, "docker_engine")

        # D01: killed, lost with Docker's reason, replaced.
        slowest = 0.0
        for _ in range(5):
            tasks = engine.pids("chorus")
            victim = sorted(tasks)[0]
            os.kill(tasks[victim], signal.SIGKILL)
            killed = time.monotonic()
            reason = wait_for("the killed agent is lost by Docker's word",
                              lambda: next((a["liveness_reason"] for a in api.agents() if a["id"] == victim and a["liveness"] == "lost" and a["liveness_reason"].startswith("Docker: ")), None), 10, 0.005)
            took = time.monotonic() - killed
            slowest = max(slowest, took)
            print(f"kill -9: lost after {took * 1000:.0f} ms: {reason}")
            assert victim in reason and "exit 137" in reason, reason
            new = wait_for("Swarm starts a replacement", lambda: set(engine.pids("chorus")) - set(tasks), 30, 0.05)
            appeared = time.monotonic()
            wait_for("the replacement is listed", lambda: new <= set(alive(api.agents())), 10, 0.02)
            print(f"replacement listed {time.monotonic() - appeared:.2f} s after it ran")
            assert time.monotonic() - appeared < 3.0
        assert slowest < 1.0, slowest
        settled(engine, api, "chorus", 9)

        # D02: DNS that repeats itself and names nobody.
        haproxy = documented_proxy(engine, engine.folder / "gate" / "haproxy.sock")
        liar_pid, liar_api = registry(engine, "liar", "--swarm-service", "chorus:8088", "--dns-server", "127.0.0.1:5300", "--dns-period", "500ms",
                                      gate="haproxy.sock" if haproxy else "docker.sock")
        dns = LyingDns(liar_pid)
        addresses = engine.addresses("chorus")
        prefix = next(iter(addresses.values())).rsplit(".", 1)[0]
        phantoms = [p for p in (f"{prefix}.{host}" for host in (200, 201, 202)) if p not in addresses.values()]
        dns.addresses = [a for address in addresses.values() for a in (address, address)] + phantoms
        wait_for("the lies are asked for", lambda: dns.asked > 2, 20)
        settled(engine, liar_api, "chorus", 9)
        until = time.monotonic() + 6
        while time.monotonic() < until:
            seen = {a["id"] for a in liar_api.agents() or []}
            assert seen == set(engine.pids("chorus")), seen ^ set(engine.pids("chorus"))
            time.sleep(0.1)
        targets = source(liar_api, "http_probe")
        assert targets["gauges"]["targets"] == 9 + len(phantoms), targets
        print(f"{len(phantoms)} phantom and {len(addresses)} repeated records: never listed")
        dns.close()
        assert source(liar_api, "docker_engine")["state"] == "ok", source(liar_api, "docker_engine")
        engine.docker("rm", "-f", "liar")
        if haproxy:
            haproxy.terminate()
            haproxy.wait(10)
            print("and through the documented HAProxy")

        # An id that outlives its tasks: the old task ends while the new one already speaks for it.
        engine.docker("service", "create", "--detach", "--name", "keeper", "--network", "fleet", "--endpoint-mode", "dnsrr", "--replicas", "2", "--no-resolve-image", "--update-order", "start-first",
                      "--stop-grace-period", "2s", "--label", "choregos.enable=true", "--label", "choregos.port=8088", "--env", "CHOREGOS_ID=keeper-{{.Task.Slot}}",
                      "--env", "CHOREGOS_HEALTH=0.0.0.0:8088", "--env", "CHOREGOS_BEACON=false", "choregos-test:1", "/bin/choregos-agent")
        keepers = {"keeper-1", "keeper-2"}
        wait_for("the keepers are listed", lambda: keepers <= alive(api.agents()).keys(), 30, 0.1)
        before = {a["task"]["task_id"] for a in api.agents() if a["id"] in keepers}
        engine.docker("service", "update", "--detach", "--force", "keeper")

        def moved():
            listed = [a for a in api.agents() or [] if a["id"] in keepers]
            assert all(a["liveness"] in ("alive", "suspect") for a in listed), [(a["id"], a["liveness"], a.get("liveness_reason")) for a in listed]
            return len(listed) == 2 and len(engine.pids("keeper")) == 2 and not before & {a["task"]["task_id"] for a in listed}

        wait_for("both have moved to new tasks", moved, 60, 0.02)
        calm = time.monotonic() + 3
        while time.monotonic() < calm:
            moved()
            time.sleep(0.05)
        print("two agents kept their ids over new tasks, and were never lost")
        engine.docker("service", "rm", "keeper")

        # L11: scaled to nothing.
        engine.docker("service", "scale", "--detach", f"chorus={SCALED}")
        settled(engine, api, "chorus", SCALED, 120)
        tasks = engine.pids("chorus")
        ended, told = {}, {}
        modes = set()
        engine.docker("service", "scale", "--detach", "chorus=0")
        started = time.monotonic()
        while len(ended) < len(tasks) or len(told) < len(tasks):
            now = time.monotonic()
            assert now - started < 60, f"{len(ended)} of {len(tasks)} ended, {len(told)} told"
            for name, process in tasks.items():
                if name not in ended and not os.path.exists(f"/proc/{process}"):
                    ended[name] = now
            status, body = api.get("/api/v1/agents")
            assert status == 200, body
            modes.add(body["mode"])
            for name in tasks.keys() & gone(body["agents"]).keys():
                told.setdefault(name, time.monotonic())
            time.sleep(0.01)
        late = max(told[name] - ended[name] for name in tasks)
        print(f"{len(tasks)} scaled to 0: all ended {max(ended.values()) - started:.2f} s after the command, each listed as gone at most {late:.2f} s after its end; modes {sorted(modes)}")
        assert late <= 2.0 and modes == {"normal"}, (late, modes)
        wait_for("Docker's word on each", lambda: all(a["liveness_reason"].startswith("Docker: ") for a in api.agents() if a["id"] in tasks), 10, 0.05)
        print(f"Docker's own word on each {time.monotonic() - max(ended.values()):.2f} s after the last end")

        proxy.check()
        assert proxy.paths() == {"/_ping", "/version", "/events", "/nodes", "/services", "/tasks", "/containers/json"}, proxy.paths()
        print(f"{len(proxy.asked)} questions to Docker, all GET on seven paths")
        proxy.close()
    print("ok")


main()
