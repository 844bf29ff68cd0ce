"""Every test that docs/PREDECESSOR.md names exists, and every promise and fault of the list has a row. What the predecessor
invented for agents that had said nothing stands in no program."""
import re

import check

TEST = re.compile(r"^\s*TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", re.M)
ROW = re.compile(r"^\|((?: [KB]\d\d)+) \|.*\| ([^|]*) \|$", re.M)
WANTED = {f"B{n:02}" for n in range(1, 29)} | {f"K{n:02}" for n in range(1, 28) if n != 25}

INVENTED = re.compile(r"general_development|task_coordination|ai_integration|codellama|development-team-alpha")


def known_tests(root):
    names = set()
    for path in check.files(root, "_test.cpp"):
        names |= {f"{suite}.{name}" for suite, name in TEST.findall(path.read_text())}
    for folder in ("process", "netns", "swarm"):
        names |= {f"{folder}.{path.name.removesuffix('_test.py')}" for path in check.files(root, "_test.py", under=f"tests/{folder}")}
    return names | {f"check.{path.stem}" for path in check.files(root, ".py", under="tests/checks")}


def inventions(root):
    for path in check.files(root, ".cpp", ".hpp", under="choregos"):
        if not re.search(r"_(test|fuzz|bench)\.cpp$|for_tests\.hpp$", path.name):
            yield from (f"{path.relative_to(root)}: {word} is the agent's to say" for word in INVENTED.findall(path.read_text()))


def violations(root):
    document = root / "docs" / "PREDECESSOR.md"
    known, seen, found = known_tests(root), set(), []
    for ids, tests in ROW.findall(document.read_text()):
        seen |= set(ids.split())
        named = re.findall(r"`([\w.]+)`", tests)
        if not named:
            found.append(f"docs/PREDECESSOR.md: {ids.strip()} names no test")
        found += [f"docs/PREDECESSOR.md: {ids.strip()} names {test}, which does not exist" for test in named if test not in known]
    found += inventions(root)
    return found + [f"docs/PREDECESSOR.md: {row} has no row" for row in sorted(WANTED - seen)]


PLANTS = [check.Plant("docs/PREDECESSOR.md", "| B99 | planted | `Nobody.WroteThis` |\n", "Nobody.WroteThis"),
          check.Plant("docs/PREDECESSOR.md", "| B98 | planted | nothing |\n", "names no test"),
          check.Plant("choregos/registry/registry.cpp", '// model = "codellama"\n', "the agent's to say")]

if __name__ == "__main__":
    check.main(violations, PLANTS)
