"""Faults of a network between the hosts of lan.py, as nft rules. A rule here drops what the switch forwards, so that nobody is
told (a black hole); a rule within a host is one that its own system tells it of. Loss is drawn by nft at random."""
import os
import shutil
import subprocess

from lan import skip


def nft(lans, name, text):
    done = subprocess.run(["nsenter", f"--net=/run/netns/{lans.full(name)}", "nft", "-f", "-"], input=text + "\n", text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise AssertionError(f"nft: {done.stdout.strip()}\n{text}")


class Faults:
    """Named faults; each is put in force, and ended, at once: the whole table is replaced in one transaction."""

    def __init__(self, lans):
        self.lans = lans
        self.rules = {}
        if shutil.which("nft", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
            skip("needs nft (package nftables)")
        self._apply()

    def _apply(self):
        rules = "\n".join(f"    {rule}" for rules in self.rules.values() for rule in rules)
        nft(self.lans, "switch", "table bridge faults\ndelete table bridge faults\ntable bridge faults {\n  chain forward {\n"
            f"    type filter hook forward priority 0; policy accept;\n{rules}\n  }}\n}}")

    def set(self, name, *rules):
        self.rules[name] = rules
        self._apply()

    def heal(self, *names):
        for name in names or list(self.rules):
            self.rules.pop(name, None)
        self._apply()

    @staticmethod
    def port(host):
        """The switch's end of a host's cable."""
        return f"{host}-eth0"[:15]

    def cut(self, *hosts):
        """Nothing comes out of them and nothing gets in."""
        for host in hosts:
            self.rules[f"cut {host}"] = (f'iifname "{self.port(host)}" drop', f'oifname "{self.port(host)}" drop')
        self._apply()

    def join(self, *hosts):
        self.heal(*(f"cut {host}" for host in hosts))

    def loss(self, percent, *hosts):
        """Of what each of them sends, this share is lost."""
        if percent:
            self.set("loss", *(f'iifname "{self.port(host)}" numgen random mod 100 < {percent} drop' for host in hosts))
        else:
            self.heal("loss")

    # Within a host, its own doing: the system says so to whoever sends.

    def refuse(self, host):
        """A firewall of its own: whatever it sends is refused with an error, whatever comes is dropped."""
        nft(self.lans, host, "table inet own {\n  chain out {\n    type filter hook output priority 0; policy accept;\n    oifname \"eth0\" reject\n  }\n"
            "  chain in {\n    type filter hook input priority 0; policy accept;\n    iifname \"eth0\" drop\n  }\n}")

    def accept(self, host):
        nft(self.lans, host, "delete table inet own")

    def link(self, host, up, gateway=None):
        """The interface itself. Taken down it loses its routes; `gateway` is put back with it."""
        for command in [["link", "set", "eth0", "up" if up else "down"]] + ([["route", "replace", "default", "via", gateway]] if up and gateway else []):
            done = subprocess.run(["ip", "-n", self.lans.full(host), *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                raise AssertionError(f"ip {' '.join(command)}: {done.stdout.strip()}")

    def cable(self, host, plugged):
        """The other end: the interface stays up and loses its carrier."""
        subprocess.run(["ip", "-n", self.lans.full("switch"), "link", "set", self.port(host), "up" if plugged else "down"], check=True)
