#!/usr/bin/env python3
"""The command line against a real daemon with real agents: what each verb prints, in every format, and how it ends."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from agent_support import get_json, program, start_agent, wait_for  # noqa: E402


def choregos(*arguments, env=None, expect=0):
    done = subprocess.run([program("choregos"), *arguments], capture_output=True, text=True, timeout=30, env={"PATH": os.environ["PATH"], **(env or {})})
    assert done.returncode == expect, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout if expect == 0 else done.stderr


def check_verbs(env):
    table = choregos("agents", env=env).splitlines()
    assert table[0].split() == ["ID", "LIVENESS", "STATUS", "SEEN", "MODEL", "CAPABILITIES"], table
    assert [line.split()[0] for line in table[1:]] == ["cli-1", "cli-2", "cli-10"], "in natural order"
    assert "\x1b" not in "".join(table), "no colour unless on a terminal"
    assert choregos("agents", "-o", "name", env=env).split() == ["cli-1", "cli-2", "cli-10"]
    assert choregos("agents", "-q", "--sort=-id", env=env).split() == ["cli-10", "cli-2", "cli-1"]
    assert choregos("agents", "-q", "-c", "go_development", env=env).split() == ["cli-1", "cli-2"]
    assert choregos("agents", "-q", "-m", "llama*", "cli-2", env=env).split() == ["cli-2"]
    assert choregos("agents", "-q", "--label", "zone=b", env=env).split() == ["cli-2"]
    assert json.loads(choregos("agents", "-o", "json", env=env))["total"] == 3
    assert "- id: \"cli-1\"" in choregos("agents", "-o", "yaml", env=env)
    wide = choregos("agents", "-o", "wide", env=env)
    assert "NAME" in wide and "Agent cli-2" in wide and "registration" in wide, wide
    assert "ID" not in choregos("agents", "--no-headers", env=env)
    assert "\x1b[" in choregos("agents", "--color", "always", env=env)
    one = choregos("agent", "cli-1", env=env)
    assert "llama3.1:8b" in one and "alive" in one and "go_development" in one, one
    assert json.loads(choregos("agent", "cli-1", "-o", "json", env=env))["id"] == "cli-1"
    rows = {line.split()[0]: line.split()[1:] for line in choregos("capabilities", env=env).splitlines()}
    assert rows["go_development"] == ["2", "2"] and rows["testing"] == ["1", "1"], rows
    assert "alive" in choregos("summary", env=env)
    sources = choregos("sources", env=env)
    assert "beacon" in sources and "registration" in sources and "http_probe" in sources, sources
    assert "everything looks well" in choregos("doctor", env=env)
    assert "choregosd" in choregos("version", env=env)


def check_following(env, port):
    """events, agents --watch and wait, each by one stream."""
    def follow(*arguments):
        return subprocess.Popen([program("choregos"), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"], **env})

    def put(agent, record):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/agents/{agent}", json.dumps(record).encode(), {"Content-Type": "application/json"}, method="PUT")
        urllib.request.urlopen(request, timeout=10).close()

    events = follow("events", "-c", "following", "-n", "2")
    assert events.stderr.readline().startswith("following the fleet from revision ")
    lines = follow("events", "-c", "following", "-o", "json", "-n", "1")
    watch = follow("agents", "--watch", "-c", "following")
    assert watch.stdout.readline().split() == ["ID", "LIVENESS", "STATUS", "CAPABILITIES"]
    idle = follow("wait", "-c", "following", "--idle", "2", "--for", "200ms", "--timeout", "20s")
    watchers = lambda: int(re.search(r"^choregos_watch_watchers (\d+)", urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode(), re.M).group(1))
    wait_for("four streams", lambda: watchers() == 4, 10, 0.05)
    for agent in ("following-1", "following-2"):
        put(agent, {"incarnation": 1, "status": "idle", "capabilities": ["following"]})
    out, _ = events.communicate(timeout=20)
    assert [line.split()[1:4] for line in out.splitlines()] == [["following-1", "appeared,", "alive"], ["following-2", "appeared,", "alive"]], out
    out, _ = lines.communicate(timeout=20)
    assert json.loads(out)["agent"]["id"] == "following-1", out
    assert watch.stdout.readline().split()[0] == "following-1"
    watch.terminate()
    watch.communicate(timeout=20)
    out, err = idle.communicate(timeout=20)
    assert (idle.returncode, out.split()) == (0, ["following-1", "following-2"]), (idle.returncode, out, err)
    assert "1 of 5 match" in choregos("wait", "following-1", "-n", "5", "--timeout", "300ms", env=env, expect=124)
    assert "2 are still there" in choregos("wait", "-c", "following", "--none", "--timeout", "300ms", env=env, expect=124)
    choregos("wait", "-c", "nobody-can-this", "--none", "--timeout", "10s", env=env)
    choregos("wait", "--none", "--idle", "3", env=env, expect=2)
    choregos("wait", "-n", "1", "--within", "300ms", env={"CHOREGOS_ADDR": "http://127.0.0.1:1"}, expect=124)
    choregos("events", env={"CHOREGOS_ADDR": "http://127.0.0.1:1"}, expect=4)


def check_errors(env, folder):
    assert "did you mean 'choregos agents'" in choregos("agnets", env=env, expect=2)
    assert "online, idle, working" in choregos("agents", "-s", "busy", env=env, expect=2)
    assert "zone=a" in choregos("agents", "--label", "zone", env=env, expect=2)
    assert "cli-9" in choregos("agent", "cli-9", env=env, expect=3)
    nobody = {"CHOREGOS_ADDR": "http://127.0.0.1:1"}
    assert "CHOREGOS_ADDR" in choregos("agents", env=nobody, expect=4)
    doctor = subprocess.run([program("choregos"), "doctor"], capture_output=True, text=True, env={"PATH": os.environ["PATH"], **nobody})
    assert doctor.returncode == 4 and "start choregosd" in doctor.stdout, doctor
    token = folder / "token"
    token.write_text("0123456789abcdef0123\n")
    token.chmod(0o644)
    assert "chmod 600" in choregos("agents", "--token-file", str(token), env=env, expect=5)
    config = folder / "cli.toml"
    config.write_text("adress = \"http://127.0.0.1:1\"\n")
    message = choregos("agents", env={"CHOREGOS_CLI_CONFIG": str(config)}, expect=2)
    assert "cli.toml:1" in message and "did you mean 'address'" in message, message
    config.write_text(f"address = \"{env['CHOREGOS_ADDR']}\"\n")
    assert choregos("agents", "-q", env={"CHOREGOS_CLI_CONFIG": str(config)}).split() == ["cli-1", "cli-2", "cli-10"]
    closed = subprocess.run(f"{program('choregos')} agents > /dev/full", shell=True, capture_output=True, env={"PATH": os.environ["PATH"], **env})
    assert closed.returncode == 1, "a full disk is a failure"


def check_completions(folder):
    for shell, check in (("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["-n"])):
        script = choregos("completion", shell)
        assert "agents" in script and "capabilities" in script
        if shutil.which(shell):
            file = folder / f"completion.{shell}"
            file.write_text(script)
            subprocess.run([shell, *check, str(file)], check=True)
    bash = choregos("completion", "bash") + "\nCOMP_WORDS=(choregos agents --li); COMP_CWORD=2; _choregos; echo ${COMPREPLY[@]}\n"
    assert subprocess.run(["bash", "-c", bash], capture_output=True, text=True).stdout.split() == ["--limit", "--liveness"] or "--liveness" in subprocess.run(
        ["bash", "-c", bash], capture_output=True, text=True).stdout
    assert "bash, zsh or fish" in choregos("completion", "tcsh", expect=2)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        daemon = subprocess.Popen([program("choregosd"), "--http", "127.0.0.1:0", "--udp", "0", "--state", folder / "state"], stderr=subprocess.DEVNULL)
        agents = []
        try:
            address = folder / "state" / "http.address"
            wait_for("choregosd serves", address.exists, 10)
            url = "http://" + address.read_text().strip().removeprefix("http://")
            port = int(url.rsplit(":", 1)[1])
            for id_, model, capability, zone in (("cli-10", "mistral:7b", "testing", "a"), ("cli-2", "llama3.1:8b", "go_development", "b"), ("cli-1", "llama3.1:8b", "go_development", "a")):
                agents.append(start_agent("--id", id_, "--name", f"Agent {id_}", "--model", model, "--capability", capability, "--label", f"zone={zone}", "--registry", url, "--health", "127.0.0.1:0", "--quiet",
                                          stderr=subprocess.DEVNULL))
            wait_for("three agents are alive", lambda: get_json(port, "/api/v1/agents?liveness=alive")[1].get("total") == 3, 15, 0.05)
            env = {"CHOREGOS_ADDR": url}
            check_verbs(env)
            check_errors(env, folder)
            check_following(env, port)
            check_completions(folder)
        finally:
            for process in (*agents, daemon):
                process.send_signal(signal.SIGTERM)
                process.wait(10)
    print("ok")


main()
