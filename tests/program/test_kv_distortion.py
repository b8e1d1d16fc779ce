"""kv_distortion end to end on the shipped model: by name alone, by its schema, with the same bits for any threads."""

import itertools
import json
import os
import unittest

import jsonschema
from support import ROOT, ProgramTest, artifacts_below, digests, load, run

SHIPPED = os.path.join(ROOT, "models", "routegauge-tiny-olmoe")
SUMS = ("error", "forecast", "product", "forecast_squares", "variation", "divergence", "score_squares",
        "isotropic_squares")


def records(artifact):
    """Every record of a head with its path, its code and the number of cases."""
    for layer, heads in artifact["heads"].items():
        for number, head in enumerate(heads):
            for code, found in zip(artifact["codes"], head["codes"]):
                for which in ("all", "sinks_exact"):
                    yield (layer, number, code, which), found[which], head["cases"]


class KvDistortion(ProgramTest):
    documents, words_each = 44, 90

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.schema = load(os.path.join(ROOT, "schema", "kv_distortion.schema.json"))
        cls.results = os.path.join(cls.folder, "results")
        cls.first = run(*cls.job("run", cls.results))
        cls.artifact = load(artifacts_below(cls.results)[0])

    @classmethod
    def job(cls, command, out, *more):
        job = [command, "kv_distortion", "--model", SHIPPED, "--domain", f"prose={cls.prose}", "--seq-len", 64,
               "--windows", 40, "--layers", "0,5", "--out", out, "--parameter", "bootstrap=200", *more]
        return job + ([] if "--threads" in more else ["--threads", 2])

    def test_it_writes_one_artifact_by_its_schema(self):
        self.assertExit(self.first, 0, "kv_distortion")
        self.assertEqual(len(artifacts_below(self.results)), 1)
        jsonschema.Draft7Validator.check_schema(self.schema)
        jsonschema.Draft7Validator(self.schema).validate(self.artifact)

    def test_what_is_measured(self):
        artifact = self.artifact
        self.assertEqual(artifact["verification"]["required_layers"], [0, 5])
        self.assertEqual(artifact["without_keys"], {})
        windows = artifact["data"]["doc_ids"]
        numbers = {document: number for number, document in enumerate(dict.fromkeys(windows))}
        held_out = [w for w, document in enumerate(windows) if numbers[document] % 2 == 1]
        measured = artifact["measured"]
        taken = min(32, len(held_out))
        self.assertEqual(measured["windows"], [held_out[i * len(held_out) // taken] for i in range(taken)])
        documents = [windows[w] for w in measured["windows"]]
        order = {document: number for number, document in enumerate(dict.fromkeys(documents))}
        self.assertEqual(measured["documents"], [order[document] for document in documents])
        fitted = [w for w, document in enumerate(windows) if numbers[document] % 2 == 0]
        self.assertEqual(measured["fit_keys"], sum(artifact["per_window"]["keys"][w] for w in fitted))
        self.assertTrue(all(len(set(positions)) == 4 for positions in measured["positions"]))
        self.assertEqual(len(artifact["codes"]), 24)
        self.assertEqual(artifact["codes"][6], {"bits": 2, "scale": "key", "rule": "least_squares", "centring": "raw",
                                                "gauge": "identity", "values": False})

    def test_heads_and_windows_add_up_to_the_same(self):
        for layer, windows in self.artifact["per_window"]["attention"].items():
            heads = self.artifact["heads"][layer]
            queries = sum(map(len, self.artifact["measured"]["positions"]))
            for name in ("cases", "trivial"):
                self.assertEqual(sum(windows[name]), sum(head[name] for head in heads))
            self.assertEqual(sum(windows["cases"]) + sum(windows["trivial"]),
                             queries * self.artifact["attention"][layer]["heads"])
            for code, which in itertools.product(range(24), ("all", "sinks_exact")):
                of_windows = windows["codes"][code][which]
                of_heads = [head["codes"][code][which] for head in heads]
                for name in SUMS:
                    total = sum(of_windows[name])
                    self.assertAlmostEqual(sum(head[name] for head in of_heads), total, delta=1e-9 * total)
                for bound, counts in of_windows["vacuous"].items():
                    self.assertEqual(sum(head["vacuous"][bound] for head in of_heads), sum(counts))

    def test_bounds_hold_and_numbers_stay_within_their_ranges(self):
        verdict = self.artifact["summary"]["verdict"]
        self.assertEqual((verdict["outcome"], verdict["bounds_hold"]), ("HOLDS", True))
        largest = max(value for _, record, _ in records(self.artifact) for value in record["excess"].values())
        self.assertEqual(verdict["largest_excess"], largest)
        for path, record, cases in records(self.artifact):
            self.assertLessEqual(record["variation"], cases, path)
            errors, vacuous = record["errors"], record["vacuous"]
            self.assertTrue(0 <= errors["median"] <= errors["p95"] <= errors["largest"] <= record["error"], path)
            self.assertTrue(vacuous["B1"] <= vacuous["B2"] <= vacuous["B3"] <= vacuous["B4"] <= cases, path)
            self.assertLessEqual(vacuous["B3"], vacuous["B5"], path)
            for name in ("error", "forecast"):
                self.assertAlmostEqual(sum(record["deciles"][name]), record[name], delta=1e-9 * record[name])
            if not path[2]["values"]:
                self.assertLessEqual(errors["largest"], 1 + 1e-9, path)

    def test_bits_are_what_they_promise(self):
        found = {(code["bits"], code["scale"], code["rule"], code["values"]): of_code
                 for code, of_code in zip(self.artifact["codes"], self.artifact["summary"]["codes"])}
        plain = [found[bits, "key", "least_squares", False] for bits in (1, 2, 3, 4)]
        for fewer, more in zip(plain, plain[1:]):
            self.assertLess(more["key_error"], fewer["key_error"])
            self.assertLess(more["all"]["error"]["mean"], fewer["all"]["error"]["mean"])
            self.assertLessEqual(more["all"]["vacuous"]["B3"], fewer["all"]["vacuous"]["B3"])
        anchors = self.artifact["summary"]["anchors"]["gaussian_mse"]
        for code, anchor in zip(plain, anchors):
            self.assertTrue(0.3 * anchor < code["key_error"] < 3 * anchor, (code["key_error"], anchor))
        for bits in (1, 2, 3, 4):
            self.assertLess(found[bits, "key", "least_squares", False]["key_error"],
                            found[bits, "key", "norm", False]["key_error"])
            self.assertLess(found[bits, "key", "norm", False]["key_error"],
                            found[bits, "key", "unbiased", False]["key_error"])
            self.assertGreater(found[bits, "key", "least_squares", True]["value_error"], 0)

    def test_threads_and_blocks_change_no_bit(self):
        out = self.out("other")
        self.assertExit(run(*self.job("run", out, "--threads", 1, "--block-windows", 3)), 0)
        self.assertEqual(digests(out), digests(self.results))

    def test_all_codes_of_keys_before_rope(self):
        out = self.out("normed")
        more = [word for key, value in {"step": "normed", "codes": "all", "coded_values": "false", "fewest_bits": 2,
                                        "most_bits": 2, "measured_windows": 6, "sink_positions": 0}.items()
                for word in ("--parameter", f"{key}={value}")]
        self.assertExit(run(*self.job("run", out, *more)), 0)
        artifact = load(artifacts_below(out)[0])
        jsonschema.Draft7Validator(self.schema).validate(artifact)
        self.assertEqual(len(artifact["codes"]), 8)
        self.assertEqual(artifact["summary"]["verdict"]["outcome"], "HOLDS")
        for (_, _, code, which), record, _ in records(artifact):
            if which == "all":
                everything = record
            else:
                self.assertEqual(record, everything, code)  # without sinks they are the same

    def test_it_refuses_more_fewest_bits_than_most(self):
        result = run(*self.job("run", self.out("none"), "--parameter", "fewest_bits=3", "--parameter", "most_bits=2"))
        self.assertExit(result, 2, "US003")

    def test_the_plan_counts_it_and_all_leaves_it_out(self):
        plan = run(*self.job("plan", self.out("none")))
        self.assertExit(plan, 0, "kv_distortion: its own work")
        every = [word if word != "kv_distortion" else "all" for word in self.job("plan", self.out("none"))]
        self.assertNotIn("kv_distortion", run(*every).stdout)
        bytes_of = lambda *more: json.loads(run(*self.job("plan", self.out("none"), *more, "--json")).stdout)["peak_bytes"]
        few = bytes_of("--parameter", "measured_windows=1", "--parameter", "codes=plain")
        self.assertGreater(bytes_of(), few)
        self.assertGreater(bytes_of("--parameter", "step=normed"), bytes_of())


if __name__ == "__main__":
    unittest.main()
