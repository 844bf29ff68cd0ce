#!/usr/bin/env python3
"""Plants bugs and demands that tests notice. Usage: mutate.py SOURCE [--check | --scratch DIR [--only WORDS] [--lock FILE]]

--check only sees whether each bug of mutations.txt still fits its place in the source (fast; part of the ordinary run).
Otherwise the core and its tests are copied to DIR (default: a new temporary one; kept if named, so that the next run compiles
less), and for each bug: planted, built with g++ (through ccache if there is one), tested: first the unit tests of the registry,
then the stories, then the simulated fleets and rows; the first that fails names who noticed. Prints killed n/n and exits 1 if any
bug survives. --lock takes that file's lock while it compiles."""
import argparse
import fcntl
import contextlib
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CORE = ["base", "model", "registry", "wire"]
RECEIVER = ["receiver", "keys", "admission", "evidence", "pace"]


def read(path):
    """[(words, file, old, new)]"""
    out = []
    for block in path.read_text().split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith("#")]
        if not lines:
            continue
        words, file = lines[0], lines[1].removeprefix("@ ")
        old = "\n".join(line[2:] for line in lines[2:] if line.startswith("- "))
        new = "\n".join(line[2:] for line in lines[2:] if line.startswith("+ "))
        if not lines[1].startswith("@ ") or not old or old == new:
            sys.exit(f"mutations.txt: '{words}' needs a line '@ file', lines '- ' and other lines '+ '")
        out.append((words, file, old, new))
    return out


def loosened(text):
    """Indentation is not compared: what stands on each line must follow, line by line."""
    import re
    return re.compile(r"\n\s*".join(re.escape(line.strip()) for line in text.split("\n")))


def check(source, bugs):
    bad = 0
    for words, file, old, _ in bugs:
        path = source / file
        found = len(loosened(old).findall(path.read_text())) if path.exists() else 0
        if found != 1:
            bad += 1
            print(f"'{words}': its place stands {found} times in {file}, once is right:\n{old}\n")
    print(f"{len(bugs) - bad} of {len(bugs)} bugs fit")
    return bad == 0


def makefile(root, build):
    """One makefile: unit tests of the registry, the runner of stories, the simulator and its tests."""
    compiler = ("ccache " if shutil.which("ccache") else "") + "g++"
    rules, objects = [], {}

    def compiled(file, optimize):
        out = build / (str(file.relative_to(root)).replace("/", "_") + ".o")
        rules.append(f"{out}: {file}\n\t{compiler} -std=c++20 {optimize} -MMD -MP -I{root} -c {file} -o {out}\n")
        return str(out)

    def sources(folder, names=None):
        for file in sorted((root / folder).glob("*.cpp")):
            if not file.stem.endswith(("_test", "_bench", "_fuzz", "_main")) and (names is None or file.stem in names):
                yield file

    core = [compiled(f, "-O1") for folder in CORE for f in sources(f"choregos/{folder}")]
    core += [compiled(f, "-O1") for f in sources("choregos/source/beacon", RECEIVER)]
    unit = [compiled(f, "-O0") for f in sorted((root / "choregos/registry").glob("*_test.cpp"))]
    sim = [compiled(f, "-O1") for f in sources("tests/sim")]
    tests = [compiled(root / f"tests/sim/{name}.cpp", "-O0") for name in ("sim_test", "rows_test")]
    stage = [compiled(root / f"tests/scenario/{name}.cpp", "-O0") for name in ("stage", "scenario_main")]
    libraries = "-lboost_json -lsodium"
    gtest = "-lgmock -lgtest -lgtest_main -lpthread"
    for name, parts, libs in (("unit", unit + core, gtest), ("scenario", stage + core, ""), ("sim", tests + sim + core, gtest)):
        rules.insert(0, f"{build}/{name}: {' '.join(parts)}\n\tg++ -o $@ $^ {libraries} {libs}\n")
    rules.insert(0, f"all: {build}/unit {build}/scenario {build}/sim\n")
    rules.append(f"-include {build}/*.d\n")
    (build / "Makefile").write_text("\n".join(rules))


@contextlib.contextmanager
def locked(path):
    if not path:
        yield
        return
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(command, cwd, seconds=600):
    try:
        done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        return 124, (late.stdout or b"").decode(errors="replace") if isinstance(late.stdout, bytes) else (late.stdout or "")


def noticed_by(root, build, lock):
    """Who notices, and how; "" = nobody; None = it does not compile."""
    with locked(lock):
        code, said = run(["make", "-s", "-j2", "-f", str(build / "Makefile")], root)
    if code != 0:
        return None, said
    stories = [str(f) for f in sorted((root / "tests/scenario").glob("*.txt")) if f.name != "CMakeLists.txt"]
    for name, command in (("unit", [build / "unit", "--gtest_brief=1"]), ("scenario", [build / "scenario", *stories]),
                          ("sim", [build / "sim", "--gtest_brief=1", "--gtest_fail_fast"])):
        code, said = run([str(part) for part in command], root)
        if code != 0:
            return name, said
    return "", ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--scratch", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--lock", default="")
    args = parser.parse_args()
    bugs = read(HERE / "mutations.txt")
    if args.check:
        sys.exit(0 if check(args.source, bugs) else 1)

    root = (args.scratch or pathlib.Path(tempfile.mkdtemp(prefix="choregos-mutation-"))).resolve()
    build = root / "build"
    build.mkdir(parents=True, exist_ok=True)
    for folder in [f"choregos/{name}" for name in CORE] + ["choregos/source/beacon", "tests/sim", "tests/scenario"]:
        for file in (args.source / folder).glob("*"):
            copy = root / folder / file.name
            if not file.is_file() or (copy.exists() and copy.read_bytes() == file.read_bytes()):
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    makefile(root, build)
    who, said = noticed_by(root, build, args.lock)
    if who != "":
        sys.exit(f"without any bug planted the tests must be green, but {who or 'the build'} says:\n{said[-3000:]}")
    killed, tried = 0, 0
    for words, file, old, new in bugs:
        if args.only not in words:
            continue
        tried += 1
        path = root / file
        before = path.read_text()
        after, count = loosened(old).subn(lambda _: new, before)
        if count != 1:
            print(f"DOES NOT FIT  {words}", flush=True)
            continue
        path.write_text(after)
        who, said = noticed_by(root, build, args.lock)
        path.write_text(before)
        if who is None:
            print(f"DOES NOT COMPILE  {words}\n{said[-1500:]}", flush=True)
        elif not who:
            print(f"SURVIVES  {words}", flush=True)
        else:
            killed += 1
            first = next((line.strip() for line in said.split("\n") if "FAILED" in line or "story tells" in line), "")
            print(f"killed by {who:8}  {words}  {first}", flush=True)
    print(f"killed {killed}/{tried}")
    if not args.scratch:
        shutil.rmtree(root)
    sys.exit(0 if killed == tried else 1)


if __name__ == "__main__":
    main()
