#!/usr/bin/env python3
"""Dependencies point up the list of folders, never down: in #include lines and in the link lines of CMakeLists.txt.

usage: layers.py ROOT [--self-test]
"""
import re

import check

# Each folder may use the ones before it. Folders of a fan hold one folder per kind; kinds do not know each other.
ORDER = ["base", "model", "registry", "team", "task", "wire", "writer", "record", "net", "source", "courier", "store", "api", "sdk", "daemon",
         "cli", "agent"]
FANS = {"source", "courier", "store", "api"}
# Values in, values out: the standard library, without what reaches for the machine.
PURE = {"base", "model", "registry", "team", "task", "wire"}
MACHINE = {"thread", "mutex", "shared_mutex", "condition_variable", "future", "semaphore", "latch", "barrier", "stop_token", "fstream",
           "iostream", "filesystem", "random"}
# The foreign headers that a folder may include beyond the standard library; everyone not named here is free but for ONLY_NET.
FOREIGN = {"base": r"$^", "model": r"$^", "registry": r"$^", "team": r"$^", "task": r"$^", "writer": r"$^",
           "wire": r"^(boost/json[./]|sodium[./])"}
ONLY_NET = re.compile(r"^(boost/(asio|beast)|ares\.h|asio)")
# What a user of the installed library includes.
INSTALLED = {"base", "model"}
INSTALLED_SDK = {"agent_view.hpp", "announcer.hpp", "client.hpp", "discovery.hpp", "mirror.hpp", "watch.hpp"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
STANDARD = re.compile(r"^(c?[a-z_]+)$")


def is_installed(header):
    """Whether choregos/… is a header that `cmake --install` lays down."""
    folder, _, name = header.removeprefix("choregos/").partition("/")
    return folder in INSTALLED or folder == "sdk" and name in INSTALLED_SDK


def unit_of(path):
    """("source", "source/beacon") for choregos/source/beacon/…; the second is the first where there are no kinds."""
    parts = path.split("/")
    top = parts[1]
    if top in FANS and len(parts) > 3:
        return top, f"{top}/{parts[2]}"
    return top, top


def wrong(user, used):
    """Why `user` may not use `used`, each a pair of unit_of; "" when it may."""
    (user_top, user_unit), (used_top, used_unit) = user, used
    if user_unit == used_unit:
        return ""
    for top in (user_top, used_top):
        if top not in ORDER:
            return f"{top} is not in the list of folders"
    if user_top == used_top:
        return "" if used_unit == used_top else f"the kinds of {user_top}/ do not know each other"
    if user_top in FANS and used_top in FANS:
        return f"{user_top}/ and {used_top}/ never see each other; the daemon wires them"
    if ORDER.index(used_top) > ORDER.index(user_top):
        return f"{used_top} stands below {user_top}"
    return ""


def check_includes(root):
    found = []
    for path in check.files(root, ".hpp", ".cpp", ".h", under="choregos"):
        name = path.relative_to(root).as_posix()
        user = unit_of(name)
        top = user[0]
        for number, line in enumerate(check.lines(path), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            header = match[2]
            where = f"{name}:{number}: includes {header}: "
            if header.startswith("choregos/"):
                reason = wrong(user, unit_of(header))
                if reason:
                    found.append(where + reason)
                if is_installed(name) and top == "sdk" and not is_installed(header):
                    found.append(where + "an installed header may include installed headers only")
                continue
            if match[1] == '"':
                found.append(where + 'our own headers are included as "choregos/…"')
                continue
            if ONLY_NET.match(header) and top != "net":
                found.append(where + "only net/ may")
                continue
            if STANDARD.match(header):
                # Tests may open a file or count with a random device; what they test may not.
                if top in PURE and header in MACHINE and not path.name.endswith(("_test.cpp", "_fuzz.cpp", "_bench.cpp")):
                    found.append(where + f"{top}/ is pure")
                continue
            if header.startswith(("gtest/", "gmock/", "benchmark/")):
                continue
            if top in FOREIGN and not re.match(FOREIGN[top], header):
                found.append(where + f"{top}/ uses the standard library" + (", boost/json and sodium" if top == "wire" else "") + " only")
            elif is_installed(name):
                found.append(where + "an installed header leaks nothing but the standard library")
    # Programs of ours that show how the library is used see what its users see.
    for path in check.files(root, ".cpp", ".hpp", under="examples"):
        name = path.relative_to(root).as_posix()
        for number, line in enumerate(check.lines(path), 1):
            match = INCLUDE.match(line)
            if match and match[2].startswith("choregos/") and not is_installed(match[2]):
                found.append(f"{name}:{number}: includes {match[2]}: examples include installed headers only")
    return found


def calls(text, *names):
    """The words of each call of a CMake command, comments left out, with the line it begins on."""
    text = re.sub(r"#[^\n]*", "", text)
    for match in re.finditer(r"\b(" + "|".join(names) + r")\s*\(([^)]*)\)", text):
        yield match[1], match[2].split(), text.count("\n", 0, match.start()) + 1


def check_links(root):
    lists = list(check.files(root, "CMakeLists.txt", under="choregos"))
    units = {}
    for path in lists:
        for _, words, _ in calls(path.read_text(), "choregos_folder"):
            units[words[0]] = unit_of(path.relative_to(root).as_posix())
    found = []
    for path in lists:
        name = path.relative_to(root).as_posix()
        user = unit_of(name)
        for command, words, number in calls(path.read_text(), "choregos_folder", "target_link_libraries"):
            used = []
            if command == "choregos_folder":
                group = ""
                for word in words[1:]:
                    if word in ("DEPENDS", "LIBS", "PCH"):
                        group = word
                    elif group == "DEPENDS":
                        used.append(word)
            else:
                used = [w.removeprefix("choregos::") for w in words[1:] if w.startswith("choregos::")]
            for target in used:
                if target not in units:
                    continue
                reason = wrong(user, units[target])
                if reason:
                    found.append(f"{name}:{number}: links {target}: {reason}")
    return found


def check_all(root):
    return check_includes(root) + check_links(root)


PLANTS = [
    check.Plant("choregos/base/planted.hpp", '#include "choregos/model/agent.hpp"\n', "model stands below base"),
    check.Plant("choregos/registry/planted.cpp", '#include "choregos/wire/json.hpp"\n', "wire stands below registry"),
    check.Plant("choregos/registry/planted_test.cpp", '#include "choregos/net/loop.hpp"\n', "net stands below registry"),
    check.Plant("choregos/wire/planted.cpp", '#  include "choregos/net/loop.hpp"\n', "net stands below wire"),
    check.Plant("choregos/source/beacon/planted.cpp", '#include "choregos/source/http_probe/http_probe.hpp"\n', "do not know each other"),
    check.Plant("choregos/source/beacon/planted.cpp", '#include "choregos/store/store.hpp"\n', "never see each other"),
    check.Plant("choregos/api/http/planted.cpp", '#include "choregos/source/beacon/beacon.hpp"\n', "never see each other"),
    check.Plant("choregos/sdk/planted.cpp", '#include "choregos/daemon/config.hpp"\n', "daemon stands below sdk"),
    check.Plant("choregos/agent/planted.cpp", "#include <boost/asio.hpp>\n", "only net/ may"),
    check.Plant("choregos/source/swarm_dns/planted.cpp", "#include <ares.h>\n", "only net/ may"),
    check.Plant("choregos/model/planted.hpp", "#include <boost/json/value.hpp>\n", "standard library only"),
    check.Plant("choregos/registry/planted.cpp", "#include <sys/socket.h>\n", "standard library only"),
    check.Plant("choregos/registry/planted.cpp", "#include <thread>\n", "registry/ is pure"),
    check.Plant("choregos/wire/planted.cpp", "#include <toml++/toml.h>\n", "boost/json and sodium only"),
    check.Plant("choregos/sdk/announcer.hpp", "#include <boost/json/value.hpp>\n", "leaks nothing"),
    check.Plant("choregos/sdk/client.hpp", '#include "choregos/wire/url.hpp"\n', "installed headers only"),
    check.Plant("choregos/model/planted.cpp", '#include "agent.hpp"\n', 'included as "choregos/'),
    check.Plant("choregos/nowhere/planted.cpp", '#include "choregos/base/result.hpp"\n', "not in the list"),
    check.Plant("examples/planted.cpp", '#include "choregos/net/client.hpp"\n', "installed headers only"),
    check.Plant("choregos/base/CMakeLists.txt", "choregos_folder(planted DEPENDS model)\n", "model stands below base"),
    check.Plant("choregos/registry/CMakeLists.txt", "target_link_libraries(choregos_registry PUBLIC\n  choregos::wire)\n", "wire stands below registry"),
]

if __name__ == "__main__":
    check.main(check_all, PLANTS)
