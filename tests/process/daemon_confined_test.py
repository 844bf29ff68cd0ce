#!/usr/bin/env python3
"""choregosd confined as containers confine it: no root, no capabilities, nothing writable but its state folder, or with
--memory nothing at all."""
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from agent_support import program, skip  # noqa: E402
from daemon_support import Choregosd, ask_choregosd, check  # noqa: E402

UID = 65532
CONFINED = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
# A root that nobody can write to, in a mount namespace of the test's own; the folder given stays as it is.
READ_ONLY = ["unshare", "--mount", "--propagation", "private", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,bind,ro / && exec "$@"']


def listening_port(pid):
    """The port that a process listens on, for one that may write nothing down."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    for line in open("/proc/net/tcp").read().splitlines()[1:]:
        words = line.split()
        if words[3] == "0A" and words[9] in inodes:
            return int(words[1].split(":")[1], 16)
    return None


def serves(daemon):
    check(daemon.register("a1")[0] in (200, 201), "a registration failed")
    check([a["id"] for a in daemon.json("/api/v1/agents")["agents"]] == ["a1"], "a1 is not listed")
    with open(f"/proc/{daemon.process.pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    check(fields["Uid"].split() == [str(UID)] * 4 and int(fields["CapEff"], 16) == 0 and fields["NoNewPrivs"].strip() == "1", fields)


def check_with_state():
    with Choregosd(start=False) as daemon:
        writable = daemon.path / "writable"
        writable.mkdir()
        os.chown(writable, UID, UID)
        daemon.path.chmod(0o755)
        daemon.state = writable / "state"
        daemon.prefix = [*READ_ONLY, str(writable), *CONFINED]
        daemon.start()
        serves(daemon)
        check(daemon.stop()[1] == 0, daemon.log())
        names = sorted(p.name for p in daemon.state.iterdir())
        check("state.db" in names and "http.address" not in names, names)
        check(oct(daemon.state.stat().st_mode & 0o777) == "0o700" and (daemon.state / "state.db").stat().st_mode & 0o077 == 0, "others may read the state")
        daemon.start()
        check([a["id"] for a in daemon.json("/api/v1/agents")["agents"]] == ["a1"], "a1 did not survive")


def check_without_state():
    with Choregosd(start=False) as daemon:
        with open(daemon.log_path, "wb") as log:
            daemon.process = subprocess.Popen([*READ_ONLY, "/", *CONFINED, program("choregosd"), "--http", "127.0.0.1:0", "--udp", "0", "--no-beacon-multicast", "--memory"], stdin=subprocess.DEVNULL,
                                              stdout=log, stderr=log, env=daemon.environment)
        daemon.port = daemon.wait("it listens", lambda: listening_port(daemon.process.pid))
        daemon.wait("it is ready", lambda: daemon.get("/readyz")[0] == 200)
        serves(daemon)
        bad = [e for e in daemon.events() if e["level"] in ("warn", "error")]
        check(not bad, f"it complains: {bad}")
        check(daemon.stop()[1] == 0, daemon.log())


def check_state_that_cannot_be():
    answer = subprocess.run([*CONFINED, program("choregosd"), "--http", "127.0.0.1:0", "--udp", "0", "--state", "/proc/choregos"], capture_output=True, text=True, timeout=30)
    check(answer.returncode == 1 and "/proc/choregos" in answer.stderr and "--state DIR" in answer.stderr and "--memory" in answer.stderr, answer.stderr)


def main():
    if os.geteuid() != 0 or not all(shutil.which(p) for p in ("setpriv", "unshare")) or subprocess.run([*READ_ONLY, "/", "true"], capture_output=True).returncode != 0:
        skip("giving up root and mounting need root")
    check_with_state()
    check_without_state()
    check_state_that_cannot_be()
    check(ask_choregosd("--version").stdout.startswith("choregosd "), "--version")
    print("ok")


main()
