#!/usr/bin/python3
"""Checks that every #include below src/ follows the arrows of ARCHITECTURE.md.

  check_arrows.py [ROOT]     exit 0, or 1 with one line per forbidden include and per row that disagrees

The arrows are the FLOORS of CMakeLists.txt, and are read from there; the table of ARCHITECTURE.md must
say the same. A floor includes its own headers, those of the floors its row names, and what those may
include. Libraries are fenced in too: each stands on the floors that exist to hide it, and a few headers stand
nowhere (std::regex overflows the stack, <random>'s distributions differ between machines, <iostream> is
for the program alone).
"""

import os
import re
import sys

# Folder within a floor -> its headers that other floors may include.
DOORS = {
    "model/blocks": ["model/blocks/block.h"],
    "model/families": [],
}

# Library header (pattern) -> floors that may include it.
LIBRARIES = {
    r"regex|random|iostream|mpi\.h": [],
    r"(oneapi/dnnl/)?dnnl.*": ["kernels"],
    r"hwy/.*": ["kernels", "gate", "base"],
    r"omp\.h": ["base", "kernels"],
    r"nlohmann/.*": ["base"],
    r"CLI/.*|CLI11\.hpp": ["app", "theorem_app"],
    r"openssl/.*": ["base"],
    r"Random123/.*": ["base"],
    r"pcre2\.h|utf8proc\.h|zstd\.h|zlib\.h": ["text"],
    r"boost/.*": ["verify"],
    r"(unsupported/)?Eigen/.*": ["linear"],
    r"flint/.*|gmp\.h|mpfr\.h": ["exact"],
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)')


FLOOR_ROW = re.compile(r'^\s*rg_floor\(((?:"[^"]*"|[^")])*)\)', re.MULTILINE)
TABLE_ROW = re.compile(r"^\| `([a-z_]+)` \| ([^|]*) \|", re.MULTILINE)


def linked_floors(root):
    """Floor -> floors that it links. A floor that is built in two ways links the same ones in both."""
    with open(os.path.join(root, "CMakeLists.txt"), encoding="utf-8") as file:
        calls = [call.split() for call in FLOOR_ROW.findall(file.read())]
    rows, problems = {}, []
    for name, *words in calls:
        floors = []
        if "FLOORS" in words:
            after = words[words.index("FLOORS") + 1 :]
            floors = after[: after.index("LIBS")] if "LIBS" in after else after
        if rows.setdefault(name, floors) != floors:
            problems.append(f"CMakeLists.txt: two rows for {name}")
    problems += [f"CMakeLists.txt: {name} links {below}, which is no floor"
                 for name, floors in rows.items() for below in floors if below not in rows]
    return rows, problems


def table_problems(root, rows):
    """Floors whose row in the table of ARCHITECTURE.md names others than they link."""
    with open(os.path.join(root, "ARCHITECTURE.md"), encoding="utf-8") as file:
        section = file.read().partition("\n## Floors\n")[2].partition("\n## ")[0]
    table = {name: set(re.findall(r"\w+", uses)) & set(rows) for name, uses in TABLE_ROW.findall(section)}
    for name in sorted(set(rows) | set(table)):
        if name not in table or name not in rows:
            yield f"ARCHITECTURE.md: {name} is in CMakeLists.txt or in the table of floors, not in both"
        elif table[name] != set(rows[name]):
            yield f"ARCHITECTURE.md: {name} may use {', '.join(rows[name]) or 'no floor'} by CMakeLists.txt"


def reachable(floor, rows):
    """The floor itself and every floor below its arrows."""
    seen, waiting = {floor}, [floor]
    while waiting:
        for below in rows[waiting.pop()]:
            if below not in seen:
                seen.add(below)
                waiting.append(below)
    return seen


def library_problem(floor, header):
    for pattern, floors in LIBRARIES.items():
        if re.fullmatch(pattern, header) and floor not in floors:
            allowed = ", ".join(floors) if floors else "no floor"
            return f"<{header}> belongs to {allowed}"
    return None


def door_problem(floor, header):
    folder = os.path.dirname(header)
    if folder in DOORS and floor != folder.split("/")[0] and header not in DOORS[folder]:
        doors = ", ".join(DOORS[folder]) if DOORS[folder] else "none of its headers"
        return f"{floor} may include of {folder}: {doors} ({header})"
    return None


def problems_of(path, floor, rows):
    allowed = reachable(floor, rows)
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            header = match.group(1) or match.group(2)
            target = header.split("/")[0] if "/" in header else ""
            problem = None
            if ".." in header.split("/"):
                problem = f'"{header}" leaves its folder: include relative to src/'
            elif target in rows:
                if target not in allowed:
                    problem = f"{floor} may not include {target} ({header})"
                else:
                    problem = door_problem(floor, header)
            elif match.group(2):
                problem = library_problem(floor, header)
            elif not os.path.exists(os.path.join(os.path.dirname(path), header)):
                problem = library_problem(floor, header)
            if problem:
                yield f"{path}:{number}: {problem}"


def check(root):
    source = os.path.join(root, "src")
    rows, problems = linked_floors(root)
    if problems:
        return 0, problems
    problems.extend(table_problems(root, rows))
    found = sorted(entry.name for entry in os.scandir(source) if entry.is_dir())
    problems += [f"{source}/{name}: no rg_floor({name} ...) in CMakeLists.txt" for name in found
                 if name not in rows]
    files = 0
    for floor in (name for name in found if name in rows):
        for folder, _, names in os.walk(os.path.join(source, floor)):
            for name in sorted(names):
                if name.endswith((".h", ".cc", ".inc")):
                    files += 1
                    problems.extend(problems_of(os.path.join(folder, name), floor, rows))
    if files == 0:
        problems.append(f"{source}: no source file found")
    return files, problems


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files, problems = check(root)
    for problem in problems:
        print(problem)
    print(f"{files} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
