#!/usr/bin/env python3
"""choregos export, snapshot and debug against a real daemon: a spreadsheet that calculates nothing, a store that comes back whole, a bundle
without secrets."""
import csv
import io
import json
import os
import sqlite3
import stat
import subprocess

from agent_support import program
from daemon_support import Choregosd, check, clean_environment

TOKEN = "planted-secret-0123456789abcdef"


def choregos(*arguments, expect=0, env=None):
    done = subprocess.run([program("choregos"), *map(str, arguments)], capture_output=True, timeout=60, env=clean_environment(**(env or {})))
    check(done.returncode == expect, (arguments, done.returncode, done.stdout[-2000:], done.stderr[-2000:]))
    return done.stdout.decode() if expect == 0 else done.stderr.decode()


def check_export(daemon, env):
    daemon.register("a1", name='Agent "one", first', model="=HYPERLINK(\"http://evil\",\"x\")", capabilities=["go", "testing"], labels={"zone": "@SUM(A1)"})
    daemon.register("a2", name="-2+3", model="llama3.1:8b", capabilities=["go"])
    text = choregos("export", env=env)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    check([row["id"] for row in rows] == ["a1", "a2"], rows)
    check(rows[0]["name"] == 'Agent "one", first' and rows[0]["capabilities"] == "go testing", rows[0])
    check(rows[0]["model"].startswith("'=") and rows[1]["name"] == "'-2+3", rows)
    check(all(None not in row and None not in row.values() for row in rows), "as many cells as columns")
    for row in csv.reader(io.StringIO(text, newline="")):
        check(not any(cell[:1] in "=+-@\t\r\n" for cell in row if cell), row)
    check([row["id"] for row in csv.DictReader(io.StringIO(choregos("export", "-c", "testing", env=env)))] == ["a1"], "filters")
    exact = json.loads(choregos("export", "-o", "json", env=env))
    check(exact["agents"][0]["model"] == '=HYPERLINK("http://evil","x")', exact)
    check("online, idle, working" in choregos("export", "-s", "busy", env=env, expect=2), "a wrong word is named")


def check_snapshot(daemon, env):
    saved = daemon.path / "saved.db"
    said = choregos("snapshot", "save", saved, "--state", daemon.state)
    check("2 agents" in said, said)
    check(stat.S_IMODE(saved.stat().st_mode) == 0o600, "nobody else reads it")
    check("exists" in choregos("snapshot", "save", saved, "--state", daemon.state, expect=1), "never over a file")
    check("in use" in choregos("snapshot", "restore", saved, "--state", daemon.state, expect=1), "a running daemon is refused")
    before = daemon.json("/api/v1/agents")
    daemon.register("a3")
    check(daemon.json("/api/v1/agents")["total"] == 3, "a third one")
    daemon.kill()
    (daemon.state / "http.address").unlink(missing_ok=True)
    said = choregos("snapshot", "restore", saved, "--state", daemon.state)
    check("2 agents" in said, said)
    daemon.start()
    after = daemon.json("/api/v1/agents")
    check([a["id"] for a in after["agents"]] == ["a1", "a2"], after)
    check((after["epoch"], after["revision"]) > (before["epoch"], before["revision"]), "no revision is used twice")
    newer = daemon.path / "newer.db"
    newer.write_bytes(saved.read_bytes())
    with sqlite3.connect(newer) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    elsewhere = daemon.path / "elsewhere"
    check("newer choregos" in choregos("snapshot", "restore", newer, "--state", elsewhere, expect=1), "the schema is checked")
    check(not elsewhere.exists(), "nothing was begun")
    check("no file" in choregos("snapshot", "save", daemon.path / "x.db", "--state", elsewhere, expect=3), "no store there")


def check_debug(daemon, env, token_file):
    config = daemon.path / "choregosd.toml"
    config.write_text(f'[http]\ntoken_file = "{token_file}"\n[docker]\npassword = "{TOKEN}-in-config"\nurl = "http://ann:{TOKEN}@10.0.0.1:2375"\n')
    daemon.register("a4", labels={"api_key": f"{TOKEN}-in-label"}, endpoint="http://10.0.0.9:8080/?access_token=" + TOKEN[::-1])
    folder = daemon.path / "bundle"
    out = choregos("debug", folder, "--config", config, env=env)
    check(out.strip() == str(folder), out)
    names = {f.name for f in folder.iterdir()}
    check({"client.txt", "config.toml", "version.json", "metrics.txt", "summary.json", "sources.json", "agents.json", "history.ndjson"} <= names, names)
    for file in folder.iterdir():
        data = file.read_bytes()
        check(TOKEN.encode() not in data and TOKEN[::-1].encode() not in data, f"{file.name} holds a secret")
    check(str(token_file) in (folder / "config.toml").read_text(), "the path of a token is no secret")
    check({a["id"] for a in json.loads((folder / "agents.json").read_text())["agents"]} >= {"a1", "a2", "a4"}, "still JSON, still everybody")
    check(stat.S_IMODE(folder.stat().st_mode) == 0o700, "nobody else looks in")
    check("exists" in choregos("debug", folder, env=env, expect=1), "never into a folder of others")
    nobody = choregos("debug", daemon.path / "alone", env={"CHOREGOS_ADDR": "http://127.0.0.1:1"}, expect=4)
    check("127.0.0.1:1" in nobody and (daemon.path / "alone" / "problems.txt").exists(), nobody)


def main():
    with Choregosd(start=False) as daemon:
        token_file = daemon.path / "token"
        with open(os.open(token_file, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(TOKEN + "\n")
        daemon.start()
        env = {"CHOREGOS_ADDR": f"http://127.0.0.1:{daemon.port}", "CHOREGOS_TOKEN_FILE": str(token_file)}
        check_export(daemon, env)
        check_snapshot(daemon, env)
        env["CHOREGOS_ADDR"] = f"http://127.0.0.1:{daemon.port}"
        check_debug(daemon, env, token_file)
    print("ok")


main()
