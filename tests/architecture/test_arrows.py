"""The include arrows hold, and the check sees a forbidden include when one is planted."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "scripts", "check_arrows.py")


def check(root):
    return subprocess.run([sys.executable, SCRIPT, root], capture_output=True, text=True, check=False)


class Arrows(unittest.TestCase):
    def test_the_sources_follow_the_arrows(self):
        result = check(ROOT)
        self.assertEqual(result.returncode, 0, result.stdout)

    @contextlib.contextmanager
    def copy(self):
        """A folder with a copy of all that the check reads."""
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(os.path.join(ROOT, "src"), os.path.join(folder, "src"))
            for name in ("CMakeLists.txt", "ARCHITECTURE.md"):
                shutil.copy(os.path.join(ROOT, name), folder)
            yield folder

    def plant(self, file, line):
        """Result of the check on a copy in which `line` was added to `file` of src/."""
        with self.copy() as folder:
            os.makedirs(os.path.dirname(os.path.join(folder, "src", file)), exist_ok=True)
            with open(os.path.join(folder, "src", file), "a", encoding="utf-8") as source:
                source.write(line + "\n")
            return check(folder)

    def edit(self, file, old, new):
        """Result of the check on a copy in which `file` has `new` for `old`."""
        with self.copy() as folder:
            path = os.path.join(folder, file)
            with open(path, encoding="utf-8") as source:
                text = source.read()
            self.assertEqual(text.count(old), 1)
            with open(path, "w", encoding="utf-8") as source:
                source.write(text.replace(old, new))
            return check(folder)

    def test_a_planted_arrow_is_found(self):
        for file, line in [
            ("base/file.h", '#include "tensor/dtype.h"'),
            ("experiments/experiment.h", '#include "model/model.h"'),
            ("verify/planted.cc", '#include "stats/quantile.h"'),
            ("record/artifact.h", ' # include "gate/gate.h"'),
            ("logs/record.h", '#include "model/model.h"'),
            ("tap/tap.h", "#include <model/model.h>"),
            ("text/windows.h", "#include <regex>"),
            ("gate/gate.h", "#include <nlohmann/json.hpp>"),
            ("certificates/columns.cc", "#include <flint/fmpz.h>"),
            ("stream/planted.cc", '#include "certificates/makers.h"'),
            ("stream/pass.h", '#include "dnnl.hpp"'),
            ("text/tokenizer.h", '#include "../base/error.h"'),
            ("stream/pass.h", '#include "model/blocks/attention.h"'),
            ("stream/planted.cc", '#include "model/families/olmoe.h"'),
            ("lab/settings.h", '#include "app/options.h"'),
            ("lab/planted.cc", '#include "verify/verify.h"'),
        ]:
            with self.subTest(file=file, line=line):
                result = self.plant(file, line)
                self.assertEqual(result.returncode, 1, result.stdout)
                self.assertIn(os.path.join("src", file) + ":", result.stdout)

    def test_an_allowed_arrow_is_not_reported(self):
        for file, line in [("stream/pass.h", '#include "gate/gate.h"'),
                           ("lab/planted.cc", '#include "certificates/makers.h"')]:
            self.assertEqual(self.plant(file, line).returncode, 0, line)

    def test_a_floor_without_a_row_is_found(self):
        with self.copy() as folder:
            os.mkdir(os.path.join(folder, "src", "attic"))
            result = check(folder)
            self.assertEqual(result.returncode, 1)
            self.assertIn("attic", result.stdout)

    def test_a_table_that_says_otherwise_is_found(self):
        for file, old, new in [
            ("ARCHITECTURE.md", "| `record` | base |", "| `record` | base, stats |"),
            ("ARCHITECTURE.md", "| `record` | base |", "| records | base |"),
            ("CMakeLists.txt", "rg_floor(record FLOORS base)", "rg_floor(record FLOORS base stats)"),
            ("CMakeLists.txt", "rg_floor(record FLOORS base)", "rg_floor(record FLOORS base attic)"),
        ]:
            with self.subTest(file=file, new=new):
                result = self.edit(file, old, new)
                self.assertEqual(result.returncode, 1)
                self.assertIn("record", result.stdout)


if __name__ == "__main__":
    unittest.main()
