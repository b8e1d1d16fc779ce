#!/usr/bin/python3
"""Tuning with frozen layers: digests of layers, the pre-registration, the identity of texts.

Trains nothing. Standard library only."""

import copy
import json
import pathlib
import struct
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "recipes"))

from tuning import registration, texts, weights  # noqa: E402

TENSORS = {
    "model.embed_tokens.weight": b"emb.",
    "model.layers.0.mlp.gate.weight": b"l0g.",
    "model.layers.1.mlp.gate.weight": b"l1g.",
    "model.layers.10.mlp.gate.weight": b"l10g",
}
STATEMENT = {
    "frozen_set": [0, 1],
    "thresholds": {"D_max": 0.1, "L_max": 0.2},
    "seeds": [1, 2, 3, 4, 5],
    "comparison": {"frozen_set": [0], "seeds": [6]},
}


def write_safetensors(path, tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, value in tensors.items():
        header[name] = {"dtype": "BF16", "shape": [2], "data_offsets": [len(data), len(data) + len(value)]}
        data += value
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class InFolder(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)


class Weights(InFolder):
    def checkpoint(self, name, *shards):
        folder = self.folder / name
        folder.mkdir()
        for number, shard in enumerate(shards):
            write_safetensors(folder / f"model-{number}.safetensors", shard)
        return str(folder)

    def test_layers_of_names(self):
        for name, layer in (("model.layers.7.mlp.gate.weight", "7"), ("layers.12.norm", "12"),
                            ("model.norm.weight", weights.OUTSIDE), ("model.sublayers.3.x", weights.OUTSIDE)):
            self.assertEqual(weights.layer_of(name), layer)

    def test_a_digest_moves_with_its_own_layer_alone(self):
        before = weights.layer_digests(self.checkpoint("before", TENSORS))
        self.assertEqual(set(before), {"0", "1", "10", weights.OUTSIDE})
        for name in TENSORS:
            after = weights.layer_digests(self.checkpoint(name, {**TENSORS, name: b"new."}))
            self.assertEqual([layer for layer in before if before[layer] != after[layer]], [weights.layer_of(name)])

    def test_a_digest_covers_names(self):
        before = weights.layer_digests(self.checkpoint("before", {"layers.0.a": b"1234", "layers.0.b": b"5678"}))
        after = weights.layer_digests(self.checkpoint("after", {"layers.0.b": b"1234", "layers.0.a": b"5678"}))
        self.assertNotEqual(before, after)

    def test_shards_and_order_in_the_file_do_not_matter(self):
        names = list(TENSORS)
        shards = [{name: TENSORS[name] for name in part} for part in (names[2:], names[1::-1])]
        whole, split = self.checkpoint("whole", TENSORS), self.checkpoint("split", *shards)
        self.assertEqual(weights.layer_digests(whole), weights.layer_digests(split))
        self.assertEqual(weights.layout(whole), weights.layout(split))

    def test_frozen_means_unchanged_and_tuned_means_changed(self):
        before = {"0": "a", "1": "b", weights.OUTSIDE: "c"}
        after = {"0": "a", "1": "x", weights.OUTSIDE: "y"}
        weights.check_frozen(before, after, [0])
        with self.assertRaisesRegex(ValueError, r"frozen layers have changed: \[1\]"):
            weights.check_frozen(before, after, [0, 1])
        with self.assertRaisesRegex(ValueError, r"unchanged: \['0'\]"):
            weights.check_frozen(before, after, [])

    def test_no_weights(self):
        with self.assertRaisesRegex(ValueError, "no safetensors file"):
            weights.layer_digests(str(self.folder))


class Registration(InFolder):
    def test_what_is_refused(self):
        registration.check(STATEMENT, 2)
        for key, value, reason in (
                ("frozen_set", [], "empty"),
                ("frozen_set", [1, 0], "ascending"),
                ("frozen_set", [0, 2], "within 0..1"),
                ("frozen_set", [0], "strict subset"),
                ("comparison", {"frozen_set": [0, 1], "seeds": [6]}, "strict subset"),
                ("comparison", {"frozen_set": [], "seeds": []}, "one comparison"),
                ("comparison", {"frozen_set": [], "seeds": [5]}, "a seed of its own"),
                ("thresholds", {"D_max": 0.0, "L_max": 0.2}, "D_max must be positive"),
                ("thresholds", {"D_max": 0.1, "L_max": float("nan")}, "L_max must be positive"),
                ("seeds", [1, 2, 3, 4], "at least 5"),
                ("seeds", [1, 2, 3, 4, 4], "a seed of its own")):
            with self.assertRaisesRegex(ValueError, reason):
                registration.check({**STATEMENT, key: value}, 2)

    def test_written_once(self):
        folder = self.folder / "out"
        path = pathlib.Path(registration.write_once(str(folder), STATEMENT))
        first = path.read_bytes()
        stated = json.loads(first)
        self.assertRegex(stated.pop("registered_utc"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")
        self.assertEqual(stated, STATEMENT)
        registration.write_once(str(folder), STATEMENT)
        self.assertEqual(path.read_bytes(), first)
        other = copy.deepcopy(STATEMENT)
        other["thresholds"]["D_max"] = 0.3
        with self.assertRaisesRegex(ValueError, r"something else \(thresholds\)"):
            registration.write_once(str(folder), other)
        self.assertEqual(path.read_bytes(), first)

    def test_runs_before_the_registration(self):
        (self.folder / "frozen-1").mkdir()
        with self.assertRaisesRegex(ValueError, "no registration"):
            registration.write_once(str(self.folder), STATEMENT)


class Texts(InFolder):
    def test_folder(self):
        for name, text in (("b.txt", "second\r\n"), ("a/z.txt", "first é"), ("c.txt", "third")):
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text.encode())
        source = str(self.folder)
        self.assertEqual(list(texts.documents(source)), ["first é", "second\r\n", "third"])
        before = texts.identity(source)
        self.assertEqual(before["documents"], 3)
        (self.folder / "c.txt").write_bytes(b"thirD")
        self.assertNotEqual(texts.identity(source)["sha256"], before["sha256"])

    def test_file_and_nothing(self):
        path = self.folder / "one.txt"
        with self.assertRaisesRegex(ValueError, "no text"):
            texts.identity(str(self.folder))
        path.write_text("alone")
        self.assertEqual(list(texts.documents(str(path))), ["alone"])


if __name__ == "__main__":
    unittest.main()
