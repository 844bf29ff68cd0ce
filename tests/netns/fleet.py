"""Many agents, real choregos-agent processes, on hosts of lan.py."""
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from watched_registry import TOKEN, program


class Fleet:
    def __init__(self, lans):
        self.lans = lans
        self.agents = {}  # process by id
        self.hosts = {}   # host by id
        self.folder = tempfile.TemporaryDirectory(prefix="choregos-fleet-")
        self.token = pathlib.Path(self.folder.name) / "token"
        self.token.touch(0o600)
        self.token.write_text(TOKEN + "\n")

    def start(self, agent_id, host, *extra, beacon_to=(), tether=None, health=None):
        """`beacon_to` are addresses of registries that hear it by UDP, `tether` is the URL of one that it registers with, `health`
        an address and port where it may be asked."""
        arguments = ["--id", agent_id, "--quiet", "--health", health or "none"]
        if beacon_to:
            arguments += ["--beacon", "--no-multicast"] + [word for address in beacon_to for word in ("--beacon-to", f"{address}:4471")]
        if tether:
            arguments += ["--registry", tether, "--token-file", str(self.token)]
        process = self.lans.start(host, program("choregos-agent"), *arguments, *extra, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.agents[agent_id], self.hosts[agent_id] = process, host
        return process

    def signal(self, number, *ids):
        """Returns when it began."""
        at = time.time()
        for agent_id in ids:
            self.agents[agent_id].send_signal(number)
        return at

    def kill(self, *ids):
        at = self.signal(signal.SIGKILL, *ids)
        for agent_id in ids:
            self.agents[agent_id].wait(5)
        return at


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def figures(values):
    return f"median {percentile(values, 0.5):.2f} s, p99 {percentile(values, 0.99):.2f} s, max {max(values):.2f} s, n={len(values)}"


def say(*words):
    print(*words)
    sys.stdout.flush()
