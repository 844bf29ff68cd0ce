#!/usr/bin/env python3
"""A fleet on three LAN segments: agents on the two segments that the registry has an interface on are heard by multicast
with no configuration at all, those behind the router by unicast, and multicast does not leak from one segment to another. Each is listed once, with
its own endpoint; one that is killed is lost within the bound of silence; one that leaves is left at once. With avahi
running on the same host nothing clashes."""
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from lan import Lans

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "swarm"))
from engine import Api  # noqa: E402

from agent_support import program, wait_for  # noqa: E402


def alive(api):
    return {a["id"]: a for a in api.agents() or [] if a["liveness"] == "alive"}


def agent(lans, host, address, *extra):
    return lans.start(host, program("choregos-agent"), "--id", f"agent-{host}", "--health", f"{address}:8081", "--endpoint", f"http://{address}:8080", "--beacon", "--quiet", *extra)


def main():
    with tempfile.TemporaryDirectory() as folder, Lans({"a": "10.91.1", "b": "10.91.2", "c": "10.91.3"}) as lans:
        registry = lans.host("registry", "a", 10)
        lans.join("registry", "c", 10, "eth1")
        avahi = shutil.which("avahi-daemon", path="/usr/sbin:/usr/bin")
        if avahi:
            config = pathlib.Path(folder) / "avahi.conf"
            config.write_text("[server]\nuse-ipv6=no\nenable-dbus=no\n[rlimits]\n")
            lans.start("registry", avahi, "-f", config, "--no-rlimits", "--no-drop-root", "--no-chroot", "--no-proc-title", stdout=subprocess.DEVNULL)
        daemon = lans.start("registry", program("choregosd"), "--http", "127.0.0.1:4470", "--udp", "4471", "--memory", "--accept-unsigned", "any", stderr=open(f"{folder}/log", "wb"))
        api = Api(daemon.pid, 4470)
        wait_for("the registry serves an empty list", lambda: api.agents() == [], 10)

        processes = {}
        for number in (11, 12, 13):
            host = f"near{number}"
            processes[host] = agent(lans, host, lans.host(host, "a", number), "--multicast")
        for number in (21, 22):
            host = f"far{number}"
            processes[host] = agent(lans, host, lans.host(host, "b", number), "--no-multicast", "--beacon-to", f"{registry}:4471")
        for number in (31, 32):
            host = f"side{number}"
            processes[host] = agent(lans, host, lans.host(host, "c", number), "--multicast")
        # On the far segment and without an address to send to: it cannot be heard, and must not be made up.
        processes["deaf"] = agent(lans, "deaf", lans.host("deaf", "b", 30), "--multicast")
        expected = {f"agent-{host}" for host in processes if host != "deaf"}
        started = time.monotonic()
        listed = wait_for("seven agents listed exactly", lambda: (lambda now: now if set(now) == expected else None)(alive(api)), 10)
        print(f"seven agents on three segments after {time.monotonic() - started:.2f} s" + (", beside avahi" if avahi else ""))
        assert len({a["endpoint"] for a in listed.values()}) == 7, listed
        assert all(a["identity"] == "declared" and a["sources"] == ["beacon"] for a in listed.values()), listed

        processes["near11"].send_signal(signal.SIGTERM)
        left = time.monotonic()
        wait_for("the one that left is left", lambda: api.get("/api/v1/agents/agent-near11")[1]["liveness"] == "left", 3)
        print(f"goodbye seen after {(time.monotonic() - left) * 1000:.0f} ms")

        processes["far21"].kill()
        killed = time.monotonic()
        wait_for("the killed one is suspect", lambda: api.get("/api/v1/agents/agent-far21")[1]["liveness"] == "suspect", 6)
        suspect = time.monotonic() - killed
        wait_for("the killed one is lost", lambda: api.get("/api/v1/agents/agent-far21")[1]["liveness"] == "lost", 15)
        print(f"silence: suspect after {suspect:.1f} s, lost after {time.monotonic() - killed:.1f} s")
        assert time.monotonic() - killed < 11.5
        assert set(alive(api)) == expected - {"agent-near11", "agent-far21"}, "nobody else was touched"

        listen = lans.start("near12", program("choregos"), "peers", "--for", "3s", "-o", "name", stdout=subprocess.PIPE)
        heard = listen.communicate(timeout=20)[0].decode().split()
        assert set(heard) == {"agent-near12", "agent-near13"}, heard
        print("choregos peers, with no daemon, hears its own segment:", *heard)
    print("ok")


main()
