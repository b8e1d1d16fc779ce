"""The theorem catalogue is sound, and every rule of scripts/check_catalogue.py refuses a planted fault.

usage: test_catalogue.py ROOT [unittest's arguments]"""

import copy
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "check_catalogue.py"
sys.path.insert(0, str(SCRIPT.parent))
import check_catalogue  # noqa: E402  pylint: disable=wrong-import-position

SCHEMAS = check_catalogue.read_schemas(ROOT)
PROOF = """(* AA-1. (* Theorem AA_9_in_a_comment : False. *) *)
Theorem AA_1_a_first : True.
Proof. exact: I. Qed.
  Theorem AA_1_b_second : True.
Lemma helper : True.
Theorem AA_2_third : True.
Theorem BB_1_fourth : True.
Theorem CC_1_of_an_absent_family : True.
"""


def entry(name, theorems=(), depends_on=()):
    return {"id": name, "title": "A title", "sentence": "With $x>0$, a sentence.", "hypotheses": ["$x>0$"],
            "statement": r"$$\left(\begin{pmatrix}x\end{pmatrix}\right),\ \{x\}$$ for $x\in\{1\}$",
            "claims": [{"verdict": "new", "why": "Nobody said it."}], "proof_idea": "By hand.",
            "formal": {"theorems": list(theorems), "difference": None, "gap": None if theorems else "No measures."},
            "check": {"kind": "identity", "computes": "Both sides.", "tolerance": "$10^{-12}$"},
            "experiments": [{"experiment": "chart_compatibility", "fields": ["strata_def.margin_used"]}],
            "depends_on": list(depends_on)}


def sound():
    """Two families without a fault."""
    def family(name, order, entries):
        return {"schema_version": 1, "entries": entries,
                "family": {"id": name, "order": order, "name": "Family " + name, "explanation": ["What it is."]}}
    return {"aa.json": family("AA", 1, [entry("AA-1", ["AA_1_a_first", "AA_1_b_second"]),
                                        entry("AA-2", ["AA_2_third"], ["AA-1"]), entry("AA-10", (), ["BB-1"])]),
            "bb.json": family("BB", 2, [entry("BB-1", ["BB_1_fourth"], ["AA-1", "AA-2"])])}


class Catalogue(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        root = pathlib.Path(self.folder.name)
        for name in ("proofs", "theorems", "schema"):
            (root / name).mkdir()
        (root / "proofs" / "A.v").write_text(PROOF, encoding="utf-8")
        for path in (ROOT / "schema").glob("*.schema.json"):
            (root / "schema" / path.name).write_bytes(path.read_bytes())

    def write(self, catalogue):
        for name, data in catalogue.items():
            (pathlib.Path(self.folder.name) / "theorems" / name).write_text(json.dumps(data), encoding="utf-8")

    def findings(self, change):
        """What is found after change(entries of aa.json, whole catalogue)."""
        catalogue = sound()
        change(catalogue["aa.json"]["entries"], catalogue)
        self.write(catalogue)
        return check_catalogue.check_root(self.folder.name)

    def refused(self, finding, change):
        found = self.findings(change)
        self.assertTrue(any(finding in line for line in found), (finding, found))

    def test_shipped_catalogue(self):
        self.assertEqual(check_catalogue.check_root(ROOT), [])
        self.assertTrue(check_catalogue.read_catalogue(ROOT))
        self.assertTrue(check_catalogue.read_theorems(ROOT))

    def test_sound_one_is_accepted(self):
        self.assertEqual(self.findings(lambda entries, all_: None), [])

    def test_empty_one_is_refused(self):
        self.assertEqual(check_catalogue.check_root(self.folder.name), ["theorems/: no catalogue file"])

    def test_program(self):
        for finding, change in (("0 findings", lambda all_: None),
                                ("AA-2: depends on ZZ-1, which does not exist",
                                 lambda all_: all_["aa.json"]["entries"][1]["depends_on"].append("ZZ-1"))):
            catalogue = sound()
            change(catalogue)
            self.write(catalogue)
            ran = subprocess.run([sys.executable, SCRIPT, self.folder.name], stdout=subprocess.PIPE, text=True,
                                 check=False)
            self.assertIn(finding, ran.stdout)
            self.assertEqual(ran.returncode, 0 if finding == "0 findings" else 1)

    def test_schema(self):
        self.refused("aa.json: entries/0: 'hypotheses' is a required property",
                     lambda entries, all_: entries[0].pop("hypotheses"))
        self.refused("aa.json: entries/1/claims/0: 'claim' is a required property",
                     lambda entries, all_: entries[1]["claims"].append({"verdict": "false", "why": "x"})
                     or entries[1]["claims"].pop(0))
        for fault in ({"share": 1}, {"share": 0}, {"why": ""}, {"factor": 5}):
            loose = {"why": "No case attains it.", "quantity": "a share", "share": 0.2, **fault}
            with self.subTest(fault):
                self.refused("aa.json: entries/0/check: ",
                             lambda entries, all_, loose=loose: entries[0]["check"].update(loose=loose))
        self.assertEqual(self.findings(lambda entries, all_: entries[0]["check"].update(
            loose={"why": "No case attains it.", "quantity": "a share", "share": 0.2})), [])
        self.refused("'maybe' is not one of", lambda entries, all_: entries[0]["claims"][0].update(verdict="maybe"))

    def test_ids(self):
        self.refused("bb.json: AA-1 stands already in aa.json",
                     lambda entries, all_: all_["bb.json"]["entries"].append(copy.deepcopy(entries[0])))
        self.refused("aa.json: AA-2 stands already in aa.json",
                     lambda entries, all_: entries.insert(2, copy.deepcopy(entries[1])))
        self.refused("bb.json: AA-3 is not of family BB",
                     lambda entries, all_: all_["bb.json"]["entries"].append(entry("AA-3")))
        self.refused("aa.json: AA-2 stands after AA-10", lambda entries, all_: entries.insert(1, entries.pop(2)))

    def test_families(self):
        self.refused("bb.json: family order 1 is that of aa.json",
                     lambda entries, all_: all_["bb.json"]["family"].update(order=1))
        self.refused("cc.json: family id BB is that of bb.json", lambda entries, all_: all_.update(
            {"cc.json": {**all_["bb.json"], "entries": [entry("BB-2")]}}))

    def test_dependencies(self):
        self.refused("AA-1: depends on AA-7, which does not exist",
                     lambda entries, all_: entries[0]["depends_on"].append("AA-7"))
        self.refused("AA-1: depends on itself: AA-1 -> BB-1 -> AA-1",
                     lambda entries, all_: entries[0]["depends_on"].append("BB-1"))
        self.refused("AA-10: depends on itself: AA-10 -> AA-10",
                     lambda entries, all_: entries[2]["depends_on"].append("AA-10"))

    def test_tex(self):
        def spoil(text):
            return lambda entries, all_: entries[0].update(statement=text)
        for finding, text in (("AA-1: statement: $ without its end", "for $x>0"),
                              ("AA-1: statement: $$ without its end", "$$x>0"),
                              ("AA-1: statement: $$ closed by $", "$$x$"),
                              ("AA-1: statement: empty TeX", "for $ $ so"),
                              ("AA-1: statement: unbalanced braces", "$x_{1$"),
                              ("AA-1: statement: unbalanced braces", "$}x{$"),
                              (r"AA-1: statement: \left without \right", r"$\left(x\leftarrow y)$"),
                              (r"AA-1: statement: \begin without \end", r"$\begin{pmatrix}x\end{cases}$"),
                              ("AA-1: statement: a backslash outside", r"for \beta")):
            with self.subTest(text):
                self.refused(finding, spoil(text))
        self.refused("AA: explanation 2: $ without",
                     lambda entries, all_: all_["aa.json"]["family"]["explanation"].append("$x"))
        self.refused("AA-1: why: $ without", lambda entries, all_: entries[0]["claims"][0].update(why="$x"))
        self.refused("AA-2: hypotheses 1: $ without", lambda entries, all_: entries[1].update(hypotheses=["$x"]))
        self.refused("AA-2: tolerance: $ without", lambda entries, all_: entries[1]["check"].update(tolerance="$"))
        self.refused("AA-2: why: $ without", lambda entries, all_: entries[1]["check"].update(
            loose={"why": "$x", "quantity": "a share", "share": 0.2}))
        self.refused("AA-2: difference: $ without",
                     lambda entries, all_: entries[1]["formal"].update(difference="finite $laws"))
        self.refused("AA-2: gap: $ without", lambda entries, all_: entries[1]["formal"].update(gap="no $laws"))

    def test_placeholders(self):
        for text in ("\u2013", " - ", "n/a", "TODO: say it"):
            with self.subTest(text):
                self.refused("AA-1: proof_idea: a placeholder",
                             lambda entries, all_, text=text: entries[0].update(proof_idea=text))
        self.refused("AA-2: hypotheses 1: a placeholder",
                     lambda entries, all_: entries[1].update(hypotheses=["\u2014"]))

    def test_theorems(self):
        def named(at, *names):
            return lambda entries, all_: entries[at]["formal"].update(theorems=list(names), gap=None)
        self.refused("AA-2: no theorem AA_2_absent in proofs/", named(1, "AA_2_third", "AA_2_absent"))
        self.refused("AA-10: no theorem AA_9_in_a_comment in proofs/", named(2, "AA_9_in_a_comment"))
        self.refused("AA-2: theorem BB_1_fourth belongs to BB-1", named(1, "AA_2_third", "BB_1_fourth"))
        self.refused("AA-10: theorem AA_1_a_first belongs to AA-1", named(2, "AA_1_a_first"))
        self.refused("AA-1: does not name AA_1_b_second of proofs/A.v", named(0, "AA_1_a_first"))
        self.refused("AA-1: names a theorem twice", named(0, "AA_1_a_first", "AA_1_b_second", "AA_1_a_first"))
        self.refused("AA-10: neither a theorem nor a reason", named(2))
        self.refused("AA-10: a difference from the statement, but no theorem",
                     lambda entries, all_: entries[2]["formal"].update(difference="Finite sums."))

    def test_theorems_without_entry(self):
        path = pathlib.Path(self.folder.name) / "proofs" / "B.v"
        for name in ("AA_3_unknown", "without_id"):
            path.write_text(f"Theorem {name} : True.\n", encoding="utf-8")
            self.refused(f"proofs/B.v: theorem {name} has no catalogue entry", lambda entries, all_: None)

    def test_experiments(self):
        def concerns(experiment, *fields):
            return lambda entries, all_: entries[0].update(
                experiments=[{"experiment": experiment, "fields": list(fields)}])
        self.assertEqual(self.findings(concerns("chart_compatibility", "per_window.boundary", "summary.per_layer")),
                         [])
        self.refused("AA-1: no experiment results", concerns("results"))
        self.refused("AA-1: no experiment of_ours", concerns("of_ours"))
        self.refused("AA-1: chart_compatibility has no member strata_def.margin",
                     concerns("chart_compatibility", "strata_def.margin"))
        self.refused("AA-1: expert_load has no member per_window.kappa", concerns("expert_load", "per_window.kappa"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
