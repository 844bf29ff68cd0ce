#!/usr/bin/env python3
"""choregos beside Serf, at the same deaths. Sixteen hosts (network namespaces on one LAN) each run a Serf agent (memberlist's LAN
defaults), a choregos-agent with beacons and a tether to one choregosd, and a choregos-agent with beacons alone to another. First a
minute in which nobody dies, to count false alarms. Then hosts die one after the other: all three processes are killed at the
same moment (kill -9), or the host's cable is cut, so that silence is all there is. Everything that a host or a registry sends is
lost with the given probability.

A death is told by Serf when the first of the surviving agents logs EventMemberFailed, by choregos when choregosd logs that the agent
is lost. All times are those of one clock.

  beside_serf.py [--kills N] [--cuts N] [--loss 0,10,30] [--calm SECONDS] [--markdown FILE]"""
import argparse
import os
import pathlib
import queue
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/netns"))
os.environ.setdefault("CHOREGOS_BIN_DIR", str(pathlib.Path(__file__).resolve().parents[2] / "build/release"))
from faults import Faults  # noqa: E402
from fleet import Fleet, say  # noqa: E402
from lan import Lans, skip  # noqa: E402
from watched_registry import WatchedRegistry, wait_for  # noqa: E402

HOSTS = 16
EVENT = re.compile(r"EventMember(Failed|Join|Leave): (\S+)")


class Serf:
    """One agent; what it says is stamped as it comes, for its own stamps have whole seconds."""

    def __init__(self, lans, name, address, join, said):
        command = ["serf", "agent", f"-node={name}", f"-bind={address}", "-rpc-addr=127.0.0.1:7373", "-log-level=info"] + ([f"-retry-join={join}", "-retry-interval=1s"] if join else [])
        self.process = lans.start(name, *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        threading.Thread(target=self._read, args=(name, said), daemon=True).start()

    def _read(self, name, said):
        for line in self.process.stdout:
            if found := EVENT.search(line.decode(errors="replace")):
                said.put((time.time(), name, found.group(1), found.group(2)))


class Trial:
    """One loss rate."""

    def __init__(self, lans, loss):
        self.lans, self.loss = lans, loss
        self.said, self.events = queue.Queue(), []
        self.addresses = {f"n{i}": lans.host(f"n{i}", "a", 11 + i) for i in range(HOSTS)}
        names = list(self.addresses)
        tethered, silent = lans.host("tethers", "a", 2), lans.host("beacons", "a", 3)
        self.faults = Faults(lans)
        self.faults.loss(loss, *names, "tethers", "beacons")
        self.by_tether = WatchedRegistry(lans, "tethers", tethered, watch=0.2)
        self.by_silence = WatchedRegistry(lans, "beacons", silent, watch=0.2)
        self.registries = (self.by_tether, self.by_silence)
        self.fleets = {registry: Fleet(lans) for registry in self.registries}
        self.serfs = {}
        for name in names:
            self.start(name)

    def start(self, name):
        first = next(iter(self.addresses))
        self.serfs[name] = Serf(self.lans, name, self.addresses[name], self.addresses[first if name != first else list(self.addresses)[1]], self.said)
        self.fleets[self.by_tether].start(name, name, beacon_to=[self.by_tether.address], tether=self.by_tether.url, health=f"{self.addresses[name]}:8081")
        self.fleets[self.by_silence].start(name, name, beacon_to=[self.by_silence.address])

    def serf_says(self, what, since, until=float("inf")):
        while not self.said.empty():
            self.events.append(self.said.get())
        return [e for e in self.events if e[2] == what and since <= e[0] <= until]

    def members(self, name):
        done = subprocess.run(["nsenter", f"--net=/run/netns/{self.lans.full(name)}", "serf", "members", "-status=alive"], capture_output=True, text=True, timeout=20)
        return len(done.stdout.split("\n")) - 1

    def wait_until_whole(self):
        for registry in self.registries:
            registry.wait_until_alive(self.addresses, 60)
        wait_for("every Serf agent knows all", lambda: all(self.members(name) == HOSTS for name in self.addresses), 120, 1)

    def calm(self, seconds):
        """False alarms while nobody dies: (Serf, with a tether, by silence, suspects with a tether, by silence)."""
        start = time.time()
        time.sleep(seconds)
        return {
            "serf": len({e[3] for e in self.serf_says("Failed", start)}),
            "tether": len(self.by_tether.transitions(start, to="lost")), "silence": len(self.by_silence.transitions(start, to="lost")),
            "tether_suspect": len(self.by_tether.transitions(start, to="suspect")), "silence_suspect": len(self.by_silence.transitions(start, to="suspect")),
        }

    def die(self, name, how):
        """Seconds until each said so; and false alarms about the others meanwhile."""
        at = time.time()
        if how == "killed":
            self.serfs[name].process.kill()
            for fleet in self.fleets.values():
                fleet.agents[name].kill()
        else:
            self.faults.cut(name)
        out = {}

        def of_serf():
            return next((e for e in self.serf_says("Failed", at) if e[3] == name and e[1] != name), None)

        def of(registry, to):
            return next(iter(registry.transitions(at, to=to, ids={name})), None)

        wait_for(f"all say that {name} is gone", lambda: of_serf() and all(of(r, "lost") for r in self.registries), 90, 0.1)
        out["serf"] = of_serf()[0] - at
        out["tether"], out["silence"] = (of(r, "lost")[0] - at for r in self.registries)
        out["tether_suspect"], out["silence_suspect"] = (min((of(r, to) or [at + 1e9])[0] for to in ("suspect", "lost")) - at for r in self.registries)
        end = time.time()
        # An agent that was cut off declares all others failed, which is right as far as it can see.
        wrong = {"serf": len({e[3] for e in self.serf_says("Failed", at, end) if e[3] != name and e[1] != name})}
        for key, registry in zip(("tether", "silence"), self.registries):
            wrong[key] = len([t for t in registry.transitions(at, end, to="lost") if t[1] != name])
        if how == "killed":
            for process in (self.serfs[name].process, *(fleet.agents[name] for fleet in self.fleets.values())):
                process.wait(5)
            self.start(name)
        else:
            self.faults.join(name)
        self.wait_until_whole()
        time.sleep(11)  # deaths are single: beyond the ten seconds that the guard looks back
        return out, wrong

    def close(self):
        for serf in self.serfs.values():
            serf.process.kill()
        for registry in self.registries:
            registry.__exit__()


def measure(loss, kills, cuts, calm_for):
    with Lans({"a": "10.96.1"}) as lans:
        trial = Trial(lans, loss)
        try:
            trial.wait_until_whole()
            time.sleep(15)
            alarms = trial.calm(calm_for)
            say(f"loss {loss} %: false alarms in {calm_for} s: {alarms}")
            rows = {"killed": [], "cut": []}
            for turn, how in enumerate(["killed"] * kills + ["cut"] * cuts):
                name = f"n{(turn * 5 + 2) % HOSTS}"
                times, wrong = trial.die(name, how)
                for key, count in wrong.items():
                    alarms[key] += count
                rows[how].append(times)
                say(f"loss {loss} %: {name} {how}: " + ", ".join(f"{key} {value:.2f} s" for key, value in times.items()), f"false {wrong}" if any(wrong.values()) else "")
            return rows, alarms
        finally:
            trial.close()


def table(results):
    """Markdown: a line for each loss rate, death and detector."""
    lines = ["| loss each way | death | detector | n | median | max | Serf's median / this | false alarms |", "|---:|---|---|---:|---:|---:|---:|---:|"]
    names = {"serf": "Serf: failed, first observer", "tether": "choregos with tether: lost", "tether_suspect": "choregos with tether: no new work",
             "silence": "choregos by silence: lost", "silence_suspect": "choregos by silence: no new work"}
    for loss, (rows, alarms) in results.items():
        for how, times in rows.items():
            if not times:
                continue
            serf = statistics.median(t["serf"] for t in times)
            for key, label in names.items():
                values = [t[key] for t in times]
                median = statistics.median(values)
                alarm = f"{alarms[key]} suspected" if key.endswith("suspect") else str(alarms[key])
                lines.append(f"| {loss} % | {'kill -9' if how == 'killed' else 'cable cut'} | {label} | {len(values)} | {median:.2f} s | {max(values):.2f} s | {'' if key == 'serf' else f'{serf / median:.1f}'} | {alarm} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--cuts", type=int, default=3)
    parser.add_argument("--loss", default="0,10,30")
    parser.add_argument("--calm", type=int, default=60)
    parser.add_argument("--markdown", type=pathlib.Path)
    options = parser.parse_args()
    if shutil.which("serf") is None:
        skip("needs serf; bench/serf/install.sh installs it")
    results = {loss: measure(loss, options.kills, options.cuts, options.calm) for loss in map(int, options.loss.split(","))}
    text = table(results)
    say("\n" + text)
    if options.markdown:
        options.markdown.parent.mkdir(parents=True, exist_ok=True)
        options.markdown.write_text(text + "\n")


main()
