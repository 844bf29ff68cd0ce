#!/usr/bin/env python3
"""Every limit of base/limits.hpp has a row in the table that people see, and code that obeys it.

usage: limits_are_kept.py ROOT [--self-test]
"""
import re

import check

CONSTANT = re.compile(r"^inline constexpr \S+ (\w+) = ")
ROW = re.compile(r'^\s*\{"(\w+)", ')
# How a limit is counted or chosen within another one, no limit of its own.
NOT_A_LIMIT = {"probe_time_default"}


def check_all(root):
    found = []
    header, table = root / "choregos/base/limits.hpp", root / "choregos/base/limits.cpp"
    names = [m.group(1) for m in map(CONSTANT.match, check.lines(header)) if m]
    rows = [m.group(1) for m in map(ROW.match, check.lines(table)) if m]
    code = "".join(path.read_text() for path in check.files(root, ".cpp", ".hpp")
                   if path.is_relative_to(root / "choregos") and path not in (header, table) and not path.name.endswith("_test.cpp"))
    for name in names:
        if name not in rows and name not in NOT_A_LIMIT:
            found.append(f"choregos/base/limits.hpp: {name} has no row in limits.cpp, so nobody is told of it")
        if not re.search(rf"\b{name}\b", code):
            found.append(f"choregos/base/limits.hpp: {name} is obeyed nowhere")
    for name in rows:
        if name not in names:
            found.append(f"choregos/base/limits.cpp: {name} has a row and no constant")
    return found


if __name__ == "__main__":
    check.main(check_all, [
        check.Plant("choregos/base/limits.hpp", "inline constexpr std::size_t planted_count_max = 7;\n", "planted_count_max has no row"),
        check.Plant("choregos/base/limits.hpp", "inline constexpr std::size_t unheeded_count_max = 7;\n", "unheeded_count_max is obeyed nowhere"),
        check.Plant("choregos/base/limits.cpp", '      {"phantom_max", 1, "x", "y"},\n', "phantom_max has a row and no constant"),
    ])
