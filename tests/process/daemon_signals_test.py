#!/usr/bin/env python3
"""Signals as supervisors and people send them: TERM with tethers open and requests in flight ends within two seconds with
nothing acknowledged lost, a second one at once; HUP takes over what it can and says what it cannot; PIPE does nothing; and
all of it as process 1 of a container, in the middle of a probe."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from agent_support import BIN_DIR, program, skip, wait_for  # noqa: E402
from daemon_support import Choregosd, check  # noqa: E402

TETHERS = 300
WRITERS = 40


def raw(port, text):
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(text.encode())
    return connection


def read_to_end(connection):
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except OSError:
        pass
    return data


def open_tethers(daemon, count):
    opened = []
    one = daemon.connect()
    for i in range(count):
        status, body = daemon.register(f"tethered-{i}", one)
        check(status in (200, 201), (status, body))
        connection = raw(daemon.port, f"GET /api/v1/agents/tethered-{i}/tether?incarnation=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(4096)
            check(piece, f"tether {i} was not opened: {head!r}")
            head += piece
        check(b" 200 " in head.split(b"\r\n")[0], head)
        opened.append(connection)
    one.close()
    return opened


class Writers:
    """Registers new agents as fast as it can, on many connections, until the connections end."""

    def __init__(self, daemon, count):
        self.acknowledged, self.broken, self.asked = set(), 0, 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.write, args=(daemon, n)) for n in range(count)]
        for thread in self.threads:
            thread.start()

    def write(self, daemon, number):
        connection = daemon.connect()
        for i in range(1_000_000):
            agent_id = f"writer-{number}-{i}"
            with self.lock:
                self.asked += 1
            try:
                status, _ = daemon.register(agent_id, connection)
            except Exception:  # refused, reset, ended: whatever it was, nothing was promised
                with self.lock:
                    self.broken += 1
                return
            with self.lock:
                if status in (200, 201):
                    self.acknowledged.add(agent_id)

    def join(self):
        for thread in self.threads:
            thread.join(20)
            check(not thread.is_alive(), "a request was left without an answer and without an end")


def check_term():
    times = []
    for turn in range(3):
        with Choregosd() as daemon:
            tethers = open_tethers(daemon, TETHERS)
            half = raw(daemon.port, "PUT /api/v1/agents/half HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{")
            writers = Writers(daemon, WRITERS)
            wait_for("requests are in flight", lambda: len(writers.acknowledged) > 100, 20)
            took, code = daemon.stop()
            times.append(took)
            check(code == 0, f"exit code {code}: {daemon.log()[-2000:]}")
            check(took <= 2.0, f"it took {took:.2f} s to stop")
            writers.join()
            for tether in tethers:
                check(read_to_end(tether).endswith(b"0\r\n\r\n"), "a tether was cut instead of ended")
                tether.close()
            half.close()
            check(not (daemon.state / "http.address").exists(), "http.address is left behind")
            ends = [e["event"] for e in daemon.events()][-2:]
            check(ends == ["stopping", "stopped"] or "stopped" in ends, f"the log ends with {ends}")
            # Ending tethers ourselves is no evidence against agents, and what was acknowledged is there.
            check(not [e for e in daemon.events("agent_liveness")], f"agents were judged by our own stop: {daemon.events('agent_liveness')[:3]}")
            daemon.start()
            listed = {a["id"]: a for a in daemon.json("/api/v1/agents")["agents"]}
            lost = writers.acknowledged - set(listed)
            check(not lost, f"{len(lost)} of {len(writers.acknowledged)} acknowledged agents are lost")
            check(all(listed[f"tethered-{i}"]["liveness"] == "unconfirmed" for i in range(TETHERS)), "a tethered agent is not unconfirmed")
    print(f"TERM with {TETHERS} tethers and {WRITERS} writers: stopped after {', '.join(f'{t:.2f}' for t in times)} s")


def check_second_term():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Choregosd() as daemon:
            # A request whose body never comes keeps the first stop waiting for its second of grace.
            waiting = raw(daemon.port, "PUT /api/v1/agents/slow HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{")
            daemon.get("/healthz")
            daemon.signal(number)
            daemon.wait("it says that it stops", lambda: daemon.events("stopping"))
            began = time.monotonic()
            daemon.signal(number)
            code = daemon.process.wait(5)
            took = time.monotonic() - began
            check(code == 128 + number, f"exit code {code} after a second {number.name}")
            # ThreadSanitizer holds signals back until a thread next makes a system call.
            check(took < 0.3 or BIN_DIR.name == "tsan", f"the second {number.name} took {took:.2f} s")
            waiting.close()


def check_hup():
    with Choregosd(start=False) as daemon:
        token, config, targets = daemon.path / "token", daemon.path / "choregosd.toml", daemon.path / "targets.toml"

        def write(path, text):
            path.write_text(text)
            path.chmod(0o600)

        write(token, "the-first-token-0123456789\n")
        write(targets, "")
        keys = daemon.path / "keys"
        write(keys, "7 00112233445566778899aabbccddeeff *\n")
        settings = f'[http]\ntoken_file = "{token}"\n[static_file]\npath = "{targets}"\n'
        write(config, settings)
        daemon.arguments = ["--config", str(config)]
        daemon.start(ready=False)
        daemon.wait_for_address()

        def status(word):
            return daemon.get("/api/v1/agents", {"Authorization": f"Bearer {word}"})[0]

        def hup(event):
            before = len(daemon.events(event))
            daemon.signal(signal.SIGHUP)
            return daemon.wait(f"another {event}", lambda: daemon.events(event)[before:])

        daemon.wait("the API answers", lambda: status("the-first-token-0123456789") == 200)
        # Another token, another level, and something that needs a restart.
        write(token, "the-second-token-0123456789\n")
        write(config, settings + '[log]\nlevel = "debug"\n[liveness]\nforget_after = "1m"\n')
        said = hup("reloaded")[0]
        check(said["changed"] == "log.level" and said["needs_restart"] == "liveness.forget_after", said)
        check((status("the-first-token-0123456789"), status("the-second-token-0123456789")) == (401, 200), "the old token still opens, or the new one does not")
        # A mistake changes nothing: neither a wrong file nor a token file that others may read.
        write(config, settings + '[log]\nlevel = "verbos"\n')
        for _ in range(2):  # whoever asks twice is answered twice
            check("line 6" in hup("reload_refused")[0]["err"], daemon.log())
        write(config, settings)
        token.chmod(0o644)
        check("chmod 600" in hup("reload_refused")[0]["err"], daemon.log())
        token.unlink()
        hup("reload_refused")
        check(status("the-second-token-0123456789") == 200, "a refused reload closed the API")
        # All or nothing: of two files one is wrong, so the other is not taken over either.
        write(token, "the-third-token-0123456789\n")
        write(config, settings + f'[beacon]\nkey_file = "{keys}"\n')
        keys.chmod(0o644)
        check("beacon.key_file" in hup("reload_refused")[0]["err"], daemon.log())
        check((status("the-second-token-0123456789"), status("the-third-token-0123456789")) == (200, 401), "half of a reload was taken over")
        keys.chmod(0o600)
        check("beacon.key_file" in hup("reloaded")[0]["changed"], daemon.log())
        check(status("the-third-token-0123456789") == 200, "the new token does not open")
        # The target list in another file, in force at once.
        other = daemon.path / "other.toml"
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            write(other, f'[[target]]\naddress = "127.0.0.1:{nobody.getsockname()[1]}"\n')
            write(config, settings.replace(str(targets), str(other)))
            check("static_file.path" in hup("reloaded")[0]["changed"], daemon.log())

            def probed():
                sources = json.loads(daemon.get("/api/v1/sources", {"Authorization": "Bearer the-third-token-0123456789"})[1])["sources"]
                return next(s for s in sources if s["name"] == "http_probe")["gauges"]["targets"] == 1
            daemon.wait("the new target is known", probed)
        took, code = daemon.stop()
        check(code == 0, code)


def check_pipe():
    """Whoever reads the log may go away."""
    reader, writer = os.pipe()
    with Choregosd(start=False) as daemon:
        daemon.process = subprocess.Popen([program("choregosd"), "--http", "127.0.0.1:0", "--no-beacon", "--state", str(daemon.state), "--log-level", "debug"], stderr=writer, stdin=subprocess.DEVNULL,
                                          env=daemon.environment)
        os.close(writer)
        daemon.wait_for_address()
        os.close(reader)
        for i in range(20):
            check(daemon.register(f"a{i}")[0] in (200, 201), "it does not serve without its log")
        daemon.signal(signal.SIGPIPE)
        check(daemon.get("/readyz")[0] == 200, "SIGPIPE ended it")
        check(daemon.stop()[1] == 0, "it does not end well without its log")


def check_stuck_log():
    """A reader of the log that has stopped reading stops nobody."""
    reader, writer = os.pipe()
    with Choregosd(start=False) as daemon:
        daemon.process = subprocess.Popen([program("choregosd"), "--http", "127.0.0.1:0", "--no-beacon", "--state", str(daemon.state), "--log-level", "debug"], stderr=writer, stdin=subprocess.DEVNULL,
                                          env=daemon.environment)
        os.close(writer)
        daemon.wait_for_address()
        connection = daemon.connect()
        for i in range(1000):  # far more than a pipe of 64 KiB holds
            check(daemon.register(f"a{i % 10}", connection, name=f"name {i}")[0] in (200, 201), "a full pipe stopped it")
        took, code = daemon.stop()
        check(code == 0 and took < 2.0, f"with a full pipe it ended with {code} after {took:.2f} s")
        os.close(reader)


def check_notify():
    """systemd is told of the start, a reload and the stop."""
    with Choregosd(start=False) as daemon, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(daemon.path / "notify"))
        supervisor.settimeout(10)
        daemon.environment["NOTIFY_SOCKET"] = str(daemon.path / "notify")
        daemon.start()
        check(supervisor.recv(4096).startswith(b"READY=1\nSTATUS=Serving http://127.0.0.1:"), "no READY=1")
        daemon.signal(signal.SIGHUP)
        check(supervisor.recv(4096) == b"RELOADING=1" and supervisor.recv(4096).startswith(b"READY=1"), "no RELOADING=1")
        daemon.stop()
        check(supervisor.recv(4096) == b"STOPPING=1", "no STOPPING=1")


def child_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        found = children.read().split()
    return int(found[0]) if found else None


def check_process_one():
    """As process 1 of a PID namespace the kernel delivers only signals that are handled. A target that accepts and never
    answers keeps a probe under way."""
    with socket.socket() as hanging, Choregosd(start=False) as daemon:
        hanging.bind(("127.0.0.1", 0))
        hanging.listen()
        targets = daemon.path / "targets.toml"
        targets.write_text(f'[[target]]\naddress = "127.0.0.1:{hanging.getsockname()[1]}"\n')
        daemon.prefix = ["unshare", "--pid", "--fork", "--mount-proc"]
        daemon.arguments = ["--targets", str(targets), "--probe-period", "1s", "--probe-timeout", "1s"]
        daemon.start(ready=False)
        daemon.wait_for_address()
        probe, _ = hanging.accept()
        inner = wait_for("choregosd is process 1", lambda: child_of(daemon.process.pid))
        with open(f"/proc/{inner}/status") as status:
            check(any(line.startswith("NSpid:") and line.split()[-1] == "1" for line in status), "it is not process 1")
        began = time.monotonic()
        os.kill(inner, signal.SIGTERM)
        code = daemon.process.wait(10)
        took = time.monotonic() - began
        check(code == 0, f"exit code {code}: {daemon.log()}")
        check(took <= 2.0, f"it took {took:.2f} s")
        probe.close()
        print(f"TERM as process 1 in the middle of a probe: stopped after {took:.2f} s")


def main():
    check_term()
    check_second_term()
    check_hup()
    check_pipe()
    check_stuck_log()
    check_notify()
    if os.geteuid() != 0 or shutil.which("unshare") is None or subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "true"], capture_output=True).returncode != 0:
        skip("a new PID namespace needs root and unshare")
    check_process_one()
    print("ok")


main()
