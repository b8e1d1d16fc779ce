"""kv_gauge end to end on the shipped model: by name alone, by its schema, with the same bits for any threads."""

import json
import os
import unittest

import jsonschema
from support import ROOT, ProgramTest, artifacts_below, digests, load, run

SHIPPED = os.path.join(ROOT, "models", "routegauge-tiny-olmoe")


class KvGauge(ProgramTest):
    documents, words_each = 44, 90

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.results = os.path.join(cls.folder, "results")
        cls.first = run(*cls.job("run", cls.results))
        cls.artifact = load(artifacts_below(cls.results)[0])

    @classmethod
    def job(cls, command, out, *more):
        job = [command, "kv_gauge", "--model", SHIPPED, "--domain", f"prose={cls.prose}", "--seq-len", 64, "--windows",
               40, "--layers", "0,5", "--out", out, "--parameter", "bootstrap=200", *more]
        return job + ([] if "--threads" in more else ["--threads", 2])

    def test_it_writes_one_artifact_by_its_schema(self):
        self.assertExit(self.first, 0, "kv_gauge")
        self.assertEqual(len(artifacts_below(self.results)), 1)
        schema = load(os.path.join(ROOT, "schema", "kv_gauge.schema.json"))
        jsonschema.Draft7Validator.check_schema(schema)
        jsonschema.Draft7Validator(schema).validate(self.artifact)

    def test_what_it_holds(self):
        artifact = self.artifact
        self.assertEqual(artifact["verification"]["required_layers"], [0, 5])
        self.assertEqual(artifact["attention"]["0"]["norm"], "full_width")
        self.assertEqual(artifact["attention"]["5"]["costs"]["itq_cosine"], "online_square")
        windows = artifact["data"]["doc_ids"]
        numbers = {document: number for number, document in enumerate(dict.fromkeys(windows))}
        expected = [-1 if numbers[document] % 2 == 0 else numbers[document] // 2 % 128 for document in windows]
        self.assertEqual(artifact["units"]["of_window"], expected)
        per_window = artifact["per_window"]
        self.assertEqual(per_window["keys"], [60] * 40)
        for heads in artifact["heads"].values():
            self.assertEqual(len(heads), 2)
            for head in heads:
                fitted = sum(keys for keys, unit in zip(per_window["keys"], expected) if unit < 0)
                self.assertEqual(head["fit_keys"] + head["fit_zero_keys"], fitted)
                self.assertEqual(len(head["gauges"]), 13 + 10 + 3)
                for gauge in head["gauges"]:
                    self.assertNotIn("refused", gauge)
                    self.assertAlmostEqual(sum(gauge["cosines"]), gauge["held_out"]["cosines"], 9)
                    cosine = gauge["held_out"]["cosines"] / sum(head["keys"])
                    self.assertTrue(32**-0.5 <= cosine <= 1, cosine)
        self.assertTrue(any("fitted keys per coordinate" in note for note in artifact["notes"]))

    def test_threads_and_blocks_change_no_bit(self):
        out = self.out("other")
        self.assertExit(run(*self.job("run", out, "--threads", 1, "--block-windows", 3)), 0)
        self.assertEqual(digests(out), digests(self.results))

    def test_keys_before_rope(self):
        out = self.out("normed")
        more = ("--parameter", "step=normed", "--parameter", "gauges=verdict", "--parameter", "centring=dataset_mean")
        self.assertExit(run(*self.job("run", out, *more)), 0)
        artifact = load(artifacts_below(out)[0])
        jsonschema.Draft7Validator(load(os.path.join(ROOT, "schema", "kv_gauge.schema.json"))).validate(artifact)
        head = artifact["heads"]["5"][1]
        self.assertIsNone(head["ceiling"])
        self.assertGreater(head["centring"]["dataset_mean"]["correction"]["rms"], 0)
        self.assertEqual(artifact["attention"]["5"]["costs"]["itq_cosine"], "codec")

    def test_the_plan_counts_it_and_all_leaves_it_out(self):
        plan = run(*self.job("plan", self.out("none")))
        self.assertExit(plan, 0, "kv_gauge: its own work")
        every = [word if word != "kv_gauge" else "all" for word in self.job("plan", self.out("none"))]
        self.assertNotIn("kv_gauge", run(*every).stdout)
        self.assertExit(run("run", "--help"), 0, "Not in `all`.")
        bytes_of = lambda job: json.loads(run(*job, "--json").stdout)["peak_bytes"]
        load_alone = [word if word != "kv_gauge" else "expert_load" for word in self.job("plan", self.out("none"))]
        few = bytes_of(self.job("plan", self.out("none"), "--parameter", "key_positions=1"))
        self.assertGreater(bytes_of(self.job("plan", self.out("none"))), few)
        self.assertGreater(few, bytes_of(load_alone) // 2)


if __name__ == "__main__":
    unittest.main()
