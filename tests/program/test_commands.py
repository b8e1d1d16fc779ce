"""Every command but run, import and agree, end to end on a tiny checkpoint: what it prints, writes and returns."""

import json
import os
import re
import shutil
import struct
import sys
import unittest

from support import ROOT, ProgramTest, artifacts_below, load, make_model, on_terminal, run, sha256_of

sys.path.insert(0, os.path.join(ROOT, "tests", "verify"))
import second_core  # noqa: E402  (the second verifier's canonical form)


class CommandLine(ProgramTest):
    def test_help_shows_examples_codes_and_every_command(self):
        commands = ["inspect", "plan", "run", "verify", "trace", "import", "agree", "doctor", "theorems"]
        self.assertExit(run("--help"), 0, "Commands:", *commands)
        for command in [[]] + [[name] for name in commands] + [
                ["theorems", name] for name in ("list", "show", "status", "check", "page")]:
            with self.subTest(command=command):
                result = run(*command, "--help")
                self.assertExit(result, 0, "Usage: " + " ".join(["routegauge", *command]), "Example")
                if command != ["theorems"]:
                    self.assertIn("Exit codes:", result.stdout)
                self.assertEqual([line for line in result.stdout.splitlines() if len(line) > 100], [])
                self.assertEqual(result.stderr, "")

    def test_help_says_defaults_and_units(self):
        text = " ".join(run("run", "--help").stdout.split())
        for words in ("(default 256)", "(default 200)", "(default 64GiB)", "such as 16G or 8GiB", "Text:", "Engine:",
                      "Output:", "--details", "--wide", "resamples for the intervals: an integer from 200 to 100000; default 2000",
                      "convention attention_router:"):
            self.assertIn(words, text)

    def test_version(self):
        result = run("--version")
        self.assertExit(result, 0)
        self.assertRegex(result.stdout, r"^routegauge \d+\.\d+\.\d+\n$")

    def test_usage_errors_are_code_2(self):
        """US001"""
        for arguments in ([], ["--nonsense"], ["run"], ["run", "nothing", "--model", self.model],
                          ["run", "all", "--model", self.model],
                          ["run", "all", "--model", self.model, "--domain", "prose"],
                          ["run", "all", "--model", self.model, "--domain", f"../up={self.prose}"],
                          ["run", "all", "--domain", f"prose={self.prose}"],
                          self.main_job(self.out("x"), "--memory", "lots"),
                          self.main_job(self.out("x"), "--layers", "3-1"),
                          self.main_job(self.out("x"), "--layers", "99"),
                          self.main_job(self.out("x"), "--compute", "fp8"),
                          self.main_job(self.out("x"), "--parameter", "layers=[0]", "--layers", "0"),
                          self.main_job(self.out("x"), "--parameter", "prompts=[1]"),
                          ["trace", "--model", self.model, "--out", self.out("x")],
                          ["trace", "--model", self.model, "--tokens", "x", "--out", "y", "--tensors", "nothing"],
                          ["verify"], ["plan"], ["inspect"]):
            with self.subTest(arguments=arguments):
                self.assertExit(run(*arguments), 2, "error[US001]")

    def test_unknown_parameter_lists_the_known_ones(self):
        job = self.main_job(self.out("x"), "--parameter", "prompts=prompts.json", experiments="expert_load")
        self.assertExit(run(*job), 2, "error[US003]", "one of bootstrap, layers, models")
        self.assertExit(run(*self.main_job(self.out("x"), "--parameter", "colour=1")), 2, "error[US003]", "layers",
                        "models", "prompts")

    def test_errors_as_json(self):
        result = run("--errors=json", "inspect", os.path.join(self.folder, "nothing-here"))
        self.assertEqual(result.returncode, 3)
        error = json.loads(result.stderr)
        self.assertEqual(set(error), {"id", "file", "object", "found", "expected", "hint"})
        self.assertEqual(error["id"], "HF001")

    def test_errors_as_json_may_be_printed(self):
        name = "\x1b\x7f\u009b\u202e"
        result = run("--errors=json", "inspect", os.path.join(self.folder, name))
        self.assertFalse(set(name) & set(result.stderr), result.stderr)
        self.assertTrue(json.loads(result.stderr)["file"].endswith(name))

    def test_doctor(self):
        facts = json.loads(run("doctor", "--json").stdout)
        self.assertGreater(facts["flops_per_s"], 0)
        self.assertExit(run("doctor"), 0, "oneDNN")


class Inspect(ProgramTest):
    def test_text_names_every_gate_field_and_its_origin(self):
        result = run("inspect", self.model)
        self.assertExit(result, 0, "olmoe", "topk", "config.json: num_experts", "GQA", "BF16", "tokenizer", "0-2")
        self.assertEqual(result.stderr, "")

    def test_json_agrees_with_the_config_and_reads_no_weight(self):
        facts = json.loads(run("inspect", self.model, "--json").stdout)
        self.assertEqual(facts["gate"]["experts"], 8)
        self.assertEqual(facts["gate"]["topk"], 2)
        self.assertEqual(facts["moe_layers"], [0, 1, 2])
        self.assertEqual(facts["mixers"][0]["kind"], "GQA")
        self.assertEqual(facts["weight_bytes_read"], 0)
        size = os.path.getsize(os.path.join(self.model, "model.safetensors"))
        self.assertEqual(facts["shards"], [{"file": "model.safetensors", "bytes": size}])
        self.assertEqual(facts["tokenizer"]["largest_id"], 263)

    def test_hash_is_that_of_the_whole_file(self):
        facts = json.loads(run("inspect", self.model, "--json", "--hash").stdout)
        self.assertEqual(facts["shards"][0]["sha256"], sha256_of(os.path.join(self.model, "model.safetensors")))

    def test_without_tokenizer(self):
        model = make_model(self.out("bare"), with_tokenizer=False)
        self.assertExit(run("inspect", model), 0, "tokenizer  none")
        self.assertIsNone(json.loads(run("inspect", model, "--json").stdout)["tokenizer"])
        result = run("run", "all", "--model", model, "--domain", f"p={self.prose}", "--out", self.out("x"))
        self.assertExit(result, 3, "error[TK002]")

    def test_more_token_ids_than_embedding_rows(self):
        model = make_model(self.out("short"), vocab_size=200)
        self.assertExit(run("run", "all", "--model", model, "--domain", f"p={self.prose}", "--out", self.out("x")), 3,
                        "error[TK010]")
        self.assertExit(run("inspect", model), 0, "error[TK010]", "norm_topk_prob")

    def test_tokenizer_config_is_followed_noted_and_listed(self):
        model = make_model(self.out("configured"))
        with open(os.path.join(model, "tokenizer_config.json"), "w", encoding="utf-8") as file:
            json.dump({"tokenizer_class": "GPTNeoXTokenizer", "add_prefix_space": True}, file)
        out = self.out("configured")
        result = run("run", "expert_load", "--model", model, "--domain", f"p={self.prose}", "--out", out, "--seq-len", 32,
                     "--windows", 4)
        self.assertExit(result, 0, "add_prefix_space true of tokenizer_config.json")
        self.assertEqual(result.stderr.count("add_prefix_space"), 1)
        artifact = load(artifacts_below(out)[0])
        self.assertTrue(any("add_prefix_space" in note for note in artifact["notes"]))
        self.assertIn("tokenizer_config.json", [row["name"] for row in artifact["inputs"]])
        self.assertExit(run("verify", out, "--model", model), 0)
        with open(os.path.join(model, "tokenizer_config.json"), "w", encoding="utf-8") as file:
            json.dump({"tokenizer_class": "GPTNeoXTokenizer"}, file)
        self.assertIn("AR022", run("verify", out, "--model", model).stdout)

    def test_a_tokenizer_that_cannot_be_used_hides_nothing_else(self):
        """inspect reads no text: whatever is wrong with the tokenizer is one line of what it shows."""
        model = make_model(self.out("odd"))
        path = os.path.join(model, "tokenizer.json")
        odd = load(path)
        odd["pre_tokenizer"] = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True}
        outside = self.out("outside")

        def link_out():
            os.remove(path)
            with open(outside, "w", encoding="utf-8") as file:
                file.write("{}")
            os.symlink(outside, path)

        def write(text):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        for damage, number in [(lambda: write(json.dumps(odd)), "TK003"), (lambda: write("{"), "TK002"),
                               (lambda: write(""), "TK002"), (link_out, "ST015"),
                               (lambda: (os.remove(path), os.mkfifo(path)), "ST015")]:
            damage()
            with self.subTest(number=number):
                result = run("inspect", model)
                self.assertExit(result, 0, "tokenizer  can't be used", f"error[{number}]", "norm_topk_prob", "trace")
                self.assertEqual(result.stderr, "")
                facts = json.loads(run("inspect", model, "--json").stdout)
                self.assertEqual(facts["tokenizer"]["error"]["id"], number)
                self.assertEqual(facts["gate"]["experts"], 8)
                self.assertExit(run("run", "all", "--model", model, "--domain", f"p={self.prose}", "--out",
                                    self.out("x")), 3, f"error[{number}]")


    def test_dense_layers_are_listed(self):
        folder = os.path.join(ROOT, "tests", "data", "families", "deepseek_v3", "groups-f32", "model")
        self.assertExit(run("inspect", folder), 0, "dense layers  0 (no gate: computed, not measured)")
        self.assertEqual(json.loads(run("inspect", folder, "--json").stdout)["dense_layers"], [0])

    def test_a_gguf_file_is_no_model(self):
        """HF001"""
        path = self.out("model") + ".gguf"
        with open(path, "wb") as file:
            file.write(b"GGUF\x03\0\0\0" + bytes(64))
        self.assertExit(run("inspect", path), 3, "error[HF001]", "found a file", "GGUF is not read")


class Plan(ProgramTest):
    def test_plan_from_headers_alone(self):
        arguments = ["all", "--model", self.model, "--domain", "prose=/nowhere", "--domain", "code=/nowhere",
                     "--seq-len", 32, "--windows", 24]
        self.assertExit(run("plan", *arguments), 0, "passes", "memory", "together", "expected")
        plan = json.loads(run("plan", *arguments, "--json").stdout)
        self.assertEqual(sum(line["bytes"] for line in plan["memory"]), plan["peak_bytes"])
        self.assertEqual(plan["passes"], 1)
        self.assertGreater(plan["budget_bytes"], plan["peak_bytes"])
        self.assertNotIn("--memory", plan["budget_source"])
        plan = json.loads(run("plan", *arguments, "--memory", "1GB", "--json").stdout)
        self.assertEqual((plan["budget_bytes"], plan["budget_source"]), (10**9, "--memory"))
        self.assertExit(run("plan", *arguments, "--memory", "1GB"), 0, "budget", "by --memory")
        self.assertGreater(plan["flops"], 0)
        with open(os.path.join(self.model, "model.safetensors"), "rb") as file:
            header = struct.unpack("<Q", file.read(8))[0]
        weight_bytes = os.path.getsize(os.path.join(self.model, "model.safetensors")) - 8 - header
        self.assertLessEqual(plan["read_bytes"], weight_bytes)
        self.assertGreater(plan["read_bytes"], weight_bytes // 2)

    def test_window_longer_than_the_models_positions(self):
        self.assertExit(run("plan", "all", "--model", self.model, "--domain", "p=x", "--seq-len", 300), 3,
                        "error[CF017]", "256")


class Verify(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.results = os.path.join(cls.folder, "results")
        cls.first = run(*cls.main_job(cls, cls.results))

    def test_codes(self):
        self.assertExit(run("verify", self.results), 1, "INSUFFICIENT")
        self.assertExit(run("verify", os.path.join(self.results, "expert_load")), 0, "REPORTED")
        empty = self.out("empty")
        os.makedirs(empty)
        self.assertExit(run("verify", empty), 6, "error[AR003]")

    def test_a_changed_number_is_invalid(self):
        out = self.out("doctored")
        shutil.copytree(os.path.join(self.results, "expert_load"), out)
        path = artifacts_below(out)[0]
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace('"seq_len":32', '"seq_len":33').replace('"seq_len": 32', '"seq_len": 33'))
        self.assertExit(run("verify", out), 6, "INVALID")

    def test_details_and_wide(self):
        plain = run("verify", self.results).stdout
        self.assertNotIn("also: ", plain)
        self.assertNotIn("STABILITY", plain)
        details = run("verify", self.results, "--details", "--wide").stdout
        for words in ("also: ", "note: ", "STABILITY", "read and checked in"):
            self.assertIn(words, details)

    def test_piped_output_is_the_same_on_every_terminal(self):
        wide = run("verify", self.results, env={"COLUMNS": "300"}).stdout
        self.assertEqual(run("verify", self.results, env={"COLUMNS": "50"}).stdout, wide)

    def test_a_terminal_has_its_own_width_and_colours(self):
        for columns, no_color in (("60", ""), ("60", "1")):
            text = on_terminal(["verify", self.results], {"COLUMNS": columns, "NO_COLOR": no_color, "TERM": "xterm"})
            self.assertEqual("\x1b[" in text, not no_color)
            lines = re.sub(r"\x1b\[\d*m", "", text).splitlines()
            self.assertEqual([line for line in lines if len(line) > 60], [])

    def test_json_is_what_run_stored_and_csv_has_a_line_per_artifact(self):
        verdicts = json.loads(run("verify", self.results, "--json").stdout)["verdicts"]
        stored = load(os.path.join(self.results, "verdicts.json"))["verdicts"]
        self.assertEqual(sorted((row["path"], row["verdict"], row["sha256"]) for row in verdicts),
                         sorted((row["path"], row["verdict"], row["sha256"]) for row in stored))
        self.assertEqual(len(verdicts), 8)
        lines = run("verify", self.results, "--csv").stdout.strip().splitlines()
        self.assertEqual(len(lines), 9)

    def test_against_the_checkpoint(self):
        """AR022"""
        load_only = os.path.join(self.results, "expert_load")
        self.assertExit(run("verify", load_only, "--model", self.model), 0)
        other = make_model(self.out("other"), seed=3)
        self.assertExit(run("verify", load_only, "--model", other), 1, "AR022", "FAIL")

    def test_the_same_weights_with_another_config_are_another_model(self):
        """AR022"""
        load_only = os.path.join(self.results, "expert_load")
        other = self.out("other")
        shutil.copytree(self.model, other)
        config = load(os.path.join(other, "config.json"))
        config["rope_theta"] *= 2
        with open(os.path.join(other, "config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.assertExit(run("verify", load_only, "--model", other), 1, "AR022", "config.json")

    def test_a_list_without_the_gates_proves_nothing(self):
        """AR022"""
        folder = os.path.join(self.results, "expert_load")
        path = next(os.path.join(at, "run.json") for at, _, names in os.walk(folder) if "run.json" in names)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        artifact = json.loads(text)
        short = dict(artifact, tensors=[row for row in artifact["tensors"] if ".gate." not in row["name"]])
        shape = json.loads(text)
        shape["tensors"][0]["shape"].append(1)
        for changed, words in ((short, "doesn't list"), (dict(artifact, tensors=artifact["tensors"][:1]), "doesn't list"),
                               (shape, "the artifact measured")):
            changed["body_sha256"] = second_core.digest(second_core.read(json.dumps(changed)))
            copy = os.path.join(self.out("copy"), "run.json")
            os.makedirs(os.path.dirname(copy))
            with open(copy, "w", encoding="utf-8") as file:
                json.dump(changed, file)
            self.assertExit(run("verify", copy), 0)
            self.assertExit(run("verify", copy, "--model", self.model), 1, "AR022", words)


class Trace(ProgramTest):
    def read(self, path):
        with open(path, "rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            header = json.loads(file.read(length))
            data = file.read()
        header.pop("__metadata__")
        return header, data

    def tokens(self, rows):
        path = self.out("tokens") + ".json"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(rows, file)
        return path

    def test_names_shapes_and_dtypes(self):
        model = make_model(self.out("bare"), with_tokenizer=False)
        out = self.out("trace") + ".safetensors"
        names = "router_logits,scores,topk_ids,topk_weights,gate_input,residual_pre,update,logits"
        rows = [[1, 2, 3, 4, 5], [7, 6, 5, 4, 3]]
        self.assertExit(run("trace", "--model", model, "--tokens", self.tokens(rows), "--layers", "0,2",
                            "--tensors", names, "--out", out), 0)
        header, data = self.read(out)
        expected = {"tokens": ("I32", [2, 5]), "logits": ("F32", [10, 272])}
        for layer in (0, 2):
            for name, dtype, columns in [("router_logits", "F32", 8), ("scores", "F32", 8), ("topk_ids", "I32", 3),
                                         ("topk_weights", "F32", 2), ("gate_input", "F32", 32),
                                         ("residual_pre", "F32", 32), ("update", "F32", 32)]:
                expected[f"layers.{layer}.{name}"] = (dtype, [10, columns])
        self.assertEqual({name: (entry["dtype"], entry["shape"]) for name, entry in header.items()}, expected)
        self.assertEqual(max(entry["data_offsets"][1] for entry in header.values()), len(data))

        def values(name, code):
            begin, end = header[name]["data_offsets"]
            return struct.unpack(f"<{(end - begin) // 4}{code}", data[begin:end])
        self.assertEqual(list(values("tokens", "i")), rows[0] + rows[1])
        scores, ids = values("layers.2.scores", "f"), values("layers.2.topk_ids", "i")
        for row in range(10):
            mine = scores[row * 8:row * 8 + 8]
            self.assertAlmostEqual(sum(mine), 1, places=5)
            ranked = sorted(range(8), key=lambda e: (-mine[e], e))[:3]
            self.assertEqual(list(ids[row * 3:row * 3 + 3]), ranked)

    def test_trace_replaces_none_of_its_inputs(self):
        rows = self.tokens([[1, 2, 3, 4]])
        for name in (os.path.join(self.model, "model.safetensors"), os.path.join(self.model, "config.json"), rows):
            with open(name, "rb") as file:
                before = file.read()
            self.assertExit(run("trace", "--model", self.model, "--tokens", rows, "--out", name), 2, "US001", "is read")
            with open(name, "rb") as file:
                self.assertEqual(file.read(), before, name)

    def test_of_a_domain(self):
        out = self.out("trace") + ".safetensors"
        self.assertExit(run("trace", "--model", self.model, "--domain", f"p={self.prose}", "--seq-len", 16, "--windows",
                            4, "--out", out), 0)
        header, _ = self.read(out)
        self.assertEqual(header["tokens"]["shape"], [4, 16])
        self.assertEqual(header["layers.1.topk_ids"]["shape"], [64, 3])

    def test_bad_token_files(self):
        """CO007 TK010 CF017"""
        for rows, words in [([], "CO007"), ({}, "CO007"), ([[]], "CO007"), ([[1], [1, 2]], "CO007"),
                            ([[1.5]], "CO007"), ([[1, "2"]], "CO007"), ([[1, 272]], "TK010"), ([[-1]], "TK010"),
                            ([[1] * 300], "CF017")]:
            with self.subTest(rows=str(rows)[:40]):
                out = self.out("trace") + ".safetensors"
                result = run("trace", "--model", self.model, "--tokens", self.tokens(rows), "--out", out)
                self.assertExit(result, 3, f"error[{words}]")
                self.assertNotIn("--seq-len", result.stderr)
                self.assertFalse(os.path.exists(out))

    def test_rows_beyond_the_positions_are_to_be_shortened(self):
        result = run("trace", "--model", self.model, "--tokens", self.tokens([[1] * 257]), "--out", self.out("x"))
        self.assertExit(result, 3, "error[CF017]", "257 tokens", "at most 256", "shorter sequences")


if __name__ == "__main__":
    unittest.main()
