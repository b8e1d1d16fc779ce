"""key_only_router end to end on the shipped model: by name alone, by its schema, with the same bits for any threads."""

import json
import os
import unittest

import jsonschema
from support import ROOT, ProgramTest, artifacts_below, digests, load, run

SHIPPED = os.path.join(ROOT, "models", "routegauge-tiny-olmoe")


class KeyOnlyRouter(ProgramTest):
    documents, words_each = 60, 90

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.results = os.path.join(cls.folder, "results")
        cls.first = run(*cls.job("run", cls.results))
        cls.artifact = load(artifacts_below(cls.results)[0])

    @classmethod
    def job(cls, command, out, *more):
        small = ("--parameter", "mlp_hidden=64", "--parameter", "mlp_epochs=3")
        return cls.job_of("key_only_router", command, out, *small, *more)

    @classmethod
    def job_of(cls, experiments, command, out, *more, layers=("--layers", "0,5")):
        job = [command, experiments, "--model", SHIPPED, "--domain", f"prose={cls.prose}", "--seq-len", 64,
               "--windows", 60, *layers, "--out", out, "--parameter", "bootstrap=200", *more]
        return job + ([] if "--threads" in more else ["--threads", 2])

    def test_it_writes_one_artifact_by_its_schema(self):
        self.assertIn("key_only_router", self.first.stdout + self.first.stderr)
        self.assertEqual(len(artifacts_below(self.results)), 1)
        schema = load(os.path.join(ROOT, "schema", "key_only_router.schema.json"))
        jsonschema.Draft7Validator.check_schema(schema)
        jsonschema.Draft7Validator(schema).validate(self.artifact)

    def test_what_it_holds(self):
        artifact = self.artifact
        self.assertEqual(artifact["verification"]["required_layers"], [0, 5])
        geometry = artifact["geometry"]["5"]
        self.assertEqual(geometry["rank"], 64)  # two KV heads of 32, in a model of width 128
        self.assertEqual(geometry["directions"], 15)
        self.assertEqual(geometry["eta_null"], 0.5)
        self.assertTrue(0.1 < geometry["eta"] < 0.9, geometry["eta"])
        self.assertEqual(len(geometry["angles"]), 15)
        self.assertEqual(artifact["architecture"]["0"]["table"][0]["theorem"], "KR-6 (a)")
        split = artifact["split"]
        windows = split["of_window"]
        self.assertEqual(split["documents"], len(set(artifact["data"]["doc_ids"])))
        self.assertEqual(split["fitted"] + split["choosing"] + split["tests"], split["documents"])
        units = [64 * windows.count(unit) for unit in range(split["units"])]
        self.assertTrue(all(units))
        for layer, entries in artifact["predictors"].items():
            self.assertEqual(len(entries), 20)
            # So few rows may leave the closed form without a solution; the ridge has one.
            missing = {entry["features"] for entry in entries if entry["model"] == "ridge" and "refused" in entry}
            self.assertEqual(missing, {"previous"} if layer == "0" else set())
            summary = artifact["summary"]["per_layer"][layer]
            for entry, found in zip(entries, summary["predictors"]):
                if "refused" in entry:
                    self.assertIsNone(found)
                    continue
                self.assertTrue(all(0 <= common <= 4 * rows for common, rows in zip(entry["common"], units)))
                self.assertAlmostEqual(found["overlap"]["mean"], sum(entry["common"]) / (4 * sum(units)), 12)
            self.assertGreater(summary["oracle"], 0.95)
            self.assertTrue(summary["sound"])
        overlap = {name: block["mean"] for name, block in artifact["summary"]["verdict"]["overlap"].items()}
        self.assertGreater(overlap["gate_input"], overlap["residual"])
        self.assertGreater(overlap["residual"], overlap["none"])
        self.assertGreater(overlap["keys"], overlap["none"])

    def test_threads_and_blocks_change_no_bit(self):
        out = self.out("other")
        run(*self.job("run", out, "--threads", 1, "--block-windows", 3))
        self.assertEqual(digests(out), digests(self.results))

    def test_the_plan_counts_it_and_all_leaves_it_out(self):
        plan = run(*self.job("plan", self.out("none")))
        self.assertExit(plan, 0, "key_only_router: its own work")
        self.assertIn("keys' projections as shown to experiments", plan.stdout)
        every = run(*self.job_of("all", "plan", self.out("none"), layers=()))
        self.assertEqual(every.returncode, 0, every.stderr)
        self.assertNotIn("key_only_router", every.stdout)
        bytes_of = lambda job: json.loads(run(*job, "--json").stdout)["peak_bytes"]
        few = bytes_of(self.job("plan", self.out("none"), "--parameter", "router_positions=1"))
        self.assertGreater(bytes_of(self.job("plan", self.out("none"))), few)

    def test_parameters_are_checked(self):
        many = self.job_of("key_only_router", "plan", self.out("none"), "--parameter", "mlp_hidden=5000")
        self.assertExit(run(*many), 2, "US003")


if __name__ == "__main__":
    unittest.main()
