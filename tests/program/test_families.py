"""Every experiment on every family: the golden checkpoints with a tokenizer of their own, through run and verify."""

import json
import os
import shutil
import tempfile
import unittest

import jsonschema
from support import FOUR, ROOT, load, artifacts_below, make_text, run

FAMILIES = os.path.join(ROOT, "tests", "data", "families")

# Experiments that a family's layers don't allow, each with the numbered refusal.
REFUSED = {
    "afmoe": ["chart_compatibility"],
    "flex_olmo": ["attention_router", "chart_compatibility"],
    "gemma4": ["chart_compatibility"],
    "gemma4_text": ["chart_compatibility"],
    "phimoe": ["attention_router"],
}

# The attention of some families, a kind each: (mixer, heads, KV heads, width, rotated columns) of the measured layers,
# and what the layers without keys have instead.
ATTENTION = {
    "qwen2_moe": ({("attention", 5, 5, 8, 8)}, set()),  # one KV head for each head
    "mixtral": ({("attention", 3, 1, 12, 12)}, set()),  # grouped queries
    "deepseek_v2": ({("latent attention", 3, 3, 20, 10)}, set()),
    "glm4_moe": ({("attention", 4, 2, 16, 8)}, set()),  # partial rotary
    "gemma4_text": ({("attention", 2, 1, 16, 16), ("attention", 2, 2, 8, 8)}, set()),  # two widths
    "afmoe": ({("attention", 3, 1, 12, 12), ("attention", 3, 1, 12, 0)}, set()),  # layers without RoPE
    "granitemoehybrid": ({("attention", 4, 2, 10, 0)}, {"Mamba-2"}),
    "qwen3_next": ({("attention", 3, 1, 12, 6)}, {"gated delta net"}),
    "nemotron_h": (set(), {"none"}),
}


def letters_tokenizer():
    """Byte-level BPE without merges, of few letters: the golden checkpoints have 64 tokens. "?" is any other byte."""
    text = "abcdefghijklmnopqrstuvwxyz0123456789 +=().:,*\"'?_ACDFITWP\n"
    letters = {" ": "\u0120", "\n": "\u010a"}
    vocabulary = {letters.get(c, c): i for i, c in enumerate(dict.fromkeys(text))}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": level, "post_processor": None, "decoder": level,
        "model": {"type": "BPE", "dropout": None, "unk_token": "?", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": vocabulary, "merges": []},
    }


def known_families():
    """Families that the program opens: those that `inspect` doesn't refuse as unknown."""
    found = []
    for family in sorted(os.listdir(FAMILIES)):
        folder = os.path.join(FAMILIES, family)
        if not os.path.isdir(folder):
            continue
        shape = sorted(os.listdir(folder))[0]
        result = run("inspect", os.path.join(folder, shape, "model"), "--json")
        if result.returncode == 0:
            found.append((family, shape, json.loads(result.stdout)))
        elif "CF001" not in result.stderr:
            raise AssertionError(f"{family}/{shape}: {result.stderr}")
    return found


class Families(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp()
        make_text(os.path.join(cls.scratch, "prose"), "prose", 12, 60)
        cls.families = known_families()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch)

    def test_there_are_families(self):
        self.assertGreater(len(self.families), 20)

    def test_every_experiment_runs_and_verifies_or_is_refused_by_number(self):
        for family, shape, facts in self.families:
            with self.subTest(family=family, shape=shape):
                self.measure(family, shape, facts)

    def opened(self, family, shape, folder):
        model = os.path.join(self.scratch, folder)
        shutil.copytree(os.path.join(FAMILIES, family, shape, "model"), model)
        with open(os.path.join(model, "tokenizer.json"), "w", encoding="utf-8") as file:
            json.dump(letters_tokenizer(), file)
        for side in ("tokenizer_config.json",):
            self.assertFalse(os.path.exists(os.path.join(model, side)))
        return model

    def test_keys_are_asked_for_routes_in_every_family(self):
        schema = jsonschema.Draft7Validator(load(os.path.join(ROOT, "schema", "key_only_router.schema.json")))
        for family, shape, _ in self.families:
            with self.subTest(family=family, shape=shape):
                model = self.opened(family, shape, "router-" + family)
                small = [word for key in ("bootstrap=200", "mlp_hidden=64", "mlp_epochs=1")
                         for word in ("--parameter", key)]
                ran = self.run_experiments(model, ["key_only_router"], *small)
                artifacts = list(map(load, artifacts_below(os.path.join(model, "out"))))
                self.assertEqual(len(artifacts), 1, ran.stderr)
                self.assertNotIn("INVALID", ran.stdout)
                schema.validate(artifacts[0])
                self.check_routes(family, artifacts[0])

    def check_routes(self, family, artifact):
        measured = {str(layer) for layer in artifact["verification"]["required_layers"]}
        self.assertEqual(measured & set(artifact["not_measured"]), set())
        self.assertEqual(measured | set(artifact["not_measured"]), {str(layer) for layer in artifact["layers"]})
        if family in ATTENTION:
            attention, without = ATTENTION[family]
            self.assertEqual(bool(measured), bool(attention))
            self.assertLessEqual(set(artifact["not_measured"].values()), without)
        for layer in measured:
            facts, geometry = artifact["architecture"][layer], artifact["geometry"][layer]
            latent = facts["latent_width"] > 0
            keys = facts["latent_width"] + facts["shared_width"] if latent else facts["kv_heads"] * facts["key_width"]
            entries = artifact["predictors"][layer]
            self.assertEqual({entry["width"] for entry in entries if entry["features"] == "keys" and "width" in entry},
                             {keys})
            refused = {entry["features"] for entry in entries if entry["model"] == "mlp" and "refused" in entry}
            self.assertEqual("keys_values" in refused, latent)
            if geometry is not None:
                self.assertEqual(geometry["rank"], min(keys, facts["residual_width"]))
                self.assertEqual(len(geometry["angles"]), min(geometry["rank"], geometry["directions"]))

    def measure(self, family, shape, facts):
        model = self.opened(family, shape, family)
        experiments = FOUR.split(",") + ["kv_gauge", "kv_distortion", "theorem_slack"]
        for name in REFUSED.get(family, []):
            refusal = self.run_experiments(model, [name])
            self.assertEqual(refusal.returncode, 3, refusal.stderr)
            self.assertIn("RT007", refusal.stderr)
            experiments.remove(name)
        if len(facts["moe_layers"]) < 2:  # a scan needs layers to compare
            experiments.remove("terminal_ovk_scan")
        result = self.run_experiments(model, experiments)
        self.assertEqual(result.returncode, 0, result.stderr)
        out = os.path.join(model, "out")
        artifacts = {artifact["test"]: artifact for artifact in map(load, artifacts_below(out))}
        self.assertEqual(sorted(artifacts), sorted(experiments))
        self.check_keys(family, artifacts["kv_gauge"])
        self.check_distortion(family, artifacts["kv_distortion"])
        verdict = run("verify", out)
        self.assertNotIn("invalid", verdict.stdout.lower())
        self.assertIn(verdict.returncode, (0, 1), verdict.stdout + verdict.stderr)

    def check_attention(self, family, artifact):
        if family in ATTENTION:
            attention = {tuple(layer[key] for key in ("mixer", "heads", "kv_heads", "width", "rotated_columns"))
                         for layer in artifact["attention"].values()}
            self.assertEqual((attention, set(artifact["without_keys"].values())), ATTENTION[family])

    def check_distortion(self, family, artifact):
        self.check_attention(family, artifact)
        verdict = artifact["summary"]["verdict"]
        self.assertEqual(verdict["outcome"], "HOLDS" if artifact["heads"] else "DEGENERATE")
        for layer, heads in artifact["heads"].items():
            self.assertEqual(len(heads), artifact["attention"][layer]["kv_heads"])
            queries = 4 * len(artifact["measured"]["windows"])
            for head in heads:
                group = artifact["attention"][layer]["heads"] // len(heads)
                self.assertEqual(head["cases"] + head["trivial"], queries * group)
                for code in head["codes"]:
                    for record in (code["all"], code["sinks_exact"]):
                        self.assertLessEqual(record["variation"], head["cases"])
                        self.assertLessEqual(max(record["vacuous"].values()), head["cases"])

    def check_keys(self, family, artifact):
        self.check_attention(family, artifact)
        for layer, heads in artifact["heads"].items():
            self.assertEqual(len(heads), artifact["attention"][layer]["kv_heads"])
            kinds = {gauge["kind"] for head in heads for gauge in head["gauges"] if "refused" not in gauge}
            self.assertEqual("torus" in kinds, artifact["attention"][layer]["rotated_columns"] > 0)
            self.assertIn("itq_cosine", kinds)

    def test_every_attention_of_the_table_was_met(self):
        self.assertLessEqual(set(ATTENTION), {family for family, _, _ in self.families})

    def run_experiments(self, model, experiments, *more):
        return run("run", ",".join(experiments), "--model", model, "--domain",
                   "prose=" + os.path.join(self.scratch, "prose"), "--seq-len", 24, "--windows", 12, "--allow-small-T",
                   "--out", os.path.join(model, "out"), "--overwrite", "--quiet", *more)


if __name__ == "__main__":
    unittest.main()
