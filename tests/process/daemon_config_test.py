#!/usr/bin/env python3
"""choregosd and its configuration as a user meets them: refusals that say what to do, secrets that stay secret, printed
settings that read back, documents that match the program."""
import os
import pathlib
import socket
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from agent_support import SOURCE_DIR  # noqa: E402
from daemon_support import Choregosd, ask_choregosd, check  # noqa: E402

TOKEN = "never-shown-0123456789abcdef"


def refused(arguments, *parts, **environment):
    answer = ask_choregosd(*arguments, **environment)
    check(answer.returncode == 2, f"{arguments}: exit code {answer.returncode}, not 2: {answer.stderr}")
    for part in parts:
        check(part in answer.stderr, f"{arguments}: {part!r} is not in: {answer.stderr}")
    check(TOKEN not in answer.stderr + answer.stdout, f"{arguments}: the token was printed")


def check_mistakes(folder):
    file = folder / "choregosd.toml"
    file.write_text('[swarm_dns]\nservce = ["chorus"]\n\n[http_probe]\nperiod = 10\n')
    refused(["--check-config", "--config", file], f"{file}: line 2, column 1: 'swarm_dns.servce' is not known; did you mean 'swarm_dns.services'?",
            f"{file}: line 5, column 1: http_probe.period: a duration from 1s to 1h, such as \"10s\" is wanted; a number alone has no unit")
    refused(["--config", file], "line 2")  # without --check-config it does not start either
    refused(["--config", folder / "none.toml"], "there is no such file")
    refused(["--config", folder], "is no regular file")
    refused(["--htpp", "127.0.0.1:1"], "--htpp is not known; did you mean --http?")
    refused(["--probe-period", "5"], "--probe-period: '5' is not a duration")
    refused(["--udp", "65536"], "--udp: '65536' is not a port number")
    refused(["--token", TOKEN], "a command line can be read by everybody")
    refused([f"--token={TOKEN}"], "--token-file")
    refused([], "CHOREGOS_LOG_LEVLE is not known; did you mean CHOREGOS_LOG_LEVEL?", CHOREGOS_LOG_LEVLE="debug")
    file.write_text(f'[http]\ntoken = "{TOKEN}"\n')
    refused(["--config", file], "'http.token' is not known")


def check_open_listening(folder):
    token_file = folder / "token"
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:4470"):
        refused(["--http", address, "--memory"], f"{address} can be reached from other machines", "http.token_file", "--token-file", "127.0.0.1")
    refused(["--http", "0.0.0.0:0", "--token-file", token_file], f"the token file {token_file} does not exist; make it with")
    token_file.write_text(TOKEN + "\n")
    for mode in (0o644, 0o640, 0o622):
        token_file.chmod(mode)
        for more in ([], ["--check-config"]):
            refused(["--http", "0.0.0.0:0", "--token-file", token_file, *more], f"run: chmod 600 {token_file}")
    token_file.chmod(0o600)
    check(ask_choregosd("--check-config", "--http", "0.0.0.0:0", "--token-file", token_file).returncode == 0, "a good token file is refused")
    keys = folder / "keys"
    keys.write_text("7 00112233445566778899aabbccddeeff *\n")
    keys.chmod(0o644)
    refused(["--beacon-keys", keys], "beacon.key_file", "chmod")


def check_secrets(folder):
    """The token opens the API and is shown nowhere: not in settings, log, metrics, error bodies, arguments."""
    token_file = folder / "token"
    printed = ask_choregosd("--print-config", "--token-file", token_file, "--log-level", "debug")
    check(printed.returncode == 0 and f'token_file = "{token_file}"' in printed.stdout, printed.stdout + printed.stderr)
    check(TOKEN not in printed.stdout + printed.stderr, "--print-config prints the token")
    with Choregosd("--token-file", token_file, "--log-level", "debug", start=False) as daemon:
        daemon.start(ready=False)
        daemon.wait_for_address()
        check(daemon.get("/api/v1/agents")[0] == 401, "the API is open without a token")
        right = {"Authorization": f"Bearer {TOKEN}"}
        check(daemon.get("/api/v1/agents", right)[0] == 200, "the token does not open the API")
        wrong = {"Authorization": f"Bearer {TOKEN}x"}
        shown = [daemon.get(path, headers)[1] for path in ("/api/v1/agents", "/metrics", "/api/v1/sources", "/api/v1/version", "/nowhere", f"/api/v1/agents/{TOKEN[:3]}?q=x")
                 for headers in (right, wrong, {})]
        with open(f"/proc/{daemon.process.pid}/cmdline", "rb") as arguments:
            shown.append(arguments.read())
        with open(f"/proc/{daemon.process.pid}/environ", "rb") as environment:
            shown.append(environment.read())
        daemon.stop()
        shown.append(daemon.log().encode())
        for text in shown:
            check(TOKEN.encode() not in text, f"the token is shown: {text[:2000]}")


def check_printed(folder):
    """What --print-config says reads back to the same settings, and says where each comes from."""
    file = folder / "given.toml"
    file.write_text('[log]\nlevel = "warn"\n')
    first = ask_choregosd("--print-config", "--config", file, "--probe-period", "3s", CHOREGOS_BEACON_PORT="5000")
    for line in ('level = "warn"', f"# {file}: line 2, column 9", 'period = "3s"', "# --probe-period", "port = 5000", "# CHOREGOS_BEACON_PORT", "# body_bytes_max = 65536 bytes"):
        check(line in first.stdout, f"{line!r} is not in:\n{first.stdout}")
    again = folder / "again.toml"
    again.write_text(first.stdout)
    second = ask_choregosd("--print-config", "--config", again)
    values = lambda text: [line.split("  #")[0].rstrip() for line in text.splitlines() if not line.startswith("#")]  # noqa: E731
    check(values(first.stdout) == values(second.stdout), f"read back it is\n{second.stdout}")


def check_documents():
    for argument, path in (("--print-config-reference", "docs/CONFIGURATION.md"), ("--print-config-example", "deploy/choregosd.toml.example")):
        check(ask_choregosd(argument).stdout == (SOURCE_DIR / path).read_text(), f"{path} is outdated; run: choregosd {argument} > {path}")


def check_ports_taken(folder):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        answer = ask_choregosd("--http", f"127.0.0.1:{port}", "--udp", "0", "--state", folder / "taken")
        check(answer.returncode == 1, f"exit code {answer.returncode}")
        for part in (f"127.0.0.1:{port}", "in use", "--http ADDR:PORT", "http.listen"):
            check(part in answer.stderr, f"{part!r} is not in: {answer.stderr}")
    with Choregosd() as one:
        answer = ask_choregosd("--http", "127.0.0.1:0", "--udp", "0", "--state", one.state)
        check(answer.returncode == 1 and str(one.state) in answer.stderr and "--state" in answer.stderr, f"two on one state folder: {answer.returncode} {answer.stderr}")
    # Beacons are one way of hearing of several: without their port it serves, and says so.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        taken = other.getsockname()[1]
        with Choregosd("--udp", taken) as daemon:
            failed = [e for e in daemon.events("source_state") if e["source"] == "beacon"]
            check(failed and failed[0]["level"] == "error" and str(taken) in failed[0]["err"] and failed[0].get("advice"), f"no word of the UDP port: {daemon.log()}")
            check(daemon.get("/api/v1/agents")[0] == 200, "without its UDP port it does not serve")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o700)
        check_mistakes(folder)
        check_open_listening(folder)
        check_secrets(folder)
        check_printed(folder)
        check_documents()
        check_ports_taken(folder)
    print("ok")


main()
