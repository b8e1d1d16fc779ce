"""audit MODEL --keys FILE, end to end: the shipped model with its keys in few bits, other mixers, and refusals."""

import json
import os
import shutil
import unittest

import jsonschema
from support import PROGRAM, ROOT, ProgramTest, artifacts_below, files_below, load, make_text, run
from test_families import FAMILIES, letters_tokenizer

SHIPPED = os.path.join(ROOT, "models", "routegauge-tiny-olmoe")
NAME = "routegauge-tiny-olmoe"
ROWS = {"step": "scored", "layers": "all", "bits": 4, "scale": "key", "rule": "least_squares", "values": False}
CHANNELS = {**ROWS, "bits": 1, "scale": "channel", "rule": "norm", "values": True, "layers": [5, 2],
            "fit": {"documents": "even", "positions": 16, "sink_positions": 4}}


class StoredKeys(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = {}
        cls.fine, cls.coarse = cls.audited(ROWS), cls.audited(CHANNELS)

    @classmethod
    def keys(cls, content):
        """A file of stored keys."""
        path = os.path.join(cls.folder, f"keys-{len(cls.files)}.json")
        cls.files[path] = content
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        return path

    @classmethod
    def job(cls, content, *more, command=("audit",), model=SHIPPED, prose=None, windows=10):
        threads = () if "--threads" in more else ("--threads", 2)
        return [*command, model, "--keys", cls.keys(content), "--domain", f"prose={prose or cls.prose}", "--windows",
                windows, "--seq-len", 32, "--parameter", "bootstrap=200", "--compute", "f32", *threads, *more]

    @classmethod
    def audited(cls, content, *more, **where):
        out = os.path.join(cls.folder, f"results-{len(cls.files)}")
        return out, run(*cls.job(content, "--out", out, *more, **where))

    def artifact(self, audited, code=0):
        out, result = audited
        self.assertExit(result, code)
        (path,) = artifacts_below(out)
        return load(path)

    def test_four_bits_change_little(self):
        artifact = self.artifact(self.fine)
        self.assertEqual(artifact["edge"]["ckpt_b"], f"{NAME} (scored keys in 4 bits)")
        self.assertEqual(artifact["summary"]["outcome"], "CHANGED")
        damage = artifact["summary"]["damage"]
        self.assertTrue(0 < damage["kl"]["mean"] < 0.1, damage["kl"])
        self.assertLess(abs(damage["loss_delta"]["mean"]), 0.05)
        coarse = self.artifact(self.coarse)["summary"]
        self.assertGreater(coarse["damage"]["kl"]["mean"], damage["kl"]["mean"])

    def test_what_was_changed_is_stated(self):
        self.assertEqual(self.artifact(self.fine)["settings"]["key_change"], {
            "name": "scored keys in 4 bits", "step": "scored", "layers": list(range(8)),
            "description": {"bits": 4, "scale": "key", "rule": "least_squares", "values": False, "fit": None}})
        artifact = self.artifact(self.coarse)
        self.assertEqual(artifact["settings"]["key_change"], {
            "name": "scored keys and values in 1 bit", "step": "scored", "layers": [2, 5],
            "description": {key: CHANNELS[key] for key in ("bits", "scale", "rule", "values", "fit")}})
        for layer in ("0", "1"):
            self.assertEqual(sum(artifact["per_window"]["flips"][layer]), 0)
        self.assertGreater(sum(artifact["per_window"]["flips"]["2"]), 0)
        self.assertEqual(artifact["other"]["tensors"], artifact["tensors"])
        schema = load(os.path.join(ROOT, "schema", "audit.schema.json"))
        for one in (self.fine, self.coarse):
            jsonschema.Draft7Validator(schema).validate(self.artifact(one))

    def test_the_table_says_it(self):
        words = " ".join(self.coarse[1].stdout.split())
        self.assertIn("B is A with scored keys and values in 1 bit at 2 layers: a scale for every channel, norm, fitted "
                      "on every other document, from the first on.", words)
        self.assertIn("With scored keys and values in 1 bit, ", words)
        self.assertIn("at 8 layers: a scale for every row, least_squares.", " ".join(self.fine[1].stdout.split()))

    def test_the_artifacts_verify_and_doctored_ones_do_not(self):
        for out, _ in (self.fine, self.coarse):
            self.assertExit(run("verify", out), 0, "REPORTED")
        artifact = self.artifact(self.coarse)
        for change in ({"layers": [6]}, {"name": "scored keys in 1 bit"}, {"step": "cached"}):
            folder = self.out("doctored")
            os.makedirs(folder)
            doctored = json.loads(json.dumps(artifact))
            doctored["settings"]["key_change"].update(change)
            with open(os.path.join(folder, "run.json"), "w", encoding="utf-8") as file:
                json.dump(doctored, file)
            verified = run("verify", folder, "--json")
            self.assertExit(verified, 6)
            (row,) = json.loads(verified.stdout)["verdicts"]
            self.assertIn("key_change_stated", [reason["check"] for reason in row["reasons"]])

    def test_threads_and_blocks_change_no_bit(self):
        again = self.artifact(self.audited(CHANNELS, "--threads", 1, "--block-windows", 3))
        self.assertEqual(again["body_sha256"], self.artifact(self.coarse)["body_sha256"])

    def test_plan_says_passes_and_memory(self):
        planned = run(*self.job(CHANNELS, "--json", command=("plan", "audit")))
        self.assertExit(planned, 0)
        plans = json.loads(planned.stdout)["plans"]
        other = self.artifact(self.coarse)["audit"]["other_compute"]
        self.assertEqual(len(plans), 5 if other else 4)
        changed = [bool(plan.get("intervention") and any("change_keys" in row["action"] for row in
                                                         plan["intervention"]["interventions"])) for plan in plans]
        self.assertEqual(changed[-3:], [True, False, True])
        without = json.loads(run(*self.job(ROWS, "--json", command=("plan", "audit"))).stdout)["plans"]
        self.assertGreater(plans[0]["peak_bytes"], without[0]["peak_bytes"])  # it fits scales
        text = run(*self.job(CHANNELS, command=("plan", "audit")))
        self.assertExit(text, 0, "changed by the change of keys 'scored keys and values in 1 bit', at 2 layers")

    def test_the_same_audit_is_not_measured_again(self):
        out, _ = self.fine
        self.assertExit(run(*self.job(ROWS, "--out", out)), 0, "this run is done already")
        self.assertExit(run(*self.job({**ROWS, "bits": 3}, "--out", out)), 2, "error[US002]")

    def golden(self, family, shape):
        folder = self.out(family)
        shutil.copytree(os.path.join(FAMILIES, family, shape, "model"), folder)
        with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
            json.dump(letters_tokenizer(), file)
        return folder

    def test_latents(self):
        """Of a model with latent attention, as it is cached."""
        model = self.golden("deepseek_v2", "triples-v4")
        prose = make_text(self.out("letters"), "prose", 12, 30)
        latents = {**ROWS, "step": "latent", "values": True, "bits": 2}
        head = {**latents, "scale": "head", "fit": CHANNELS["fit"]}
        damages = []
        for content in (latents, head):
            audited = self.audited(content, model=model, prose=prose)
            artifact = self.artifact(audited)
            self.assertEqual(artifact["settings"]["key_change"]["name"], "latents in 2 bits")
            self.assertGreater(artifact["summary"]["damage"]["kl"]["mean"], 0)
            damages.append(artifact["summary"]["damage"]["kl"]["mean"])
            self.assertExit(run("verify", audited[0]), 0, "REPORTED")
        self.assertNotEqual(*damages)
        self.refused("US001", {**ROWS, "step": "normed"}, "layer 0", "expected scored or latent", model=model)

    def test_layers_without_keys(self):
        model = self.golden("granitemoehybrid", "nope-tied-v4")
        self.refused("US001", {**ROWS, "layers": [0, 1]}, "layer 0", "Mamba-2", model=model)
        planned = run(*self.job(ROWS, "--json", command=("plan", "audit"), model=model))
        rows = json.loads(planned.stdout)["plans"][-1]["intervention"]["interventions"]
        self.assertEqual([row["layer"] for row in rows if "change_keys" in row["action"]], [1])

    def refused(self, error, content, *words, **where):
        out, result = self.audited(content, **where)
        self.assertExit(result, 3 if error.startswith("JS") else 2, f"error[{error}]", *words)
        self.assertEqual([name for name in files_below(out) if name.endswith(".json")], [])

    def test_files_that_do_not_fit(self):
        self.refused("US001", [], "the file", "stored_keys_file.schema.json")
        self.refused("US001", {**ROWS, "bits": 5}, "bits", "found 5, expected a whole number from 1 to 4")
        self.refused("US001", {**ROWS, "layers": [8]}, "layers[0]", "from 0 to 7")
        self.refused("US001", {**ROWS, "step": "latent", "values": True}, "layer 0", "latent attention")
        self.refused("US001", {**ROWS, "scale": "row"}, "scale", "channel")
        self.refused("US001", {**ROWS, "scale": "head"}, "values, fit")
        self.refused("US001", {**CHANNELS, "fit": {**CHANNELS["fit"], "sink_positions": 16}}, "fit.sink_positions")
        self.refused("JS001", "{")

    def test_the_schema_of_the_file(self):
        schema = load(os.path.join(ROOT, "schema", "stored_keys_file.schema.json"))
        jsonschema.Draft7Validator.check_schema(schema)
        check = jsonschema.Draft7Validator(schema)
        for content in (ROWS, CHANNELS, {**ROWS, "step": "latent", "values": True}):
            check.validate(content)
        for content in ({**ROWS, "bits": 5}, {**ROWS, "fit": CHANNELS["fit"]}, {**ROWS, "scale": "head"}, {},
                        {**ROWS, "step": "latent"}, {**ROWS, "layers": []}, {**ROWS, "layers": [1, 1]},
                        {**ROWS, "more": 1}, {**CHANNELS, "fit": {"documents": "even"}}):
            self.assertFalse(check.is_valid(content), content)

    def test_options_that_do_not_go_together(self):
        keys, prose = self.keys(ROWS), f"prose={self.prose}"
        self.assertExit(run("audit", SHIPPED, SHIPPED, "--keys", keys, "--domain", prose), 2, "given with two checkpoints")
        self.assertExit(run("audit", SHIPPED, "--domain", prose), 2, "--keys FILE")
        self.assertExit(run("audit", SHIPPED, "--keys", keys), 2, "--domain")
        self.assertExit(run("audit", SHIPPED, "--keys", keys + ".none", "--domain", prose), 4, "error[IO003]")
        self.assertExit(run("plan", "expert_load", "--model", SHIPPED, "--keys", keys, "--windows", 4), 2, "`audit`")
        self.assertExit(run("plan", "suite", "--family", keys, "--keys", keys), 2, "--keys: found given")


if __name__ == "__main__":
    assert os.path.exists(PROGRAM), PROGRAM
    unittest.main()
