#!/usr/bin/python3
"""The table of gates: what counts as a candidate, what the table must name, that the committed page has every row.

Builds no model; recipes/differential/gates.py compares decisions, outside CI. Standard library only."""

import pathlib
import re
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "recipes" / "differential"))

from routers import candidates, mutants, table  # noqa: E402
from routers.row import Refused, Setting, settings  # noqa: E402
from routers.rows.other import OTHER  # noqa: E402

NAMED_ROUTER = "class ProbeTopKRouter(nn.Module):\n    def forward(self, x):\n        return self.layer(x)\n"
INLINE = """class ProbeMLP(nn.Module):
    def forward(self, x):
        return self.run(x, expert_ids=torch.topk(self.layer(x), 2).indices)
"""
IDS_FROM_OUTSIDE = """class ProbeLayer(nn.Module):
    def __init__(self):
        self.experts = nn.ModuleList([])
"""


def found(**files: str) -> list[candidates.Candidate]:
    """In files models/probe/<name>.py."""
    with tempfile.TemporaryDirectory() as models:
        folder = pathlib.Path(models, "probe")
        folder.mkdir()
        for name, text in files.items():
            (folder / f"{name}.py").write_text(text, encoding="utf-8")
        return candidates.find(pathlib.Path(models))


class Candidates(unittest.TestCase):
    def signs(self, text: str) -> dict[str, str]:
        return {candidate.name: candidate.sign for candidate in found(modeling_probe=text)}

    def test_names(self):
        for name in ("ProbeRouter", "ProbeTop2Router", "ProbeMoEV1Gate", "ProbeTopKGating", "ProbeRoutingLayer"):
            self.assertEqual(self.signs(f"class {name}:\n    pass\n"), {name: "name"})
        self.assertEqual(self.signs("class ProbeGatedMLP:\n    pass\nclass Aggregate:\n    pass\n"), {})

    def test_a_choice_in_a_block(self):
        self.assertEqual(self.signs(INLINE), {"ProbeMLP": "choice"})
        self.assertEqual(self.signs(INLINE.replace("torch.topk(self.layer(x), 2).indices", "self.layer(x).argmax(-1)")),
                         {"ProbeMLP": "choice"})
        self.assertEqual(self.signs(INLINE.replace("expert_ids", "beams")), {})

    def test_experts_without_a_router(self):
        self.assertEqual(self.signs(IDS_FROM_OUTSIDE), {"ProbeLayer": "experts"})
        self.assertEqual(self.signs(IDS_FROM_OUTSIDE.replace("nn.ModuleList([])", "ProbeNaiveMoe()")),
                         {"ProbeLayer": "experts"})
        self.assertEqual(self.signs(IDS_FROM_OUTSIDE.replace("self.experts = nn.ModuleList([])",
                                                             "self.mlp = ProbeExperts()")), {"ProbeLayer": "experts"})
        self.assertEqual(self.signs(IDS_FROM_OUTSIDE + "        self.gate = ProbeRouter()\n"), {})

    def test_only_modeling_files(self):
        self.assertEqual(found(modular_probe=NAMED_ROUTER, configuration_probe=NAMED_ROUTER), [])
        self.assertEqual([candidate.key for candidate in found(modeling_probe=NAMED_ROUTER)], ["probe.ProbeTopKRouter"])

    def test_characters_that_end_lines_in_other_tools(self):
        self.assertEqual(self.signs('"""A page\x0cbreak and a separator\u2028."""\n' + INLINE), {"ProbeMLP": "choice"})


class Gaps(unittest.TestCase):
    def test_each_kind(self):
        made = found(modeling_probe=NAMED_ROUTER + INLINE)
        self.assertEqual(candidates.gaps(made, ["probe.ProbeTopKRouter", "probe.ProbeMLP"]), [])
        self.assertRegex(candidates.gaps(made, ["probe.ProbeMLP"])[0], "^probe.ProbeTopKRouter: found by its name, not")
        self.assertRegex(candidates.gaps(made, ["probe.ProbeTopKRouter", "probe.ProbeMLP", "probe.Gone"])[0],
                         "^probe.Gone: in the table, but no such class")
        self.assertRegex(candidates.gaps(made, ["probe.ProbeTopKRouter", "probe.ProbeMLP", "probe.ProbeMLP"])[0],
                         "^probe.ProbeMLP: in the table twice")


class Rows(unittest.TestCase):
    def test_switches_that_name_several_keys(self):
        made = settings({"a, b": [(1, 2), (3, 4)], "c": [True]}, lambda values: {"scaling": values["a, b"][0]})
        self.assertEqual([setting.config for setting in made], [dict(a=1, b=2, c=True), dict(a=3, b=4, c=True)])
        self.assertEqual([setting.spec["scaling"] for setting in made], [1, 3])
        self.assertEqual(Setting({}, {}).config, {})

    def test_every_mutant_turns_something(self):
        for row in table.ROWS:
            for setting in () if isinstance(row, Refused) else row.settings:
                made = mutants.turned(setting.spec)
                self.assertIn("scaling", [what for what, _ in made])
                for what, other in made:
                    self.assertNotEqual(other, setting.spec, f"{row.router}: {what}")

    def test_the_page_has_every_row(self):
        page = (ROOT / "docs" / "gates-differential.md").read_text(encoding="utf-8")
        gates, others = page.split("## Found, and no gates of experts")
        self.assertEqual(sorted(re.findall(r"^\| [\w-]+ \| ([A-Z]\w+) \|", gates, re.MULTILINE)),
                         sorted(row.router.split(".")[1] for row in table.ROWS))
        self.assertEqual(re.findall(r"^\| (\w+) \| ([A-Z]\w+) \|", others, re.MULTILINE),
                         [tuple(key.split(".")) for key in OTHER])
        for row in table.ROWS:
            texts = [row.missing] if isinstance(row, Refused) else [row.note, *(s.missing for s in row.settings)]
            for text in texts:
                self.assertTrue(text in page, f"{row.router}: {text}")


if __name__ == "__main__":
    unittest.main()
