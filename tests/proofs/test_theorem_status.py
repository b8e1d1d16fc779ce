"""What the proof checker must see: a proof left out, an assumption on the side, a proof from a missing fact.

Compiles small projects with coqc; run by scripts/proofs.sh, where Coq is at hand.
"""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "scripts"))
import theorem_status  # noqa: E402

SOUND = "Theorem GI_1_a_sound : 1 + 1 = 2.\nProof. reflexivity. Qed.\n"


class Project:
    """A folder of sources with a catalogue of its own, compiled."""

    def __init__(self, folder, code, entries, missing=None, axioms=""):
        self.proofs = os.path.join(folder, "proofs")
        self.build = os.path.join(folder, "build")
        self.records = os.path.join(folder, "theorems")
        for made in (self.proofs, self.build, self.records):
            os.mkdir(made)
        files = {"A.v": code, **({"Missing.v": missing} if missing else {})}
        order = sorted(files, reverse=True)
        self.write("_CoqProject", "-R . Routegauge\n" + "".join(name + "\n" for name in order))
        self.write("axioms.txt", axioms)
        for name in order:
            self.write(name, files[name])
            shutil.copy(os.path.join(self.proofs, name), self.build)
            subprocess.run(["coqc", "-w", "none", "-R", ".", "Routegauge", name], cwd=self.build,
                           check=True, capture_output=True)
        family = {"family": {"order": 1},
                  "entries": [{"id": entry, "formal": {"theorems": names}} for entry, names in entries]}
        with open(os.path.join(self.records, "family.json"), "w", encoding="utf-8") as out:
            json.dump(family, out)

    def write(self, name, text):
        with open(os.path.join(self.proofs, name), "w", encoding="utf-8") as out:
            out.write(text)

    def run(self, mode):
        """(exit code, what was said, statuses by theorem)."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            code = theorem_status.main(mode, self.proofs, self.build, self.records)
        path = os.path.join(self.proofs, "theorem_status.json")
        rows = []
        if os.path.exists(path):
            with open(path, encoding="utf-8") as text:
                rows = json.load(text)["theorems"]
        return code, said.getvalue(), {row["name"] or row["entry"]: row for row in rows}


class Statuses(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def project(self, code, names, **more):
        return Project(self.folder, code, [("GI-1", names)], **more)

    def test_a_sound_project_passes_and_its_status_is_compared(self):
        project = self.project("(* words. *)\n" + SOUND, ["GI_1_a_sound"])
        code, said, rows = project.run("write")
        self.assertEqual(code, 0, said)
        row = rows["GI_1_a_sound"]
        self.assertEqual((row["id"], row["status"], row["line"]), ("GI-1.a", "proven", 2))
        self.assertEqual(row["statement"], "Theorem GI_1_a_sound : 1 + 1 = 2.")
        self.assertEqual(project.run("check")[0], 0)
        project.write("A.v", SOUND)  # the same theorem, one line up
        code, said, _ = project.run("check")
        self.assertEqual(code, 1)
        self.assertIn("theorem_status.json differs", said)

    def test_a_planted_admitted_is_red(self):
        project = self.project(SOUND + "Lemma hole : 2 = 3.\nAdmitted.\n"
                               "Theorem GI_1_b_rests : 2 = 3.\nProof. exact hole. Qed.\n",
                               ["GI_1_a_sound", "GI_1_b_rests"])
        code, said, rows = project.run("write")
        self.assertEqual(code, 1)
        self.assertIn("A.v:4: Admitted", said)
        self.assertIn("rests on A.hole, which is stated but not proved", said)
        self.assertEqual(rows["GI_1_b_rests"]["status"], "stub")
        self.assertEqual(rows["GI_1_a_sound"]["status"], "proven")
        self.assertEqual(project.run("check")[0], 1)

    def test_a_planted_axiom_is_red(self):
        project = self.project("Axiom wish : 2 = 3.\n"
                               "Theorem GI_1_b_rests : 2 = 3.\nProof. exact wish. Qed.\n", ["GI_1_b_rests"])
        code, said, rows = project.run("write")
        self.assertEqual(code, 1)
        self.assertIn("A.v:1: Axiom", said)
        self.assertIn("rests on A.wish, which axioms.txt does not permit", said)
        self.assertEqual(rows["GI_1_b_rests"]["status"], "axiom")

    def test_an_axiom_of_the_library_counts_unless_listed(self):
        code = ("From Coq Require Import Classical.\nTheorem GI_1_a_middle : forall P : Prop, P \\/ ~ P.\n"
                "Proof. exact classic. Qed.\n")
        project = self.project(code, ["GI_1_a_middle"])
        self.assertEqual(project.run("write")[0], 1)
        project.write("axioms.txt", "Classical_Prop.*  # excluded middle\n")
        code, said, rows = project.run("write")
        self.assertEqual(code, 0, said)
        self.assertEqual(rows["GI_1_a_middle"]["status"], "proven")
        self.assertEqual(rows["GI_1_a_middle"]["assumptions"], ["Classical_Prop.classic"])

    def test_a_proof_from_a_missing_fact_is_deferred(self):
        missing = "Definition big_statement : Prop := forall n : nat, n = n + 0.\n"
        project = self.project("From Routegauge Require Import Missing.\nSection S.\nHypothesis fact : big_statement.\n"
                               "Theorem GI_1_a_from : 2 = 2 + 0.\nProof. exact (fact 2). Qed.\nEnd S.\n",
                               ["GI_1_a_from"], missing=missing)
        code, said, rows = project.run("write")
        self.assertEqual(code, 0, said)
        self.assertEqual(rows["GI_1_a_from"]["status"], "deferred")
        self.assertEqual(rows["GI_1_a_from"]["assumptions"], ["Missing.big_statement"])
        self.assertEqual(rows["GI_1_a_from"]["statement"],
                         "Hypothesis fact : big_statement.\nTheorem GI_1_a_from : 2 = 2 + 0.")

    def test_a_missing_fact_may_not_hide_behind_a_definition(self):
        project = self.project("From Routegauge Require Missing.\nDefinition easy := Missing.big_statement.\n"
                               "Theorem GI_1_a_from : easy -> 2 = 2 + 0.\nProof. intro h; exact (h 2). Qed.\n",
                               ["GI_1_a_from"],
                               missing="Definition big_statement : Prop := forall n : nat, n = n + 0.\n")
        code, said, _ = project.run("write")
        self.assertEqual(code, 1)
        self.assertIn("A.v:2: a definition hides the missing fact big_statement", said)

    def test_catalogue_and_proofs_name_the_same_theorems(self):
        project = self.project(SOUND, ["GI_1_b_ghost"])
        code, said, _ = project.run("write")
        self.assertEqual(code, 1)
        self.assertIn("GI-1 names GI_1_b_ghost, and there is no such theorem", said)
        self.assertIn("A.v:1: no entry of the catalogue names GI_1_a_sound", said)

    def test_a_theorem_of_another_entry_is_refused(self):
        project = self.project(SOUND.replace("GI_1", "GI_2"), ["GI_2_a_sound"])
        self.assertIn("GI-1 names GI_2_a_sound, which is a theorem of another entry", project.run("write")[1])

    def test_every_theorem_has_an_id_of_its_own(self):
        project = self.project(SOUND + "Theorem GI_1_a_again : 1 = 1.\nProof. reflexivity. Qed.\n"
                               "Theorem nameless : 1 = 1.\nProof. reflexivity. Qed.\n",
                               ["GI_1_a_sound", "GI_1_a_again"])
        code, said, _ = project.run("write")
        self.assertEqual(code, 1)
        self.assertIn("GI-1.a is the id of more than one theorem", said)
        self.assertIn("A.v:5: nameless carries no catalogue id", said)

    def test_an_entry_without_theorem_is_informal(self):
        project = self.project("(* nothing *)\n", [])
        code, said, rows = project.run("write")
        self.assertEqual(code, 0, said)
        self.assertEqual(rows["GI-1"]["status"], "informal")


if __name__ == "__main__":
    unittest.main()
