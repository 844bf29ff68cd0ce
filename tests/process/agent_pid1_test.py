#!/usr/bin/env python3
"""choregos-agent as PID 1 of a namespace: reaps orphans, is stopped by SIGTERM, passes on the exit code."""
import os
import signal
import subprocess
import tempfile
import time
import unittest

from agent_support import program, skip, wait_for

UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def start(*arguments, **options):
    return subprocess.Popen([*UNSHARE, program("choregos-agent"), "--id", "one", "--health", "127.0.0.1:0", "--quiet", *arguments], **options)


class Pid1(unittest.TestCase):
    def test_reaps_orphans(self):
        # Each inner shell ends at once and leaves a child behind, which becomes ours and ends soon after.
        # Looked at until there was none ten times in a row: one that ended just now is there for a moment.
        script = """for i in 1 2 3 4 5 6 7 8; do sh -c 'sleep 0.05 & exit 0'; done
                    none=0 look=0
                    while [ $none -lt 10 ] && [ $look -lt 100 ]; do
                      sleep 0.05
                      found=$(grep -h '^State:.*zombie' /proc/[0-9]*/status 2>/dev/null | wc -l) look=$((look + 1))
                      if [ "$found" = 0 ]; then none=$((none + 1)); else none=0; fi
                    done
                    echo $found"""
        process = start("--", "sh", "-c", script, stdout=subprocess.PIPE)
        out, _ = process.communicate(timeout=20)
        self.assertEqual(out.decode().strip(), "0", "zombies were left")
        self.assertEqual(process.returncode, 0)

    def test_is_really_pid_1_and_passes_on_the_exit_code(self):
        process = start("--", "sh", "-c", "echo $PPID; exit 7", stdout=subprocess.PIPE)
        out, _ = process.communicate(timeout=20)
        self.assertEqual(out.decode().strip(), "1")
        self.assertEqual(process.returncode, 7)

    def inner_pid(self, process):
        """Of the agent as the host sees it."""
        def child():
            with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
                return children.read().split()
        return int(wait_for("the agent", child)[0])

    def test_sigterm_without_a_command_ends_it_with_zero(self):
        process = start()
        agent = self.inner_pid(process)
        # Until the agent itself blocks the signal PID 1 would drop it; unshare blocks it too, until it becomes the agent.
        wait_for("the agent's program", lambda: os.readlink(f"/proc/{agent}/exe").endswith("choregos-agent"))
        wait_for("signals blocked", lambda: int(next(l for l in open(f"/proc/{agent}/status") if l.startswith("SigBlk")).split()[1], 16) >> 14 & 1)
        os.kill(agent, signal.SIGTERM)
        self.assertEqual(process.wait(10), 0)

    def test_sigterm_reaches_the_command(self):
        with tempfile.TemporaryDirectory() as folder:
            ready = os.path.join(folder, "ready")
            process = start("--", "sh", "-c", f"trap 'exit 5' TERM; touch {ready}; while :; do sleep 0.01; done")
            wait_for("the command", lambda: os.path.exists(ready))
            os.kill(self.inner_pid(process), signal.SIGTERM)
            self.assertEqual(process.wait(10), 5)


if __name__ == "__main__":
    if os.geteuid() != 0 or subprocess.run([*UNSHARE, "true"], capture_output=True).returncode != 0:
        skip("needs root and unshare --pid")
    unittest.main(verbosity=2)
