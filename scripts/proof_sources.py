"""The theorems of a folder of Coq sources: which there are, where, and their text; and what no source may hold."""

import hashlib
import os
import re

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
SENTENCE = re.compile(r"^[ \t]*(?:(Section|End)\s+([A-Za-z0-9_']+)"
                      r"|(?:Variables?|Hypothes[ei]s|Context|Let)\b|Theorem\s)", re.M)
THEOREM = re.compile(r"^[ \t]*Theorem\s+([A-Za-z0-9_']+)", re.M)
CATALOGUED = re.compile(r"^([A-Z]{2})_([0-9]+)_(?:(i{1,3}|iv|v|[a-z])_(?:([a-z])_)?)?")
STATED = r"\b(?:Theorem|Lemma|Corollary|Proposition|Fact|Remark|Example|Instance)\s+{}\b"
MISSING = "Missing"  # the module of facts that the libraries lack
FACT = re.compile(r"\b[A-Za-z0-9_']+_statement\b")
DEFINES = re.compile(r"\b(?:Definition|Let|Fixpoint|Inductive|Record|Structure|Notation|Class)\b")


class Theorem:
    """One `Theorem` of the sources; `part` is 'KR-6.a' (or 'IF-6.ii.a'), `entry` 'KR-6'; both None without a catalogue id."""

    def __init__(self, module, name, line, statement):
        self.module, self.name, self.line, self.statement = module, name, line, statement
        named = CATALOGUED.match(name)
        self.entry = f"{named[1]}-{named[2]}" if named else None
        self.part = named and ".".join([self.entry, *filter(None, named.groups()[2:])])


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


def sentence(code, start):
    """From `start` to the full stop that ends the Coq sentence there, lines kept, none empty."""
    end = re.compile(r"\.(?=\s|$)").search(code, start).end()
    lines = (line.rstrip() for line in code[start:end].strip().splitlines())
    return "\n".join(line for line in lines if line)


def listed_files(folder):
    with open(os.path.join(folder, "_CoqProject"), encoding="utf-8") as lines:
        return [line.strip() for line in lines if re.fullmatch(r"[A-Za-z0-9_]+\.v", line.strip())]


def read_code(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as text:
        return without_comments(text.read())


def theorems(folder):
    return [theorem for name in listed_files(folder) for theorem in theorems_of(name[:-2], read_code(folder, name))]


def theorems_of(module, code):
    """The theorems of one file; a statement begins with what its sections declare, which is part of it."""
    found, sections = [], []
    for match in SENTENCE.finditer(code):
        start = match.end(0) - len(match[0].lstrip())
        text = sentence(code, start)
        if match[1] == "Section":
            sections.append((match[2], []))
        elif match[1] == "End":
            if sections and sections[-1][0] == match[2]:
                sections.pop()
        elif not text.startswith("Theorem"):
            if sections:
                sections[-1][1].append(text)
        else:
            declared = [line for _, lines in sections for line in lines]
            name = THEOREM.match(text)[1]
            found.append(Theorem(module, name, code.count("\n", 0, start) + 1, "\n".join([*declared, text])))
    return found


def findings(folder):
    """One line per thing that no source may hold."""
    found = []
    files = listed_files(folder)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".v") and name not in files:
            found.append(f"{name}: not listed in _CoqProject")
    with open(os.path.join(folder, "_CoqProject"), encoding="utf-8") as text:
        if "-type-in-type" in text.read():
            found.append("_CoqProject: -type-in-type")
    for name in files:
        code = read_code(folder, name)
        for pattern in FORBIDDEN:
            for hit in re.finditer(pattern, code):
                found.append(f"{name}:{code.count(chr(10), 0, hit.start()) + 1}: {hit[0]}")
        if name == MISSING + ".v":
            continue
        for hit in DEFINES.finditer(code):
            fact = FACT.search(sentence(code, hit.start()))
            if fact:
                line = code.count("\n", 0, hit.start()) + 1
                found.append(f"{name}:{line}: a definition hides the missing fact {fact[0]}")
    for theorem in theorems(folder):
        if not theorem.entry:
            found.append(f"{theorem.module}.v:{theorem.line}: {theorem.name} carries no catalogue id")
    return found


def was_stated(folder, name):
    """Whether some source states `name` as something to prove (and so left it unproved)."""
    short = re.compile(STATED.format(re.escape(name.split(".")[-1])))
    return any(short.search(read_code(folder, file)) for file in listed_files(folder))


def digest(folder, entries):
    """SHA-256 over the sources and what may be assumed (name, length, bytes each), then the catalogue's names."""
    hashed = hashlib.sha256()
    for name in ["_CoqProject", "axioms.txt", *sorted(listed_files(folder))]:
        with open(os.path.join(folder, name), "rb") as source:
            data = source.read()
        hashed.update(f"{name}\n{len(data)}\n".encode() + data)
    for entry, names in entries:
        hashed.update(f"{entry} {' '.join(names)}\n".encode())
    return hashed.hexdigest()
