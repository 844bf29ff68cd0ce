#!/usr/bin/env python3
"""./run as a person meets it: in a terminal, with Ctrl-C; killed; where the port is taken; and with flags for the daemon.

usage: run_test.py ROOT PRESET
"""
import json
import os
import pathlib
import pty
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

root, preset = pathlib.Path(sys.argv[1]), sys.argv[2]
READY = "Ctrl-C ends all of it."


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def agents(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/agents", timeout=5) as answer:
            return json.load(answer)["agents"]
    except (OSError, urllib.error.URLError):
        return []


def until(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


class Run:
    """./run in a terminal of its own, its words kept."""

    def __init__(self, state, *arguments):
        # A mark in the environment, by which every process that comes of it is known later.
        self.mark = f"RUN_TEST_MARK={os.getpid()}.{time.monotonic_ns()}"
        name, _, value = self.mark.partition("=")
        self.text = ""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update({"XDG_STATE_HOME": str(state), "RUN_PRESET": preset, "TERM": "dumb", name: value})
            os.execv(root / "run", ["./run", *arguments])

    def read(self, seconds=0.0):
        ready, _, _ = select.select([self.terminal], [], [], seconds)
        if not ready:
            return True
        try:
            more = os.read(self.terminal, 65536)
        except OSError:  # nobody has the other end any more
            return False
        self.text += more.decode(errors="replace")
        return bool(more)

    def wait_for(self, words, seconds=60):
        def seen():
            self.read(0.05)
            return words in self.text
        try:
            until(seen, f"{words!r} in the output", seconds)
        except AssertionError:
            print(self.text)
            raise

    def wait(self, seconds=30):
        """Its exit code."""
        def ended():
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return (status,) if pid else None
        (status,) = until(ended, "the end of ./run", seconds)
        while self.read(0.0) and select.select([self.terminal], [], [], 0)[0]:
            pass
        return os.waitstatus_to_exitcode(status)

    def processes(self):
        """Command lines of everything alive that came of it."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                pass  # ended meanwhile
        return found

    def expect_gone(self):
        until(lambda: not self.processes(), f"the end of all that ./run started (left: {self.processes()})", 15)


def nine_agents_until_ctrl_c(state):
    port = free_port()
    started = time.monotonic()
    run = Run(state, "--port", str(port))
    run.wait_for(READY)
    print(f"ready {time.monotonic() - started:.2f} s after a start with nothing to build")
    assert f"http://127.0.0.1:{port}" in run.text, run.text
    ids = until(lambda: sorted(a["id"] for a in agents(port)) if len(agents(port)) == 9 else None, "nine agents listed")
    assert ids == [f"demo-agent-{i}" for i in range(1, 10)], ids
    until(lambda: {a["status"] for a in agents(port)} >= {"idle", "working"}, "agents that are idle and agents that are working")
    os.write(run.terminal, b"\x03")
    stopped = time.monotonic()
    code = run.wait()
    print(f"gone {time.monotonic() - stopped:.2f} s after Ctrl-C")
    assert code == 0, f"exit code {code}\n{run.text}"
    run.expect_gone()


def a_sigterm_is_as_good(state):
    run = Run(state, "--port", str(free_port()))
    run.wait_for(READY)
    os.kill(run.pid, signal.SIGTERM)
    assert run.wait() == 0
    run.expect_gone()


def nothing_outlives_a_kill(state):
    run = Run(state, "--port", str(free_port()))
    run.wait_for(READY)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    run.expect_gone()


def the_other_agents_live_on_when_one_is_killed(state):
    port = free_port()
    run = Run(state, "--port", str(port))
    run.wait_for(READY)
    until(lambda: len(agents(port)) == 9, "nine agents listed")
    victims = [folder for folder in pathlib.Path("/proc").glob("[0-9]*") if is_agent(folder, run.mark, "demo-agent-7")]
    assert len(victims) == 1, victims
    os.kill(int(victims[0].name), signal.SIGKILL)
    until(lambda: [a["id"] for a in agents(port) if a.get("liveness") != "alive"] == ["demo-agent-7"], "the dead one, and only that one, noticed")
    assert not any("demo-agent.sh" in p and "demo-agent-7" in p for p in run.processes()), run.processes()
    os.write(run.terminal, b"\x03")
    assert run.wait() == 0
    run.expect_gone()


def is_agent(folder, mark, agent):
    try:
        words = (folder / "cmdline").read_bytes().split(b"\0")
        return words[0].endswith(b"/choregos-agent") and agent.encode() in words and mark.encode() in (folder / "environ").read_bytes()
    except OSError:
        return False


def a_taken_port_is_named(state):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = Run(state, "--port", str(port))
        code = run.wait()
    assert code == 1 and f"port {port} of 127.0.0.1 is taken" in run.text, f"{code}\n{run.text}"


def flags_reach_the_daemon(state):
    done = subprocess.run([root / "run", "--no-demo", "--print-config"], env={**os.environ, "RUN_PRESET": preset, "XDG_STATE_HOME": str(state)},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "127.0.0.1:4470" in done.stdout, done.stdout
    assert "ninja" not in done.stdout and "Configuring" not in done.stdout, done.stdout


def wrong_flags_are_refused(state):
    for arguments, words in ((["--prot", "1"], "--no-demo"), (["--port", "many"], "1 to 65535"), (["--port"], "1 to 65535")):
        run = Run(state, *arguments)
        assert run.wait() == 2 and words in run.text, (arguments, run.text)
    run = Run(state, "--help")
    assert run.wait() == 0 and "usage: ./run" in run.text, run.text


for test in (wrong_flags_are_refused, flags_reach_the_daemon, a_taken_port_is_named, nine_agents_until_ctrl_c, a_sigterm_is_as_good,
             the_other_agents_live_on_when_one_is_killed, nothing_outlives_a_kill):
    with tempfile.TemporaryDirectory() as folder:
        print(test.__name__.replace("_", " "), flush=True)
        test(pathlib.Path(folder))
print("all as it should be")
