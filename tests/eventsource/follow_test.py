#!/usr/bin/env python3
"""The npm client `eventsource` follows a real choregosd: through a broken connection it resumes without a gap, and through a restart
of the daemon it gets the new list, all by itself.

    follow_test.py FOLDER_WITH_NODE_MODULES
"""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "process"))
sys.dont_write_bytecode = True
from agent_support import program, wait_for  # noqa: E402
from watch_test import Api  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


class Relay:
    """A door between client and daemon that can be shut: what goes through it breaks as a network would break it."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.target = None
        self.open = True
        self.pairs = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if not self.open or self.target is None:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self.pairs.append((near, far))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(one, other), daemon=True).start()

    def pump(self, one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def shut(self):
        self.open = False
        for pair in self.pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                end.close()
        self.pairs.clear()

    def close(self):
        self.shut()
        self.listener.close()


class Follow(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="choregos-eventsource-")
        self.state = os.path.join(self.folder.name, "state")
        self.relay = Relay()
        self.start()
        # The daemon takes requests for the names and ports that it listens on, so it is told of the relay's.
        self.client = subprocess.Popen(["node", os.path.join(HERE, "follow.mjs"), sys.argv[1], f"http://127.0.0.1:{self.relay.port}/api/v1/watch?fields=id"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.heard = []
        self.changed = threading.Condition()
        threading.Thread(target=self.listen, daemon=True).start()

    def tearDown(self):
        self.client.stdin.close()
        self.client.wait(10)
        self.client.stdout.close()
        self.relay.close()
        self.end()
        self.folder.cleanup()

    def listen(self):
        for line in self.client.stdout:
            with self.changed:
                self.heard.append(json.loads(line))
                self.changed.notify_all()

    def wait(self, what, condition, seconds=15):
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self.heard), seconds):
                self.fail(f"not within {seconds} s: {what}; heard {self.heard[-8:]}")

    def start(self):
        self.daemon = subprocess.Popen([program("choregosd"), "--http", "127.0.0.1:0", "--udp", "0", "--state", self.state],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = os.path.join(self.state, "http.address")
        address = lambda: pathlib.Path(path).read_text(encoding="ascii") if os.path.exists(path) else ""
        wait_for("an address", lambda: address().endswith("\n"))
        self.port = int(address().strip().rsplit(":", 1)[1])
        self.relay.target = self.port

    def end(self):
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait(10)

    def put(self, *agents):
        api = Api(self.port)
        for agent in agents:
            api.send("PUT", f"/api/v1/agents/{agent}", {"incarnation": 1, "ttl": "300s"})
        api.connection.close()

    def test_resumes_after_a_break_and_begins_again_after_a_restart(self):
        self.put("a1")
        self.wait("a1", lambda heard: any("a1" in h.get("agents", []) for h in heard))
        self.wait("the end of the list", lambda heard: any(h["name"] in ("ready", "put") for h in heard))
        resets = lambda heard: [h["reason"] for h in heard if h["name"] == "reset"]
        self.assertEqual(resets(self.heard), ["start"])

        self.relay.shut()
        self.wait("the break", lambda heard: heard[-1]["name"] == "error")
        self.assertFalse(self.heard[-1]["closed"], "it means to come back")
        self.put("b1", "b2", "b3")
        before = len(self.heard)
        self.relay.open = True
        self.wait("what it missed", lambda heard: [h["agents"][0] for h in heard[before:] if h["name"] == "put"] == ["b1", "b2", "b3"])
        self.assertEqual(resets(self.heard), ["start"], "resumed, not told again")
        ids = [h["id"] for h in self.heard if h["name"] == "put"]
        numbers = [int(i.split(".")[1]) for i in ids]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))

        self.end()
        self.wait("the daemon's last word", lambda heard: any(h["name"] == "end" for h in heard))
        before = len(self.heard)
        self.start()
        self.put("c1")
        self.wait("the new list", lambda heard: any(h["name"] == "reset" for h in heard[before:]))
        self.assertEqual(resets(self.heard), ["start", "restart"])
        self.wait("everybody", lambda heard: {a for h in heard[before:] for a in h.get("agents", [])} == {"a1", "b1", "b2", "b3", "c1"})


if __name__ == "__main__":
    program("choregosd")
    sys.exit(0 if unittest.main(argv=sys.argv[:1], verbosity=2, exit=False).result.wasSuccessful() else 1)
