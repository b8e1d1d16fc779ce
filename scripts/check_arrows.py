#!/usr/bin/python3
"""Checks that every #include below src/ follows the arrows of ARCHITECTURE.md.

  check_arrows.py [ROOT]     exit 0, or 1 with one line per forbidden include

A floor includes its own headers, those of the floors its row names, and what those may include.
Libraries are fenced in too: each stands on the floors that exist to hide it, and a few headers stand
nowhere (std::regex overflows the stack, <random>'s distributions differ between machines, <iostream> is
for the program alone).
"""

import os
import re
import sys

ROWS = {
    "base": [],
    "tensor": ["base"],
    "stats": ["base"],
    "linear": [],
    "text": ["base"],
    "formats": ["tensor", "base"],
    "kernels": ["tensor", "base"],
    "gate": ["kernels", "tensor", "base"],
    "tap": ["gate", "tensor", "base"],
    "model": ["gate", "formats", "kernels", "tensor", "base"],
    "stream": ["model", "tap", "text", "formats"],
    "theorems": ["linear", "stats", "kernels", "tensor", "base"],
    "record": ["base"],
    "logs": ["gate", "formats", "stats", "tensor", "base"],
    "experiments": ["tap", "gate", "stats", "record", "linear"],
    "verify": ["base"],
    "report": ["record"],
    "app": ["stream", "experiments", "verify", "record", "logs", "text"],
    "theorem_app": ["app", "theorems"],
}

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
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)')


def reachable(floor):
    """The floor itself and every floor below its arrows."""
    seen, waiting = {floor}, [floor]
    while waiting:
        for below in ROWS[waiting.pop()]:
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


def problems_of(path, floor, floors_here):
    allowed = reachable(floor)
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
            elif target in floors_here:
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
    found = sorted(entry.name for entry in os.scandir(source) if entry.is_dir())
    problems = [f"{source}/{name}: no row for this floor in check_arrows.py" for name in found if name not in ROWS]
    files = 0
    for floor in (name for name in found if name in ROWS):
        for folder, _, names in os.walk(os.path.join(source, floor)):
            for name in sorted(names):
                if name.endswith((".h", ".cc", ".inc")):
                    files += 1
                    problems.extend(problems_of(os.path.join(folder, name), floor, set(ROWS)))
    if files == 0:
        problems.append(f"{source}: no source file found")
    return files, problems


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files, problems = check(root)
    for problem in problems:
        print(problem)
    print(f"{files} files, {len(problems)} forbidden includes")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
