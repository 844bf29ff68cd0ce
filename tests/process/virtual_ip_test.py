#!/usr/bin/env python3
"""One virtual address, a real haproxy in TCP mode behind it, round robin and at random, in front of twelve, nine, one and
no replicas: the list equals the replicas that live, by their own ids, and never holds one that does not exist. Replicas that
say no id are one service of unknown size."""
import contextlib
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from agent_support import get_json, program, skip, start_agent, wait_for  # noqa: E402


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Balancer:
    def __init__(self, folder, balance, ports):
        self.port = free_port()
        config = folder / f"haproxy-{self.port}.cfg"
        servers = "\n".join(f"  server s{i} 127.0.0.1:{p}" for i, p in enumerate(ports))
        config.write_text("defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 10s\n  timeout server 10s\n"
                          f"listen chorus\n  bind 127.0.0.1:{self.port}\n  balance {balance}\n{servers}\n")
        self.process = subprocess.Popen([shutil.which("haproxy", path="/usr/sbin:/usr/bin:/sbin:/bin"), "-db", "-q", "-f", config], stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def daemon(folder, targets, ends):
    folder.mkdir()
    file = folder / "targets.toml"
    file.write_text(targets)
    process = subprocess.Popen([program("choregosd"), "--http", "127.0.0.1:0", "--udp", "0", "--state", folder / "state", "--targets", file, "--probe-period", "1s"], stderr=subprocess.DEVNULL)
    ends.callback(stop, process)
    address = folder / "state" / "http.address"
    wait_for("choregosd serves", address.exists, 10)
    return process, int(address.read_text().strip().rsplit(":", 1)[1])


def alive_ids(port):
    status, body = get_json(port, "/api/v1/agents")
    return sorted(a["id"] for a in body["agents"] if a["liveness"] == "alive") if status == 200 else None


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(10)


def case(folder, balance, count):
    ports = [free_port() for _ in range(max(count, 1))]
    expected = sorted(f"replica-{i + 1}" for i in range(count))
    with contextlib.ExitStack() as ends:
        for i in range(count):
            agent = start_agent("--id", f"replica-{i + 1}", "--health", f"127.0.0.1:{ports[i]}", "--no-beacon", "--quiet", stderr=subprocess.DEVNULL)
            ends.callback(stop, agent)
        balancer = Balancer(folder, balance, ports)
        ends.callback(balancer.stop)
        process, port = daemon(folder / f"{balance}-{count}", f'[[target]]\naddress = "127.0.0.1:{balancer.port}"\nvirtual_ip = true\n', ends)
        wait_for(f"{balance}: exactly {count} replicas", lambda: alive_ids(port) == expected, 40, 0.1)
        status, body = get_json(port, "/api/v1/agents")
        assert sorted(a["id"] for a in body["agents"]) == expected, "nobody else was ever listed"
        print(f"{balance} x {count}: exact")


def main():
    if shutil.which("haproxy", path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
        skip("haproxy is not installed (package haproxy)")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for balance in ("roundrobin", "random"):
            for count in (12, 9, 1, 0):
                case(folder, balance, count)
    print("ok")


main()
