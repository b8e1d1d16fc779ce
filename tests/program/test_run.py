"""The run command, end to end on a tiny checkpoint: what it prints, writes and returns."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

import jsonschema
from support import FOUR, ROOT, ProgramTest, artifacts_below, digests, files_below, load, make_model, run, sha256_of

sys.path.insert(0, os.path.join(ROOT, "tests", "verify"))
import second_core  # noqa: E402  (the second verifier's canonical form)


class Run(ProgramTest):
    """One main job, looked at from all sides."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.results = os.path.join(cls.folder, "results")
        cls.first = run(*cls.main_job(cls, cls.results))

    def test_it_exits_0_and_ends_with_table_count_folder_and_next_command(self):
        self.assertExit(self.first, 0, *FOUR.split(","), "INSUFFICIENT", "REPORTED",
                        "8 tests: 4 reported, 4 insufficient\n",
                        f"Written to {self.results}: 8 artifacts (run.json), verdicts.json, results/results_")
        last = self.first.stdout.splitlines()[-1]
        self.assertRegex(last, r"^Next: \S*routegauge verify \S+ --details$")
        again = subprocess.run(last.removeprefix("Next: "), shell=True, capture_output=True, text=True, check=False)
        self.assertExit(again, 1, "8 tests: ")
        self.assertEqual(len(artifacts_below(self.results)), 8)

    def test_the_first_output_fits_a_hundred_columns(self):
        lines = self.first.stdout.splitlines()
        self.assertEqual([line for line in lines if len(line) > 100 and self.results not in line], [])
        for words in ("also: ", "note: ", "sha256: "):
            self.assertNotIn(words, self.first.stdout)

    def test_details_and_wide(self):
        details = run(*self.main_job(self.results, "--details"))
        self.assertExit(details, 0, "also: ", "note: ", "sha256: ", "\n  expert_load/tiny-olmoe/prose/single/run.json\n")
        self.assertExit(run(*self.main_job(self.results, "--wide")), 0, "STABILITY", "REPL", "N90", "MODEL")

    def test_layout(self):
        found = files_below(self.results)
        for test in FOUR.split(","):
            for domain in ("prose", "code"):
                for name in ("run.json", "manifest.json", "run.log"):
                    self.assertIn(f"{test}/tiny-olmoe/{domain}/single/{name}", found)
        results = [name for name in found if re.fullmatch(r"results/results_\d{8}_\d{6}\.json", name)]
        self.assertEqual(len(results), 1)
        summary = load(os.path.join(self.results, results[0]))
        self.assertEqual(len(summary["artifacts"]), 8)
        self.assertFalse([name for name in found if name.endswith(".tmp")])

    def test_no_path_stands_in_a_results_part(self):
        for path in artifacts_below(self.results):
            artifact = load(path)
            artifact.pop("manifest")
            self.assertNotIn(self.folder, json.dumps(artifact))

    def test_artifacts_follow_their_schemas(self):
        schemas = os.path.join(ROOT, "schema")
        for path in artifacts_below(self.results):
            artifact = load(path)
            schema = load(os.path.join(schemas, f"{artifact['test']}.schema.json"))
            jsonschema.Draft7Validator.check_schema(schema)
            jsonschema.Draft7Validator(schema).validate(artifact)
        verdicts = load(os.path.join(self.results, "verdicts.json"))
        jsonschema.Draft7Validator(load(os.path.join(schemas, "verdicts.schema.json"))).validate(verdicts)

    def test_provenance(self):
        artifact = load(artifacts_below(self.results)[0])
        names = {row["name"]: row for row in artifact["tensors"]}
        self.assertIn("model.layers.2.mlp.experts.7.down_proj.weight", names)
        inputs = {row["name"]: row["sha256"] for row in artifact["inputs"]}
        self.assertEqual(inputs["config.json"], sha256_of(os.path.join(self.model, "config.json")))
        self.assertEqual(inputs["tokenizer.json"], sha256_of(os.path.join(self.model, "tokenizer.json")))
        self.assertEqual(len(artifact["data"]["doc_ids"]), 24)
        self.assertEqual(artifact["settings"]["seq_len"], 32)

    def test_weights_are_read_once(self):
        for path in artifacts_below(self.results):
            manifest = load(path)["manifest"]
            size = os.path.getsize(os.path.join(self.model, "model.safetensors"))
            self.assertLessEqual(manifest["weight_bytes_read"], size)

    def test_the_same_run_is_done(self):
        again = run(*self.main_job(self.results, "--threads", 1, "--block-windows", 3))
        self.assertExit(again, 0, "done already", "INSUFFICIENT")
        self.assertEqual(len(files_below(os.path.join(self.results, "results"))), 1)

    def test_another_run_is_refused_then_replaces(self):
        out = self.out("other")
        shutil.copytree(self.results, out)
        before = digests(out)
        self.assertExit(run(*self.main_job(out, "--seed", 7)), 2, "error[US002]", "--overwrite")
        self.assertEqual(digests(out), before)
        job = ["run", "expert_load", "--model", self.model, "--domain", f"prose={self.prose}", "--out", out,
               "--seq-len", 32, "--windows", 24, "--overwrite"]
        self.assertExit(run(*job), 0)
        self.assertEqual(list(digests(out)), ["expert_load/prose"])

    def test_results_of_unknown_origin_are_not_replaced(self):
        out = self.out("foreign")
        os.makedirs(os.path.join(out, "expert_load"))
        self.assertExit(run(*self.main_job(out, experiments="expert_load")), 2, "error[US002]")

    def test_settings_that_no_run_wrote(self):
        good = load(os.path.join(self.results, "run_settings.json"))
        row = good["artifacts"][0]
        broken = [None, [], {}, {**good, "artifacts": {}}, {**good, "done": 1}, {**good, "run_id": None},
                  {**good, "artifacts": [None]}, {**good, "artifacts": ["x"]}, {**good, "artifacts": [row, []]},
                  {**good, "artifacts": [{**row, "path": "/etc/passwd"}]},
                  {**good, "artifacts": [{**row, "path": "../elsewhere/run.json"}]},
                  {**good, "artifacts": [{**row, "path": ""}]}]
        for key in row:
            broken += [{**good, "artifacts": [{**row, key: 7}]},
                       {**good, "artifacts": [{k: v for k, v in row.items() if k != key}]}]
        texts = [json.dumps(settings) for settings in broken] + ["", "{", '{"a":1,"a":2}', "\u00ff\n"]
        out = self.out("broken")
        os.makedirs(out)
        for text in texts:
            for more in ([], ["--overwrite"]):
                with self.subTest(text=text[:80], more=more):
                    with open(os.path.join(out, "run_settings.json"), "w", encoding="utf-8") as file:
                        file.write(text)
                    self.assertExit(run(*self.main_job(out, *more)), 2, "error[US002]", "run_settings.json")
        self.assertEqual(files_below(out), ["run.lock", "run_settings.json"])

    def test_skipped_links_are_told(self):
        prose = self.out("linked")
        shutil.copytree(self.prose, prose)
        os.symlink(os.path.join(self.code, "0000.txt"), os.path.join(prose, "link.txt"))
        os.mkfifo(os.path.join(prose, "fifo.txt"))
        out = self.out("linked")
        job = ["run", "expert_load", "--model", self.model, "--domain", f"prose={prose}", "--out", out, "--seq-len", 32,
               "--windows", 12]
        self.assertExit(run(*job), 0, "2 links, FIFOs or devices")
        artifact = load(artifacts_below(out)[0])
        self.assertEqual(artifact["data"]["skipped_links"], 2)
        self.assertTrue(any("2 links" in note for note in artifact["data"]["notes"]), artifact["data"]["notes"])
        self.assertEqual(load(os.path.join(self.results, os.path.relpath(artifacts_below(out)[0], out)))["data"][
            "skipped_links"], 0)

    def test_names_that_would_steer_a_terminal(self):
        """Files hold them as \\uXXXX; program, verifier and a plain reader of JSON agree on the digest."""
        hidden = "\x1b\x7f\u009b\u202e\u2028"
        prose = self.out("hidden")
        shutil.copytree(self.prose, prose)
        for name in os.listdir(prose):
            os.rename(os.path.join(prose, name), os.path.join(prose, f"{hidden}{name}"))
        out = self.out("hidden")
        job = ["run", "expert_load", "--model", self.model, "--domain", f"prose={prose}", "--out", out, "--seq-len", 32,
               "--windows", 12]
        self.assertExit(run(*job), 0)
        for name in files_below(out):
            with open(os.path.join(out, name), encoding="utf-8") as file:
                self.assertFalse(set(hidden) & set(file.read()), name)
        artifact = load(artifacts_below(out)[0])
        self.assertTrue(artifact["data"]["doc_ids"][0].startswith(hidden))
        with open(artifacts_below(out)[0], encoding="utf-8") as file:
            self.assertEqual(second_core.digest(second_core.read(file.read())), artifact["body_sha256"])
        self.assertNotIn("INVALID", run("verify", out).stdout)

    def test_a_damaged_artifact_is_measured_again(self):
        out = self.out("damaged")
        shutil.copytree(self.results, out)
        victim = artifacts_below(out)[3]
        before = digests(out)
        with open(victim, "r+b") as file:
            file.truncate(1000)
        self.assertExit(run(*self.main_job(out)), 0)
        self.assertEqual(digests(out), before)

    def test_layers_and_parameters(self):
        out = self.out("layers")
        self.assertExit(run(*self.main_job(out, "--layers", "0,2", experiments="expert_load")), 0)
        for path in artifacts_below(out):
            self.assertEqual(load(path)["layers"], [0, 2])
        by_parameter = self.out("layers")
        self.assertExit(run(*self.main_job(by_parameter, "--parameter", "layers=[0,2]", experiments="expert_load")), 0)
        self.assertEqual(digests(out), digests(by_parameter))

    def test_prompts_of_ones_own(self):
        prompts = os.path.join(self.folder, "prompts.json")
        with open(prompts, "w", encoding="utf-8") as file:
            json.dump(["the inn", "x1 = 12"], file)
        out = self.out("prompts")
        self.assertExit(run(*self.main_job(out, "--parameter", f"prompts={prompts}", experiments="attention_router")), 0)
        artifact = load(artifacts_below(out)[0])
        self.assertEqual({row["text"] for row in artifact["prompts"]}, {"the inn", "x1 = 12"})

    def test_default_prompts_and_probes(self):
        artifact = next(load(path) for path in artifacts_below(self.results) if "attention_router" in path)
        self.assertEqual(len({row["text"] for row in artifact["prompts"]}), 9)
        self.assertEqual({row["target"] for row in artifact["probes"]}, {"127", "+", "def"})
        for row in artifact["probes"]:
            if row["convention"] == "exact" and row["target"] == "+":
                self.assertEqual(row["token_id"], ord("+"))

    def test_several_models(self):
        other = make_model(self.out("second"), seed=2)
        out = self.out("models")
        job = ["run", "expert_load", "--parameter", f"models={json.dumps([self.model, other])}", "--domain",
               f"prose={self.prose}", "--out", out, "--seq-len", 32, "--windows", 24]
        self.assertExit(run(*job), 0)
        self.assertEqual({load(path)["model"]["ckpt"] for path in artifacts_below(out)},
                         {"tiny-olmoe", os.path.basename(other)})

        plan = ["plan", *job[1:], "--threads", 1]
        text = run(*plan)
        self.assertExit(text, 0)
        self.assertIn("\nall models\n  passes      2\n", text.stdout)
        found = json.loads(run(*plan, "--json").stdout)
        self.assertEqual(len(found["plans"]), 2)
        for field in ("read_bytes", "flops", "extra_flops"):
            self.assertEqual(found["together"][field], sum(one[field] for one in found["plans"]), field)
        self.assertEqual(found["together"]["peak_bytes"], max(one["peak_bytes"] for one in found["plans"]))

    def test_refusals_before_the_first_weight_byte(self):
        """CO001 RT002 RT006: the output folder keeps nothing but the lock."""
        for words, more, options in [
                ("CO001", (), {"windows": 5000}),
                ("RT006", (), {"seq_len": 8}),
                ("RT002", ("--layers", "0,1"), {"experiments": "terminal_ovk_scan"})]:
            out = self.out("refused")
            self.assertExit(run(*self.main_job(out, *more, **options)), 3, f"error[{words}]")
            self.assertLessEqual(set(files_below(out)), {"run.lock"})

    def test_a_model_that_always_selects_every_expert(self):
        """RT001: the set margin doesn't exist, which the load of the experts doesn't need."""
        model = make_model(self.out("all-selected"), num_experts_per_tok=8)
        for experiments, code, words in [("terminal_ovk_scan", 3, "8 eligible experts for k=8"), ("expert_load", 0, "")]:
            job = self.main_job(self.out("all-selected-run"), experiments=experiments)
            job[job.index(self.model)] = model
            result = run(*job)
            self.assertExit(result, code, words)
            self.assertEqual("error[RT001]" in result.stderr, code == 3)

    def test_progress_for_programs(self):
        result = run("--progress", "json", *self.main_job(self.out("progress"), experiments="expert_load"))
        events = [json.loads(line) for line in result.stderr.splitlines()]
        shares = [event["share"] for event in events if event["event"] == "layer"]
        self.assertEqual(shares, sorted(shares))
        self.assertEqual({event["layer"] for event in events if event["event"] == "layer"}, {0, 1, 2})

    def test_quiet(self):
        result = run("--quiet", *self.main_job(self.out("quiet"), experiments="expert_load"))
        self.assertExit(result, 0, "REPORTED")
        self.assertEqual(result.stderr, "")


if __name__ == "__main__":
    unittest.main()
