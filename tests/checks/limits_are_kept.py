#!/usr/bin/env python3
"""Every limit of base/limits.hpp has a row in the table that people see, and code that obeys it; and no limit lies elsewhere.

usage: limits_are_kept.py ROOT [--self-test]
"""
import re

import check

CONSTANT = re.compile(r"^inline constexpr \S+ (\w+) = ")
ROW = re.compile(r'^\s*\{"(\w+)", ')
# How a limit is counted or chosen within another one, no limit of its own.
NOT_A_LIMIT = {"probe_time_default"}

# A number of things or bytes, by a name that says it is the most: a constant, or an option's default.
STRAY_CONSTANT = re.compile(r"^\s*(?:inline |static )*constexpr (?:(?:std::)?size_t|int) (k\w+Max|\w+_(?:count|bytes|parallel|queue)_max)(?: = |\{)(.*)")
STRAY_DEFAULT = re.compile(r"^\s+(?:std::)?(?:size_t|u?int\w*|unsigned|int) (\w+_(?:count|bytes|parallel|queue)_max) = (.*)")
# Those that bound nothing which is kept, queued or sent by a stranger, and what they are.
NO_BOUND = {
    "kJoinedBodyMax": "chooses between two ways of sending",
    "kJoinedChunkMax": "the same",
    "kLooksMax": "how long the nearest miss of a refused team is looked for",
    "kMinimalMax": "from where on a shortcut costs more than it saves",
    "kTroubledMax": "how much a person is shown",
    "record_bytes_max": "the operator's to set: record.bytes_max",
}


def strays(root):
    for path in check.files(root, ".cpp", ".hpp", under="choregos"):
        if path.is_relative_to(root / "choregos/base") and path.name.startswith("limits."):
            continue
        if re.search(r"_(test|fuzz|bench)\.cpp$|_for_tests\.hpp$", path.name):
            continue
        for number, line in enumerate(check.lines(path), 1):
            m = STRAY_CONSTANT.match(line) or (path.suffix == ".hpp" and STRAY_DEFAULT.match(line))
            if m and m.group(1) not in NO_BOUND and "limits::" not in m.group(2) and not re.match(r"(0|UINT32_MAX);", m.group(2)):
                yield f"{path.relative_to(root)}:{number}: {m.group(1)} is a limit outside of base/limits.hpp, so nobody is told of it"


def check_all(root):
    found = list(strays(root))
    header, table = root / "choregos/base/limits.hpp", root / "choregos/base/limits.cpp"
    names = [m.group(1) for m in map(CONSTANT.match, check.lines(header)) if m]
    rows = [m.group(1) for m in map(ROW.match, check.lines(table)) if m]
    code = "".join(path.read_text() for path in check.files(root, ".cpp", ".hpp")
                   if path.is_relative_to(root / "choregos") and path not in (header, table) and not path.name.endswith("_test.cpp"))
    for name in names:
        if name not in rows and name not in NOT_A_LIMIT:
            found.append(f"choregos/base/limits.hpp: {name} has no row in limits.cpp, so nobody is told of it")
        if not re.search(rf"\blimits::{name}\b", code):
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
        check.Plant("choregos/wire/json.cpp", "constexpr std::size_t kPlantedMax = 7;\n", "kPlantedMax is a limit outside"),
        check.Plant("choregos/net/http_client.hpp", "  static constexpr int kOpenCountMax = 7;\n", "kOpenCountMax is a limit outside"),
        check.Plant("choregos/net/http_client.hpp", "  std::size_t planted_count_max = 7;\n", "planted_count_max is a limit outside"),
        check.Plant("choregos/wire/json.hpp", "inline constexpr std::size_t planted_bytes_max = 7;\n", "planted_bytes_max is a limit outside"),
    ])
