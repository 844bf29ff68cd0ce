#!/usr/bin/env python3
"""The service unit is understood by systemd without a complaint, and leaves choregosd so little that systemd's own judge of exposure
gives it at most 2.0 (of 10, less is better).

usage: service_unit.py ROOT [--self-test]
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SCORE_MAX = 2.0


def skip(reason):
    print("SKIPPED:", reason)
    sys.exit(1 if os.environ.get("CHOREGOS_NO_SKIP") == "1" else 77)


def complaints(unit):
    """What is wrong with a unit, one line each."""
    with tempfile.TemporaryDirectory() as folder:
        # It names programs where they will be installed; here they are not.
        path = pathlib.Path(folder) / "choregosd.service"
        path.write_text(re.sub(r"^(Exec\w+=)\S+", r"\1/bin/true", unit, flags=re.M), encoding="ascii")
        said = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, timeout=60)
        # Units of the machine that runs the test are not ours.
        found = [line for line in (said.stdout + said.stderr).splitlines() if "choregosd.service" in line]
        judged = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", path], capture_output=True, text=True, timeout=60)
        score = re.search(r"Overall exposure level for \S+ ([\d.]+)", judged.stdout)
        if not score:
            found.append(f"systemd-analyze security gave no score: {judged.stderr.strip()}")
        elif float(score.group(1)) > SCORE_MAX:
            found.append(f"exposure {score.group(1)}, at most {SCORE_MAX} is wanted")
        else:
            print(f"exposure {score.group(1)}")
    return found


def main():
    if not shutil.which("systemd-analyze"):
        skip("systemd-analyze is not installed (apt-get install systemd)")
    unit = (pathlib.Path(sys.argv[1]) / "deploy/choregosd.service").read_text(encoding="ascii")
    if "--self-test" in sys.argv:
        for plant, wanted in ((lambda u: u.replace("CapabilityBoundingSet=\n", "").replace("PrivateUsers=yes\n", "").replace("SystemCallFilter", "#"), "exposure"),
                              (lambda u: u.replace("ProtectHome=yes", "ProtectHoome=yes"), "ProtectHoome"),
                              (lambda u: u.replace("Type=notify", "Type=whenever"), "service type")):
            found = complaints(plant(unit))
            if not any(wanted in line for line in found):
                sys.exit(f"a planted fault was not named ({wanted}): {json.dumps(found)}")
        return
    if found := complaints(unit):
        sys.exit("deploy/choregosd.service:\n" + "\n".join(found))


main()
