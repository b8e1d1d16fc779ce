"""certify and verify on certificates, end to end: every kind of attention, an independent check from the tensors'
bytes, doctored files, other checkpoints."""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

import jsonschema
from support import ROOT, byte_alphabet, load, make_model, make_text, run, sha256_of, tokenizer

sys.path.insert(0, os.path.join(ROOT, "tests", "verify"))
from second_core import digest  # noqa: E402  (written from docs/artifacts.md, without a look at the program)

SHIPPED = os.path.join(ROOT, "models", "routegauge-tiny-olmoe")
CHECK = os.path.join(ROOT, "tests", "certificates", "check.py")

# The same of levels B' and C, with texts: None where both are made, else words of the reason.
FAMILIES_WITH_TEXTS = {
    "mixtral/linear-f32": {0: None, 1: None},
    "granitemoe/tied-v4": {0: None, 1: None},
    "deepseek_v2/lite-v4": {1: "made of the keys, and isn't zero"},
    "gemma4_text/k-is-v-f32": {0: "a norm of the values", 1: "made of the keys, and isn't zero"},
    "mixtral/window-v4": {0: "as many key dimensions", 1: "as many key dimensions"},
}

# Golden checkpoint -> what each layer with a gate has: levels with a certificate, or words of the reason for none.
FAMILIES = {
    "mixtral/linear-f32": {0: "AB", 1: "AB"},  # grouped queries
    "mixtral/window-v4": {0: "full column rank", 1: "full column rank"},  # as many key dimensions as the residual has
    "deepseek_v2/lite-v4": {1: "AB"},  # a latent for keys and values
    "deepseek_v2/fused-tied": {0: "a bias of the latent", 1: "a bias of the latent"},
    "glm4_moe/qk-norm-f32": {1: "not a plain top-k"},  # partial rotary, selection bias
    "qwen3_moe/wide-heads-v4": {0: "full column rank", 1: "full column rank"},  # wider than the residual
    "qwen2_moe/window-step-fused-tied": {1: "a bias of the values", 3: "a bias of the values"},
    "gemma4_text/k-is-v-f32": {0: "a norm of the values", 1: "AB"},  # heads of two widths; 1: values made of keys
    "granitemoe/tied-v4": {0: "AB", 1: "AB"},  # what attention adds has a factor
    "nemotron_h/pattern-v4": {1: "no keys"},
    "phimoe/tied-v4": {0: "subtracts the mean", 1: "subtracts the mean"},
}


def golden(name):
    return os.path.join(ROOT, "tests", "data", "families", name, "model")


def numbers(path):
    """{name: rows of numbers, or numbers} of a safetensors file."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = data[begin:end]
        if entry["dtype"] == "BF16":
            raw = b"".join(b"\0\0" + raw[i:i + 2] for i in range(0, len(raw), 2))
        values = struct.unpack(f"<{len(raw) // 4}f", raw)
        shape = entry["shape"]
        out[name] = ([list(values[i:i + shape[1]]) for i in range(0, len(values), shape[1])]
                     if len(shape) == 2 else list(values))
    return out


def matrices_of(certificate, model):
    """What check.py reads, from the tensors that a certificate names and its architecture."""
    tensors = numbers(os.path.join(model, "model.safetensors"))
    by_role = {row["role"]: tensors[row["name"]] for row in certificate["tensors"]}
    facts = certificate["architecture"]
    matrices = {"keys": by_role["keys"], "router": by_role["router"], "key_gains": by_role["key_norm"],
                "router_gains": by_role["router_norm"], "attention": None}
    if facts["values_seen"]:
        output = [[value * facts["attention_factor"] for value in row] for row in by_role["output"]]
        matrices["attention"] = {"values": by_role["values"], "output": output, "heads": facts["heads"],
                                 "kv_heads": facts["key_heads"], "epsilon": facts["key_norm"]["epsilon"]}
    return matrices


def small_tokenizer():
    """For vocabularies of few entries: letters, the space and the end of a line."""
    whole = tokenizer()
    letters = byte_alphabet()
    whole["model"]["vocab"] = {letters[byte]: i for i, byte in enumerate([10, 32, *range(97, 123)])}
    whole["model"]["merges"], whole["added_tokens"] = [], []
    whole["model"]["unk_token"] = letters[10]  # of every other byte
    return whole


class Certify(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="routegauge-test-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.schema = jsonschema.Draft7Validator(load(os.path.join(ROOT, "schema", "certificate.schema.json")))
        jsonschema.Draft7Validator.check_schema(cls.schema.schema)
        cls.model = make_model(os.path.join(cls.folder, "tiny"))
        cls.prose = make_text(os.path.join(cls.folder, "prose"), "prose", 12, 60)
        cls.sound = os.path.join(cls.folder, "sound")
        cls.made = run("certify", cls.model, "--out", cls.sound, "--domain", f"prose={cls.prose}", "--windows", 12,
                       "--seq-len", 32, "--threads", 2)

    def path(self, name):
        return os.path.join(self.folder, name)

    def assertExit(self, result, code, *words):
        shown = f"\nstdout: {result.stdout[-3000:]}\nstderr: {result.stderr[-2000:]}"
        self.assertEqual(result.returncode, code, shown)
        for word in words:
            self.assertIn(word, " ".join((result.stdout + result.stderr).split()))

    def assertValid(self, folder):
        for name in os.listdir(folder):
            if name.endswith(".json"):
                errors = [error.message[:300] for error in self.schema.iter_errors(load(os.path.join(folder, name)))]
                self.assertEqual(errors, [], name)

    def test_all_levels_are_made_and_hold(self):
        self.assertExit(self.made, 0, "model tiny", "KR-6 (d)", "16 key dimensions of 2 heads", "A, B, B', C, D")
        names = sorted(os.listdir(self.sound))
        expected = [f"layer-{layer}.{level}.json" for layer in range(3)
                    for level in ("enclosed", "exact", "on_manifold", "identical_bytes")]
        self.assertEqual(names, sorted(expected + ["layer-0.twin_tokens.json", "certificates.json"]))
        self.assertValid(self.sound)
        result = run("verify", self.sound, "--model", self.model)
        self.assertExit(result, 0, "14 tests: 14 holds", "two residuals z and -z have the same keys",
                        "a residual with the keys and the norm of token", "the same keys in bf16, byte for byte")
        report = load(os.path.join(self.sound, "certificates.json"))
        for layer in report["layers"]:
            self.assertEqual(layer["key_rank"], 16)
            for listed in layer["certificates"]:
                self.assertEqual(sha256_of(os.path.join(self.sound, listed["file"])), listed["sha256"])
        one = run("verify", os.path.join(self.sound, "layer-1.exact.json"), "--model", self.model, "--json")
        self.assertExit(one, 0)
        verdict = json.loads(one.stdout)["verdicts"][0]
        self.assertEqual((verdict["verdict"], verdict["test"], verdict["domain"]),
                         ("HOLDS", "certificate exact", "layer 1"))

    def test_the_same_bytes_for_any_number_of_threads(self):
        again = self.path("one-thread")
        self.assertExit(run("certify", self.model, "--out", again, "--domain", f"prose={self.prose}", "--windows", 12,
                            "--seq-len", 32, "--threads", 1), 0)
        for name in os.listdir(self.sound):
            self.assertEqual(sha256_of(os.path.join(again, name)), sha256_of(os.path.join(self.sound, name)), name)

    def test_an_independent_program_accepts_them(self):
        """check.py, in fractions, from the tensors' bytes."""
        for layer, level, other in ((0, "exact", "opposite_set"), (1, "enclosed", "opposite_set"),
                                    (0, "on_manifold", "other_set"), (2, "on_manifold", "other_set")):
            file = os.path.join(self.sound, f"layer-{layer}.{level}.json")
            self.check(file, self.model, 0)
            certificate = load(file)
            certificate["set"] = certificate[other]
            self.check(self.written("swapped.json", certificate), self.model, 1)

    def test_what_turned_residuals_are(self):
        """Keys, length and the size of the change, by hand; x0 of layer 0 is the token's embedding."""
        tensors = numbers(os.path.join(self.model, "model.safetensors"))
        for layer in range(3):
            turned = load(os.path.join(self.sound, f"layer-{layer}.on_manifold.json"))
            self.assertEqual(turned["first_position"], {"scale": 0})
            gains = tensors[f"model.layers.{layer}.input_layernorm.weight"]
            change = [new - old for new, old in zip(turned["x"], turned["x0"])]
            for row in tensors[f"model.layers.{layer}.self_attn.k_proj.weight"]:
                self.assertAlmostEqual(sum(w * g * d for w, g, d in zip(row, gains, change)), 0, delta=1e-12)
            squares = [sum(value * value for value in turned[name]) for name in ("x0", "x")]
            self.assertAlmostEqual(squares[0], squares[1], delta=1e-12 * squares[0])
            size = sum(value * value for value in change) / squares[0]
            self.assertAlmostEqual(turned["relative_change"], size ** 0.5, delta=1e-9)
            self.assertGreaterEqual(turned["relative_change"], turned["relative_radius"])
            self.assertIn(turned["leaves"], turned["set"])
            self.assertIn(turned["enters"], turned["other_set"])
            self.assertGreater(turned["plausibility"]["size"], 0)
            self.assertEqual(turned["plausibility"]["sample"], 256)
            same = load(os.path.join(self.sound, f"layer-{layer}.identical_bytes.json"))
            self.assertNotEqual(same["sets"][0], same["sets"][1])
            if layer == 0:
                for certificate in (turned, same):
                    embedding = tensors["model.embed_tokens.weight"][certificate["token"]]
                    self.assertEqual(certificate["x0"], embedding)

    def check(self, file, model, code):
        matrices = self.path("matrices.json")
        with open(matrices, "w", encoding="utf-8") as out:
            json.dump(matrices_of(load(file), model), out)
        found = subprocess.run([sys.executable, CHECK, file, matrices], capture_output=True, text=True, check=False)
        self.assertEqual(found.returncode, code, found.stdout + found.stderr)

    def test_every_kind_of_attention(self):
        for name, expected in FAMILIES.items():
            with self.subTest(name):
                out = self.path(name.replace("/", "-"))
                self.assertExit(run("certify", golden(name), "--out", out), 0)
                self.assertValid(out)
                self.assertExit(run("verify", out, "--model", golden(name)), 0, "holds")
                layers = {layer["layer"]: layer for layer in load(os.path.join(out, "certificates.json"))["layers"]}
                for number, words in expected.items():
                    layer = layers[number]
                    if words == "AB":
                        self.assertEqual([each["level"] for each in layer["certificates"]], ["exact", "enclosed"])
                        self.assertEqual(layer["key_rank"], layer["architecture"]["key_dimensions"])
                        continue
                    reasons = [layer["uncovered"]] if "uncovered" in layer else [
                        each["reason"] for each in layer["absent"]]
                    self.assertIn(words, " ".join(reasons))
                    self.assertFalse(layer.get("certificates"))

    def test_where_keys_have_full_rank_the_table_says_so(self):
        out = self.path("square")
        run("certify", golden("mixtral/window-v4"), "--levels", "A", "--out", out)
        layer = load(os.path.join(out, "certificates.json"))["layers"][0]
        self.assertEqual(layer["key_rank"], layer["architecture"]["width"])
        first = [row for row in layer["rows"] if row["inputs"] == "first_position"]
        self.assertEqual([(row["answer"], row["theorem"]) for row in first], [("yes", "KR-1")])

    def test_a_latent_that_gives_keys_and_values(self):
        """Attention adds nothing at position 0 where the latent is zero, so check.py needs no attention."""
        for name in ("deepseek_v2/lite-v4", "gemma4_text/k-is-v-f32"):
            out = self.path("latent-" + name.split("/")[0])
            self.assertExit(run("certify", golden(name), "--layers", "1", "--out", out), 0)
            certificate = load(os.path.join(out, "layer-1.exact.json"))
            self.assertIsNone(certificate["first_position"])
            self.assertFalse(certificate["architecture"]["values_seen"])
            if name.startswith("deepseek"):
                self.check(os.path.join(out, "layer-1.exact.json"), golden(name), 0)

    def test_a_factor_of_what_attention_adds_counts(self):
        name = "granitemoe/tied-v4"
        out = self.path("factor")
        self.assertExit(run("certify", golden(name), "--layers", "0", "--out", out), 0)
        file = os.path.join(out, "layer-0.exact.json")
        certificate = load(file)
        self.assertNotEqual(certificate["architecture"]["attention_factor"], 1)
        self.check(file, golden(name), 0)

    def written(self, name, content):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file)
        return path

    def doctored(self, name, edit, redigest=True):
        """A copy of one certificate that `edit` has changed."""
        content = load(os.path.join(self.sound, name))
        edit(content)
        if redigest:
            content["body_sha256"] = digest(content)
        return self.written("doctored.json", content)

    def refuse(self, file, code, *words):
        verdict = "FAIL" if code == 1 else "INVALID"
        self.assertExit(run("verify", file, "--model", self.model), code, verdict, *words)

    def test_the_digest_of_the_page_is_the_program_s(self):
        for name in os.listdir(self.sound):
            content = load(os.path.join(self.sound, name))
            self.assertEqual(digest(content), content["body_sha256"], name)

    def test_doctored_certificates(self):
        def put(*path, value):
            def edit(content):
                for key in path[:-1]:
                    content = content[key]
                content[path[-1]] = value
            return edit

        def flip(content):
            last = content["values"][1][-1]
            content["values"][1] = content["values"][1][:-1] + ("1" if last != "1" else "2")

        def scale(member, index, factor):
            def edit(content):
                content[member][index] *= factor
            return edit

        exact, enclosed = "layer-1.exact.json", "layer-1.enclosed.json"
        self.refuse(self.doctored(exact, flip, redigest=False), 6, "AR020")
        for name, edit, code, words in [
                (exact, flip, 6, ("AR010", "its keys are not zero")),
                (exact, put("values", 1, value="0x1"), 6, ("AR010", "no vector of integers")),
                (exact, put("set", value=[0, 1, 2]), 6, ("AR010", "other sets")),
                (exact, put("set_gap", value=0.999), 6, ("AR010", "other gaps")),
                (exact, put("first_position", value=None), 6, ("AR010", "another place of the router")),
                (exact, put("layer", value=2), 1, ("AR022", "tensors[0].name")),
                (exact, put("layer", value=0), 1, ("AR022", "architecture")),
                (exact, put("layer", value=99), 1, ("AR022", "layer")),
                (exact, put("tensors", 0, "sha256", value="0" * 64), 1, ("AR022", "tensors[0].sha256")),
                (exact, lambda content: content["tensors"].pop(), 1, ("AR022", "tensors")),
                (exact, put("architecture", "qk_norm", value="none"), 1, ("AR022", "architecture")),
                (exact, put("model", "family", value="mixtral"), 1, ("AR022", "model.family")),
                (exact, put("claim", value="No key is a key."), 6, ("AR018", "claim")),
                (exact, put("theorem", value="KR-4 (b)"), 6, ("AR018", "theorem")),
                (exact, put("version", value=2), 6, ("AR017", "version")),
                (exact, put("keys", value="16"), 6, ("AR015", "keys")),
                (exact, put("keys", value=15), 6, ("AR010", "another shape")),
                (exact, put("columns", 0, value=32), 6, ("AR017", "columns")),
                (exact, put("note", value=""), 6, ("AR016", "note")),
                (exact, lambda content: content.pop("values"), 6, ("AR018", "values")),
                (exact, put("certificate", value="enclosed"), 6, ("AR018", "rows")),
                (exact, put("certificate", value="proof"), 6, ("AR005", "proof")),
                (enclosed, scale("z", 3, 1.5), 6, ("AR010",)),
                (enclosed, put("slack", value=1e3), 6, ("AR010", "claims more than holds")),
                (enclosed, put("distance", value=0.0), 6, ("AR010", "claims more than holds")),
                (enclosed, put("rows", "defect", value=0.0), 6, ("AR010", "claims more than holds")),
                (enclosed, put("rows", "inverse", 0, value=7.0), 6, ("AR010", "not shown to be independent")),
                (enclosed, put("opposite_set", value=[0, 1]), 6, ("AR010",))]:
            with self.subTest(words=words):
                self.refuse(self.doctored(name, edit), code, *words)

    def test_doctored_turns(self):
        def put(member, value):
            return lambda content: content.update({member: value})

        def nudge(member, share):
            def edit(content):
                content[member][5] += share * max(map(abs, content[member]))
            return edit

        def fp32(member):  # still the numbers of fp32
            def edit(content):
                content[member][5] = struct.unpack("<f", struct.pack("<f", 1.01 * content[member][5]))[0]
            return edit

        def within(member, name, value):
            return lambda content: content[member].update({name: value})

        def swap(one, other):
            def edit(content):
                content[one], content[other] = content[other], content[one]
            return edit

        sound = load(os.path.join(self.sound, "layer-1.on_manifold.json"))
        other_token = (sound["token"] + 1) % 200
        claims = "claims more than holds"
        for edit, words in [
                (fp32("x0"), ("AR010",)), (nudge("x", 0.3), ("AR010", "the proof")),
                (nudge("x0", 0.1), ("AR017", "x0")), (put("direction", [0.0] * 32), ("AR010", "no part of it")),
                (swap("set", "other_set"), ("AR010", "other sets")), (put("slack", 1e3), ("AR010", claims)),
                (put("distance", 0.0), ("AR010", claims)), (within("rows", "defect", 0.0), ("AR010", claims)),
                (put("rotation", sound["rotation"] * 1.001), ("AR010", "other sizes")),
                (put("relative_radius", sound["relative_radius"] / 2), ("AR010", "other sizes")),
                (put("determined_share", 1.0), ("AR010", "other sizes")),
                (swap("leaves", "enters"), ("AR010", "other sizes")),
                (put("first_position", None), ("AR010", "another place of the router")),
                (within("first_position", "scale", 1), ("AR010", "another place of the router")),
                (within("plausibility", "outside_share", 1.5), ("AR017", "plausibility.outside_share")),
                (within("plausibility", "sample", 1), ("AR017", "plausibility.sample")),
                (within("plausibility", "more", 1), ("AR016", "plausibility.more")),
                (put("token", 272), ("AR017", "token")), (put("token", other_token), ("AR018", "claim")),
                (lambda content: content.update({"token": other_token, "claim": content["claim"].replace(
                    f"token {sound['token']}'s", f"token {other_token}'s")}), ("AR010", "x0")),
                (put("theorem", "KR-1"), ("AR018", "theorem"))]:
            with self.subTest(words=words):
                self.refuse(self.doctored("layer-1.on_manifold.json", edit), 6, *words)
        self.refuse(self.doctored("layer-1.on_manifold.json", put("layer", 2)), 1, "AR022", "tensors[0].name")

    def test_doctored_bytes(self):
        name = "layer-1.identical_bytes.json"
        sound = load(os.path.join(self.sound, name))

        def further(content):  # other keys, as fp32 numbers
            content["x"] = [struct.unpack("<f", struct.pack("<f", 1.1 * value))[0] for value in content["x"]]

        def turned_round(content):
            content["x"] = [-value for value in content["x"]]

        def same(content):
            content["x"] = list(content["x0"])

        def swapped(content):
            content["x"], content["x0"] = content["x0"], content["x"]

        def margin(content):
            content["margins"][1] += 0.01

        def short(content):
            content["x"].pop()

        for edit, words in [
                (turned_round, ("AR010", "other keys")), (same, ("AR010", "equal sets")),
                (swapped, ("AR010", "x0")), (margin, ("AR010", "margins")), (short, ("AR017", "x:")),
                (lambda content: content["sets"].reverse(), ("AR010", "sets")),
                (lambda content: content["tensors"].pop(0), ("AR022", "tensors"))]:
            with self.subTest(words=words):
                file = self.doctored(name, edit)
                self.refuse(file, 1 if words[0] == "AR022" else 6, *words)
        # Keys are normed, so that a longer residual has the same bytes; its margin is another one.
        self.refuse(self.doctored(name, further), 6, "AR010")
        self.assertNotEqual(sound["x"], sound["x0"])

    def test_turned_residuals_of_families(self):
        """Grouped queries, a factor of what attention adds, latent attention, values made of keys."""
        for name, layers in FAMILIES_WITH_TEXTS.items():
            with self.subTest(name):
                model, out = self.path("texts-" + name.replace("/", "-")), self.path("out-" + name.replace("/", "-"))
                shutil.copytree(golden(name), model)
                with open(os.path.join(model, "tokenizer.json"), "w", encoding="utf-8") as file:
                    json.dump(small_tokenizer(), file)
                made = run("certify", model, "--out", out, "--levels", "B',C", "--domain", f"prose={self.prose}",
                           "--windows", 12, "--seq-len", 16)
                self.assertExit(made, 0)
                self.assertValid(out)
                self.assertExit(run("verify", out, "--model", model), 0, "holds")
                report = {layer["layer"]: layer for layer in load(os.path.join(out, "certificates.json"))["layers"]}
                for number, words in layers.items():
                    levels = [listed["level"] for listed in report[number]["certificates"]]
                    if words is None:
                        self.assertEqual(levels, ["on_manifold", "identical_bytes"])
                        self.assertEqual(report[number]["absent"], [])
                        self.check(os.path.join(out, f"layer-{number}.on_manifold.json"), model, 0)
                        continue
                    self.assertEqual(levels, [])
                    self.assertEqual([row["level"] for row in report[number]["absent"]],
                                     ["on_manifold", "identical_bytes"])
                    for row in report[number]["absent"]:
                        self.assertIn(words, row["reason"])
                    turned, same = (row["reason"] for row in report[number]["absent"])
                    self.assertEqual(same, "sought only where level B' is: " + turned)

    def test_where_keys_decide_every_token(self):
        """Router rows are key rows, and attention adds nothing: there is nothing to turn."""
        def blind(values):
            for layer in range(3):
                at = f"model.layers.{layer}."
                values[at + "mlp.gate.weight"] = values[at + "self_attn.k_proj.weight"][:8 * 32]
                values[at + "self_attn.o_proj.weight"] = [0.0] * (32 * 32)
                values[at + "post_attention_layernorm.weight"] = values[at + "input_layernorm.weight"]
        model, out = make_model(self.path("blind"), edit=blind), self.path("blind-out")
        made = run("certify", model, "--out", out, "--levels", "A,B',C", "--domain", f"prose={self.prose}",
                   "--windows", 4, "--seq-len", 32)
        self.assertExit(made, 0, "layer 2, B': every residual with the token's keys takes its route",
                        "A: differences of router rows are combinations of key rows")
        self.assertEqual(os.listdir(out), ["certificates.json"])
        self.assertExit(run("verify", out, "--model", model), 0, "1 test: 1 holds")

    def test_doctored_twins(self):
        name = "layer-0.twin_tokens.json"
        sound = load(os.path.join(self.sound, name))

        def swap(content):
            content["sets"].reverse()

        def other_token(content):
            content["prompts"][0][0] = (content["prompts"][0][0] + 1) % 200

        def one_prompt(content):
            content["prompts"][1] = list(content["prompts"][0])

        def outside(content):
            content["prompts"][1][0] = 272

        def margin(content):
            content["margins"][0] += 0.01

        def last(content):
            content["prompts"][0][-1] = content["prompts"][1][-1] = (sound["token"] + 1) % 200

        for edit, words in [(swap, ("AR010", "sets")), (one_prompt, ("AR017", "prompts")),
                            (outside, ("AR017", "prompts")), (margin, ("AR010", "margins")),
                            (last, ("AR017", "token"))]:
            with self.subTest(words=words):
                self.refuse(self.doctored(name, edit), 6, *words)
        self.refuse(self.doctored(name, other_token), 6, "AR010")
        self.assertEqual(sound["prompts"][0][-1], sound["prompts"][1][-1])
        self.assertNotEqual(sound["sets"][0], sound["sets"][1])

    def test_doctored_reports(self):
        def folder_with(edit, name):
            folder = self.path(name)
            shutil.copytree(self.sound, folder)
            report = load(os.path.join(folder, "certificates.json"))
            edit(report, folder)
            report["body_sha256"] = digest(report)
            with open(os.path.join(folder, "certificates.json"), "w", encoding="utf-8") as file:
                json.dump(report, file)
            return folder

        def answer(report, _):
            report["layers"][0]["rows"][0]["answer"] = "yes"

        def rank(report, _):
            report["layers"][0]["key_rank"] = 15

        def absent(report, _):
            report["layers"][1]["certificates"].pop(0)
            report["layers"][1]["absent"].append({"level": "exact", "reason": "sets not told apart in fp64"})

        def not_excluded(report, _):
            report["layers"][1]["certificates"] = [
                listed for listed in report["layers"][1]["certificates"] if listed["level"] != "on_manifold"]
            report["layers"][1]["absent"].append({"level": "on_manifold", "reason": "a bias of the values"})

        def missing(_, folder):
            os.remove(os.path.join(folder, "layer-2.exact.json"))

        def elsewhere(report, _):
            report["layers"][1]["certificates"][0]["file"] = "../layer-1.exact.json"

        def repeated(report, _):
            report["layers"].append(report["layers"][-1])

        def swapped(_, folder):
            shutil.copy(os.path.join(folder, "layer-1.exact.json"), os.path.join(folder, "layer-2.exact.json"))

        for number, (edit, words) in enumerate([
                (answer, ("AR010", "rows")), (rank, ("AR010", "key_rank")), (absent, ("AR010", "layers.1.absent")),
                (not_excluded, ("AR010", "layers.1.absent")),
                (missing, ("AR013", "isn't there")), (elsewhere, ("AR017", "file")), (repeated, ("AR014", "ascending")),
                (swapped, ("AR013", "sha256"))]):
            with self.subTest(words=words):
                self.refuse(folder_with(edit, f"report-{number}"), 6, *words)

    def test_another_checkpoint(self):
        other = make_model(self.path("other"), seed=2)
        result = run("verify", self.sound, "--model", other)
        self.assertExit(result, 1, "AR022", "13 fail")  # what the report says doesn't depend on these weights
        self.assertExit(run("verify", os.path.join(self.sound, "layer-0.exact.json"), "--model", SHIPPED), 1, "AR022")
        self.assertExit(run("verify", os.path.join(self.sound, "layer-0.exact.json"), "--model",
                            golden("mixtral/linear-f32")), 1, "AR022", "model.family")

    def test_the_shipped_model(self):
        out = self.path("shipped")
        self.assertExit(run("certify", SHIPPED, "--layers", "0,7", "--out", out), 0, "64 key dimensions of 2 heads")
        self.assertExit(run("verify", out, "--model", SHIPPED), 0, "5 tests: 5 holds")

    def test_refusals(self):
        self.assertExit(run("verify", self.sound), 2, "US001", "--model")
        for levels in ("E", "A,,B", "", "b'"):
            self.assertExit(run("certify", self.model, "--levels", levels, "--out", self.path("x")), 2, "US001")
        for level in ("B'", "C", "D"):
            self.assertExit(run("certify", self.model, "--levels", level, "--out", self.path("x")), 2, "--domain")
        self.assertExit(run("certify", self.model, "--levels", "A", "--domain", f"p={self.prose}", "--out",
                            self.path("x")), 2, "US001", "no level reads")
        self.assertExit(run("certify", self.model, "--layers", "9", "--out", self.path("x")), 2, "US001")
        self.assertExit(run("certify", self.model, "--out", self.sound), 2, "US002")
        damaged = self.written("damaged.json", {})
        with open(damaged, "w", encoding="utf-8") as file:
            file.write('{"certificate": "exact", "certificate": 1}')
        self.refuse(damaged, 6, "AR002")

    def test_overwriting_removes_what_is_no_longer_listed(self):
        out = self.path("twice")
        self.assertExit(run("certify", self.model, "--out", out), 0)
        self.assertExit(run("certify", self.model, "--levels", "B", "--layers", "1", "--out", out, "--overwrite"), 0)
        self.assertEqual(sorted(os.listdir(out)), ["certificates.json", "layer-1.enclosed.json"])
        self.assertExit(run("verify", out, "--model", self.model), 0, "2 tests: 2 holds")


if __name__ == "__main__":
    unittest.main()
