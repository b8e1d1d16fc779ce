"""The include arrows hold, and the check sees a forbidden include when one is planted."""

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

    def plant(self, file, line):
        """Result of the check on a copy of src/ in which `line` was added to `file`."""
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(os.path.join(ROOT, "src"), os.path.join(folder, "src"))
            os.makedirs(os.path.dirname(os.path.join(folder, "src", file)), exist_ok=True)
            with open(os.path.join(folder, "src", file), "a", encoding="utf-8") as source:
                source.write(line + "\n")
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
            ("stream/pass.h", '#include "dnnl.hpp"'),
            ("text/tokenizer.h", '#include "../base/error.h"'),
            ("stream/pass.h", '#include "model/blocks/attention.h"'),
            ("stream/planted.cc", '#include "model/families/olmoe.h"'),
        ]:
            with self.subTest(file=file, line=line):
                result = self.plant(file, line)
                self.assertEqual(result.returncode, 1, result.stdout)
                self.assertIn(os.path.join("src", file) + ":", result.stdout)

    def test_an_allowed_arrow_is_not_reported(self):
        self.assertEqual(self.plant("stream/pass.h", '#include "gate/gate.h"').returncode, 0)

    def test_a_floor_without_a_row_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(os.path.join(ROOT, "src"), os.path.join(folder, "src"))
            os.mkdir(os.path.join(folder, "src", "attic"))
            self.assertEqual(check(folder).returncode, 1)


if __name__ == "__main__":
    unittest.main()
