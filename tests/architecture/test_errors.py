"""Every error id is documented and tested, and the check sees a gap when one is planted."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "scripts", "check_errors.py")


def check(root):
    return subprocess.run([sys.executable, SCRIPT, root], capture_output=True, text=True, check=False)


class Errors(unittest.TestCase):
    def test_every_id_is_documented_and_tested(self):
        result = check(ROOT)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_gaps_are_found(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "src/base"))
            os.makedirs(os.path.join(folder, "docs"))
            os.makedirs(os.path.join(folder, "tests/base"))
            shutil.copy(os.path.join(ROOT, "src/base/error_ids.inc"), os.path.join(folder, "src/base"))
            with open(os.path.join(folder, "src/base/error_ids.inc"), "a", encoding="utf-8") as ids:
                ids.writelines(f'RG_ERROR_ID(ZZ00{number}, input, "planted")\n' for number in range(1, 6))
            with open(os.path.join(folder, "docs/errors.md"), "w", encoding="utf-8") as page:
                page.write("## ZZ\n\n### ZZ001\n\n`error[ZZ001]: x`\n\n### ZZ009\n\n`error[ZZ009]: x`\n")
            with open(os.path.join(folder, "tests/base/one_test.cc"), "w", encoding="utf-8") as test:
                test.write('// about ZZ001\n/* and\n ZZ003 */ const char* url = "http://x/ZZ004"; f(ErrorId::ZZ002);\n')
            with open(os.path.join(folder, "tests/base/test_two.py"), "w", encoding="utf-8") as test:
                test.write('"""ZZ001 ZZ003"""\ndef f():\n    """ZZ003"""  # ZZ003\n    g("error[ZZ005]")\n')
            result = check(folder)
        self.assertEqual(result.returncode, 1)
        self.assertIn("ZZ001: no test names it", result.stdout)
        self.assertIn("ZZ003: no test names it", result.stdout)
        self.assertIn("ZZ002: no section", result.stdout)
        self.assertIn("ZZ009: in docs/errors.md but not", result.stdout)
        self.assertNotIn("ZZ001: no section", result.stdout)
        for name in ("ZZ002", "ZZ004", "ZZ005"):
            self.assertNotIn(f"{name}: no test", result.stdout)


if __name__ == "__main__":
    unittest.main()
