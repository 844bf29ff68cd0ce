#!/usr/bin/env python3
"""The tree holds finished work that speaks of the project alone: no leftovers, no path of one person's machine.

usage: words.py ROOT [--self-test]
"""
import re

import check

TEXT = (".hpp", ".cpp", ".h", ".c", ".py", ".sh", ".md", ".txt", ".cmake", ".json", ".toml", ".yaml", ".yml", ".html", ".css", ".js",
        ".ts", "/run", "/test", "Dockerfile", ".in", ".map", ".list")
# Written by programs, or (this file) made of the very words.
LEFT_OUT = ("package-lock.json", "tests/checks/words.py")

RULES = [
    (re.compile(r"\b(TODO|FIXME|XXX|HACK|TBD)\b"), "a note to do it later; do it, or leave it out"),
    (re.compile(r"\b(not yet implemented|coming soon|work in progress|lorem ipsum)\b", re.I), "unfinished work"),
    # In a comment or a document; a message may well say that something cannot be had for now.
    (re.compile(r"(//.*|^[^\"]*)\bfor now\b", re.I), "unfinished work"),
    (re.compile(r"^(<{7}|={7}|>{7})( |$)"), "a merge that was not finished"),
    (re.compile(r"(?<![\w.$}/-])/(home/[a-z]\w*|Users/\w+|root|work)/\w"), "a path of one machine"),
    (re.compile(r"\b(deb\.debian\.org|registry\.npmjs\.org|artifact[- ]registry|snapshot\.debian)\b"), "a package host; whoever installs has their own"),
]


def check_words(root):
    found = []
    for path in check.files(root):
        name = path.relative_to(root).as_posix()
        if not ("/" + name).endswith(TEXT) or name.endswith(LEFT_OUT):
            continue
        for number, line in enumerate(check.lines(path), 1):
            for rule, reason in RULES:
                match = rule.search(line)
                if match:
                    found.append(f"{name}:{number}: {match[0].strip()!r}: {reason}")
    return found


PLANTS = [
    check.Plant("choregos/base/planted.hpp", "// TODO: say more\n", "do it later"),
    check.Plant("docs/planted.md", "Teams are not yet implemented.\n", "unfinished"),
    check.Plant("docs/planted.md", "This is so for now.\n", "unfinished"),
    check.Plant("choregos/base/planted.cpp", "<<<<<<< ours\n", "not finished"),
    check.Plant("docs/planted.md", "Run /home/someone/choregos/run\n", "one machine"),
    check.Plant("deploy/planted.sh", "debootstrap bookworm x http://deb.debian.org/debian\n", "package host"),
    check.Plant("run", "# FIXME\n", "do it later"),
]

if __name__ == "__main__":
    check.main(check_words, PLANTS)
