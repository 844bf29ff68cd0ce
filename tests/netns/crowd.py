"""Two hundred agents on forty hosts of ten subnets, and one or several registries that hear of all of them: a hundred and sixty
send beacons to each, half of these hold a tether to one of the registries, too; forty say nothing unasked and are probed."""
import json
import pathlib
import tempfile
import time

from faults import Faults
from fleet import Fleet
from lan import Lans
from watched_registry import WatchedRegistry

SUBNETS, HOSTS_EACH, AGENTS_EACH = 10, 4, 5  # the last one of each host is probed


class Crowd:
    """Made from the names of the registries' hosts. `.registries[name]`, `.fleet`, `.faults`, `.tethered[name]` = ids tethered to it."""

    GATEWAY = "10.93.0.1"

    def __init__(self, *names):
        self.names = names

    def __enter__(self):
        self.lans = Lans({"core": "10.93.0"} | {f"s{n}": f"10.93.{n}" for n in range(1, SUBNETS + 1)})
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        self.faults = Faults(self.lans)
        self.fleet = Fleet(self.lans)
        self.registries = {}
        self.tethered = {name: [] for name in self.names}
        self.folder = tempfile.TemporaryDirectory(prefix="choregos-crowd-")
        targets = pathlib.Path(self.folder.name) / "targets.json"
        targets.write_text(json.dumps({"target": [{"address": f"10.93.{s}.{11 + h}:{8080 + AGENTS_EACH}"} for s in range(1, SUBNETS + 1) for h in range(HOSTS_EACH)]}))
        for number, name in enumerate(self.names):
            self.registries[name] = WatchedRegistry(self.lans, name, self.lans.host(name, "core", 10 + number), "--targets", targets)
        addresses = [registry.address for registry in self.registries.values()]
        count = 0
        for subnet in range(1, SUBNETS + 1):
            for number in range(HOSTS_EACH):
                host = f"h{subnet}-{number}"
                address = self.lans.host(host, f"s{subnet}", 11 + number)
                self.fleet.start(f"{host}-p", host, health=f"{address}:{8080 + AGENTS_EACH}")
                for index in range(AGENTS_EACH - 1):
                    agent_id, tether, health = f"{host}-{index}", None, None
                    if count % 2 == 0:
                        name = self.names[count // 2 % len(self.names)]
                        tether, health = self.registries[name].url, f"{address}:{8081 + index}"
                        self.tethered[name].append(agent_id)
                    self.fleet.start(agent_id, host, beacon_to=addresses, tether=tether, health=health)
                    count += 1
        for registry in self.registries.values():
            registry.wait_until_alive(self.fleet.agents, 30)
        time.sleep(3)  # each is known by more than one message

    def __exit__(self, *_):
        for registry in getattr(self, "registries", {}).values():
            registry.__exit__()
        self.lans.__exit__()
