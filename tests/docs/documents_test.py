#!/usr/bin/env python3
"""Runs the commands that the documents show. A fenced block of shell after a line `<!-- run: WHERE -->` is run line by
line; every line must end well and print something. WHERE is `fleet` (a choregosd with nine agents, whose address takes the
place of 127.0.0.1:4470), `alone` (no daemon) or `build` (in the source folder, with this build in the place of build/dev: what
builds is only looked up there, and ctest lists instead of running). Also checks that every link to a file leads somewhere."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "process"))
from agent_support import BIN_DIR, SOURCE_DIR, get_json, program, skip, wait_for  # noqa: E402

BLOCK = re.compile(r"<!-- run: (\w+) -->\s*```sh\n(.*?)```", re.S)
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


def documents():
    return [SOURCE_DIR / "README.md", *sorted((SOURCE_DIR / "docs").rglob("*.md")), *sorted((SOURCE_DIR / "choregos").rglob("README.md"))]


def commands(text):
    """Lines of a block; a backslash at the end joins the next, comments are for people."""
    for line in text.replace("\\\n", " ").splitlines():
        line = line.strip()
        if line and not line.startswith("#"):
            yield line.removeprefix("$ ")


class Fleet:
    def __init__(self, folder):
        self.daemon = subprocess.Popen([program("choregosd"), "--http", "127.0.0.1:0", "--udp", "0", "--state", folder / "state"], stderr=subprocess.DEVNULL)
        address = folder / "state" / "http.address"
        wait_for("choregosd serves", address.exists, 10)
        self.address = address.read_text().strip().removeprefix("http://")
        self.port = int(self.address.rsplit(":", 1)[1])
        self.agents = subprocess.Popen([SOURCE_DIR / "examples" / "demo-fleet.sh", program("choregos-agent"), f"http://{self.address}", folder / "fleet"], stderr=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL)
        wait_for("nine agents are alive", lambda: get_json(self.port, "/api/v1/agents?liveness=alive")[1].get("total") == 9, 20, 0.1)

    def stop(self):
        for process in (self.agents, self.daemon):
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def in_build(line):
    """A command of a developer as this run can try it: nothing is configured or built by a test."""
    line = re.sub(r"\s+# .*", "", line)
    build = str(BIN_DIR)
    if match := re.match(r"cmake --preset (\w+)", line):
        names = [preset["name"] for preset in json.loads((SOURCE_DIR / "CMakePresets.json").read_text())["configurePresets"]]
        assert match.group(1) in names, f"`{line}`: there are the presets {names}"
        return None
    if match := re.match(r"cmake --build build/dev --target (\w[\w-]*)", line):
        return f"ninja -C {build} -n {match.group(1)}"
    if line.startswith("ctest "):
        line += " -N"
    return line.replace("build/dev", build)


def run(line, environment, folder):
    done = subprocess.run(["bash", "-c", line], env=environment, cwd=folder, capture_output=True, text=True, timeout=60)
    if done.returncode != 0 or not done.stdout.strip():
        raise AssertionError(f"`{line}` ended with {done.returncode} and printed {done.stdout[:300]!r} {done.stderr[:600]!r}")


def check_links():
    broken = [f"{path.relative_to(SOURCE_DIR)}: {target}" for path in documents() for target in LINK.findall(path.read_text()) if not (path.parent / target).exists()]
    assert not broken, "links that lead nowhere: " + ", ".join(broken)


def main():
    check_links()
    for tool in ("curl", "jq"):
        if shutil.which(tool) is None:
            skip(f"{tool} is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        path = ":".join(str(BIN_DIR / part) for part in ("choregos/cli", "choregos/agent", "choregos/daemon")) + ":" + os.environ["PATH"]
        environment = {"PATH": path, "HOME": name, "LANG": "C.UTF-8"}
        fleet = Fleet(folder)
        ran = 0
        try:
            for document in documents():
                for where, text in BLOCK.findall(document.read_text()):
                    for line in commands(text):
                        env = dict(environment)
                        if where == "fleet":
                            env["CHOREGOS_ADDR"] = f"http://{fleet.address}"
                            line = line.replace("127.0.0.1:4470", fleet.address)
                            line = line.replace("pgrep ", f"pgrep -P {fleet.agents.pid} ")  # nobody else's agents
                        if where == "build":
                            line = in_build(line)
                        if line:
                            run(line, env, SOURCE_DIR if where == "build" else folder)
                        ran += 1
        finally:
            fleet.stop()
        assert ran >= 5, f"only {ran} commands were found in the documents"
        print(f"{ran} commands of the documents ran well")


main()
