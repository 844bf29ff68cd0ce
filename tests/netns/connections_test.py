#!/usr/bin/env python3
"""One address may hold so many connections and no more; others are served meanwhile, and it is served again when it lets go."""
import pathlib
import subprocess
import sys
import tempfile

from lan import Lans

from agent_support import program, wait_for  # noqa: E402

MOST = 256  # limits::connection_per_ip_count_max
HOLD = """
import select, socket, sys
open_ones = []
for _ in range(%d):
    s = socket.create_connection((sys.argv[1], 4470), 5)
    open_ones.append(s)
closed = set()
poll = select.poll()
for s in open_ones: poll.register(s, select.POLLIN)
by_fd = {s.fileno(): s for s in open_ones}
while True:
    ready = poll.poll(1000)
    if not ready: break
    for fd, _ in ready:
        try: data = by_fd[fd].recv(1)
        except ConnectionError: data = b""
        if not data: closed.add(fd); poll.unregister(fd)
print(len(open_ones) - len(closed), flush=True)
sys.stdin.read()
"""
ASK = """
import http.client, sys
c = http.client.HTTPConnection(sys.argv[1], 4470, timeout=5)
c.request("GET", "/healthz", headers={"Host": sys.argv[1] + ":4470"})
print(c.getresponse().status)
"""


def ask(lans, host, registry):
    done = lans.start(host, sys.executable, "-c", ASK, registry, stdout=subprocess.PIPE)
    return done.communicate(timeout=20)[0].strip()


def main():
    with tempfile.TemporaryDirectory() as folder, Lans({"a": "10.96.8"}) as lans:
        registry = lans.host("registry", "a", 10)
        token = pathlib.Path(folder) / "token"
        token.write_text("a-token-that-is-long-enough-for-this\n")
        token.chmod(0o600)
        lans.start("registry", program("choregosd"), "--http", f"{registry}:4470", "--udp", "4471", "--memory", "--token-file", token)
        lans.host("greedy", "a", 11)
        lans.host("modest", "a", 12)
        wait_for("the registry answers", lambda: ask(lans, "modest", registry) == b"200", 10)

        holder = lans.start("greedy", sys.executable, "-c", HOLD % (MOST + 50), registry, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        held = int(holder.stdout.readline())
        print(f"{held} of {MOST + 50} connections of one address were let in")
        assert held == MOST, held
        assert ask(lans, "modest", registry) == b"200", "another address is served meanwhile"
        assert ask(lans, "greedy", registry) != b"200", "one more of the same address is not"
        holder.stdin.close()
        holder.wait(10)
        wait_for("it is served again once it let go", lambda: ask(lans, "greedy", registry) == b"200", 10)
    print("ok")


main()
