#!/usr/bin/env python3
"""Multicast over IPv6: an agent whose IPv4 multicast never leaves its host is heard by ff02::4348 alone, and leaves by it. An
agent that has neither is not heard, which shows that the cut of IPv4 works."""
import signal
import sys
import pathlib
import time

from faults import nft
from lan import Lans

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "swarm"))
from engine import Api  # noqa: E402

from agent_support import program, wait_for  # noqa: E402

CUT = """table inet t {
  chain o {
    type filter hook output priority 0; policy accept;
    %s
  }
}"""
NO_V4 = CUT % "ip daddr 224.0.0.0/4 drop"
NEITHER = CUT % "ip daddr 224.0.0.0/4 drop; ip6 daddr ff02::4348 drop"


def main():
    with Lans({"a": "10.96.7"}) as lans:
        lans.host("registry", "a", 10)
        daemon = lans.start("registry", program("choregosd"), "--http", "127.0.0.1:4470", "--udp", "4471", "--memory", "--accept-unsigned", "any")
        api = Api(daemon.pid, 4470)
        wait_for("the registry serves an empty list", lambda: api.agents() == [], 10)
        agents = {}
        for name, number, rules in (("neither", 12, NEITHER), ("six", 11, NO_V4)):
            address = lans.host(name, "a", number)
            nft(lans, name, rules)
            agents[name] = lans.start(name, program("choregos-agent"), "--id", name, "--health", "none", "--endpoint", f"http://{address}:8080", "--beacon", "--multicast", "--quiet")
        # A link-local address is usable once duplicates have been looked for, a second or two after the link came up.
        began = time.monotonic()
        wait_for("the agent with IPv6 alone is listed", lambda: [a["id"] for a in api.agents() or []] == ["six"], 15)
        print(f"heard over IPv6 alone after {time.monotonic() - began:.1f} s")
        time.sleep(3)  # three beacons of the other one: nothing may come of them
        assert [a["id"] for a in api.agents()] == ["six"], api.agents()
        agents["six"].send_signal(signal.SIGTERM)
        wait_for("its goodbye came the same way", lambda: api.get("/api/v1/agents/six")[1]["liveness"] == "left", 5)
    print("ok")


main()
