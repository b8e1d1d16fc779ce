"""run suite --family, end to end on tiny checkpoints: passes, artifacts, provenance, refusals."""

import json
import math
import os
import struct
import sys
import unittest

import jsonschema
from support import PROGRAM, ROOT, ProgramTest, artifacts_below, files_below, load, make_model, run, sha256_of, tokenizer


sys.path.insert(0, os.path.join(ROOT, "tests", "verify"))
import second_verifier  # noqa: E402  (written from docs/artifacts.md, without a look at the program)
from second_implementation_test import JUDGES  # noqa: E402

EDGE_TESTS = ("boundary_amplification", "behavior_compression")


def nudged(part, amount, seed):
    """Changes the weights whose names hold `part` by a share of their own, in a pattern of its own."""
    def edit(values):
        for name, numbers in values.items():
            if part in name:
                for i in range(len(numbers)):
                    numbers[i] *= 1 + amount * ((i * 7 + seed) % 5 - 2)
    return edit


class Suite(ProgramTest):
    """A base, two descendants on one path, and a sibling with another number of layers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, amount in (("t1", 0.02), ("t2", 0.05)):
            make_model(os.path.join(cls.folder, name), edit=nudged("mlp", amount, 1))
        make_model(os.path.join(cls.folder, "short"), seed=3, num_hidden_layers=2)
        cls.family = cls.write_family("family.json")
        cls.results = os.path.join(cls.folder, "results")
        cls.first = run("run", "suite", "--family", cls.family, "--out", cls.results, "--threads", 2,
                        "--compute", "f32")

    @classmethod
    def write_family(cls, name, **changes):
        file = {"family_name": "tiny", "base": {"name": "base", "path": "tiny-olmoe"},
                "descendants": [{"name": "t1", "path": "t1"}, {"name": "t2", "path": "t2"}],
                "siblings": [{"name": "short", "path": "short"}],
                "edges": [{"from": "base", "to": "t1"}, {"from": "t1", "to": "t2"}],
                "domains": [{"name": "prose", "path": "prose"}, {"name": "code", "path": "code"}],
                "windows": 24, "seq_len": 32, "seed": 5, "bootstrap": 300}
        path = os.path.join(cls.folder, name)
        with open(path, "w", encoding="utf-8") as out:
            json.dump({**file, **changes}, out)
        return path

    def artifact(self, test, subject, domain, variant="single"):
        return load(os.path.join(self.results, test, subject, domain, variant, "run.json"))

    def test_every_test_has_its_artifacts(self):
        self.assertExit(self.first, 0, "insufficient", f"Written to {self.results}: ")
        self.assertNotIn("INVALID", self.first.stdout)
        found = {name for name in files_below(self.results) if name.endswith("run.json")}
        expected = set()
        for domain in ("prose", "code"):
            for model in ("base", "t1", "t2", "short"):
                for test in ("chart_compatibility", "terminal_ovk_scan", "terminal_compatibility"):
                    expected.add(f"{test}/{model}/{domain}/single/run.json")
            for edge in ("base__to__t1", "t1__to__t2"):
                for direction in ("AtoB", "BtoA"):
                    for test in EDGE_TESTS:
                        expected.add(f"{test}/{edge}/{domain}/{direction}/run.json")
            expected.add(f"terminal_tracking/tiny/{domain}/single/run.json")
        for test in ("kl_edge_dominance", "entropy_collapse"):
            expected.add(f"{test}/tiny/all/single/run.json")
        self.assertEqual(found, expected)

    def test_artifacts_follow_their_schemas_and_their_digests(self):
        for path in artifacts_below(self.results):
            artifact = load(path)
            schema = load(os.path.join(ROOT, "schema", f"{artifact['test']}.schema.json"))
            jsonschema.Draft7Validator.check_schema(schema)
            errors = [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(artifact)]
            self.assertEqual(errors, [], path)
            self.assertEqual(artifact["family"]["sha256"], sha256_of(self.family))
            self.assertEqual(artifact["family"]["family_name"], "tiny")
        jsonschema.Draft7Validator(load(os.path.join(ROOT, "schema", "family.schema.json"))).validate(load(self.family))

    def test_no_path_stands_in_a_results_part(self):
        for path in artifacts_below(self.results):
            artifact = load(path)
            artifact.pop("manifest")
            for part in [artifact, *artifact.get("scans", []), artifact.get("chart", {}), artifact.get("scan", {})]:
                part.pop("manifest", None)
            self.assertNotIn(self.folder, json.dumps(artifact))

    def test_an_edge_names_its_reference_and_what_it_read_of_the_other(self):
        for direction, reference, other in (("AtoB", "base", "t1"), ("BtoA", "t1", "base")):
            artifact = self.artifact("boundary_amplification", "base__to__t1", "prose", direction)
            self.assertEqual(artifact["edge"], {"ckpt_a": "base", "ckpt_b": "t1", "edge_name": "base__to__t1",
                                                "direction": direction})
            self.assertEqual(artifact["model"]["ckpt"], reference)
            self.assertEqual(artifact["other"]["ckpt"], other)
            self.assertEqual([row["name"] for row in artifact["other"]["tensors"]],
                             [f"model.layers.{layer}.mlp.gate.weight" for layer in range(3)])
            whole = {row["name"]: row["sha256"] for row in
                     self.artifact("terminal_ovk_scan", other, "prose")["tensors"]}
            for row in artifact["other"]["tensors"]:
                self.assertEqual(row["sha256"], whole[row["name"]])

    def test_the_control_is_computed_on_the_same_margins(self):
        for direction, key in (("AtoB", "y_ref_A"), ("BtoA", "y_ref_B")):
            routes = self.artifact("boundary_amplification", "t1__to__t2", "code", direction)
            control = self.artifact("behavior_compression", "t1__to__t2", "code", direction)
            for layer in ("0", "1", "2"):
                per_layer = routes[key]["per_layer"][layer]
                self.assertEqual(per_layer["n_le_per_window"], control["per_window"]["n_le"][layer])
                self.assertEqual(per_layer["compression_F_per_window"], control["per_window"]["F_route"][layer])

    def test_drift_and_loss_are_those_of_the_logits(self):
        """One window of t1 against base, from two traces and plain sums."""
        logits = {}
        for name, model in (("base", self.model), ("t1", os.path.join(self.folder, "t1"))):
            out = os.path.join(self.folder, f"{name}.safetensors")
            traced = run("trace", "--model", model, "--domain", f"prose={self.prose}", "--windows", 24, "--seq-len", 32,
                         "--seed", 5, "--tensors", "logits", "--out", out, "--threads", 2, "--compute", "f32")
            self.assertExit(traced, 0)
            logits[name], tokens = read_logits(out)
        artifact = self.artifact("kl_edge_dominance", "tiny", "all")
        values = artifact["per_window"]["prose"]
        for window in (0, 23):
            drift, loss = window_sums(logits, tokens, window)
            self.assertAlmostEqual(values["D"]["t1"][window], drift, delta=1e-5 * drift + 1e-9)
            self.assertAlmostEqual(values["loss"]["t1"][window], loss, delta=1e-6)
            self.assertEqual(values["D"]["base"][window], 0)
        self.assertEqual(artifact["family"]["ckpts"], ["base", "t1", "t2"])

    def test_bundles_hold_the_artifacts_whole(self):
        tracking = self.artifact("terminal_tracking", "tiny", "code")
        self.assertEqual(tracking["scans"], [self.artifact("terminal_ovk_scan", name, "code")
                                             for name in ("base", "short")])
        self.assertEqual(tracking["summary"]["terminal_moe_layers"], [2, 1])
        both = self.artifact("terminal_compatibility", "t2", "prose")
        self.assertEqual(both["chart"], self.artifact("chart_compatibility", "t2", "prose"))
        self.assertEqual(both["scan"], self.artifact("terminal_ovk_scan", "t2", "prose"))

    def test_a_model_is_measured_as_it_is_alone(self):
        alone = self.out("alone")
        self.assertExit(run("run", "terminal_ovk_scan,chart_compatibility", "--model", self.model, "--domain",
                            f"prose={self.prose}", "--domain", f"code={self.code}", "--windows", 24, "--seq-len", 32,
                            "--seed", 5, "--parameter", "bootstrap=300", "--out", alone, "--threads", 1, "--compute", "f32"), 0)
        for test in ("terminal_ovk_scan", "chart_compatibility"):
            for domain in ("prose", "code"):
                one = load(os.path.join(alone, test, "tiny-olmoe", domain, "single", "run.json"))
                ours = self.artifact(test, "base", domain)
                self.assertEqual(one["per_window"], ours["per_window"])
                self.assertEqual(one["summary"], ours["summary"])

    def test_results_depend_on_neither_threads_nor_blocks_nor_memory(self):
        again = self.out("again")
        self.assertExit(run("run", "suite", "--family", self.family, "--out", again, "--threads", 1, "--block-windows",
                            1, "--memory", "70M", "--compute", "f32"), 0)
        for path in artifacts_below(self.results):
            other = os.path.join(again, os.path.relpath(path, self.results))
            self.assertEqual(load(path)["body_sha256"], load(other)["body_sha256"], path)

    def test_plan_says_one_pass_for_each_checkpoint(self):
        planned = run("plan", "suite", "--family", self.family, "--out", self.folder, "--json", "--threads", 2, "--compute",
                      "f32")
        self.assertExit(planned, 0)
        plan = json.loads(planned.stdout)
        self.assertEqual(plan["together"]["passes"], 4)
        self.assertEqual([one["model"] for one in plan["plans"]], ["tiny-olmoe", "t1", "t2", "short"])
        read = [self.artifact("terminal_ovk_scan", name, "prose")["manifest"]["weight_bytes_read"]
                for name in ("base", "t1", "t2", "short")]
        self.assertEqual([one["read_bytes"] for one in plan["plans"]], read)
        self.assertEqual(plan["together"]["read_bytes"], sum(read))
        self.assertEqual([line["what"] for line in plan["plans"][0]["spilled"]],
                         ["last hidden states, for passes compared with this one"])

    def test_verify_and_the_second_judge_agree_with_the_table(self):
        verified = run("verify", self.results, "--json")
        self.assertExit(verified, 1)
        rows = {row["path"]: row["verdict"] for row in json.loads(verified.stdout)["verdicts"]}
        self.assertEqual(set(rows), set(artifacts_below(self.results)))
        self.assertLessEqual(set(rows.values()), {"INSUFFICIENT", "REPORTED"})
        for path, verdict in rows.items():
            with open(path, encoding="utf-8") as file:
                self.assertEqual(second_verifier.Judge(file.read()).run(JUDGES), (verdict, set()), path)

    def test_the_same_suite_is_not_measured_again(self):
        again = run("run", "suite", "--family", self.family, "--out", self.results, "--threads", 1, "--compute", "f32")
        self.assertExit(again, 0, "this run is done already")
        self.assertEqual(again.stdout.splitlines()[:5], self.first.stdout.splitlines()[:5])

    def test_runs_with_frozen_layers(self):
        """Layer 0 of every run is the base's; the comparison changes all layers."""
        names = [f"frozen-{i}" for i in range(5)]
        for i, name in enumerate(names):
            make_model(os.path.join(self.folder, name), edit=nudged("layers.2.mlp", 0.01 * (i + 1), i))
        make_model(os.path.join(self.folder, "free"), edit=nudged("mlp", 0.2, 1))
        registration = {"registered_utc": "2026-01-01T00:00:00+00:00", "frozen_set": [0, 1],
                        "thresholds": {"D_max": 5, "L_max": 5}, "comparison": {"frozen_set": []}}
        with open(os.path.join(self.folder, "registration.json"), "w", encoding="utf-8") as file:
            json.dump(registration, file)
        family = self.write_family("frozen.json", descendants=[], edges=[], siblings=[], adaptation={
            "runs": [{"name": name, "path": name} for name in names], "comparison": [{"name": "free", "path": "free"}],
            "registration": "registration.json", "eval": {"name": "code", "path": "code"},
            "base": {"name": "prose", "path": "prose"}, "windows": 24, "seq_len": 32})
        out = self.out("frozen")
        self.assertExit(run("run", "suite", "--family", family, "--out", out, "--threads", 2, "--compute", "f32"), 0)
        path = os.path.join(out, "kl_bounded_adaptation/tiny/all/single/run.json")
        artifact = load(path)
        schema = load(os.path.join(ROOT, "schema/kl_bounded_adaptation.schema.json"))
        jsonschema.Draft7Validator(schema).validate(artifact)
        jsonschema.Draft7Validator(load(os.path.join(ROOT, "schema/family.schema.json"))).validate(load(family))
        hashes = artifact["layer_hashes"]
        self.assertEqual(sorted(hashes), sorted(["base", "free", *names]))
        for name in names:
            self.assertEqual([hashes[name][layer] == hashes["base"][layer] for layer in "012"], [True, True, False])
        self.assertEqual([hashes["free"][layer] == hashes["base"][layer] for layer in "012"], [False] * 3)
        self.assertEqual(artifact["registration"]["sha256"], sha256_of(os.path.join(self.folder, "registration.json")))
        drifts = [run["D_hat"] for run in artifact["runs"]]
        self.assertEqual(drifts, sorted(drifts))
        with open(path, encoding="utf-8") as file:
            self.assertEqual(second_verifier.Judge(file.read()).run(JUDGES), ("INSUFFICIENT", set()))
        self.assertExit(run("verify", path), 1, "INSUFFICIENT")
        plan = json.loads(run("plan", "suite", "--family", family, "--out", out, "--json", "--threads", 2).stdout)
        self.assertEqual(plan["together"]["passes"], 1 + 7)

    def refused(self, error, *words, options=(), **changes):
        out = self.out("refused")
        family = self.write_family("refused.json", **changes)
        result = run("run", "suite", "--family", family, "--out", out, "--threads", 2, *options)
        self.assertExit(result, 2 if error.startswith("US") else 3, f"error[{error}]", *words)
        self.assertEqual([name for name in files_below(out) if name.endswith(".json")] if os.path.isdir(out) else [], [])

    def test_a_run_listed_twice(self):
        registration = {"registered_utc": "2026-01-01T00:00:00+00:00", "frozen_set": [0],
                        "thresholds": {"D_max": 5, "L_max": 5}, "comparison": {"frozen_set": []}}
        with open(os.path.join(self.folder, "twice.json"), "w", encoding="utf-8") as file:
            json.dump(registration, file)
        make_model(os.path.join(self.folder, "once"), edit=nudged("layers.2.mlp", 0.01, 3))
        make_model(os.path.join(self.folder, "again"), edit=nudged("layers.2.mlp", 0.01, 3))
        self.refused("FA002", "again", "the weights of once", descendants=[], edges=[], siblings=[], adaptation={
            "runs": [{"name": name, "path": name} for name in ("once", "again")],
            "comparison": [{"name": "never", "path": "once"}], "registration": "twice.json",
            "eval": {"name": "code", "path": "code"}, "base": {"name": "prose", "path": "prose"},
            "windows": 4, "seq_len": 32})

    def test_a_gate_of_another_rule(self):
        make_model(os.path.join(self.folder, "wide"), num_experts_per_tok=3)
        self.refused("RT008", "found top_k 3", "expected 2", descendants=[{"name": "t1", "path": "wide"}],
                     edges=[{"from": "base", "to": "t1"}])

    def test_another_vocabulary(self):
        make_model(os.path.join(self.folder, "padded"), vocab_size=288)
        self.refused("RT009", "272", "288", descendants=[{"name": "t1", "path": "padded"}],
                     edges=[{"from": "base", "to": "t1"}])

    def test_a_tokenizer_that_gives_other_ids(self):
        other = make_model(os.path.join(self.folder, "reads-otherwise"))
        changed = tokenizer()
        changed["model"]["merges"].remove("th e")
        with open(os.path.join(other, "tokenizer.json"), "w", encoding="utf-8") as file:
            json.dump(changed, file)
        self.refused("RT010", "position", "as base reads it", descendants=[{"name": "t1", "path": "reads-otherwise"}],
                     edges=[{"from": "base", "to": "t1"}])

    def test_a_tokenizer_file_that_differs_and_reads_alike_is_accepted(self):
        other = make_model(os.path.join(self.folder, "reads-alike"), edit=nudged("mlp", 0.02, 1))
        with open(os.path.join(other, "tokenizer.json"), "a", encoding="utf-8") as file:
            file.write("\n")
        out = self.out("alike")
        family = self.write_family("alike.json", descendants=[{"name": "t1", "path": "reads-alike"}], siblings=[],
                                   edges=[{"from": "base", "to": "t1"}])
        self.assertExit(run("run", "suite", "--family", family, "--out", out, "--threads", 2, "--compute", "f32"), 0)
        ours = load(os.path.join(out, "boundary_amplification/base__to__t1/prose/AtoB/run.json"))
        whole = self.artifact("boundary_amplification", "base__to__t1", "prose", "AtoB")
        self.assertEqual(ours["y_ref_A"], whole["y_ref_A"])

    def test_what_the_family_file_says_is_not_said_again(self):
        for options in (["--model", self.model], ["--windows", "10"], ["--layers", "0"], ["--parameter", "bootstrap=300"],
                        ["--nonfinite", "record"]):
            self.refused("US001", options[0], "what the family file says", options=options)
        self.assertExit(run("run", "suite", "--out", self.out("none")), 2, "--family")
        self.assertExit(run("run", "expert_load", "--family", self.family, "--model", self.model, "--domain",
                            f"prose={self.prose}", "--out", self.out("none")), 2, "--family")

    def test_a_malformed_file(self):
        self.refused("FA001", "edges", edges=[])
        self.refused("FA002", "'t9'", edges=[{"from": "base", "to": "t9"}])


def read_logits(path):
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()

    def values(name, kind):
        begin, end = header[name]["data_offsets"]
        return struct.unpack(f"<{(end - begin) // 4}{kind}", data[begin:end])
    return (header["logits"]["shape"][1], values("logits", "f")), values("tokens", "i")


def window_sums(logits, tokens, window, seq_len=32):
    drift = loss = 0.0
    for position in range(seq_len - 1):
        row = window * seq_len + position
        logs = {}
        for name, (width, values) in logits.items():
            of_row = values[row * width:(row + 1) * width]
            top = max(of_row)
            total = top + math.log(math.fsum(math.exp(value - top) for value in of_row))
            logs[name] = [value - total for value in of_row]
        drift += math.fsum(math.exp(p) * (p - q) for p, q in zip(logs["t1"], logs["base"]))
        loss -= logs["t1"][tokens[row + 1]]
    return drift / (seq_len - 1), loss / (seq_len - 1)


if __name__ == "__main__":
    assert os.path.exists(PROGRAM), PROGRAM
    unittest.main()
