"""`agree` end to end: logs with logs, logs with models, two models; what is refused."""

import json
import math
import os
import random
import shutil
import struct
import tempfile
import unittest

import jsonschema
from support import ROOT, load, make_text, run
from test_import import npy, read_safetensors, write_safetensors

MODEL = os.path.join(ROOT, "models", "routegauge-tiny-olmoe")
WINDOWS, LENGTH, LAYERS, K, E = 8, 128, 8, 4, 16
ROWS = WINDOWS * LENGTH


def top_k(logits):
    return sorted(range(len(logits)), key=lambda e: (-logits[e], e))[:K]


def sets_of(tensors, columns=K):
    """Per layer and row, the ids of a trace or a log."""
    layers = []
    for layer in range(LAYERS):
        ids = tensors[f"layers.{layer}.topk_ids"][2]
        layers.append([ids[at:at + K] for at in range(0, len(ids), columns)])
    return layers


class Agree(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="routegauge-agree-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.log = os.path.join(cls.folder, "log")
        cls.trace = os.path.join(cls.folder, "trace.safetensors")
        texts = make_text(os.path.join(cls.folder, "texts"), "prose", 12, 200)
        result = run("trace", "--model", MODEL, "--domain", f"prose={texts}", "--windows", WINDOWS,
                     "--seq-len", LENGTH, "--tensors", "router_logits,topk_ids,topk_weights", "--out", cls.trace, "--log", cls.log)
        assert result.returncode == 0, result.stderr
        cls.tensors = read_safetensors(cls.trace)
        cls.tokens = cls.tensors["tokens"][2]
        cls.ids = sets_of(cls.tensors, K + 1)
        cls.token_file = os.path.join(cls.folder, "ids.json")
        with open(cls.token_file, "w", encoding="utf-8") as file:
            json.dump([cls.tokens[at:at + LENGTH] for at in range(0, ROWS, LENGTH)], file)
        cls.schema = load(os.path.join(ROOT, "schema", "agreement.schema.json"))
        jsonschema.Draft7Validator.check_schema(cls.schema)

    def path(self, name):
        return os.path.join(self.folder, f"{self.id().rsplit('.', 1)[1]}-{name}")

    def log_of(self, ids, name="changed", tokens=None):
        """A log of ids alone: ids[layer][row]."""
        path = self.path(name + ".safetensors")
        flat = [x for row in range(ROWS) for layer in range(LAYERS) for x in ids[layer][row]]
        width = len(ids[0][0])
        write_safetensors(path, {
            "topk_ids": ("I32", [ROWS, LAYERS, width], struct.pack(f"<{len(flat)}i", *flat)),
            "tokens": ("I32", [ROWS], struct.pack(f"<{ROWS}i", *(tokens or self.tokens))),
            "sequence": ("I32", [ROWS], struct.pack(f"<{ROWS}i", *(row // LENGTH for row in range(ROWS))))})
        return path

    def agree(self, a, b, *more, code=0, verdict=None, named=None):
        result = run("agree", a, b, "--json", *more)
        self.assertEqual(result.returncode, code, result.stdout[-3000:] + result.stderr)
        report = json.loads(result.stdout)
        jsonschema.Draft7Validator(self.schema).validate(report)
        self.assertEqual(report["verdict"], verdict)
        self.assertEqual(report["faults"]["named"] if report["faults"] else None, named)
        return report

    def refused(self, code, word, *arguments):
        result = run("agree", *arguments)
        self.assertEqual(result.returncode, code, result.stdout[-2000:] + result.stderr)
        self.assertIn(word, result.stderr)
        return result.stderr

    def test_a_log_and_the_model_that_it_is_of(self):
        report = self.agree(self.log, MODEL, verdict="NUMERICAL")
        self.assertTrue(report["all_equal"])
        self.assertEqual((report["a"]["kind"], report["b"]["kind"], report["reference"]), ("log", "model", "b"))
        self.assertEqual((report["rows"], report["layers"]), (ROWS, list(range(LAYERS))))
        self.assertEqual(len(report["agreement"]), LAYERS + 1)
        for row in report["agreement"]:
            self.assertEqual((row["equal_sets"]["value"], row["equal_order"]["value"], row["weight_difference"]["value"]),
                             (1, 1, 0))
        self.assertEqual(report["noise"]["pooled"]["eps"], 0)
        self.assertAlmostEqual(report["noise"]["layers"][0]["eps_interval"][1], 1 - math.exp(-1.9207294 / ROWS), 8)
        other_way = self.agree(MODEL, self.log, verdict="NUMERICAL")
        self.assertEqual((other_way["reference"], other_way["noise"]), ("a", report["noise"]))
        text = run("agree", self.log, MODEL)
        self.assertEqual(text.returncode, 0)
        self.assertIn("All sets are equal.", text.stdout)
        self.assertEqual([line for line in text.stdout.splitlines() if len(line) > 100], [])

    def test_threads_change_nothing(self):
        ids = [list(layer) for layer in self.ids]
        ids[3] = ids[2]
        path = self.log_of(ids)
        one = run("agree", path, MODEL, "--json", "--threads", 1)
        two = run("agree", path, MODEL, "--json", "--threads", 2)
        self.assertEqual(one.stdout, two.stdout)
        self.assertEqual(one.returncode, 1)

    def test_ids_without_tokens(self):
        flat = [x for row in range(ROWS) for layer in range(LAYERS) for x in self.ids[layer][row]]
        path = self.path("ids.npy")
        with open(path, "wb") as file:
            file.write(npy("<i2", (ROWS, LAYERS, K), struct.pack(f"<{len(flat)}h", *flat)))
        self.refused(6, "error[LG006]", path, MODEL)
        report = self.agree(path, MODEL, "--tokens", self.token_file, verdict="NUMERICAL")
        self.assertTrue(report["all_equal"])
        self.assertIsNone(report["agreement"][0]["weight_difference"])

    def test_decode_rows_alone_need_all_tokens(self):
        """The model reads what comes before; LG008 without it."""
        kept = [row for row in range(ROWS) if row % LENGTH >= 100]
        lines = [json.dumps({"layer": layer, "sequence": row // LENGTH, "position": row % LENGTH,
                             "token": self.tokens[row], "topk_ids": self.ids[layer][row]})
                 for row in kept for layer in range(LAYERS)]
        path = self.path("decode.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        self.refused(6, "error[LG008]", path, MODEL)
        report = self.agree(path, MODEL, "--tokens", self.token_file, verdict="NUMERICAL")
        self.assertEqual(report["rows"], len(kept))
        self.assertTrue(any("only one side has" in note for note in report["notes"]))

    def test_faults_are_named(self):
        draw = random.Random(4)
        numbers = [draw.sample(range(E), E) for _ in range(LAYERS)]

        def neighbour(row, by):
            return row + by if (row + by) // LENGTH == row // LENGTH and row + by >= 0 else row

        faults = {
            "layer_before": [self.ids[max(layer - 1, 0)] for layer in range(LAYERS)],
            "layer_after": [self.ids[min(layer + 1, LAYERS - 1)] for layer in range(LAYERS)],
            "token_before": [[layer[neighbour(row, -1)] for row in range(ROWS)] for layer in self.ids],
            "token_after": [[layer[neighbour(row, 1)] for row in range(ROWS)] for layer in self.ids],
            "permutation": [[[numbers[at][e] for e in row] for row in layer] for at, layer in enumerate(self.ids)],
            "other_k": [[row[:3] for row in layer] for layer in self.ids]}
        for name, ids in faults.items():
            with self.subTest(name):
                path = self.log_of(ids, name)
                report = self.agree(path, MODEL, code=1, verdict="BUG", named=name)
                if name == "permutation":
                    self.assertEqual(report["faults"]["permutations"], numbers)
                # Without logits there is no verdict, and the fault is named all the same.
                self.agree(self.log, path, code=1, named=name)
        text = run("agree", self.path("layer_before.safetensors"), MODEL).stdout
        self.assertIn("fault: A has at each layer the choice of the layer with a gate before it.", text)

    def test_noise_is_numerical(self):
        """Logits of a trace, a little noise on them, and the same rule; both as logs."""
        draw = random.Random(11)
        ids = []
        for layer in range(LAYERS):
            logits = self.tensors[f"layers.{layer}.router_logits"][2]
            ids.append([top_k([z + draw.gauss(0, 0.01) for z in logits[at:at + E]]) for at in range(0, ROWS * E, E)])
        path = self.log_of(ids)
        report = self.agree(self.trace, path, "--model", MODEL, verdict="NUMERICAL")
        self.assertFalse(report["all_equal"])
        self.assertGreater(report["noise"]["pooled"]["flips"], 30)
        for sigma in report["noise"]["pooled"]["sigma"]:
            self.assertAlmostEqual(sigma, 0.01, delta=0.006)
        flipped = [sum(set(a) != set(b) for a, b in zip(ids[layer], self.ids[layer])) for layer in range(LAYERS)]
        for layer in range(LAYERS):
            self.assertAlmostEqual(report["agreement"][layer]["equal_sets"]["value"], 1 - flipped[layer] / ROWS, 12)
            self.assertEqual(report["noise"]["layers"][layer]["flips"], flipped[layer])
        rates = [row["flips"]["value"] for row in report["flips"]["by_margin"]]
        self.assertGreater(rates[0], 10 * max(rates[2:]))
        self.assertEqual(report["onset"]["tokens"], ROWS)
        never = sum(all(set(ids[at][row]) == set(self.ids[at][row]) for at in range(LAYERS)) for row in range(ROWS))
        self.assertEqual(report["onset"]["never"], never)
        self.assertEqual(sum(row["onsets"] for row in report["onset"]["layers"]), ROWS - never)
        # Neither log's gate is known: agreement without a verdict.
        report = self.agree(self.trace, path)
        self.assertIn("known gate", report["no_verdict"])

    def test_a_share_at_the_limit_is_undecided(self):
        """2 of 1024 choices differ, whatever their margin: 0.00195, where a fault begins above 0.002."""
        ids = [list(layer) for layer in self.ids]
        for layer in range(LAYERS):
            for row in (5, 600):
                ids[layer][row] = [e for e in range(E) if e not in ids[layer][row]][:K]
        report = self.agree(self.log_of(ids), MODEL, code=1, verdict="UNDECIDED")
        self.assertEqual(report["noise"]["pooled"]["flips"], 2 * LAYERS)
        low, high = report["noise"]["pooled"]["eps_interval"]
        self.assertLess(low, 2 / ROWS)
        self.assertGreater(high, 0.002)

    def test_two_models_and_their_replay(self):
        tokens = self.path("few.json")
        windows = [self.tokens[at:at + 48] for at in range(0, ROWS, LENGTH)]
        with open(tokens, "w", encoding="utf-8") as file:
            json.dump(windows, file)
        same = self.agree(MODEL, MODEL, "--tokens", tokens, verdict="NUMERICAL")
        self.assertTrue(same["all_equal"])
        self.assertEqual([row["routes"] for row in same["replay"]], ["a", "natural", "ids", "ids_and_weights"])
        for row in same["replay"][1:]:
            self.assertEqual((row["loss_above_a"]["value"], row["kl"]["value"]), (0, 0))
        tuned = MODEL + "-t1"
        report = self.agree(MODEL, tuned, "--tokens", tokens, code=1, verdict="BUG")
        a, natural, ids, both = report["replay"]
        self.assertEqual(a["loss"], same["replay"][0]["loss"])
        self.assertGreater(natural["kl"]["value"], both["kl"]["value"])
        for row in (natural, ids, both):
            self.assertGreater(row["kl"]["value"], 0)
            self.assertAlmostEqual(row["loss_above_a"]["value"], row["loss"]["value"] - a["loss"]["value"], 12)
        self.assertEqual(len({row["kl"]["value"] for row in (natural, ids, both)}), 3)
        traces = []
        for number, model in enumerate((MODEL, tuned)):
            out = self.path(f"trace{number}.safetensors")
            done = run("trace", "--model", model, "--tokens", tokens, "--tensors", "topk_ids,logits", "--out", out)
            self.assertEqual(done.returncode, 0, done.stderr)
            traces.append(read_safetensors(out))
        for layer, (base, other) in enumerate(zip(*(sets_of(trace, K + 1) for trace in traces))):
            equal = sum(set(x) == set(y) for x, y in zip(base, other))
            self.assertAlmostEqual(report["agreement"][layer]["equal_sets"]["value"], equal / len(base), 12)
        self.assertAlmostEqual(a["loss"]["value"], self.loss(traces[0], windows), 5)
        self.assertAlmostEqual(natural["loss"]["value"], self.loss(traces[1], windows), 5)

    def loss(self, trace, windows):
        logits, total = trace["logits"][2], 0
        vocabulary = len(logits) // sum(len(window) for window in windows)
        for w, window in enumerate(windows):
            for i, following in enumerate(window[1:]):
                row = logits[(w * len(window) + i) * vocabulary:(w * len(window) + i + 1) * vocabulary]
                top = max(row)
                total += top + math.log(sum(math.exp(z - top) for z in row)) - row[following]
        return total / sum(len(window) - 1 for window in windows)

    def test_refusals(self):
        tokens = list(self.tokens)
        tokens[300] = tokens[300] + 1 if tokens[300] < 3000 else 0
        other = self.log_of(self.ids, "other", tokens)
        message = self.refused(6, "error[LG008]", self.log, other)
        self.assertIn("sequence 2, position 44", message)
        self.assertIn(str(tokens[300]), message)
        self.assertIn(str(self.tokens[300]), message)
        self.refused(2, "error[US001]", MODEL, MODEL + "-t1")
        self.refused(2, "error[US001]", self.log, MODEL, "--bootstrap", 10)
        self.refused(2, "error[US001]", self.log)
        self.refused(3, "error[HF001]", self.log, os.path.join(self.folder, "missing"))
        self.refused(3, "error[RT008]", MODEL, MODEL + "-4l", "--tokens", self.token_file)
        for name, ids, error in (("vocabulary", [[1, 2, 99999]], "TK010"), ("long", [[1] * 1025], "CF017")):
            path = self.path(name + ".json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(ids, file)
            self.refused(3, f"error[{error}]", MODEL, MODEL, "--tokens", path)
        self.refused(6, "error[LG001]", os.path.join(ROOT, "README.md"), self.log)


if __name__ == "__main__":
    unittest.main()
