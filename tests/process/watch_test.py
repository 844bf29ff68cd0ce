#!/usr/bin/env python3
"""The watch stream of a real choregosd, over real sockets: no gap, no duplicate, exact resumption, restarts, old backups, readers
that stall, and how soon a beacon's change is told.

    [CHOREGOS_WATCH_SECONDS=600] watch_test.py     how long the thousand watchers are served (10 s otherwise)
"""
import json
import os
import pathlib
import random
import re
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from agent_support import Asker, program, wait_for
from api_daemon import Daemon

ID = re.compile(rb"\nid: (\d+)\.(\d+)\n")
SECONDS = float(os.environ.get("CHOREGOS_WATCH_SECONDS", "10"))


class Api(Asker):
    """The same with what an agent does."""

    def send(self, method, path, record):
        self.connection.request(method, path, json.dumps(record), {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status not in (200, 201):
            raise AssertionError(f"{method} {path}: {answer.status} {body}")

    def raw(self, path):
        self.connection.request("GET", path)
        return self.connection.getresponse().read()


def connect(port, path="/api/v1/watch", headers="", receive_buffer=0):
    """A watch as it is on the wire, without its head."""
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(10)
    connection.connect(("127.0.0.1", port))
    connection.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode())  # HTTP/1.0: the body has no frames
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise AssertionError("no answer")
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise AssertionError(head)
    return connection, rest


class Watcher:
    """Reads one stream, event by event."""

    def __init__(self, port, path="/api/v1/watch", last=None):
        self.connection, self.buffer = connect(port, path, f"Last-Event-ID: {last}\r\n" if last else "")

    def next(self, timeout=10):
        """(event, id or None, data), or None at the end of the stream."""
        end = time.monotonic() + timeout
        while b"\n\n" not in self.buffer:
            self.connection.settimeout(max(0.01, end - time.monotonic()))
            more = self.connection.recv(65536)
            if not more:
                return None
            self.buffer += more
        block, _, self.buffer = self.buffer.partition(b"\n\n")
        fields = dict(line.split(": ", 1) if ": " in line else (line.rstrip(":"), "") for line in block.decode().split("\n"))
        if "data" not in fields:
            return self.next(end - time.monotonic())
        return fields.get("event"), fields.get("id"), json.loads(fields["data"])

    def until(self, wanted, timeout=10):
        end = time.monotonic() + timeout
        while True:
            event = self.next(end - time.monotonic())
            if event is None:
                raise AssertionError(f"the stream ended before {wanted}")
            if event[0] == wanted:
                return event

    def close(self):
        self.connection.close()


class Churn(threading.Thread):
    """Agents that change their status, so many times a second, each change one revision."""

    def __init__(self, port, per_second, agents=20):
        super().__init__(daemon=True)
        self.port, self.per_second, self.agents = port, per_second, agents
        self.stopped = threading.Event()
        self.made = 0
        self.asker = Api(port)
        for i in range(agents):
            self.asker.send("PUT", f"/api/v1/agents/churn-{i}", {"incarnation": 1, "ttl": "300s", "name": "x" * 120})

    def run(self):
        began = time.monotonic()
        while not self.stopped.is_set():
            late = (time.monotonic() - began) * self.per_second - self.made
            if late < 1:
                time.sleep((1 - late) / self.per_second)
                continue
            status = ("idle", "working")[self.made // self.agents % 2]
            self.asker.send("POST", f"/api/v1/agents/churn-{self.made % self.agents}/renew", {"status": status})
            self.made += 1

    def stop(self):
        self.stopped.set()
        self.join()
        self.asker.connection.close()


class Many(threading.Thread):
    """So many watchers in one thread, which look at nothing but positions: each must be one after the last."""

    def __init__(self, port, count):
        super().__init__(daemon=True)
        self.selector = selectors.DefaultSelector()
        self.port = port
        self.faults, self.stopped = [], threading.Event()
        self.last = {}
        self.ended = 0
        for _ in range(count):
            self.open()

    def open(self):
        connection, rest = connect(self.port, "/api/v1/watch?fields=id")
        connection.setblocking(False)
        self.selector.register(connection, selectors.EVENT_READ, [rest, None])

    def run(self):
        while not self.stopped.is_set():
            for key, _ in self.selector.select(0.1):
                self.read(key)

    def read(self, key):
        data = key.fileobj.recv(262144)
        if not data:
            self.ended += 1
            self.selector.unregister(key.fileobj)
            return
        rest, last = key.data
        text = rest + data
        cut = text.rfind(b"\n\n") + 1  # with the line end in front of the next event
        for found in ID.finditer(text, 0, cut):
            number = int(found.group(2))
            if last is not None and number != last + 1:
                self.faults.append(f"{number} after {last}")
            last = number
        key.data[:] = [text[max(0, cut):], last]

    def positions(self):
        return [key.data[1] for key in self.selector.get_map().values()]

    def stop(self):
        self.stopped.set()
        self.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


def beacon(agent, incarnation, session, sequence, status):
    """An unsigned announce, as docs/PROTOCOL.md lays it out."""
    payload = json.dumps({"id": agent, "incarnation": incarnation, "status": status}).encode()
    return struct.pack(">4sBBHQQQQH", b"CHRG", 1, 1, 0, 0, 0, session, sequence, len(payload)) + payload + bytes(16)


class Watch(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(program("choregosd"))
        self.port = self.daemon.port
        self.api = Api(self.port)

    def tearDown(self):
        self.api.connection.close()
        self.daemon.stop()

    def test_a_thousand_watchers_miss_nothing(self):
        many = Many(self.port, 1000)
        churn = Churn(self.port, 500 if SECONDS > 60 else 100)
        many.start()
        churn.start()
        time.sleep(SECONDS)  # the time under load is what this test is about
        churn.stop()
        newest = self.api.get("/api/v1/agents?limit=1")[1]["revision"]
        wait_for("the last change at every watcher", lambda: all(p == newest for p in many.positions()), 30)
        many.stop()
        self.assertEqual(many.faults[:5], [])
        self.assertEqual(many.ended, 0)
        print(f"1000 watchers, {churn.made} changes in {SECONDS} s, no gap, duplicate or reordering", flush=True)

    def test_ten_thousand_breaks_leave_no_gap(self):
        """W02, as many as the time allows: each comes back with its position and must be told everything after it."""
        churn = Churn(self.port, 300)
        churn.start()
        rng = random.Random(7)
        first = Watcher(self.port)
        last = first.until("ready")[1]
        first.close()
        breaks = resets = 0
        end = time.monotonic() + min(SECONDS, 60)
        while time.monotonic() < end:
            watcher = Watcher(self.port, last=last)
            for _ in range(rng.randrange(1, 8)):
                event, position, data = watcher.next()
                if event == "reset":
                    resets += 1
                if event in ("put", "remove"):
                    self.assertEqual(position, f"{data['epoch']}.{int(last.split('.')[1]) + 1}", "one after the last, whatever broke")
                if position:
                    last = position
            watcher.close()
            breaks += 1
        churn.stop()
        self.assertEqual(resets, 0)
        self.assertGreater(breaks, 100)
        print(f"{breaks} breaks, none with a gap", flush=True)

    def test_a_stopping_daemon_says_so(self):
        watcher = Watcher(self.port)
        watcher.until("ready")
        self.daemon.process.send_signal(signal.SIGTERM)
        self.assertIn("stopping", watcher.until("end")[2]["reason"])
        self.assertIsNone(watcher.next())

    def test_stalled_readers_cost_little_and_are_cut(self):
        churn = Churn(self.port, 500)
        churn.start()
        neighbour = Watcher(self.port, "/api/v1/watch?fields=id")
        neighbour.until("ready")
        before = resident_kib(self.daemon.process.pid)
        stalled = [connect(self.port, receive_buffer=4096)[0] for _ in range(500)]
        began = time.monotonic()
        peak = 0
        watchers = lambda: int(re.search(rb"^choregos_watch_watchers (\d+)", self.api.raw("/metrics"), re.M).group(1))
        while watchers() > 1 and time.monotonic() - began < 40:
            neighbour.until("put", 5)  # it is served all the while
            peak = max(peak, resident_kib(self.daemon.process.pid))
        took = time.monotonic() - began
        churn.stop()
        for connection in stalled:
            connection.close()
        self.assertLessEqual(took, 31, "stalled readers are cut within 30 s")
        self.assertLessEqual(peak - before, 32 * 1024, "KiB more for 500 stalled readers")
        print(f"500 stalled readers: cut after {took:.1f} s, {peak - before} KiB at most", flush=True)

    def test_a_change_in_a_beacon_is_told_soon(self):
        """W07 at rest: from the datagram to the event, on one clock."""
        with open(os.path.join(self.daemon.state, "beacon.port"), encoding="ascii") as file:
            udp = int(file.read())
        mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        watcher = Watcher(self.port, "/api/v1/watch?fields=id,status")
        watcher.until("ready")
        waits = []
        for i in range(200):
            at = time.monotonic()
            mouth.sendto(beacon("swift-1", 5, 77, i + 1, ("idle", "working")[i % 2]), ("127.0.0.1", udp))
            watcher.until("put")
            waits.append(time.monotonic() - at)
        waits.sort()
        print(f"beacon to event: p50 {waits[100] * 1e3:.2f} ms, p99 {waits[198] * 1e3:.2f} ms", flush=True)
        self.assertLessEqual(waits[198], 0.25)
        mouth.close()


class Restarts(unittest.TestCase):
    """One state folder, several lives of the daemon."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="choregos-watch-")
        self.state = os.path.join(self.folder.name, "state")
        self.process = None
        self.start(0)

    def tearDown(self):
        self.end(signal.SIGTERM)
        self.folder.cleanup()

    def start(self, port):
        self.process = subprocess.Popen([program("choregosd"), "--http", f"127.0.0.1:{port}", "--udp", "0", "--state", self.state],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = os.path.join(self.state, "http.address")
        address = lambda: pathlib.Path(path).read_text(encoding="ascii") if os.path.exists(path) else ""
        wait_for("an address", lambda: address().endswith("\n"))
        self.port = int(address().strip().rsplit(":", 1)[1])

    def end(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(10)
        if number == signal.SIGKILL and os.path.exists(os.path.join(self.state, "http.address")):
            os.unlink(os.path.join(self.state, "http.address"))

    def put(self, agent, status="idle"):
        asker = Api(self.port)
        asker.send("PUT", f"/api/v1/agents/{agent}", {"incarnation": 1, "status": status, "ttl": "300s"})
        asker.connection.close()

    def test_positions_of_an_earlier_life_lead_to_a_new_list(self):
        self.put("a1")
        watcher = Watcher(self.port)
        last = watcher.until("ready")[1]
        port = self.port
        self.end(signal.SIGKILL)
        self.start(port)
        again = Watcher(self.port, last=last)
        reset = again.until("reset")
        self.assertEqual(reset[2]["reason"], "restart")
        self.assertEqual(reset[1], "", "the position is taken back, so that a break in the midst of the list cannot bring it again")
        ready = again.until("ready")
        self.assertGreater(ready[2]["epoch"], int(last.split(".")[0]))
        self.assertGreaterEqual(ready[2]["revision"], int(last.split(".")[1]))
        asker = Asker(self.port)
        status, problem = asker.get(f"/api/v1/watch?since={last}&wait=1s")
        self.assertEqual((status, problem["code"]), (410, "gone"))
        asker.connection.close()

    def test_an_old_backup_brings_no_position_back(self):
        """W03: what was told after the backup must mean nothing to the life that begins with it."""
        self.put("a1")
        self.end(signal.SIGTERM)
        backup = os.path.join(self.folder.name, "backup")
        shutil.copytree(self.state, backup)
        self.start(0)
        self.put("a2")
        told = Watcher(self.port).until("ready")[1]
        self.end(signal.SIGTERM)
        shutil.rmtree(self.state)
        shutil.copytree(backup, self.state)
        self.start(0)
        self.put("b1")
        self.put("b2")
        watcher = Watcher(self.port, last=told)
        self.assertEqual(watcher.next()[2]["reason"], "restart")
        agents = watcher.until("agents")[2]["agents"]
        self.assertEqual(sorted(a["id"] for a in agents), ["a1", "b1", "b2"])
        self.assertGreater(int(watcher.until("ready")[1].split(".")[0]), int(told.split(".")[0]))


if __name__ == "__main__":
    sys.exit(0 if unittest.main(verbosity=2, exit=False).result.wasSuccessful() else 1)
