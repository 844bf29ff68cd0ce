#!/usr/bin/env python3
"""What a real Docker Swarm wants against what is found: five replicas, one killed and not replaced, one phantom DNS record by a
stub. The report names both, by task id, and `choregos expected` ends with 1; once everything is there again it ends with 0."""
import os
import signal
import socket
import struct
import subprocess
import threading

from engine import Api, Engine, InNamespace, program, wait_for

PHANTOM = "chorus.9.phantomtask00000000000009"


class Dns:
    """tasks.chorus at `addresses`, one of them a phantom; PTR records as Docker writes them. In the namespace of a process."""

    def __init__(self, pid):
        self.names = {}  # address -> task name
        with InNamespace(pid):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind(("127.0.0.1", 5300))
        threading.Thread(target=self.serve, daemon=True).start()

    def answer(self, name, kind):
        if kind == 1 and name == "tasks.chorus":
            return [socket.inet_aton(address) for address in self.names]
        if kind == 12 and name.endswith(".in-addr.arpa"):
            address = ".".join(reversed(name.removesuffix(".in-addr.arpa").split(".")))
            if address in self.names:
                labels = (self.names[address] + ".fleet").split(".")
                return [b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"]
        return []

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(2048)
            except OSError:
                return
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            kind = int.from_bytes(query[at + 1:at + 3], "big")
            answers = self.answer(".".join(labels).lower(), kind)
            reply = query[:2] + struct.pack(">HHHHH", 0x8180 if answers else 0x8183, 1, len(answers), 0, 0) + query[12:at + 5]
            for data in answers:
                reply += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 600, len(data)) + data
            try:
                self.socket.sendto(reply, peer)
            except OSError:
                return

    def close(self):
        self.socket.close()


def choregos(pid):
    """`choregos expected` in the network of the registry."""
    return subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", program("choregos"), "expected", "-a", "http://127.0.0.1:4470"], capture_output=True, text=True, timeout=30,
                          env={"PATH": os.environ["PATH"]})


def main():
    with Engine() as engine:
        engine.import_image("choregos-test:1", "choregos-agent", "choregosd")
        engine.docker("service", "create", "--detach", "--name", "chorus", "--network", "fleet", "--endpoint-mode", "dnsrr", "--replicas", "5", "--no-resolve-image", "--restart-condition", "none",
                      "--label", "choregos.enable=true", "--label", "choregos.port=8088", "--env", "CHOREGOS_TASK_NAME={{.Task.Name}}", "--env", "CHOREGOS_HEALTH=0.0.0.0:8088",
                      "--env", "CHOREGOS_BEACON=false", "choregos-test:1", "/bin/choregos-agent")
        wait_for("five tasks run", lambda: len(engine.pids("chorus")) == 5, 60, 0.2)
        engine.docker("run", "-d", "--name", "registry", "--network", "fleet", "-v", f"{engine.socket}:/docker.sock", "choregos-test:1", "/bin/choregosd", "--http", "127.0.0.1:4470", "--memory",
                      "--docker-engine", "unix:///docker.sock", "--probe-period", "2s", "--swarm-service", "chorus:8088", "--dns-server", "127.0.0.1:5300", "--dns-period", "500ms")
        pid = int(engine.docker("inspect", "-f", "{{.State.Pid}}", "registry"))
        api = Api(pid, 4470)
        dns = Dns(pid)
        addresses = engine.addresses("chorus")
        dns.names = {address: name for name, address in addresses.items()}

        def expected():
            status, body = api.get("/api/v1/expected")
            return body if status == 200 and body["services"] else None

        whole = wait_for("everything is found", lambda: next((b for b in [expected()] if b and b["matches"] and b["services"][0]["listed"] == 5), None), 60, 0.1)
        chorus = whole["services"][0]
        assert (chorus["desired"], chorus["desired_by"], chorus["tasks"], chorus["in_dns"], chorus["answering"]) == (5, "docker_engine", 5, 5, 5), chorus
        done = choregos(pid)
        assert done.returncode == 0 and "as expected" in done.stdout, done

        tasks = engine.pids("chorus")
        victim = sorted(tasks)[2]
        os.kill(tasks[victim], signal.SIGKILL)
        del dns.names[addresses[victim]]
        phantom = addresses[victim].rsplit(".", 1)[0] + ".200"
        dns.names[phantom] = PHANTOM

        def both():
            body = expected()
            service = body["services"][0] if body else None
            # For a moment DNS still names the killed one, and nobody has asked the phantom.
            named = [p for p in service["phantom"] if "not asked" not in p["reason"]] if service else []
            return service if service and service["missing"] and [p.get("task") for p in named] == [PHANTOM] else None

        found = wait_for("the killed and the phantom one are named", both, 60, 0.1)
        assert [m["task"] for m in found["missing"]] == [victim], found["missing"]
        assert "137" in found["missing"][0]["reason"], found["missing"]
        assert [(p["task"], p["address"]) for p in found["phantom"]] == [(PHANTOM, f"{phantom}:8088")], found["phantom"]
        assert (found["desired"], found["tasks"], found["listed"], found["in_dns"]) == (5, 4, 4, 5), found
        done = choregos(pid)
        assert done.returncode == 1, done
        print(done.stdout)
        assert victim in done.stdout and PHANTOM in done.stdout, done.stdout
        wait_for("a warning in the log", lambda: "expected_not_found" in engine.docker("logs", "registry"), 40, 0.5)

        del dns.names[phantom]
        engine.docker("service", "scale", "--detach", "chorus=4")
        wait_for("all is as expected again", lambda: (expected() or {}).get("matches"), 60, 0.2)
        assert choregos(pid).returncode == 0
        dns.close()
    print("ok")


main()
