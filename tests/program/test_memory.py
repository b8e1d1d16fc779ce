"""The memory budget, end to end on the shipped model: a run that spills gives the same digests, stays within its
budget, and a spill file that fails leaves no artifact."""

import errno
import os
import re
import subprocess
import unittest

from support import PROGRAM, ROOT, ProgramTest, artifacts_below, digests, fault_shim, files_below, load, run

SHIPPED = os.path.join(ROOT, "models", "routegauge-tiny-olmoe")


class Memory(ProgramTest):
    documents, words_each = 60, 400

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shim = fault_shim(cls.folder)
        cls.least = cls.least_budget()

    @classmethod
    def job(cls, *more):
        """bf16 where the CPU has it, else f32."""
        return ["attention_router,expert_load", "--model", SHIPPED, "--domain", f"prose={cls.prose}", "--seq-len", 256,
                "--windows", 60, "--threads", 2, *more]

    @classmethod
    def least_budget(cls):
        """Megabytes below which the plan is refused: then everything that can be spilled is."""
        result = run("plan", *cls.job("--memory", "1M"))
        assert result.returncode == 5, result.stderr
        return int(re.search(r"--memory (\d+)M", result.stderr)[1])

    def peak_bytes(self, *arguments):
        """Runs the program to its end: the most memory it held, by wait4."""
        with open(os.path.join(self.folder, "errors.txt"), "w+", encoding="utf-8") as errors:
            process = subprocess.Popen([PROGRAM, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=errors)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            errors.seek(0)
            self.assertEqual(process.returncode, 0, errors.read())
        return usage.ru_maxrss * 1024

    def test_a_small_budget_gives_the_same_digests_within_it(self):
        """Everything that can spill spills; the peak exceeds the budget by at most a tenth."""
        plenty, little = self.out("plenty"), self.out("little")
        self.assertExit(run("run", *self.job("--out", plenty)), 0)
        peak = self.peak_bytes("run", *self.job("--out", little, "--memory", f"{self.least}M"))
        self.assertEqual(len(digests(plenty)), 2)
        self.assertEqual(digests(little), digests(plenty))
        for path in artifacts_below(little):
            self.assertGreater(load(path)["manifest"]["spill_bytes"], 1_000_000)
        self.assertLessEqual(peak, 1.1 * self.least * 1e6)

    def test_a_spill_file_that_fails(self):
        """IO010 where room ends, IO004 and IO001 where the device fails; nothing is left."""
        for fault, expected in ((f"fallocate:1:{errno.ENOSPC}", "error[IO010]"),
                                (f"fallocate:1:{errno.EDQUOT}", "error[IO010]"),
                                (f"fallocate:2:{errno.EIO}", "error[IO004]"),
                                (f"spillwrite:1:{errno.EIO}", "error[IO004]"),
                                (f"spillwrite:20:{errno.ENOSPC}", "error[IO010]"),
                                (f"spillwrite:20:{errno.EDQUOT}", "error[IO010]"),
                                (f"spillread:1:{errno.EIO}", "error[IO001]"),
                                (f"spillread:30:{errno.EIO}", "error[IO001]")):
            with self.subTest(fault=fault):
                out = self.out("faulty")
                result = run("run", *self.job("--out", out, "--memory", f"{self.least}M"),
                             env={"LD_PRELOAD": self.shim, "RG_FAULT": fault})
                self.assertExit(result, 4, expected, "temporary file", "--memory")
                self.assertEqual(files_below(out), ["run.lock"])


if __name__ == "__main__":
    unittest.main()
