"""The tables of families in README.md and docs/gates.md are what the program says about the golden checkpoints."""

import os
import subprocess
import sys
import unittest

from support import PROGRAM, ROOT


class FamilyTables(unittest.TestCase):
    def test_the_pages_hold_what_the_script_writes(self):
        script = os.path.join(ROOT, "scripts", "family_tables.py")
        result = subprocess.run([sys.executable, script, PROGRAM, "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
