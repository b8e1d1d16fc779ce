#!/usr/bin/python3
"""models/family.json and the checkpoints that it names: one tokenizer, the layouts, the path of the descendants.

Runs no model. Standard library only."""

import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "recipes"))

from tuning import weights  # noqa: E402


class ShippedFamily(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.models = ROOT / "models"
        cls.family = json.loads((cls.models / "family.json").read_text(encoding="utf-8"))
        listed = [cls.family["base"], *cls.family["descendants"], *cls.family["siblings"]]
        cls.folders = {entry["name"]: cls.models / entry["path"] for entry in listed}

    def layout(self, name):
        return weights.layout(str(self.folders[name]))

    def test_every_folder_is_listed_once_and_all_are_small(self):
        self.assertEqual(sorted(self.folders.values()), sorted(path for path in self.models.iterdir() if path.is_dir()))
        size = sum(path.stat().st_size for folder in self.folders.values() for path in folder.iterdir())
        self.assertLess(size, 40_000_000)

    def test_one_tokenizer(self):
        for name in ("tokenizer.json", "tokenizer_config.json"):
            self.assertEqual(len({(folder / name).read_bytes() for folder in self.folders.values()}), 1)

    def test_edges_lead_from_the_base_through_all_descendants(self):
        path = [self.family["base"]["name"], *(entry["name"] for entry in self.family["descendants"])]
        self.assertEqual(self.family["edges"], [{"from": a, "to": b} for a, b in zip(path, path[1:])])

    def test_descendants_have_the_layout_of_the_base_and_other_weights(self):
        base = str(self.folders[self.family["base"]["name"]])
        seen = [weights.layer_digests(base)]
        for entry in self.family["descendants"]:
            self.assertEqual(self.layout(entry["name"]), weights.layout(base))
            digests = weights.layer_digests(str(self.folders[entry["name"]]))
            for others in seen:
                weights.check_frozen(others, digests, [])
            seen.append(digests)

    def test_siblings_have_another_depth(self):
        depths = {name: {weights.layer_of(tensor) for tensor in self.layout(name) if ".mlp.gate." in tensor}
                  for name in self.folders}
        for entry in self.family["siblings"]:
            self.assertNotEqual(len(depths[entry["name"]]), len(depths[self.family["base"]["name"]]))


if __name__ == "__main__":
    unittest.main()
