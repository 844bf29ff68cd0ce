#!/usr/bin/env python3
"""A recorded daemon, replayed: agents that come, go and are killed; the daemon stopped in order, killed, started again with what
it knew; other settings tried beside the ones in force and on the recording."""
import itertools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from agent_support import program, wait_for
from daemon_support import Choregosd, ask_choregosd


def choregos(*arguments, port=None):
    address = {} if port is None else {"CHOREGOS_ADDR": f"http://127.0.0.1:{port}"}
    return subprocess.run([program("choregos"), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, env={"PATH": os.environ["PATH"], **address})


count = itertools.count()


class Agents:
    """choregos-agent processes by id."""

    def __init__(self, daemon):
        self.daemon, self.processes = daemon, {}

    def start(self, agent_id):
        self.processes[agent_id] = subprocess.Popen([program("choregos-agent"), "--id", agent_id, "--registry", f"http://127.0.0.1:{self.daemon.port}"],
                                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait(agent_id, "alive")

    def end(self, agent_id, number):
        process = self.processes.pop(agent_id)
        process.send_signal(number)
        process.wait(20)
        self.wait(agent_id, "lost" if number == signal.SIGKILL else "left")

    def wait(self, agent_id, liveness):
        def is_so():
            status, body = self.daemon.get(f"/api/v1/agents/{agent_id}")
            return status == 200 and json.loads(body)["liveness"] == liveness
        wait_for(f"{agent_id} is {liveness}", is_so, 30, 0.05)

    def stop(self):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(20)
        self.processes.clear()


class RecordTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="record-")
        self.addCleanup(self.folder.cleanup)
        self.file = pathlib.Path(self.folder.name) / "recording"

    def assertSame(self, replayed):
        self.assertEqual(replayed.returncode, 0, replayed)
        self.assertIn("replayed the same, byte for byte", replayed.stderr)

    def test_a_chaotic_life_replays_byte_for_byte_also_one_that_was_killed(self):
        with Choregosd("--record", self.file, "--forget-after", "1s") as daemon:
            agents = Agents(daemon)
            try:
                for i in range(6):
                    agents.start(f"a{i}")
                agents.end("a0", signal.SIGKILL)
                agents.end("a1", signal.SIGTERM)
                agents.start("a0")
                agents.end("a2", signal.SIGKILL)
                recorder = next(s for s in daemon.json("/api/v1/sources")["sources"] if s["name"] == "recorder")
                self.assertEqual(recorder["state"], "ok", recorder)

                # While it is written.
                running = choregos("replay", self.file)
                self.assertSame(running)
                self.assertIn("ends without an end", running.stderr)

                # Killed: what it knew is restored, recorded again, and its last words are kept.
                revision = daemon.json("/api/v1/agents")["revision"]
                daemon.kill()
                killed = choregos("replay", self.file, "-o", "json")
                self.assertSame(killed)
                self.assertGreaterEqual(json.loads(killed.stdout.splitlines()[-1])["revision"], revision)
                daemon.start()
                self.assertSame(choregos("replay", f"{self.file}.old"))
                agents.wait("a3", "alive")
                agents.end("a3", signal.SIGKILL)
                agents.end("a4", signal.SIGTERM)
            finally:
                agents.stop()
            self.assertEqual(daemon.stop()[1], 0)
            log = daemon.events()
        replayed = choregos("replay", self.file, "-o", "json")
        self.assertSame(replayed)
        self.assertNotIn("ends", replayed.stderr)
        changes = [json.loads(line) for line in replayed.stdout.splitlines()]
        # The same story as the log of the live daemon tells, told by a process that heard nobody.
        logged = [(e["agent_id"], e["revision"], e["to"]) for e in log if e["event"] == "agent_liveness"]
        told = [(c["agent"]["id"], f"{c['epoch']}.{c['revision']}", c["agent"]["liveness"]) for c in changes if c["kind"] == "liveness"]
        self.assertGreaterEqual(len(told), 6, told)
        self.assertEqual(logged[-len(told):], told)
        self.assertIn("unconfirmed", {c["agent"]["liveness"] for c in changes})

        # The filters.
        only = choregos("replay", self.file, "--agent", "a3")
        self.assertSame(only)
        self.assertTrue(all("  a3  " in line for line in only.stdout.splitlines()) and "lost" in only.stdout, only.stdout)
        short = choregos("replay", self.file, "--until", "10ms")
        self.assertSame(short)
        self.assertLess(len(short.stdout.splitlines()), len(changes))
        story = choregos("replay", self.file, "--scenario")
        self.assertSame(story)
        self.assertIn("\ntether a3", story.stdout)

    def test_a_recording_that_was_changed_is_found_out(self):
        with Choregosd("--record", self.file) as daemon:
            daemon.register("a1")
            daemon.request("DELETE", "/api/v1/agents/a1?reason=done")
            daemon.register("a2")
            daemon.stop()
        text = self.file.read_text()
        self.assertIn("said goodbye: done", text)
        self.file.write_text(text.replace("said goodbye: done", "said goodbye: dine"))
        replayed = choregos("replay", self.file)
        self.assertEqual(replayed.returncode, 1, replayed)
        self.assertIn("differs from the recording at line", replayed.stderr)
        self.assertIn("recorded: ", replayed.stderr)
        self.assertIn("goodbye: dine", replayed.stderr)
        self.assertEqual(choregos("replay", self.file, "--rewrite").returncode, 0)
        self.assertEqual(self.file.read_text(), text)
        self.file.write_text(text[:-20])
        torn = choregos("replay", self.file)
        self.assertSame(torn)
        self.assertIn("its last line was cut off", torn.stderr)
        self.file.write_text("hello\n")
        self.assertEqual(choregos("replay", self.file).returncode, 2)
        self.assertEqual(choregos("replay", self.folder.name + "/none").returncode, 3)
        self.assertEqual(choregos("replay", self.file, "--until", "5").returncode, 2)

    def test_a_full_disk_ends_the_recording_and_nothing_else(self):
        with Choregosd("--record", "/dev/full") as daemon:
            daemon.register("a1")
            ended = daemon.wait("a warning", lambda: daemon.events("recording_ended"))[0]
            self.assertEqual((ended["level"], ended["reason"]), ("warn", "it cannot be written: No space left on device"))
            daemon.register("a2")
            self.assertEqual(daemon.json("/api/v1/agents?max_age=1m")["total"], 2)
            doctor = choregos("doctor", port=daemon.port)
            self.assertIn("warn   recorder: the recording /dev/full has ended", doctor.stdout)
        with Choregosd("--record", self.file, "--record-max", "64KiB") as daemon:
            daemon.wait("a warning", lambda: daemon.register("a1", model=str(next(count))) and daemon.events("recording_ended"), 60)
            self.assertIn("record.bytes_max", daemon.events("recording_ended")[0]["reason"])
            daemon.stop()
        self.assertLessEqual(self.file.stat().st_size, 65536)
        ended = choregos("replay", self.file)
        self.assertSame(ended)
        self.assertIn("because it has reached record.bytes_max", ended.stderr)
        refused = ask_choregosd("--record", self.folder.name + "/none/x", "--memory", "--http", "127.0.0.1:0", "--udp", "0")
        self.assertEqual(refused.returncode, 1, refused)
        self.assertIn("record.file: the recording", refused.stderr)

    def test_other_settings_are_tried_live_and_on_the_recording(self):
        # A lease of a minute is renewed each second or two; the other settings give up after half a second.
        other = ["lease.suspect_after=500ms", "lease.lost_after=500ms"]
        with Choregosd("--record", self.file, "--shadow", ",".join(other)) as daemon:
            def losses():
                daemon.register("a1", model=str(next(count)))
                shadow = next(s for s in daemon.json("/api/v1/sources")["sources"] if s["name"] == "shadow")
                return shadow["counters"].get("false_removals", 0) >= 2 and shadow
            daemon.wait("the shadow is wrong", losses, 60, 1.0)
            self.assertEqual(daemon.json("/api/v1/agents/a1")["liveness"], "alive")
            self.assertRegex(daemon.get("/metrics")[1].decode(), r'choregos_shadow_false_removals_total\{settings="in_force"\} 0\n(.*\n)*?choregos_shadow_false_removals_total\{settings="shadow"\} [1-9]')
            self.assertIn("shadow: tries lease.suspect_after=500ms", choregos("doctor", port=daemon.port).stdout)
            daemon.wait("the log says so", lambda: daemon.events("shadow_differs"))
            daemon.stop()
        tried = choregos("replay", self.file, "--with", other[0], "--with", other[1])
        self.assertSame(tried)
        self.assertRegex(tried.stdout, r"the settings in force: declared lost 0, of these alive after all 0\nthe other settings: declared lost [2-9], of these alive after all [2-9]")
        answer = json.loads(choregos("replay", self.file, "-o", "json", "--with", other[0], "--with", other[1]).stdout)
        self.assertGreaterEqual(answer["other"]["false_removals"], 2)
        self.assertEqual(answer["in_force"]["false_removals"], 0)
        wrong = choregos("replay", self.file, "--with", "detector.evidence_neded=5")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("did you mean 'detector.evidence_needed'?", wrong.stderr)
        refused = ask_choregosd("--check-config", "--shadow", "guard.silent_share=2")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("guard.silent_share must be a number from 0 to 1", refused.stderr)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
