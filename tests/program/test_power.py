"""`plan --power`: windows for a given power, from a pilot's artifacts and from an assumed effect."""

import json
import math
import os
import unittest

from support import ProgramTest, run

DISTANCE = {"80": 2.802, "90": 3.242, "95": 3.605}


def needed(n, z):
    return {goal: math.ceil(n * (distance / z) ** 2) if z > 0 else None for goal, distance in DISTANCE.items()}


class Power(ProgramTest):
    def pilot(self):
        out = self.out("pilot")
        if not os.path.isdir(out):
            job = self.main_job(out, experiments="all")
            self.assertExit(run(*job), 0)
        return out

    def test_a_pilot_gives_windows_by_criterion(self):
        rows = json.loads(run("plan", "--power", self.pilot(), "--json").stdout)["pilots"]
        judged = {(v["test"], v["domain"]): v
                  for v in json.loads(run("verify", self.pilot(), "--json").stdout)["verdicts"]}
        powered = 0
        for row in rows:
            verdict = judged[row["test"], row["domain"]]
            with self.subTest(test=row["test"]):
                self.assertEqual(row["n_windows"], verdict["n_windows"])
                if row["test"] not in ("chart_compatibility", "terminal_ovk_scan"):
                    self.assertEqual(row["criteria"], [])
                    self.assertIsNone(row["windows"])
                    self.assertTrue(row["reason"])
                    continue
                self.assertEqual(len(row["criteria"]), len(verdict["criteria"]))
                for criterion, stated in zip(row["criteria"], verdict["criteria"]):
                    powered += 1
                    self.assertEqual((criterion["name"], criterion["effect"], criterion["z"]),
                                     (stated["name"], stated["estimate"], stated["z"]))
                    if stated["z"]:
                        self.assertEqual(criterion["windows"], needed(row["n_windows"], stated["z"]))
                        self.assertAlmostEqual(abs(stated["estimate"] / stated["z"]), criterion["standard_error"])
                for goal in DISTANCE:
                    of_criteria = [c["windows"][goal] for c in row["criteria"]]
                    self.assertEqual(row["windows"][goal], None if None in of_criteria else max(of_criteria))
                if verdict["convergence"]:
                    self.assertEqual(row["windows"]["90"], verdict["convergence"]["n_for_90"])
        self.assertGreater(powered, 0)

    def test_the_table_is_for_people(self):
        result = run("plan", "--power", self.pilot())
        self.assertExit(result, 0, "chart_compatibility", "for 90 %", "A verdict needs at least 200 windows")
        self.assertEqual(result.stderr, "")

    def test_an_effect_alone(self):
        self.assertExit(run("plan", "--power", "--effect", "0.2"), 0, "197", "263", "325")
        facts = json.loads(run("plan", "--power", "--effect", "0.05", "--json").stdout)
        self.assertEqual(facts, {"effect": 0.05, "windows": needed(1, 0.05)})

    def test_usage(self):
        """US001"""
        for arguments in (["--power"], ["--effect", "0.2"], ["--power", "x", "--effect", "0.2"],
                          ["--power", "--effect", "0"], ["--power", "--effect", "-1"],
                          ["--power", "--effect", "inf"], ["--power", "x", "--model", self.model],
                          ["all", "--power", "x"], ["--power", "x", "--windows", "7"]):
            with self.subTest(arguments=arguments):
                self.assertExit(run("plan", *arguments), 2, "error[US001]")

    def test_what_is_no_artifact(self):
        path = self.out("bad.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write("{}")
        self.assertExit(run("plan", "--power", path), 6, "INVALID")
        self.assertEqual(run("plan", "--power", self.out("nothing")).returncode, 6)


if __name__ == "__main__":
    unittest.main()
