"""The schemas accept what is valid and refuse what isn't.

usage: schema_test.py JUDGE_MANY SCHEMA_FOLDER"""

import json
import pathlib
import subprocess
import sys

import jsonschema

TESTS = ("chart_compatibility", "terminal_ovk_scan", "attention_router", "expert_load")
# Dotted places whose loss or change each schema must notice.
BROKEN = {"chart_compatibility": (("strata_def.pair_def", "1_2"), ("gate_semantics.scores_dtype", "bf16")),
          "terminal_ovk_scan": (("summary.null", {"kind": "x"}), ("expert_counts.3", [0.5]),
                                ("summary.max_jump.pair", "5"), ("per_window.ovk_cf_mean.3", [1.5])),
          "attention_router": (("per_window.agreement_positions", {"3": [0.5]}),
                               ("summary.verdict.exact", "H4"), ("convention", "other")),
          "expert_load": (("per_window.count.3", [[-1]]), ("layers", [1, 1]))}


def ask(program, *arguments, given=None):
    return subprocess.run([program, *arguments], input=given, stdout=subprocess.PIPE, check=True,
                          text=True).stdout


def validator(folder, name):
    schema = json.loads((folder / (name + ".schema.json")).read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def main():
    judge_many, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    lines = []
    for test in TESTS:
        check, text = validator(folder, test), ask(judge_many, "--make", test)
        lines.append(text)
        errors = list(check.iter_errors(json.loads(text)))
        assert not errors, (test, errors[0].message)
        for member in json.loads(text):
            if member in ("null_reasons", "expert_similarity"):
                continue
            artifact = json.loads(text)
            del artifact[member]
            assert not check.is_valid(artifact), (test, "without", member)
        for path in ("model.moe_layers", "data.source", "data.seed", "data.tokenizer",
                     "gate_semantics.score", "gate_semantics.groups", "gate_semantics.tie_rule",
                     "manifest.created_utc"):
            artifact = json.loads(text)
            parent, key = path.split(".")
            del artifact[parent][key]
            assert not check.is_valid(artifact), (test, "without", path)
        for path, value in BROKEN[test] + (("extra", 1), ("body_sha256", "0"), ("inputs", []),
                                           ("tensors", []), ("gate_semantics.tie_rule", "higher")):
            artifact = json.loads(text)
            node, keys = artifact, path.split(".")
            for key in keys[:-1]:
                node = node[key]
            node[keys[-1]] = value
            assert not check.is_valid(artifact), (test, path)
    lines.append('{"test": "none"}\n')
    large = json.loads(lines[1])
    large["summary"]["bootstrap"]["B"] = 10**12
    lines.append(json.dumps(large) + "\n")
    verdicts = json.loads(ask(judge_many, "--json", given="".join(lines)))
    validator(folder, "verdicts").validate(verdicts)
    assert verdicts["exit_code"] == 6 and len(verdicts["verdicts"]) == 6
    assert verdicts["verdicts"][5]["verdict"] == "OVER_BUDGET"
    results = {"schema_version": "1.0", "created_utc": "2026-01-01T00:00:00Z",
               "program_version": "0", "artifacts": []}
    validator(folder, "results").validate(results)
    del results["artifacts"]
    assert not validator(folder, "results").is_valid(results)
    print("schemas hold")


main()
