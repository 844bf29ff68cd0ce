#!/usr/bin/env python3
"""The registry's own network is cut, in five ways at once: five registries hear the same two hundred agents, and each is cut in a
way of its own. Each must freeze within 3.5 s, lose and forget nobody however long it lasts, have all back within 3 s of healing,
and then notice within 13 s those that really died meanwhile.

  deaf_registry_test.py [SECONDS]     how long they are cut: 30, or up to 540 (over 10 min they would rightly begin to let go)"""
import sys
import time

from crowd import Crowd
from fleet import say

FROZEN_MAX, BACK_MAX, LOST_MAX = 3.5, 3.0, 13.0

# name of the registry's host -> (what is done to it, what ends it)
CUTS = {
    "blackhole": (lambda c, h: c.faults.cut(h), lambda c, h: c.faults.join(h)),
    "deaf": (lambda c, h: c.faults.set(f"deaf {h}", f'oifname "{c.faults.port(h)}" drop'), lambda c, h: c.faults.heal(f"deaf {h}")),
    "refused": (lambda c, h: c.faults.refuse(h), lambda c, h: c.faults.accept(h)),
    "linkdown": (lambda c, h: c.faults.link(h, False), lambda c, h: c.faults.link(h, True, c.GATEWAY)),
    "unplugged": (lambda c, h: c.faults.cable(h, False), lambda c, h: c.faults.cable(h, True)),
}


def judge(crowd, name, cut_at, healed_at, dead, seconds):
    """What went wrong at one of them, in words."""
    registry, wrong = crowd.registries[name], []
    frozen = registry.frozen_at(cut_at)
    frozen = None if frozen is None or frozen > healed_at else frozen - cut_at
    if frozen is None or frozen > FROZEN_MAX:
        wrong.append(f"frozen after {frozen} s, not within {FROZEN_MAX} s")
    gone = [t for t in registry.transitions(cut_at, healed_at) if t[2] not in ("suspect", "alive", "unconfirmed")]
    if gone:
        wrong.append(f"{len(gone)} were given up while it was cut, first {gone[0][1]} after {gone[0][0] - cut_at:.1f} s: {gone[0][2]}, {gone[0][3]}")
    living = set(crowd.fleet.agents) - dead
    back = {t[1]: t[0] - healed_at for t in registry.transitions(healed_at, to="alive") if t[1] in living}
    slowest = max(back.values(), default=0)
    agents = registry.agents()
    not_alive = [i for i in living if agents.get(i, {}).get("liveness") != "alive"]
    if slowest > BACK_MAX or not_alive:
        wrong.append(f"back after {slowest:.2f} s, not within {BACK_MAX} s; {len(not_alive)} are not alive even now: {sorted(not_alive)[:3]}")
    shaken = [t for t in registry.transitions(healed_at) if t[1] in living and t[2] != "alive" and (t[2] != "suspect" or t[0] > healed_at + BACK_MAX)]
    if shaken:
        wrong.append(f"{len(shaken)} of the living were given up after healing, or doubted later than that, such as {shaken[0][1:]}")
    lost, came_back = {}, []
    for at, agent_id, word, reason in registry.transitions(cut_at):
        if agent_id in dead and word == "lost":
            lost.setdefault(agent_id, at - healed_at)
        elif agent_id in lost and word != "forgotten":
            came_back.append((round(at - healed_at, 2), agent_id, word, reason))
    if set(lost) != dead or max(lost.values(), default=0) > LOST_MAX:
        wrong.append(f"of the dead {sorted(dead)} were lost after {lost}, not within {LOST_MAX} s: {[agents.get(i) for i in sorted(dead - set(lost))]}")
    if came_back:
        wrong.append(f"the dead came back: {came_back}")
    if registry.mode() != "normal":
        wrong.append(f"still {registry.mode()}")
    health = registry.health(cut_at - 1)
    say(f"{name:10} frozen after {frozen or 0:5.2f} s, given up {len(gone)}, back after {slowest:.2f} s ({len(back)} had been suspect), the dead lost after "
        + ", ".join(f"{s:.1f}" for s in sorted(lost.values())) + f" s; worst health score {health}")
    if wrong:
        say(f"{name}, from its healing on:\n{registry.story(healed_at)}")
    return [f"{name}: {w}" for w in wrong]


def main(seconds):
    with Crowd(*CUTS) as crowd:
        say(f"{len(crowd.fleet.agents)} agents heard by {len(CUTS)} registries, cut for {seconds:.0f} s")
        for name, registry in crowd.registries.items():
            assert registry.mode() == "normal", name
        cut_at, healed_at = {}, {}
        for name, (cut, _) in CUTS.items():
            cut_at[name] = time.time()
            cut(crowd, name)
        time.sleep(min(seconds / 2, 8))
        # A few die while nobody can see it: without a tether, with a tether to somebody else, each on a host of its own.
        dead = {"h1-0-1", "h5-2-1", "h9-1-3"}
        crowd.fleet.kill(*dead)
        time.sleep(max(0.0, seconds - (time.time() - cut_at["blackhole"])))
        for name, (_, heal) in CUTS.items():
            heal(crowd, name)
            healed_at[name] = time.time()
        time.sleep(LOST_MAX + 3)
        wrong = [w for name in CUTS for w in judge(crowd, name, cut_at[name], healed_at[name], dead, seconds)]
        assert not wrong, "\n".join(wrong)
    print("ok")


main(float(sys.argv[1]) if len(sys.argv) > 1 else 30)
