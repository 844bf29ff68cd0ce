#!/usr/bin/env python3
"""Every header of ours compiles alone: whoever includes it needs to include nothing before it.

A header that some source of this build includes before all else, without a precompiled header, has been proven by the build
(a.cpp begins with a.hpp). Each other one is compiled by itself, twice in one source, with the flags of a source of its folder;
what was compiled once is taken from ccache where there is one.

usage: headers_alone.py ROOT COMPILE_COMMANDS.json [--self-test]
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import check

KEPT = re.compile(r"^-([DI]|std=|f(?!sanitize|pch|profile|syntax)|isystem)")


def flags_by_folder(commands, root):
    """Compiler and flags of one library source for each folder that has any."""
    flags = {}
    for entry in json.loads(commands.read_text()):
        source = pathlib.Path(entry["file"]).resolve()
        if not source.is_relative_to(root):
            continue
        words = shlex.split(entry["command"]) if "command" in entry else entry["arguments"]
        compiler = next((w for w in words if re.search(r"(g\+\+|clang\+\+|c\+\+)(-\d+)?$", w)), None)
        kept, i = [], 0
        while compiler and i < len(words):
            if words[i] == "-isystem":
                kept += words[i:i + 2]
                i += 1
            elif KEPT.match(words[i]):
                kept.append(words[i])
            i += 1
        folder = source.parent.relative_to(root).as_posix()
        if compiler and (folder not in flags or not source.name.endswith(("_test.cpp", "_fuzz.cpp"))):
            flags[folder] = (compiler, kept)
    return flags


def proven_by_build(commands, root):
    """The headers, as named in #include, that a source without a precompiled header includes first."""
    proven = set()
    for entry in json.loads(commands.read_text()):
        source = pathlib.Path(entry["file"])
        command = entry.get("command") or " ".join(entry["arguments"])
        if "cmake_pch" in command or not source.resolve().is_relative_to(root) or not source.exists():
            continue
        first = next((line for line in check.lines(source) if re.match(r"\s*#", line)), "")
        if match := re.match(r'\s*#\s*include\s*"([^"]+)"', first):
            proven.add(match[1])
    return proven


class Compiler:
    def __init__(self, flags, configured_root, scratch):
        self.flags, self.configured_root, self.scratch = flags, configured_root, scratch
        self.cache = [shutil.which("ccache")] if shutil.which("ccache") else []
        self.default = next(iter(flags.values()), ("g++", ["-std=c++20"]))

    def violation(self, root, header):
        """What the compiler says of the header alone; "" when it is content."""
        name = header.relative_to(root).as_posix()
        folder = header.parent.relative_to(root).as_posix()
        compiler, kept = self.flags.get(folder, self.default)
        kept = [f"-I{root}" if flag == f"-I{self.configured_root}" else flag for flag in kept]
        source = self.scratch / (name.replace("/", "__") + ".cpp")
        text = f'#include "{name}"\n#include "{name}"\n'
        if not source.exists() or source.read_text() != text:
            source.write_text(text)
        # Compiled to an object rather than only parsed, because that is what ccache keeps; it holds next to nothing.
        done = subprocess.run([*self.cache, compiler, *kept, "-Wall", "-Wextra", "-Werror", "-Wno-unused", "-O0", "-g0", "-c", str(source),
                               "-o", str(source) + ".o"], capture_output=True, text=True)
        if done.returncode == 0:
            return ""
        errors = [line for line in done.stderr.splitlines() if ": error:" in line or "fatal error:" in line]
        return f"{name}: does not compile alone: " + (errors[0] if errors else done.stderr.strip()[-300:])


def main():
    paths = [pathlib.Path(a).resolve() for a in sys.argv[1:] if a != "--self-test"]
    configured_root, commands = paths
    self_test = "--self-test" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        # A lasting place beside the build, so that the cache sees the same command next time.
        scratch = pathlib.Path(folder) if self_test else commands.parent / "headers_alone"
        scratch.mkdir(exist_ok=True)
        compiler = Compiler(flags_by_folder(commands, configured_root), configured_root, scratch)

        proven = proven_by_build(commands, configured_root)

        def check_all(root, under="choregos"):
            headers = list(check.files(root, ".hpp", ".h", under=under))
            twice = [f"{name}: does not compile alone: no #pragma once" for name, header in
                     ((h.relative_to(root).as_posix(), h) for h in headers)
                     if name in proven and not any(re.match(r"\s*#\s*(pragma\s+once|ifndef)", line) for line in check.lines(header))]
            count = len(headers)
            headers = [header for header in headers if header.relative_to(root).as_posix() not in proven]
            print(f"{count - len(headers)} headers proven by the build, {len(headers)} to compile")
            with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
                return twice + [found for found in pool.map(lambda header: compiler.violation(root, header), headers) if found]

        # The planted headers sit in a folder of their own: compiling all the others again for each would prove nothing more.
        check.main((lambda root: check_all(root, "choregos/planted")) if self_test else check_all, [
            check.Plant("choregos/planted/needs_string.hpp", "#pragma once\ninline std::string f() { return {}; }\n", "does not compile alone"),
            check.Plant("choregos/planted/no_guard.hpp", "struct Once {};\n", "does not compile alone"),
            check.Plant("choregos/planted/gone.hpp", '#pragma once\n#include "choregos/planted/was_renamed.hpp"\n', "does not compile alone"),
        ])


if __name__ == "__main__":
    main()
