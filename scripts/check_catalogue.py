#!/usr/bin/python3
"""Checks the theorem catalogue: theorems/*.json against their schema, against each other and against proofs/*.v.

  check_catalogue.py [ROOT]     exit 0, or 1 with one line per finding

What a schema cannot say is said here: ids are unique, of their file's family and in numerical order; what an entry
depends on exists and leads to no circle; no two families claim one place; TeX is balanced and nothing but TeX holds
backslashes; no text is a mere dash; experiments have a schema that knows the members named. A catalogue entry names
the theorems of its id, and none is missing: every `Theorem` of proofs/ is named by its entry (as long as its
family is in the catalogue).
"""

import glob
import json
import os
import re
import sys

import jsonschema

from proof_sources import THEOREM, without_comments

TEXTS = ("name", "explanation", "title", "sentence", "hypotheses", "statement", "claim", "source", "why",
         "proof_idea", "difference", "gap", "computes", "tolerance", "quantity")
PLACEHOLDER = re.compile(r"\W*|n/?a\.?|none\.?|todo\b.*|tbd\b.*", re.IGNORECASE | re.DOTALL)


def read_json(path):
    with open(path, encoding="utf-8") as text:
        return json.load(text)


def read_catalogue(root):
    """{file name: family as it stands in the file}, sorted by name."""
    return {os.path.basename(path): read_json(path)
            for path in sorted(glob.glob(os.path.join(root, "theorems", "*.json")))}


def read_theorems(root):
    """{name: file} of every `Theorem` of proofs/."""
    theorems = {}
    for path in sorted(glob.glob(os.path.join(root, "proofs", "*.v"))):
        with open(path, encoding="utf-8") as text:
            for name in THEOREM.findall(without_comments(text.read())):
                theorems[name] = os.path.basename(path)
    return theorems


def read_schemas(root):
    """{experiment: schema of its artifact}, and the catalogue's own under theorem_catalogue."""
    end = ".schema.json"
    return {os.path.basename(path)[:-len(end)]: read_json(path)
            for path in glob.glob(os.path.join(root, "schema", "*" + end))}


def entry_of(theorem):
    """GI_1_a_score_invariance: GI-1. None for a name without an id."""
    match = re.match(r"([A-Z]{2})_([0-9]+)_", theorem)
    return match and f"{match[1]}-{match[2]}"


def texts(node, place=""):
    """(where, text) of everything meant for a reader."""
    for key, value in node.items() if isinstance(node, dict) else ():
        for at, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, dict):
                yield from texts(item, item.get("id", place))
            elif isinstance(item, str) and key in TEXTS:
                yield f"{place}: {key}" + (f" {at + 1}" if isinstance(value, list) else ""), item


def tex_problem(text):
    """What is wrong with the TeX of one text, or None."""
    pieces = re.split(r"(?<!\\)(\$\$|\$)", text)
    opened, formula = None, ""
    for piece in pieces:
        if piece in ("$", "$$"):
            if opened is None:
                opened, formula = piece, ""
                continue
            if piece != opened:
                return f"{opened} closed by {piece}"
            opened = None
            problem = formula_problem(formula)
            if problem:
                return f"{problem} in {formula!r}"
        elif opened is None and "\\" in piece:
            return f"a backslash outside of $...$: {piece.strip()[:40]!r}"
        else:
            formula += piece
    return f"{opened} without its end" if opened else None


def formula_problem(formula):
    if not formula.strip():
        return "empty TeX"
    depth = 0
    for brace in re.findall(r"(?<!\\)(?:\\\\)*([{}])", formula):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            break
    if depth:
        return "unbalanced braces"
    if len(re.findall(r"\\left(?![a-zA-Z])", formula)) != len(re.findall(r"\\right(?![a-zA-Z])", formula)):
        return r"\left without \right, or the reverse,"
    begun, ended = (sorted(re.findall(r"\\%s\{(\w+\*?)\}" % word, formula)) for word in ("begin", "end"))
    if begun != ended:
        return r"\begin without \end, or the reverse,"
    return None


def knows(schema, node, path):
    """Whether an artifact schema has the dotted member; a map's keys (layers, say) match any one name, or none."""
    while "$ref" in node:
        node = schema["definitions"][node["$ref"].rsplit("/", 1)[1]]
    if not path:
        return True
    for choice in node.get("anyOf", []) + node.get("oneOf", []):
        if knows(schema, choice, path):
            return True
    if path[0] in node.get("properties", {}):
        return knows(schema, node["properties"][path[0]], path[1:])
    values = node.get("additionalProperties")
    if isinstance(values, dict):
        return knows(schema, values, path[1:]) or knows(schema, values, path)
    return isinstance(node.get("items"), dict) and knows(schema, node["items"], path)


def check_order(catalogue):
    problems, places, seen = [], {}, {}
    for name, data in catalogue.items():
        family = data["family"]
        for kind, value in (("order", family["order"]), ("id", family["id"])):
            other = places.setdefault((kind, value), name)
            if other != name:
                problems.append(f"{name}: family {kind} {value} is that of {other}")
        last = 0
        for entry in data["entries"]:
            prefix, number = entry["id"].split("-")
            if prefix != family["id"]:
                problems.append(f"{name}: {entry['id']} is not of family {family['id']}")
            if entry["id"] in seen:
                problems.append(f"{name}: {entry['id']} stands already in {seen[entry['id']]}")
            elif int(number) <= last:
                problems.append(f"{name}: {entry['id']} stands after {prefix}-{last}")
            seen.setdefault(entry["id"], name)
            last = int(number)
    return problems


def check_dependencies(entries):
    problems, state = [], {}
    for name, entry in entries.items():
        problems += [f"{name}: depends on {other}, which does not exist"
                     for other in entry["depends_on"] if other not in entries]

    def visit(name, way):
        if state.get(name) == "done" or name not in entries:
            return
        if name in way:
            problems.append(f"{name}: depends on itself: " + " -> ".join(way[way.index(name):] + [name]))
            return
        for other in entries[name]["depends_on"]:
            visit(other, way + [name])
        state[name] = "done"

    for name in entries:
        visit(name, [])
    return problems


def check_texts(catalogue):
    problems = []
    for data in catalogue.values():
        for where, text in [*texts(data["family"], data["family"]["id"]), *texts({"entries": data["entries"]})]:
            if PLACEHOLDER.fullmatch(text.strip()):
                problems.append(f"{where}: a placeholder, {text!r}")
            problem = tex_problem(text)
            if problem:
                problems.append(f"{where}: {problem}")
    return problems


def check_formal(entries, theorems):
    problems, families = [], {name.split("-")[0] for name in entries}
    for name, entry in entries.items():
        formal = entry["formal"]
        for theorem in formal["theorems"]:
            if entry_of(theorem) != name:
                problems.append(f"{name}: theorem {theorem} belongs to {entry_of(theorem)}")
            if theorem not in theorems:
                problems.append(f"{name}: no theorem {theorem} in proofs/")
        if len(set(formal["theorems"])) != len(formal["theorems"]):
            problems.append(f"{name}: names a theorem twice")
        if not formal["theorems"] and formal["gap"] is None:
            problems.append(f"{name}: neither a theorem nor a reason why there is none")
        if not formal["theorems"] and formal["difference"] is not None:
            problems.append(f"{name}: a difference from the statement, but no theorem that differs")
    for theorem, file in theorems.items():
        name = entry_of(theorem)
        if name in entries and theorem not in entries[name]["formal"]["theorems"]:
            problems.append(f"{name}: does not name {theorem} of proofs/{file}")
        elif name not in entries and (name is None or name.split("-")[0] in families):
            problems.append(f"proofs/{file}: theorem {theorem} has no catalogue entry")
    return problems


def check_experiments(entries, schemas):
    problems = []
    for name, entry in entries.items():
        for item in entry["experiments"]:
            schema = schemas.get(item["experiment"])
            if schema is None or schema.get("properties", {}).get("test") != {"const": item["experiment"]}:
                problems.append(f"{name}: no experiment {item['experiment']}")
                continue
            problems += [f"{name}: {item['experiment']} has no member {field}"
                         for field in item["fields"] if not knows(schema, schema, field.split("."))]
    return problems


def check(catalogue, theorems, schemas):
    """Every finding, one line each: catalogue, theorems and schemas as the read_ functions give them."""
    judge = jsonschema.Draft7Validator(schemas["theorem_catalogue"])
    broken = [f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message}"
              for name, data in catalogue.items() for error in judge.iter_errors(data)]
    if broken:
        return broken  # what follows relies on the shape
    entries = {entry["id"]: entry for data in catalogue.values() for entry in data["entries"]}
    return ([] if catalogue else ["theorems/: no catalogue file"]) + check_order(catalogue) + \
        check_dependencies(entries) + check_texts(catalogue) + check_formal(entries, theorems) + \
        check_experiments(entries, schemas)


def check_root(root):
    return check(read_catalogue(root), read_theorems(root), read_schemas(root))


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    problems = check_root(root)
    for problem in problems:
        print(problem)
    families = read_catalogue(root).values()
    print(f"{sum(len(data['entries']) for data in families)} catalogue entries in {len(families)} families, "
          f"{len(problems)} findings")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
