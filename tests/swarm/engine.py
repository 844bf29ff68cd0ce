"""A real Docker engine of one's own: dockerd with its own socket, data folder and network namespace, a Swarm of one node,
an overlay network, and an image made of our own binaries. Everything is gone after close(). Standard library only."""
import ctypes
import http.client
import io
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "process"))
from agent_support import SOURCE_DIR, program, skip, wait_for  # noqa: E402,F401

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def need(*programs):
    if os.geteuid() != 0:
        skip("needs root for network namespaces and dockerd")
    for name in programs:
        if shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
            skip(f"needs {name} (package {'docker.io' if name.startswith('docker') else 'iproute2'})")


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}: {done.stdout.strip()[-2000:]}")
    return done.stdout.strip()


class InNamespace:
    """Sockets made within the block belong to the network namespace of a process."""

    def __init__(self, pid):
        self.path = f"/proc/{pid}/ns/net"

    def __enter__(self):
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(self.path, os.O_RDONLY)
        if libc.setns(there, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(there)

    def __exit__(self, *_):
        if libc.setns(self.home, CLONE_NEWNET) != 0:
            os._exit(3)  # in the wrong network: nothing that follows would be true
        os.close(self.home)


class Api:
    """HTTP to a server on the loopback of another process's network namespace, over one kept connection."""

    def __init__(self, pid, port):
        self.pid, self.port, self.connection = pid, port, None

    def _connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with InNamespace(self.pid):
            connection.sock = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        self.connection = connection

    def get(self, path):
        for attempt in (1, 2):
            try:
                if self.connection is None:
                    self._connect()
                self.connection.request("GET", path)
                answer = self.connection.getresponse()
                return answer.status, json.loads(answer.read() or b"null")
            except (OSError, http.client.HTTPException):
                self.connection = None
                if attempt == 2:
                    return 0, None

    def agents(self, query=""):
        status, body = self.get("/api/v1/agents" + query)
        return body["agents"] if status == 200 else None


class Engine:
    """dockerd in a network namespace of its own, with a Swarm of one node, or (swarm=False) without one; then containers live on
    while dockerd is away, so that it can be restarted under them."""

    def __init__(self, swarm=True):
        need("dockerd", "docker", "ip", "nsenter", "ldd", *([] if swarm else ["containerd"]))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="choregos-swarm-", dir="/var/tmp"))
        self.namespace = f"chswarm{os.getpid()}"
        self.socket = self.folder / "docker.sock"
        self.swarm = swarm
        self.process = self.containerd = None

    def __enter__(self):
        run("ip", "netns", "add", self.namespace)
        ip = ["ip", "-n", self.namespace]
        run(*ip, "link", "set", "lo", "up")
        run(*ip, "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
        run(*ip, "addr", "add", "10.99.0.2/24", "dev", "eth0")
        run(*ip, "link", "set", "eth0", "up")
        run(*ip, "link", "set", "eth1", "up")
        if not self.swarm:
            self.start_containerd()
        try:
            self.start_dockerd()
        except AssertionError:
            tail = (self.folder / "dockerd.log").read_text(errors="replace")[-1500:]
            self.close()
            skip(f"dockerd does not start here: {tail}")
        if self.swarm:
            self.docker("swarm", "init", "--advertise-addr", "10.99.0.2")
            self.docker("network", "create", "-d", "overlay", "--attachable", "fleet")
        return self

    def start_containerd(self):
        """One that dockerd does not own, so that it outlives it."""
        place = self.folder / "containerd"
        place.mkdir()
        config = place / "config.toml"
        config.write_text(f'version = 2\nroot = "{place}/root"\nstate = "{place}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{place}/containerd.sock"\n')
        log = open(place / "log", "wb")
        self.containerd = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.namespace}", "containerd", "--config", config], stdout=log, stderr=log, start_new_session=True,
                                           env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
        wait_for("containerd listens", (place / "containerd.sock").exists, 20, 0.05)

    def start_dockerd(self):
        log = open(self.folder / "dockerd.log", "ab")
        # nsenter, not `ip netns exec`: the latter mounts a fresh /sys, and the cgroups would be gone.
        self.process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.namespace}", "dockerd", "--data-root", self.folder / "data", "--exec-root", self.folder / "exec", "-H", f"unix://{self.socket}",
             "--pidfile", self.folder / "dockerd.pid", *([] if self.swarm else ["--live-restore", "--containerd", self.folder / "containerd" / "containerd.sock"])],
            stdout=log, stderr=log, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}, start_new_session=True)
        log.close()
        wait_for("dockerd answers", self._answers, 60, 0.05)

    def stop_dockerd(self, how):
        """Ends dockerd by a signal; its containers live on without it."""
        os.kill(int((self.folder / "dockerd.pid").read_text()), how)
        self.process.wait(30)

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError("dockerd ended: " + (self.folder / "dockerd.log").read_text(errors="replace")[-1500:])
        return subprocess.run(["docker", "-H", f"unix://{self.socket}", "version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def _end_what_is_left(self):
        """Containers that live on because dockerd could not be asked to remove them: the shims of our own containerd, known by
        its socket below our folder, and what they hold."""
        parents, shims = {}, []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"containerd-shim" in command[0] and any(part.startswith(str(self.folder).encode()) for part in command):
                shims.append(int(entry.name))
        for pid in [child for child, parent in parents.items() if parent in shims] + shims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def docker(self, *arguments):
        return run("docker", "-H", f"unix://{self.socket}", *arguments)

    def import_image(self, tag, *names):
        """An image of our binaries with the shared objects that they name, and nothing else."""
        files = {}
        for name in names:
            binary = pathlib.Path(program(name))
            files[f"bin/{name}"] = binary
            for line in run("ldd", str(binary)).splitlines():
                match = re.search(r"(/\S+)", line)
                if match:
                    files[match.group(1).lstrip("/")] = pathlib.Path(match.group(1))
        archive = self.folder / f"{tag}.tar"
        with tarfile.open(archive, "w") as tar:
            for folder in ("tmp", "var", "var/lib", "var/lib/choregos", "etc"):
                info = tarfile.TarInfo(folder)
                info.type, info.mode = tarfile.DIRTYPE, 0o1777
                tar.addfile(info)
            for inside, outside in sorted(files.items()):
                data = outside.resolve().read_bytes()
                info = tarfile.TarInfo(inside)
                info.size, info.mode = len(data), 0o755
                tar.addfile(info, io.BytesIO(data))
        self.docker("import", str(archive), tag)

    def pids(self, service):
        """Process id on this host by container id, of a service's running tasks."""
        ids = self.docker("ps", "-q", "--no-trunc", "--filter", f"label=com.docker.swarm.service.name={service}").split()
        if not ids:
            return {}
        rows = self.docker("inspect", "-f", "{{.Id}} {{.State.Pid}} {{index .Config.Labels \"com.docker.swarm.task.name\"}}", *ids).splitlines()
        return {row.split()[2]: int(row.split()[1]) for row in rows if row.split()[1] != "0"}

    def addresses(self, service, network="fleet"):
        """Overlay address by task name."""
        ids = self.docker("ps", "-q", "--filter", f"label=com.docker.swarm.service.name={service}").split()
        form = "{{index .Config.Labels \"com.docker.swarm.task.name\"}} {{(index .NetworkSettings.Networks \"%s\").IPAddress}}" % network
        return dict(row.split() for row in self.docker("inspect", "-f", form, *ids).splitlines()) if ids else {}

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process is not None and self.process.poll() is None:
            subprocess.run(["docker", "-H", f"unix://{self.socket}", "swarm", "leave", "--force"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
            ids = subprocess.run(["docker", "-H", f"unix://{self.socket}", "ps", "-aq"], capture_output=True, text=True, timeout=30).stdout.split()
            if ids:
                subprocess.run(["docker", "-H", f"unix://{self.socket}", "rm", "-f", *ids], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
            pid_file = self.folder / "dockerd.pid"
            if pid_file.exists():
                os.kill(int(pid_file.read_text()), signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self._end_what_is_left()
        if self.containerd is not None:
            self.containerd.terminate()
            try:
                self.containerd.wait(10)
            except subprocess.TimeoutExpired:
                self.containerd.kill()
        subprocess.run(["ip", "netns", "del", self.namespace], stderr=subprocess.DEVNULL)
        for line in reversed(pathlib.Path("/proc/mounts").read_text().splitlines()):
            mount = line.split()[1]
            if mount.startswith(str(self.folder)):
                subprocess.run(["umount", "-l", mount], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)
