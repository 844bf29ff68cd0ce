#!/usr/bin/env python3
"""Every *_test.cpp and *_fuzz.cpp is compiled by some target of this build, and no test in them is switched off.

usage: every_test_has_a_target.py ROOT COMPILE_COMMANDS.json [--self-test]
"""
import json
import pathlib
import re
import sys

import check

SWITCHED_OFF = re.compile(r"\bDISABLED_|^\s*#\s*if\s+0\b")


def compiled_files(commands, root):
    """Names relative to the tree that was configured, so that a copy of it can be checked against the same list."""
    return {pathlib.Path(entry["file"]).resolve().relative_to(root).as_posix()
            for entry in json.loads(commands.read_text()) if pathlib.Path(entry["file"]).resolve().is_relative_to(root)}


def main():
    paths = [a for a in sys.argv[1:] if a != "--self-test"]
    compiled = compiled_files(pathlib.Path(paths[1]), pathlib.Path(paths[0]).resolve())

    def check_all(root):
        found = []
        for path in check.files(root, "_test.cpp", "_fuzz.cpp"):
            name = path.relative_to(root).as_posix()
            if name not in compiled:
                found.append(f"{name}: no target compiles it; is its folder's CMakeLists.txt added, and the build configured since?")
            for number, line in enumerate(check.lines(path), 1):
                if SWITCHED_OFF.search(line):
                    found.append(f"{name}:{number}: a test is switched off: {line.strip()}")
        return found

    check.main(check_all, [
        check.Plant("choregos/base/orphan_test.cpp", "#include <gtest/gtest.h>\n", "no target compiles it"),
        check.Plant("tests/planted/orphan_fuzz.cpp", "int x;\n", "no target compiles it"),
        check.Plant("choregos/registry/registry_test.cpp", "TEST(Planted, DISABLED_DoesNothing) {}\n", "switched off"),
        check.Plant("choregos/registry/registry_test.cpp", "#if 0\n#endif\n", "switched off"),
    ])


if __name__ == "__main__":
    main()
