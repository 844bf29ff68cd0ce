#!/usr/bin/env python3
"""The registry itself is stopped (SIGSTOP) while two hundred agents go on: three registries that hear the same agents are stopped
for 5 s, for 30 s, and for 20 s while a stranger fills its socket with rubbish, so that beacons are thrown away. When it goes on, nobody
is suspect or lost: it did not listen, so it knows nothing of their silence.

  stopped_registry_test.py [SECONDS [TIMES]]     the longest stop: 30, or 120; and how often: once, or 20 times"""
import signal
import socket
import sys
import time

from crowd import Crowd
from fleet import say
from watched_registry import InNamespace


def flood(crowd, name, count=40000):
    """Rubbish from another host, more than any socket holds. It must arrive nowhere near the end of the stop."""
    with InNamespace(crowd.registries["short"].process.pid):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        for _ in range(count):
            sock.sendto(b"rubbish" * 100, (crowd.registries[name].address, 4471))


def main(longest, times):
    stops = {"short": 5.0, "crowded": 20.0, "long": longest}
    with Crowd(*stops) as crowd:
        wrong = []
        for turn in range(times):
            stopped = time.time()
            for name in stops:
                crowd.registries[name].process.send_signal(signal.SIGSTOP)
            flood(crowd, "crowded")
            resumed = {}
            for name, seconds in sorted(stops.items(), key=lambda item: item[1]):
                time.sleep(max(0.0, stopped + seconds - time.time()))
                resumed[name] = time.time()
                crowd.registries[name].process.send_signal(signal.SIGCONT)
            time.sleep(13)  # somebody wrongly thought silent would be lost by then
            for name, registry in crowd.registries.items():
                doubted = [t for t in registry.transitions(stopped) if t[2] != "alive"]
                if doubted:
                    wrong.append(f"{name}, stop {turn + 1}: {len(doubted)} changes of the living, first {doubted[0][0] - resumed[name]:.2f} s after it went on: {doubted[0][1:]}")
                agents = registry.agents()
                assert len(agents) == len(crowd.fleet.agents), f"{name} lists {len(agents)}"
                say(f"{name:8} stopped {resumed[name] - stopped:.0f} s: {len(doubted)} doubted, worst health score {registry.health(resumed[name])}, {registry.dropped()} datagrams dropped by the kernel")
        assert not wrong, "\n".join(wrong)
    print("ok")


main(float(sys.argv[1]) if len(sys.argv) > 1 else 30, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
