"""Embedding and head: what config.json says of them, what the checkpoint holds, and what is done where they
disagree. The reference is transformers 5.24: a stored head counts; a missing one isn't replaced."""

import json
import os
import struct
import unittest

from support import ProgramTest, artifacts_below, load, make_model, run

HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"


def read(path):
    """{name: (dtype, shape, bytes)} and the metadata of a safetensors file."""
    with open(path, "rb") as file:
        count = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(count)), file.read()
    metadata = header.pop("__metadata__", {})
    return {name: (each["dtype"], each["shape"], data[slice(*each["data_offsets"])])
            for name, each in header.items()}, metadata


def write(path, tensors):
    header, data = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


class Heads(ProgramTest):
    def model_with(self, tied, change):
        """The class's model with another flag; `change(tensors)` may change what is stored."""
        folder = make_model(self.out("model"), tie_word_embeddings=tied)
        path = os.path.join(folder, "model.safetensors")
        tensors, _ = read(path)
        change(tensors)
        write(path, tensors)
        return folder

    def logits(self, model):
        out = self.out("trace") + ".safetensors"
        tokens = self.out("tokens") + ".json"
        with open(tokens, "w", encoding="utf-8") as file:
            json.dump([[5, 77, 200, 41]], file)
        result = run("trace", "--model", model, "--tokens", tokens, "--tensors", "logits", "--threads", 1, "--out", out)
        if result.returncode != 0:
            return None, None, result
        tensors, metadata = read(out)
        return tensors["logits"][2], metadata, result

    def measure(self, model, experiment):
        out = self.out("results")
        return out, run("run", experiment, "--model", model, "--domain", f"prose={self.prose}", "--out", out,
                        "--seq-len", 32, "--windows", 8, "--threads", 2)

    def test_a_stored_head_counts_beside_a_tied_embedding(self):
        """Another head than the embedding is a choice, and said where it was made."""
        kept = self.model_with(True, lambda tensors: None)
        mine, metadata, result = self.logits(kept)
        untied, _, plain = self.logits(self.model_with(False, lambda tensors: None))
        embedded, _, _ = self.logits(self.model_with(True, lambda tensors: tensors.pop(HEAD)))
        self.assertEqual(mine, untied)
        self.assertNotEqual(mine, embedded)
        self.assertIn("the stored head was used", result.stderr)
        self.assertEqual(metadata["unembedding"], HEAD)
        self.assertNotIn("head", plain.stderr)
        facts = json.loads(run("inspect", kept, "--json").stdout)
        self.assertFalse(facts["tied_embeddings"])
        self.assertIn("stored head", facts["notes"][0])
        self.assertEqual(facts["weight_bytes_read"], 0)
        self.assertExit(run("inspect", kept), 0, "note       tie_word_embeddings is true")
        out, result = self.measure(kept, "chart_compatibility")
        self.assertExit(result, 0, "note: tie_word_embeddings is true")
        for artifact in artifacts_below(out):
            self.assertIn("the stored head was used", str(load(artifact)["notes"]))
        out, result = self.measure(kept, "expert_load")  # reads no head: no choice
        self.assertExit(result, 0)
        self.assertNotIn("head", result.stderr)
        for artifact in artifacts_below(out):
            self.assertNotIn("head", str(load(artifact)["notes"]))

    def test_an_equal_head_is_no_matter(self):
        def copy(tensors):
            tensors[HEAD] = tensors[EMBEDDING]
        both = self.model_with(True, copy)
        mine, _, result = self.logits(both)
        embedded, _, _ = self.logits(self.model_with(True, lambda tensors: tensors.pop(HEAD)))
        self.assertEqual(mine, embedded)
        self.assertNotIn("head", result.stderr)

    def test_a_tied_table_may_have_the_heads_name(self):
        def rename(tensors):
            tensors[HEAD] = tensors.pop(EMBEDDING)
        mine, _, _ = self.logits(self.model_with(True, rename))
        embedded, _, _ = self.logits(self.model_with(True, lambda tensors: tensors.pop(HEAD)))
        self.assertEqual(mine, embedded)

    def test_a_missing_head_is_not_replaced(self):
        """ST023 for what needs it; the rest of the model is measured and shown."""
        bare = self.model_with(False, lambda tensors: tensors.pop(HEAD))
        _, _, result = self.logits(bare)
        self.assertExit(result, 3, "error[ST023]", HEAD, "tie_word_embeddings must be true")
        for command in ("plan", "run"):
            result = run(command, "chart_compatibility", "--model", bare, "--domain", f"prose={self.prose}", "--seq-len",
                         32, "--windows", 8, "--out", self.out("x"))
            self.assertExit(result, 3, "error[ST023]")
        self.assertExit(run("inspect", bare), 0, "no lm_head.weight", "note       lm_head.weight is missing")
        _, result = self.measure(bare, "expert_load")
        self.assertExit(result, 0)
        out = self.out("routers") + ".safetensors"
        self.assertExit(run("trace", "--model", bare, "--domain", f"p={self.prose}", "--seq-len", 16, "--windows", 2,
                            "--out", out), 0)


if __name__ == "__main__":
    unittest.main()
