"""theorem_slack end to end on the shipped model: by name alone, by its schema, the counts add up, the same bits for any
threads; and `theorems check --model`, which runs it."""

import json
import os
import shutil
import unittest

import jsonschema
from support import ROOT, ProgramTest, artifacts_below, digests, load, run
from test_families import FAMILIES, letters_tokenizer

SHIPPED = os.path.join(ROOT, "models", "routegauge-tiny-olmoe")
UNITS = {"key": lambda a, s: a["kv_heads"] * s["rows"], "head": lambda a, s: a["kv_heads"],
         "context": lambda a, s: a["kv_heads"] * len(s["windows"]), "block": lambda a, s: a["heads"] * len(s["windows"]),
         "query": lambda a, s: a["heads"] * len(s["windows"]) * len(s["query_positions"]),
         "query_head": lambda a, s: a["heads"], "plane": lambda a, s: a["planes"],
         "plane_pair": lambda a, s: a["planes"] - 1, "head_plane": lambda a, s: a["kv_heads"] * (a["key_width"] // 2),
         "token": lambda a, s: len(s["windows"]) * len(s["query_positions"]), "layer": lambda a, s: 1}


def schema(name):
    return load(os.path.join(ROOT, "schema", f"{name}.schema.json"))


class TheoremSlack(ProgramTest):
    documents, words_each = 12, 90

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.results = os.path.join(cls.folder, "results")
        cls.first = run("run", "theorem_slack", *cls.job(cls.results))
        cls.artifact = load(artifacts_below(cls.results)[0])

    @classmethod
    def job(cls, out, *more):
        job = ["--model", SHIPPED, "--domain", f"prose={cls.prose}", "--seq-len", 64, "--windows", 10, "--layers",
               "0,5", "--out", out, "--parameter", "contexts=4", "--parameter", "context_positions=40", *more]
        return job + ([] if "--threads" in more else ["--threads", 2])

    def test_it_writes_one_artifact_by_its_schema(self):
        self.assertExit(self.first, 0, "theorem_slack")
        self.assertEqual(len(artifacts_below(self.results)), 1)
        jsonschema.Draft7Validator.check_schema(schema("theorem_slack"))
        jsonschema.Draft7Validator(schema("theorem_slack")).validate(self.artifact)

    def test_every_theorem_is_checked_or_has_a_reason(self):
        folder = os.path.join(ROOT, "theorems")
        families = sorted((load(os.path.join(folder, name)) for name in os.listdir(folder) if name.endswith(".json")),
                          key=lambda family: family["family"]["order"])
        every = [entry["id"] for family in families for entry in family["entries"]]
        artifact = self.artifact
        self.assertEqual(list(artifact["theorems"]), [i for i in every if i in artifact["theorems"]])
        self.assertEqual(sorted([*artifact["theorems"], *artifact["no_check"]]), sorted(every))
        for layer in ("0", "5"):
            self.assertEqual(artifact["not_applicable"][layer], {})  # the shipped model has all of it
            self.assertEqual(list(artifact["cases"][layer]), list(artifact["theorems"]))

    def test_the_sample_is_the_documented_one(self):
        sample = self.artifact["sample"]
        self.assertEqual(sample["positions"], 40)
        self.assertEqual(sample["rows"], 160)
        self.assertEqual(sample["query_positions"], [39 - i * 39 // 8 for i in range(7, -1, -1)])
        self.assertEqual(len(sample["windows"]), 4)
        self.assertEqual(sample["windows"], sorted(set(sample["windows"])))
        rows = [40 if window in sample["windows"] else 0 for window in range(10)]
        self.assertEqual(self.artifact["per_window"]["rows"], rows)

    def test_counts_add_up_and_nothing_is_violated(self):
        artifact = self.artifact
        sums = {}
        for layer, theorems in artifact["cases"].items():
            for theorem, quantities in theorems.items():
                for meaning, of in zip(artifact["theorems"][theorem], quantities, strict=True):
                    with self.subTest(layer=layer, theorem=theorem, quantity=meaning["name"]):
                        self.assertEqual(of["violated"], 0)
                        total = UNITS[meaning["unit"]](artifact["attention"][layer], artifact["sample"])
                        self.assertEqual(of["cases"] + of["skipped"], total)
                        self.assertEqual(of["cases"], sum(of["histogram"]) + of["without_share"])
                        if of["quantiles"] is not None:
                            self.assertEqual(of["quantiles"], sorted(of["quantiles"]))
                            self.assertTrue(0 <= of["quantiles"][0] and of["quantiles"][-1] <= 1)
                            self.assertEqual(of["tightest"]["used"], of["quantiles"][-1])
                    sums[theorem] = sums.get(theorem, 0) + of["cases"]
        for theorem, cases in sums.items():
            self.assertEqual(artifact["summary"]["per_theorem"][theorem]["cases"], cases)
            self.assertGreater(cases, 0, theorem)
        verdict = artifact["summary"]["verdict"]
        self.assertEqual((verdict["outcome"], verdict["cases"]), ("HOLDS", sum(sums.values())))

    def test_inequalities_are_looked_at_where_they_are_tight(self):
        """A bound that no key comes near would hide a wrong constant."""
        for theorem in ("JF-2", "JF-4", "JF-5", "GS-1", "IF-6", "AD-3", "RC-7"):
            self.assertGreater(self.artifact["summary"]["per_theorem"][theorem]["largest_used"], 0.5, theorem)

    def test_threads_and_blocks_change_no_bit(self):
        out = self.out("other")
        self.assertExit(run("run", "theorem_slack", *self.job(out, "--threads", 1, "--block-windows", 3)), 0)
        self.assertEqual(digests(out), digests(self.results))

    def test_the_plan_counts_it_and_all_leaves_it_out(self):
        plan = run("plan", "theorem_slack", *self.job(self.out("none")))
        self.assertExit(plan, 0, "theorem_slack: its own work")
        job = [word for word in self.job(self.out("none")) if "context" not in str(word)]
        job = [word for at, word in enumerate(job) if word != "--parameter"]
        self.assertNotIn("theorem_slack", run("plan", "all", *job).stdout)

    def test_theorems_check_runs_it_and_prints_a_table(self):
        out = self.out("checked")
        checked = run("theorems", "check", *self.job(out))
        self.assertExit(checked, 0, "SLACK USED", "JF-2", "run.json", "HOLDS")
        self.assertEqual(digests(out), digests(self.results))
        in_full = run("theorems", "check", "--id", "KR-2", "--id", "AD-3", *self.job(out))
        self.assertExit(in_full, 0, "variation_to_tanh", "needs the matrix that makes the keys")
        as_json = json.loads(run("theorems", "check", "--json", *self.job(out)).stdout)
        self.assertEqual(as_json["artifacts"][0]["summary"]["per_theorem"],
                         self.artifact["summary"]["per_theorem"])

    def test_other_attention_and_gates_say_what_does_not_apply(self):
        """Latent attention; keys without RoPE, and layers without keys; a selection bias; a logit bias."""
        for family, missing, present in (("deepseek_v2", {"DC-2", "RC-4", "RC-8"}, {"RC-7", "RG-6"}),
                                         ("granitemoehybrid", {"DC-2", "RC-1", "RG-9"}, {"AD-3", "RG-5"}),
                                         ("kimi_linear", {"JF-1", "RG-5"}, {"RG-2", "RG-10"}),
                                         ("gpt_oss", {"RG-6", "RG-11"}, {"RG-7", "AD-3"})):
            with self.subTest(family=family):
                folder = os.path.join(FAMILIES, family)
                model = os.path.join(self.folder, family)
                shutil.copytree(os.path.join(folder, sorted(os.listdir(folder))[0], "model"), model)
                with open(os.path.join(model, "tokenizer.json"), "w", encoding="utf-8") as file:
                    json.dump(letters_tokenizer(), file)
                out = self.out(family)
                self.assertExit(run("run", "theorem_slack", "--model", model, "--domain", f"prose={self.prose}",
                                    "--seq-len", 24, "--windows", 4, "--threads", 1, "--out", out), 0)
                artifact = load(artifacts_below(out)[0])
                jsonschema.Draft7Validator(schema("theorem_slack")).validate(artifact)
                self.assertEqual(artifact["summary"]["verdict"]["outcome"], "HOLDS")
                reasons = {theorem for layer in artifact["not_applicable"].values() for theorem in layer}
                measured = {theorem for layer in artifact["cases"].values() for theorem in layer}
                self.assertLessEqual(missing, reasons)
                self.assertLessEqual(present, measured)
                for layer in artifact["layers"]:
                    of_layer = [*artifact["cases"][str(layer)], *artifact["not_applicable"][str(layer)]]
                    self.assertEqual(sorted(of_layer), sorted(artifact["theorems"]))

    def test_usage_errors(self):
        """US001, US003"""
        for arguments in (["--windows", 10], ["--domain", f"prose={self.prose}"], ["--model", SHIPPED],
                          ["--id", "QQ-1", *self.job(self.out("x"))]):
            with self.subTest(arguments=arguments):
                self.assertExit(run("theorems", "check", *arguments), 2, "error[US001]")
        self.assertExit(run("theorems", "check", *self.job(self.out("x"), "--parameter", "gauges=all")), 2, "error[US003]")
        self.assertExit(run("run", "theorem_slack", *self.job(self.out("x"), "--parameter", "context_queries=0")), 2,
                        "error[US003]")

    def test_the_page_holds_it(self):
        """US001, TH001"""
        page = os.path.join(self.out("page"), "theorems.html")
        os.makedirs(os.path.dirname(page), exist_ok=True)
        other = os.path.join(self.folder, "other.json")
        with open(other, "w", encoding="utf-8") as file:
            json.dump({"test": "kv_gauge"}, file)
        built = run("theorems", "page", "-o", page).returncode == 0
        refused = run("theorems", "page", "-o", page, "--slack", other)
        if not built:  # the program has no page: said, not shown
            self.assertExit(refused, 4, "error[TH001]")
            return
        self.assertExit(refused, 2, "error[US001]", "theorem_slack")
        artifact = artifacts_below(self.results)[0]
        self.assertExit(run("theorems", "page", "-o", page, "--slack", artifact), 0)
        with open(page, encoding="utf-8") as file:
            html = file.read()
        held = html.split('<script id="slack" type="application/json">')[1].split("</script>")[0]
        self.assertEqual(json.loads(held)["summary"]["per_theorem"], self.artifact["summary"]["per_theorem"])
        self.assertEqual(json.loads(held)["body_sha256"], self.artifact["body_sha256"])


if __name__ == "__main__":
    unittest.main()
