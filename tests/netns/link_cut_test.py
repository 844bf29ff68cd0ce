#!/usr/bin/env python3
"""An agent whose link is cut both ways, without a word to anybody: suspect within 3.2 s, lost within 10.5 s, alive again once it is
joined, and nobody else is touched. Cuts are few at once and in different subnets, as single failures are; otherwise the guard
against mass silence would rightly hold them.

Each agent is cut once: one that came back from a long silence is given three times as long the next time.

  link_cut_test.py [ROUNDS]     five cuts a round; 2 rounds, or 20 for a hundred cuts (about 8 min)"""
import sys
import time

from faults import Faults
from fleet import Fleet, figures, percentile, say
from lan import Lans
from watched_registry import WatchedRegistry

SUBNETS, CUTS = 10, 5
SUSPECT_MAX, LOST_MAX = 3.2, 10.5


def main(rounds):
    hosts = max(4, (rounds + 1) // 2)  # in each subnet
    segments = {"core": "10.92.0"} | {f"s{n}": f"10.92.{n}" for n in range(1, SUBNETS + 1)}
    with Lans(segments) as lans:
        address = lans.host("registry", "core", 10)
        faults = Faults(lans)
        with WatchedRegistry(lans, "registry", address) as registry:
            fleet = Fleet(lans)
            for subnet in range(1, SUBNETS + 1):
                for number in range(hosts):
                    host = f"h{subnet}-{number}"
                    lans.host(host, f"s{subnet}", 11 + number)
                    fleet.start(host, host, beacon_to=[address])
            registry.wait_until_alive(fleet.agents, 20)
            time.sleep(11)  # the guard looks ten seconds back: agents must have been live at the start of that
            suspects, losts, returns, stretch = [], [], [], 1.0
            for turn in range(rounds):
                cut = [f"h{(turn * CUTS + i) % SUBNETS + 1}-{turn // 2}" for i in range(CUTS)]
                at = {}
                for host in cut:
                    at[host] = time.time()
                    faults.cut(host)
                    time.sleep(0.21)  # not all at the same point of their second
                for host in cut:
                    lost = registry.wait_for_transition(host, "lost", at[host], 30)[0]
                    suspects.append(registry.wait_for_transition(host, "suspect", at[host], 1)[0] - at[host])
                    losts.append(lost - at[host])
                end = time.time()
                others = [t for t in registry.transitions(min(at.values()), end) if t[1] not in cut]
                assert not others, f"nobody else was touched: {others}"
                assert registry.frozen_at(min(at.values())) is None, "single failures freeze nothing"
                stretch = max(stretch, registry.stretch(min(at.values()), end))
                healed = time.time()
                faults.join(*cut)
                registry.wait_until_alive(fleet.agents, 5)
                returns += [registry.wait_for_transition(host, "alive", healed, 1)[0] - healed for host in cut]
                if turn + 1 < rounds:
                    time.sleep(max(0.0, 11 - (time.time() - end)))
            say("suspect after", figures(suspects))
            say("lost after   ", figures(losts))
            say("alive again  ", figures(returns))
            if stretch > 1:
                say(f"the registry stretched its waits {stretch:.1f} times, for its host was busy; so are the bounds")
            assert percentile(suspects, 0.99) <= SUSPECT_MAX * stretch, sorted(suspects)[-3:]
            assert percentile(losts, 0.99) <= LOST_MAX * stretch, sorted(losts)[-3:]
    print("ok")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
