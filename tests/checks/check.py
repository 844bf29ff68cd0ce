"""What the checks have in common: finding the sources, and proving that a check can fail.

A check is a function from a source tree to a list of violations, each naming a file and what would be right. Its plants are
small edits that must each add a violation; `--self-test` applies them, one at a time, to a copy of the tree.
"""
import os
import pathlib
import shutil
import sys
import tempfile
import time

LEFT_OUT = {"build", ".git", "node_modules", "__pycache__", ".cache"}


def files(root, *suffixes, under=""):
    """Paths below root/under that end in one of the suffixes (all without any), in a stable order."""
    start = pathlib.Path(root) / under
    for folder, names, leaves in os.walk(start):
        names[:] = sorted(n for n in names if n not in LEFT_OUT)
        for leaf in sorted(leaves):
            if not suffixes or leaf.endswith(suffixes):
                yield pathlib.Path(folder) / leaf


def lines(path):
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


class Plant:
    """A violation to plant: `text` is added to the end of the file `path` (made if missing); `named` must then be reported."""

    def __init__(self, path, text, named):
        self.path, self.text, self.named = path, text, named


def copy_tree(root, to):
    shutil.copytree(root, to, ignore=lambda folder, names: [n for n in names if n in LEFT_OUT], symlinks=True)


def report(violations):
    for violation in violations:
        print(violation)
    print(f"{len(violations)} violations" if violations else "none found")
    return 1 if violations else 0


def self_test(root, check, plants):
    failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch) / "tree"
        copy_tree(root, copy)
        before = set(check(copy))
        for plant in plants:
            path = copy / plant.path
            old = path.read_bytes() if path.exists() else None
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as out:
                out.write(plant.text)
            found = set(check(copy)) - before
            if any(plant.named in violation and plant.path in violation for violation in found):
                print(f"caught: {plant.path}: {plant.named}")
            else:
                print(f"NOT CAUGHT: {plant.path}: {plant.text.strip()!r} (reported: {sorted(found)})")
                failures += 1
            if old is None:
                path.unlink()
            else:
                path.write_bytes(old)
    return 1 if failures or not plants else 0


def main(check, plants):
    arguments = [a for a in sys.argv[1:] if a != "--self-test"]
    root = pathlib.Path(arguments[0]).resolve()
    started = time.monotonic()
    if "--self-test" in sys.argv:
        status = self_test(root, check, plants)
    else:
        status = report(check(root))
    print(f"{time.monotonic() - started:.1f} s")
    sys.exit(status)
