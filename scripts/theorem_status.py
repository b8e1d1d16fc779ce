#!/usr/bin/python3
"""Asks Coq what every catalogued theorem rests on, and writes or compares proofs/theorem_status.json.

  theorem_status.py write|check SOURCES BUILD CATALOGUE

SOURCES holds _CoqProject, the .v files, axioms.txt and theorem_status.json; BUILD the same sources compiled;
CATALOGUE the records of theorems/. Exit 0, or 1 with one line per finding: something left unproved, an
assumption that axioms.txt does not permit, a theorem without a catalogue id or not named by its entry, an
entry that names a theorem there is not, a committed status that differs. A theorem is
  proven    it rests on Coq's logic and what axioms.txt permits
  deferred  its type mentions a fact of Missing.v: proved from a fact that the libraries lack
  stub      it rests on something stated but never proved
  axiom     it rests on a declared assumption that axioms.txt does not list
and an entry without a theorem is informal.
"""

import concurrent.futures
import fnmatch
import json
import os
import re
import subprocess
import sys

import proof_sources

CLOSED = "Closed under the global context"
JOBS = int(os.environ.get("PROOFS_JOBS", "2"))  # runs of coqc at once


def permitted(folder):
    """Names, or patterns with *, of the assumptions that axioms.txt lists: the first word of each line."""
    with open(os.path.join(folder, "axioms.txt"), encoding="utf-8") as lines:
        words = (line.split("#", 1)[0].split() for line in lines)
        return [word[0] for word in words if word]


def catalogue(folder):
    """(entry id, names of its theorems) in the catalogue's order."""
    families = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".json"):
            with open(os.path.join(folder, name), encoding="utf-8") as text:
                families.append(json.load(text))
    families.sort(key=lambda family: family["family"]["order"])
    return [(entry["id"], entry["formal"]["theorems"])
            for family in families for entry in family["entries"]]


def ask_coq(build, name, modules, commands):
    """What coqc prints for the commands, run after importing the modules."""
    with open(os.path.join(build, name), "w", encoding="utf-8") as script:
        script.writelines(f"From Routegauge Require {module}.\n" for module in sorted(modules))
        script.writelines(f"{command}\n" for command in commands)
    run = subprocess.run(["coqc", "-w", "none", "-R", ".", "Routegauge", name],
                         cwd=build, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"theorem_status: coqc failed on {name}:\n{run.stdout}{run.stderr}")
    return run.stdout


def assumptions_of(build, name, theorems):
    """For each theorem the sorted names it rests on, by `Print Assumptions` in one run of coqc."""
    printed = ask_coq(build, name, {t.module for t in theorems},
                      [f"Print Assumptions {t.module}.{t.name}." for t in theorems])
    answers = []
    for line in printed.splitlines():
        if line in (CLOSED, "Axioms:"):
            answers.append(set())
        elif line and not line[0].isspace():
            answers[-1].add(line.split()[0])
    if len(answers) != len(theorems):
        sys.exit(f"theorem_status: {len(theorems)} theorems but {len(answers)} answers from coqc")
    return [sorted(answer) for answer in answers]


def assumptions(build, theorems):
    """The same of all theorems, dealt out to JOBS runs at a time; in the order of the theorems."""
    names = [None] * len(theorems)
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        asked = [pool.submit(assumptions_of, build, f"PrintAssumptions{part}.v", theorems[part::JOBS])
                 for part in range(JOBS)]
        for part, answer in enumerate(asked):
            names[part::JOBS] = answer.result()
    return names


def mentions(build, sources, theorems):
    """{theorem: facts of Missing.v in its type}, by `Search`, which looks into types by identity."""
    if proof_sources.MISSING + ".v" not in proof_sources.listed_files(sources):
        return {}
    code = proof_sources.read_code(sources, proof_sources.MISSING + ".v")
    facts = re.findall(r"\bDefinition\s+([A-Za-z0-9_']+_statement)\b", code)
    # Loading the modules takes most of the time: one run, an answer in a file of its own for each fact.
    ask_coq(build, "SearchMissing.v", {t.module for t in theorems} | {"Missing"},
            ["Set Search Output Name Only.",
             *(f'Redirect "SearchMissing{at}" Search Routegauge.Missing.{fact}.' for at, fact in enumerate(facts))])
    found = {}
    for at, fact in enumerate(facts):
        with open(os.path.join(build, f"SearchMissing{at}.out"), encoding="utf-8") as printed:
            for name in printed.read().split():
                found.setdefault(name.split(".")[-1], []).append(fact)
    return found


def status_rows(sources, build, entries):
    """(rows of theorem_status.json, findings)."""
    theorems = proof_sources.theorems(sources)
    allowed = permitted(sources)
    facts = mentions(build, sources, theorems)
    rows, findings = {}, []
    for theorem, names in zip(theorems, assumptions(build, theorems)):
        others = [name for name in names
                  if not any(fnmatch.fnmatchcase(name, pattern) for pattern in allowed)]
        stubs = [name for name in others if proof_sources.was_stated(sources, name)]
        missing = facts.get(theorem.name, [])
        status = ("stub" if stubs else "axiom" if others else
                  "deferred" if missing else "proven")
        for name in others:
            what = "which is stated but not proved" if name in stubs else "which axioms.txt does not permit"
            findings.append(f"{theorem.module}.{theorem.name} rests on {name}, {what}")
        rows[theorem.name] = {
            "id": theorem.part, "entry": theorem.entry, "status": status, "name": theorem.name,
            "file": theorem.module + ".v", "line": theorem.line, "statement": theorem.statement,
            "assumptions": [*names, *(f"{proof_sources.MISSING}.{fact}" for fact in missing)]}
    parts = [theorem.part for theorem in theorems]
    findings += [f"{part} is the id of more than one theorem"
                 for part in sorted(set(filter(None, parts))) if parts.count(part) > 1]
    ordered, named = [], set()
    for entry, names in entries:
        for name in names:
            if name not in rows:
                findings.append(f"{entry} names {name}, and there is no such theorem")
            elif rows[name]["entry"] != entry:
                findings.append(f"{entry} names {name}, which is a theorem of another entry")
            else:
                ordered.append(rows[name])
                named.add(name)
        if not names:
            ordered.append({"id": entry, "entry": entry, "status": "informal", "name": None, "file": None,
                            "line": None, "statement": None, "assumptions": []})
    findings += [f"{row['file']}:{row['line']}: no entry of the catalogue names {name}"
                 for name, row in rows.items() if name not in named]
    return ordered, findings


def main(mode, sources, build, records):
    findings = proof_sources.findings(sources)
    entries = catalogue(records)
    rows, more = status_rows(sources, build, entries)
    findings += more
    text = json.dumps({"schema_version": 1, "sources_sha256": proof_sources.digest(sources, entries),
                       "theorems": rows}, indent=1, ensure_ascii=False) + "\n"
    path = os.path.join(sources, "theorem_status.json")
    if mode == "write":
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
    else:
        committed = ""
        if os.path.exists(path):
            with open(path, encoding="utf-8") as old:
                committed = old.read()
        if committed != text:
            findings.append("theorem_status.json differs from what the proofs say; make theorem-status writes it")
    for finding in findings:
        print(f"theorem_status: {finding}", file=sys.stderr)
    counts = {}
    for row in rows:
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    said = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    print(f"theorem_status: {len(entries)} entries: {said}; {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    if len(sys.argv) != 5 or sys.argv[1] not in ("write", "check"):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
