"""audit A B, end to end: the shipped model against its first descendant, against itself, and refusals."""

import json
import os
import unittest

from support import PROGRAM, ROOT, ProgramTest, artifacts_below, files_below, load, make_model, run, tokenizer

BASE = os.path.join(ROOT, "models", "routegauge-tiny-olmoe")
TUNED = os.path.join(ROOT, "models", "routegauge-tiny-olmoe-t1")
EDGE = "routegauge-tiny-olmoe__to__routegauge-tiny-olmoe-t1"


class Audit(ProgramTest):
    """Both domains of the shipped pair, few windows."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.results = os.path.join(cls.folder, "results")
        cls.first = run(*cls.audit(BASE, TUNED, cls.results), "--threads", 2)

    @classmethod
    def audit(cls, a, b, out, *more, command=("audit",)):
        return [*command, a, b, "--domain", f"prose={cls.prose}", "--domain", f"code={cls.code}", "--windows", 24,
                "--seq-len", 32, "--parameter", "bootstrap=200", "--out", out, "--compute", "f32", *more]

    def artifact(self, domain):
        return load(os.path.join(self.results, "audit", EDGE, domain, "AtoB", "run.json"))

    def test_an_artifact_per_domain(self):
        self.assertExit(self.first, 0, f"Written to {self.results}: ")
        self.assertNotIn("INVALID", self.first.stdout)
        self.assertEqual([name for name in files_below(self.results) if name.endswith("run.json")],
                         [f"audit/{EDGE}/{domain}/AtoB/run.json" for domain in ("code", "prose")])
        for domain in ("code", "prose"):
            artifact = self.artifact(domain)
            self.assertEqual(artifact["edge"], {"ckpt_a": "routegauge-tiny-olmoe", "ckpt_b": "routegauge-tiny-olmoe-t1",
                                                "edge_name": EDGE, "direction": "AtoB"})
            self.assertEqual(artifact["summary"]["verdict"], "REPORTED")
            self.assertEqual(artifact["summary"]["outcome"], "CHANGED")
            self.assertEqual(artifact["audit"]["compute"], "f32")
            self.assertGreater(sum(map(sum, artifact["per_window"]["flips"].values())), 0)
            self.assertEqual(sorted(artifact["summary"]["forecasts"]), ["F0", "F1", "F2", "F3", "F4"])

    def test_no_path_stands_in_a_results_part(self):
        for path in artifacts_below(self.results):
            artifact = load(path)
            artifact.pop("manifest")
            self.assertNotIn(self.folder, json.dumps(artifact))

    def test_the_losses_are_those_of_the_models(self):
        """Loss and drift of the suite's passes over the same windows."""
        family = os.path.join(self.folder, "family.json")
        with open(family, "w", encoding="utf-8") as file:
            json.dump({"family_name": "pair", "base": {"name": "base", "path": BASE},
                       "descendants": [{"name": "t1", "path": TUNED}], "edges": [{"from": "base", "to": "t1"}],
                       "domains": [{"name": "prose", "path": self.prose}, {"name": "code", "path": self.code}],
                       "windows": 24, "seq_len": 32, "bootstrap": 200}, file)
        out = self.out("suite")
        self.assertExit(run("run", "suite", "--family", family, "--out", out, "--threads", 2, "--compute", "f32"), 0)
        suite = load(os.path.join(out, "kl_edge_dominance/pair/all/single/run.json"))["per_window"]
        for domain in ("prose", "code"):
            audit = self.artifact(domain)["per_window"]
            self.assertEqual(audit["loss_a"], suite[domain]["loss"]["base"])
            self.assertEqual(audit["loss_b"], suite[domain]["loss"]["t1"])
            self.assertEqual(audit["kl"], suite[domain]["D"]["t1"])
            routes = load(os.path.join(out, f"boundary_amplification/base__to__t1/{domain}/AtoB/run.json"))["y_ref_A"]
            for layer, of_layer in routes["per_layer"].items():
                self.assertEqual(audit["mass"]["local"][layer], of_layer["mass_per_window"])

    def test_results_depend_on_neither_threads_nor_blocks_nor_memory(self):
        again = self.out("again")
        self.assertExit(run(*self.audit(BASE, TUNED, again), "--threads", 1, "--block-windows", 1, "--memory", "90M"), 0)
        for path in artifacts_below(self.results):
            other = os.path.join(again, os.path.relpath(path, self.results))
            self.assertEqual(load(path)["body_sha256"], load(other)["body_sha256"], path)

    def test_a_model_and_itself_are_identical(self):
        out = self.out("itself")
        self.assertExit(run(*self.audit(BASE, BASE, out), "--threads", 2), 0)
        for domain in ("prose", "code"):
            artifact = load(os.path.join(out, "audit", "routegauge-tiny-olmoe (A)__to__routegauge-tiny-olmoe (B)", domain,
                                         "AtoB", "run.json"))
            self.assertEqual(artifact["summary"]["outcome"], "IDENTICAL")
            self.assertEqual(artifact["per_window"]["loss_ab"], artifact["per_window"]["loss_a"])

    def test_the_artifacts_verify(self):
        verified = run("verify", self.results, "--json")
        self.assertExit(verified, 0)
        rows = json.loads(verified.stdout)["verdicts"]
        self.assertEqual([row["verdict"] for row in rows], ["REPORTED", "REPORTED"])

    def test_plan_says_the_passes(self):
        planned = run(*self.audit(BASE, TUNED, self.folder, command=("plan", "audit")), "--json", "--threads", 2)
        self.assertExit(planned, 0)
        plan = json.loads(planned.stdout)
        base, tuned = "routegauge-tiny-olmoe", "routegauge-tiny-olmoe-t1"
        other = self.artifact("prose")["audit"]["other_compute"]
        models = [base, tuned, base, tuned] + ([base] if other else [])
        self.assertEqual([one["model"] for one in plan["plans"]], models)
        self.assertEqual(plan["together"]["passes"], len(models))
        self.assertEqual([line["what"] for line in plan["plans"][0]["spilled"]],
                         ["experiments' records for later passes",
                          "last hidden states, for passes compared with this one"])
        self.assertEqual(plan["together"]["spill_bytes"], plan["plans"][0]["spill_bytes"])
        manifest = self.artifact("prose")["manifest"]
        read = [manifest["weight_bytes_read"]] + [one["weight_bytes_read"] for one in manifest["passes"]]
        self.assertEqual([one["read_bytes"] for one in plan["plans"]], read)
        self.assertIn("imposed routes", [line["what"] for line in plan["plans"][2]["memory"]])

    def test_the_same_audit_is_not_measured_again(self):
        again = run(*self.audit(BASE, TUNED, self.results), "--threads", 1)
        self.assertExit(again, 0, "this run is done already")
        self.assertExit(run(*self.audit(TUNED, BASE, self.results)), 2, "error[US002]")

    def refused(self, error, a, b, *words, options=()):
        out = self.out("refused")
        result = run(*self.audit(a, b, out), *options)
        self.assertExit(result, 2 if error.startswith("US") else 3, f"error[{error}]", *words)
        self.assertEqual([name for name in files_below(out) if name.endswith(".json")] if os.path.isdir(out) else [], [])

    def test_a_gate_of_another_rule(self):
        wide = make_model(os.path.join(self.folder, "wide"), num_experts_per_tok=3)
        self.refused("RT008", self.model, wide, "found top_k 3", "expected 2")

    def test_another_vocabulary(self):
        padded = make_model(os.path.join(self.folder, "padded"), vocab_size=288)
        self.refused("RT009", self.model, padded, "272", "288")

    def test_a_tokenizer_that_gives_other_ids(self):
        other = make_model(os.path.join(self.folder, "reads-otherwise"))
        changed = tokenizer()
        changed["model"]["merges"].remove("th e")
        with open(os.path.join(other, "tokenizer.json"), "w", encoding="utf-8") as file:
            json.dump(changed, file)
        self.refused("RT010", self.model, other, "position", "as tiny-olmoe reads it")

    def test_options_that_an_audit_has_no_use_for(self):
        self.refused("US001", self.model, self.model, "--nonfinite", options=("--nonfinite", "record"))
        self.refused("US003", self.model, self.model, "bootstrap", options=("--parameter", "random_draws=2"))
        self.assertExit(run("audit", self.model, "--domain", f"prose={self.prose}"), 2, "error[US001]", "one checkpoint")
        self.assertExit(run("audit", self.model, self.model), 2, "--domain")
        self.assertExit(run("plan", "audit", self.model), 2, "one checkpoint")
        self.assertExit(run("plan", "expert_load", self.model, "--model", self.model), 2, "`audit` alone")


if __name__ == "__main__":
    assert os.path.exists(PROGRAM), PROGRAM
    unittest.main()
