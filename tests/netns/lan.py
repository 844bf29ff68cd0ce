"""Hosts on LANs, each a network namespace, joined by veth pairs and a bridge per segment; a router namespace joins the
segments and forwards unicast only. Everything is gone after close(). Standard library only; needs root."""
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "process"))
from agent_support import skip  # noqa: E402


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: {done.stdout.strip()}")
    return done.stdout


class Lans:
    """segments = {"a": "10.91.1", "b": "10.91.2"}; hosts are added with host(name, segment, number)."""

    def __init__(self, segments):
        if os.geteuid() != 0:
            skip("needs root for network namespaces")
        if shutil.which("ip", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
            skip("needs ip (package iproute2)")
        self.prefix = f"chl{os.getpid()}"
        self.segments = segments
        self.processes = []
        self.names = []
        probe = subprocess.run(["ip", "netns", "add", f"{self.prefix}-probe"], capture_output=True, text=True)
        if probe.returncode != 0:
            skip(f"cannot make network namespaces here: {probe.stderr.strip()}")
        subprocess.run(["ip", "netns", "del", f"{self.prefix}-probe"])
        # The bridges live in a namespace of their own, so that nothing of this machine is touched.
        self._namespace("switch")
        self._namespace("router")
        for segment, net in segments.items():
            run("ip", "-n", self.full("switch"), "link", "add", f"br-{segment}", "type", "bridge", "mcast_snooping", "0")
            run("ip", "-n", self.full("switch"), "link", "set", f"br-{segment}", "up")
            self._plug("router", segment, f"{net}.1/24", f"r{segment}")
        run("ip", "netns", "exec", self.full("router"), "sysctl", "-qw", "net.ipv4.ip_forward=1")

    def full(self, name):
        return f"{self.prefix}-{name}"

    def _namespace(self, name):
        run("ip", "netns", "add", self.full(name))
        self.names.append(name)
        run("ip", "-n", self.full(name), "link", "set", "lo", "up")

    def _plug(self, name, segment, address, link):
        run("ip", "-n", self.full(name), "link", "add", link, "type", "veth", "peer", "name", f"{name}-{link}"[:15], "netns", self.full("switch"))
        run("ip", "-n", self.full("switch"), "link", "set", f"{name}-{link}"[:15], "master", f"br-{segment}", "up")
        run("ip", "-n", self.full(name), "addr", "add", address, "dev", link)
        run("ip", "-n", self.full(name), "link", "set", link, "up")

    def host(self, name, segment, number):
        self._namespace(name)
        net = self.segments[segment]
        self._plug(name, segment, f"{net}.{number}/24", "eth0")
        run("ip", "-n", self.full(name), "route", "add", "default", "via", f"{net}.1")
        return f"{net}.{number}"

    def join(self, name, segment, number, link):
        """One more interface of a host, on another segment."""
        self._plug(name, segment, f"{self.segments[segment]}.{number}/24", link)

    def start(self, name, *command, **options):
        options.setdefault("stderr", subprocess.DEVNULL)
        # nsenter keeps /sys and the mounts as they are; only the network is the host's own.
        process = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.full(name)}", *map(str, command)], **options)
        self.processes.append(process)
        return process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        for name in self.names:
            subprocess.run(["ip", "netns", "del", self.full(name)], stderr=subprocess.DEVNULL)
