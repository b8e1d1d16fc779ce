#!/usr/bin/python3
"""Writes the tables of families in docs/gates.md and README.md from what the program says about the golden checkpoints.

  family_tables.py PROGRAM           rewrites both tables, between their `<!-- families -->` marks
  family_tables.py PROGRAM --check   exit 1 if a table isn't what it would write

PROGRAM is routegauge. Each golden checkpoint is one that the tests compare with transformers.
"""

import json
import os
import struct
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BEGIN, END = "<!-- families: written by scripts/family_tables.py -->", "<!-- end of families -->"
FIELDS = ["score", "selection_bias", "groups", "group_score", "weigh", "normalise", "epsilon", "scaling",
          "per_expert_scale", "shared_experts", "logit_bias"]
HEADS = ["score", "selection bias", "groups", "group score", "weights", "normalise", "epsilon", "scaling",
         "per-expert scale", "shared", "logit bias"]
QUIET = {"selection_bias": "no", "logit_bias": "no", "per_expert_scale": "no", "group_score": "none", "epsilon": "0"}


def checkpoints():
    """(model_type, shape, folder) of every golden checkpoint."""
    data = os.path.join(ROOT, "tests", "data")
    for shape in sorted(os.listdir(os.path.join(data, "olmoe"))):
        folder = os.path.join(data, "olmoe", shape, "model")
        if os.path.isdir(folder):
            yield "olmoe", shape, folder
    families = os.path.join(data, "families")
    for family in sorted(os.listdir(families)):
        if os.path.isdir(os.path.join(families, family)):
            for shape in sorted(os.listdir(os.path.join(families, family))):
                yield family, shape, os.path.join(families, family, shape, "model")


def inspect(program, folder):
    result = subprocess.run([program, "inspect", folder, "--json"], capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return json.loads(result.stdout)
    if "CF001" in result.stderr or "CF018" in result.stderr:  # unknown, or layers with different gates
        return None
    sys.exit(f"{folder}: {result.stderr}")


def tensors(folder):
    found = {}
    for name in os.listdir(folder):
        if name.endswith(".safetensors"):
            with open(os.path.join(folder, name), "rb") as file:
                header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
            found.update({k: v for k, v in header.items() if k != "__metadata__"})
    return found


def layouts(folder):
    """How this checkpoint stores its experts, and how it spells its config."""
    stored, config = tensors(folder), json.load(open(os.path.join(folder, "config.json"), encoding="utf-8"))
    text = config.get("text_config", config)
    experts = [name for name in stored if "experts" in name and "shared" not in name and "bias" not in name]
    if any(name.endswith("_blocks") for name in stored):
        layout = "MXFP4"
    elif any(entry["dtype"] == "F8_E4M3" for entry in stored.values()):
        layout = "FP8"
    elif any("gate_up_proj" in name or "input_linear" in name or name.endswith("experts.up_proj")
             for name in experts + list(stored)):
        layout = "fused"
    else:
        layout = "one by one"
    return layout, "5" if "rope_parameters" in text or "dtype" in text else "4"


def cell(facts):
    """One field over all checkpoints of a family: its values, and the key that decides."""
    keys = sorted({source.split(": ")[1] for _, source in facts if source.startswith("config.json")})
    values = sorted({value for value, _ in facts})
    shown = ", ".join(values)
    return (f"`{keys[0]}`" + (f": {shown}" if not all(v.replace(".", "").isdigit() for v in values) else "")
            if keys else shown)


def gate_table(families):
    rows = ["| model_type | " + " | ".join(HEADS) + " |", "| --- |" + " --- |" * len(HEADS)]
    for family, seen in families.items():
        cells = []
        for field in FIELDS:
            facts = [(o["value"], o["source"]) for facts, _ in seen for o in facts["origins"]
                     if o["field"] == "gate." + field]
            text = cell(facts)
            cells.append("" if text == QUIET.get(field) else text)
        rows.append(f"| `{family}` | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def layout_table(families):
    rows = ["| model_type | mixers | experts stored | config of transformers |", "| --- | --- | --- | --- |"]
    kinds = {"gated_delta_net": "gated delta net", "short_convolution": "short convolution",
             "mamba2": "Mamba-2", "kimi_delta_attention": "KDA"}
    for family, seen in families.items():
        mixers = sorted({kinds.get(m["kind"], m["kind"]) for facts, _ in seen for m in facts["mixers"]})
        stored = sorted({layout for _, (layout, _) in seen})
        spelled = sorted({version for _, (_, version) in seen})
        rows.append(f"| `{family}` | {', '.join(mixers)} | {', '.join(stored)} | {', '.join(spelled)} |")
    return "\n".join(rows)


def replaced(path, table):
    text = open(path, encoding="utf-8").read()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return text[:begin] + "\n" + table + "\n" + text[end:]


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    families = {}
    for family, _, folder in checkpoints():
        facts = inspect(sys.argv[1], folder)
        if facts is not None:
            families.setdefault(family, []).append((facts, layouts(folder)))
    stale = 0
    for page, table in (("docs/gates.md", gate_table(families)), ("README.md", layout_table(families))):
        path = os.path.join(ROOT, page)
        text = replaced(path, table)
        if sys.argv[2:] == ["--check"]:
            same = text == open(path, encoding="utf-8").read()
            stale += not same
            print(f"{page}: {'as written' if same else 'differs: run scripts/family_tables.py PROGRAM'}")
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    print(f"{len(families)} families")
    sys.exit(stale != 0)


if __name__ == "__main__":
    main()
