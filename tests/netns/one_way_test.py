#!/usr/bin/env python3
"""Half a connection is not death. Agents that the registry cannot reach, but hears, stay alive and are shown as not reachable;
agents whose beacons do not arrive stay alive by a tether, or by probes. An agent that is stopped (SIGSTOP) is suspect after 3 s and
lost after 10 s, and alive within 1.1 s of going on, as the same record: by beacons, and by its tether alone.

  one_way_test.py [SECONDS]     how long connections are cut: 40, or 600"""
import json
import pathlib
import signal
import sys
import tempfile
import time

from faults import Faults
from fleet import Fleet, say
from lan import Lans
from watched_registry import WatchedRegistry, wait_for

STOPPED_FOR = 20


def main(seconds):
    with tempfile.TemporaryDirectory() as folder, Lans({"core": "10.94.0"} | {f"s{n}": f"10.94.{n}" for n in range(1, 10)}) as lans:
        address = lans.host("registry", "core", 10)
        faults = Faults(lans)
        # "mute-p" is on the operator's list, so that it is probed whether it says anything or not.
        targets = pathlib.Path(folder) / "targets.json"
        targets.write_text(json.dumps({"target": [{"address": "10.94.4.11:8081"}]}))
        with WatchedRegistry(lans, "registry", address, "--targets", targets) as registry:
            fleet, addresses = Fleet(lans), {}

            def agent(name, subnet, *extra, beacon=True, tether=False, health=False):
                addresses[name] = lans.host(name, f"s{subnet}", 11)
                fleet.start(name, name, *extra, beacon_to=[address] if beacon else [], tether=registry.url if tether else None, health=f"{addresses[name]}:8081" if health else None)

            agent("unheard", 1)                              # hears nothing from the registry
            agent("unheard-t", 2, tether=True, health=True)  # the same, with a tether until it breaks, and probed
            agent("mute-t", 3, tether=True)                  # its beacons do not arrive; it has a tether …
            agent("mute-p", 4, health=True)                  # … or is only probed
            agent("stopped-b", 5)                            # stopped, heard by beacons
            agent("stopped-bt", 6, tether=True)              # by beacons and a tether
            agent("stopped-t", 7, beacon=False, tether=True)  # by a tether alone
            # Enough others that three who fall silent together are few.
            for number in (8, 9):
                agent(f"calm{number}", number, tether=True, health=True)
                for index in range(12):
                    fleet.start(f"more{number}-{index}", f"calm{number}", beacon_to=[address])
            registry.wait_until_alive(fleet.agents, 20)
            wait_for("all with a health page were probed", lambda: all(registry.agent(i).get("reachable") is True for i in ("unheard-t", "mute-p", "calm8")), 25, 0.1)
            before = registry.agents()
            cut = time.time()
            faults.set("to agents", *(f"ip saddr {address} ip daddr {addresses[i]} drop" for i in ("unheard", "unheard-t")))
            faults.set("from agents", *(f"ip saddr {addresses[i]} ip daddr {address} ip protocol udp drop" for i in ("mute-t", "mute-p")))
            stopped_ids = ("stopped-b", "stopped-bt", "stopped-t")
            stopped = fleet.signal(signal.SIGSTOP, *stopped_ids)
            time.sleep(max(0.0, stopped + STOPPED_FOR - time.time()))
            going_on = fleet.signal(signal.SIGCONT, *stopped_ids)
            time.sleep(3)
            after, wrong = registry.agents(), []
            stretch = registry.stretch(stopped)
            for i in stopped_ids:
                told = {to: next((t[0] for t in registry.transitions(stopped, going_on, to=to, ids={i})), None) for to in ("suspect", "lost")}
                told = {to: at and at - stopped for to, at in told.items()}
                back = next((t[0] - going_on for t in registry.transitions(going_on, to="alive", ids={i})), None)
                say(f"{i:10} suspect after {told['suspect'] or -1:.2f} s, lost after {told['lost'] or -1:.2f} s, alive {-1 if back is None else back:.2f} s after it went on")
                for to, low, high in (("suspect", 1.5, 3.2), ("lost", 8.5, 10.5)):
                    if told[to] is None or not low <= told[to] <= high * stretch:
                        wrong.append(f"{i}: {to} after {told[to]} s, not {low} to {high * stretch:.1f} s")
                if back is None or back > 1.1:
                    wrong.append(f"{i}: alive {back} s after it went on, not within 1.1 s")
                if any(before[i][field] != after[i][field] for field in ("incarnation", "first_seen")):
                    wrong.append(f"{i}: another record than before: {before[i]} {after[i]}")

            time.sleep(max(0.0, cut + seconds - time.time()))
            if registry.agent("unheard-t").get("reachable") is not False or registry.agent("unheard").get("reachable") is True:
                wrong.append(f"not shown as unreachable: {registry.agent('unheard-t')} {registry.agent('unheard')}")
            for i in ("unheard", "unheard-t", "mute-t", "mute-p", "calm8", "calm9"):
                told = [(round(t[0] - cut, 2), *t[2:]) for t in registry.transitions(cut, ids={i}) if t[2] != "alive"]
                now = registry.agent(i)["liveness"]
                say(f"{i:10} {now}, reachable {registry.agent(i).get('reachable')}, doubted {len(told)} times in {time.time() - cut:.0f} s")
                if told or now != "alive":
                    wrong.append(f"{i}: {told}, now {now}")
            if registry.frozen_at(cut) is not None:
                wrong.append(f"the guard took it for mass silence:\n{registry.story(cut)}")
            assert not wrong, "\n".join(wrong)
    print("ok")


main(float(sys.argv[1]) if len(sys.argv) > 1 else 40)
