#!/usr/bin/env python3
"""A service of fifty agents is scaled to nothing, each saying goodbye: all have left within 2 s, and nothing is frozen, for they
said so themselves."""
import signal
import time

from fleet import Fleet, say
from lan import Lans
from watched_registry import WatchedRegistry, wait_for


def main():
    with Lans({"core": "10.95.0"} | {f"s{n}": f"10.95.{n}" for n in range(1, 6)}) as lans:
        address = lans.host("registry", "core", 10)
        with WatchedRegistry(lans, "registry", address, watch=0.02) as registry:
            fleet = Fleet(lans)
            for subnet in range(1, 6):
                host = f"h{subnet}"
                lans.host(host, f"s{subnet}", 11)
                for index in range(10):
                    # by beacons, by a tether, by both
                    fleet.start(f"{host}-{index}", host, beacon_to=[address] if index % 3 != 1 else [], tether=registry.url if index % 3 != 0 else None)
            registry.wait_until_alive(fleet.agents, 20)
            time.sleep(2)
            ended = fleet.signal(signal.SIGTERM, *fleet.agents)
            wait_for("all have left", lambda: len(registry.transitions(ended, to="left")) >= len(fleet.agents), 10, 0.05)
            left = [t[0] - ended for t in registry.transitions(ended, to="left")]
            other = [t[1:] for t in registry.transitions(ended) if t[2] != "left"]
            say(f"{len(left)} agents: first left after {min(left):.2f} s, last after {max(left):.2f} s; other changes meanwhile: {len(other)}")
            time.sleep(4)  # long enough for silence to freeze something, if these were silent
            assert max(left) <= 2.0, max(left)
            assert registry.frozen_at(ended) is None, "goodbyes are not silence"
            assert all(agent["liveness"] == "left" for agent in registry.agents().values())
            assert not [t for t in registry.transitions(ended) if t[2] in ("lost", "forgotten")]
    print("ok")


main()
