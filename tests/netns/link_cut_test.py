#!/usr/bin/env python3
"""An agent whose link is cut both ways, without a word to anybody: suspect within 3.2 s, lost within 10.5 s, alive again once it is
joined, and nobody else is touched. Cuts are few at once and in different subnets, as single failures are; otherwise the guard
against mass silence would rightly hold them. Of three agents one only sends beacons, one holds a tether, too, and one is probed
as well: more channels must not make a dead one look alive for longer.

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
KINDS = ("beacons", "and a tether", "and probes")


def kind_of(host):
    return KINDS[int(host[1:].split("-")[0]) % len(KINDS)]


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
                    own, kind = lans.host(host, f"s{subnet}", 11 + number), kind_of(host)
                    fleet.start(host, host, beacon_to=[address], tether=registry.url if kind != KINDS[0] else None, health=f"{own}:8081" if kind == KINDS[2] else None)
            registry.wait_until_alive(fleet.agents, 20)
            time.sleep(3)  # each is known by more than one message
            suspects, losts, returns = ({kind: [] for kind in KINDS} for _ in range(3))
            stretch = 1.0
            for turn in range(rounds):
                cut = [f"h{(turn * CUTS + i) % SUBNETS + 1}-{turn // 2}" for i in range(CUTS)]
                at = {}
                for host in cut:
                    at[host] = time.time()
                    faults.cut(host)
                    time.sleep(0.21)  # not all at the same point of their second
                for host in cut:
                    lost = registry.wait_for_transition(host, "lost", at[host], 30)[0]
                    suspects[kind_of(host)].append(registry.wait_for_transition(host, "suspect", at[host], 1)[0] - at[host])
                    losts[kind_of(host)].append(lost - at[host])
                end = time.time()
                others = [t for t in registry.transitions(min(at.values()), end) if t[1] not in cut]
                for t in others:  # a host that is busy enough makes a living process silent for three seconds
                    say(f"note: {t[1]} was {t[2]} ({t[3]}), though nobody touched it; its process {'runs' if fleet.agents[t[1]].poll() is None else 'has ended'}")
                assert all(t[2] in ("suspect", "alive") for t in others), f"nobody else was touched: {others}"
                assert registry.frozen_at(min(at.values())) is None, "single failures freeze nothing"
                stretch = max(stretch, registry.stretch(min(at.values()), end))
                healed = time.time()
                faults.join(*cut)
                registry.wait_until_alive(fleet.agents, 5)
                for host in cut:
                    returns[kind_of(host)].append(registry.wait_for_transition(host, "alive", healed, 1)[0] - healed)
                if turn + 1 < rounds:
                    time.sleep(max(0.0, 11 - (time.time() - end)))  # the guard counts those of the last ten seconds
            for kind in KINDS:
                say(f"{kind:12} suspect after", figures(suspects[kind]))
                say(f"{'':12} lost after   ", figures(losts[kind]))
                say(f"{'':12} alive again  ", figures(returns[kind]))
            if stretch > 1:
                say(f"the registry stretched its waits {stretch:.1f} times, for its host was busy; so are the bounds")
            late = [f"{kind}: {word} after {percentile(found[kind], 0.99):.2f} s, not within {bound * stretch:.1f} s" for kind in KINDS
                    for word, found, bound in (("suspect", suspects, SUSPECT_MAX), ("lost", losts, LOST_MAX)) if percentile(found[kind], 0.99) > bound * stretch]
            assert not late, "\n".join(late)
    print("ok")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
