#!/usr/bin/python3
"""Asks Coq what every catalogued theorem rests on, and refuses what proofs/axioms.txt does not permit.

  check_proofs.py SOURCES BUILD     exit 0, or 1 with one line per finding

SOURCES holds _CoqProject, the .v files and axioms.txt; BUILD the same files compiled. A theorem is catalogued
when its name begins with a catalogue id (GI_1_...). Nothing may be left unproved or assumed on the side, every
.v file is listed, and every `Theorem` carries an id, so none escapes the question.
"""

import fnmatch
import os
import re
import subprocess
import sys

FORBIDDEN = [
    r"\bAdmitted\b",
    r"\badmit\b",
    r"\bgive_up\b",
    r"\b(Axiom|Axioms|Parameter|Parameters|Conjecture)\b",
    r"\bUnset\s+(Guard|Positivity|Universe)\b",
    r"\bbypass_check\b",
    r"-type-in-type",
    r"\bAbort\b",
]
THEOREM = re.compile(r"^[ \t]*Theorem\s+([A-Za-z0-9_']+)", re.M)
CATALOGUED = re.compile(r"^[A-Z]{2}_[0-9]+_")
CLOSED = "Closed under the global context"


def without_comments(text):
    """The text with (nested) comments blanked, line numbers kept."""
    out, depth, at = [], 0, 0
    while at < len(text):
        pair = text[at : at + 2]
        if pair == "(*":
            depth, at = depth + 1, at + 2
        elif pair == "*)" and depth:
            depth, at = depth - 1, at + 2
        else:
            out.append(text[at] if not depth or text[at] == "\n" else " ")
            at += 1
    return "".join(out)


def permitted(path):
    """Names, or patterns with *, of the assumptions that axioms.txt lists: the first word of each line."""
    with open(path, encoding="utf-8") as lines:
        words = (line.split("#", 1)[0].split() for line in lines)
        return [word[0] for word in words if word]


def listed(project):
    with open(project, encoding="utf-8") as lines:
        return [line.strip() for line in lines if re.fullmatch(r"[A-Za-z0-9_]+\.v", line.strip())]


def assumptions(build, theorems):
    """What Coq prints for each theorem, as the list of names it rests on."""
    script = os.path.join(build, "PrintAssumptions.v")
    modules = sorted({module for module, _ in theorems})
    with open(script, "w", encoding="utf-8") as out:
        out.writelines(f"From Routegauge Require {module}.\n" for module in modules)
        out.writelines(f"Print Assumptions {module}.{name}.\n" for module, name in theorems)
    run = subprocess.run(
        ["coqc", "-w", "none", "-R", ".", "Routegauge", "PrintAssumptions.v"],
        cwd=build, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"check_proofs: coqc failed on {script}:\n{run.stdout}{run.stderr}")
    answers = []
    for line in run.stdout.splitlines():
        if line == CLOSED or line == "Axioms:":
            answers.append([])
        elif line and not line[0].isspace():
            answers[-1].append(line.split()[0])
    if len(answers) != len(theorems):
        sys.exit(f"check_proofs: {len(theorems)} theorems but {len(answers)} answers from coqc")
    return answers


def main(sources, build):
    findings = []
    files = listed(os.path.join(sources, "_CoqProject"))
    for name in sorted(os.listdir(sources)):
        if name.endswith(".v") and name not in files:
            findings.append(f"{name}: not listed in _CoqProject")
    theorems = []
    for name in files:
        with open(os.path.join(sources, name), encoding="utf-8") as text:
            code = without_comments(text.read())
        for pattern in FORBIDDEN:
            for hit in re.finditer(pattern, code):
                findings.append(f"{name}:{code.count(chr(10), 0, hit.start()) + 1}: {hit.group(0)}")
        for theorem in THEOREM.findall(code):
            if not CATALOGUED.match(theorem):
                findings.append(f"{name}: theorem {theorem} carries no catalogue id")
            theorems.append((name[:-2], theorem))
    with open(os.path.join(sources, "_CoqProject"), encoding="utf-8") as text:
        if "-type-in-type" in text.read():
            findings.append("_CoqProject: -type-in-type")
    allowed = permitted(os.path.join(sources, "axioms.txt"))
    closed = 0
    for (module, theorem), names in zip(theorems, assumptions(build, theorems)):
        closed += not names
        for name in names:
            if not any(fnmatch.fnmatchcase(name, pattern) for pattern in allowed):
                findings.append(f"{module}.{theorem} rests on {name}, which axioms.txt does not permit")
    for finding in findings:
        print(f"check_proofs: {finding}", file=sys.stderr)
    entries = {tuple(theorem.split("_")[:2]) for _, theorem in theorems}
    print(f"check_proofs: {len(theorems)} theorems for {len(entries)} catalogue entries, {closed} of them without"
          f" any axiom, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
