"""What `make install` puts where, from the build folder that the program stands in."""

import filecmp
import os
import shutil
import subprocess
import unittest

from support import PROGRAM, ROOT, ProgramTest, files_below

BUILD = os.path.dirname(os.path.dirname(os.path.abspath(PROGRAM)))


class Install(ProgramTest):
    def test_program_and_schemas(self):
        prefix = self.out("prefix with spaces")
        subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=True, capture_output=True, text=True)
        schemas = sorted(os.listdir(os.path.join(ROOT, "schema")))
        self.assertEqual(files_below(prefix),
                         ["bin/routegauge", "bin/routegauge-theorems", *(f"share/routegauge/schema/{name}" for name in schemas)])
        for name in schemas:
            self.assertTrue(filecmp.cmp(os.path.join(prefix, "share/routegauge/schema", name),
                                        os.path.join(ROOT, "schema", name), shallow=False), name)
        result = subprocess.run([os.path.join(prefix, "bin/routegauge"), "--version"], check=False, text=True,
                                capture_output=True)
        self.assertExit(result, 0, "routegauge ")

    def test_the_theorems_are_a_program_of_their_own(self):
        alone = self.out("alone")
        os.makedirs(alone)
        program = shutil.copy(PROGRAM, alone)
        result = subprocess.run([program, "theorems", "list"], check=False, text=True, capture_output=True)
        self.assertExit(result, 4, "TH002", "make build")
        shutil.copy(os.path.join(os.path.dirname(PROGRAM), "routegauge-theorems"), alone)
        result = subprocess.run([program, "--quiet", "theorems", "list"], check=False, text=True, capture_output=True)
        self.assertExit(result, 0, "KR-2")


if __name__ == "__main__":
    unittest.main()
