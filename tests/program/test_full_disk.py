"""A file system that really fills up, with the kernel's own answer at every write. Earlier files in the output
folder stay complete, no unfinished file is left, and the program reports IO010 with code 4."""

import errno
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

from support import PROGRAM, ProgramTest, artifacts_below, digests, fault_shim, files_below, run


def say(text):
    print(f"note: {text}", file=sys.stderr, flush=True)


class FullDisk(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shim = fault_shim(cls.folder)
        cls.old, cls.new = os.path.join(cls.folder, "old"), os.path.join(cls.folder, "new")
        for out, seed in ((cls.old, 0), (cls.new, 9)):
            result = run(*cls.job(out, seed))
            assert result.returncode == 0, result.stderr

    @classmethod
    def job(cls, out, seed, *more):
        return ["--quiet", "run", "expert_load", "--model", cls.model, "--domain", f"prose={cls.prose}", "--out", out,
                "--seq-len", 32, "--windows", 12, "--threads", 2, "--seed", seed, *more]

    def check_whole(self, out):
        """One artifact, the old or the new one, and no torn file."""
        torn = [name for name in files_below(out) if "/." in "/" + name]
        self.assertEqual(torn, [])
        for path in artifacts_below(out):
            self.assertIn(run("verify", path).returncode, (0, 1))
        self.assertIn(digests(out), (digests(self.old), digests(self.new)))

    def mounted(self, size):
        """A tmpfs of so many bytes, or None where mounting is not permitted."""
        place = tempfile.mkdtemp(prefix="routegauge-small-")
        self.addCleanup(os.rmdir, place)
        result = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", place], capture_output=True,
                                text=True, check=False)
        if result.returncode != 0:
            say(f"no small tmpfs here ({result.stderr.strip()}): a limit on file sizes instead")
            return None
        self.addCleanup(subprocess.run, ["umount", place], check=True)
        return place

    def filled(self, place, free):
        """An output folder with the old run, on a tmpfs with so many bytes left."""
        for name in os.listdir(place):
            shutil.rmtree(os.path.join(place, name)) if os.path.isdir(os.path.join(place, name)) else os.remove(
                os.path.join(place, name))
        out = os.path.join(place, "out")
        shutil.copytree(self.old, out)
        room = os.statvfs(place)
        with open(os.path.join(place, "ballast"), "wb") as ballast:
            ballast.write(bytes(room.f_bavail * room.f_frsize - free))
        return out

    def test_a_file_system_that_fills_up(self):
        place = self.mounted(4 << 20)
        codes = []
        for free in (0, 4096, 8192, 16384, 20480, 24576, 32768, 40960, 49152, 65536, 131072, 1 << 20):
            if place:
                out = self.filled(place, free)
                limits = None
            else:
                out = self.out("limited")
                shutil.copytree(self.old, out)

                def limits(most=free):
                    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            # The look at the free space beforehand is passed, as where another program fills the disk.
            result = run(*self.job(out, 9, "--overwrite"), preexec_fn=limits,
                         env={"LD_PRELOAD": self.shim, "RG_FAULT": "room:1000000000:0"})
            self.check_whole(out)
            codes.append(result.returncode)
            if result.returncode == 0:
                self.assertEqual(digests(out), digests(self.new))
            else:
                self.assertExit(result, 4, "error[IO010]" if place else "error[IO004]")
        self.assertEqual(codes, sorted(codes, reverse=True))
        self.assertEqual(set(codes), {0, 4})
        self.assertGreaterEqual(codes.count(4), 4)

    def test_a_file_system_without_room(self):
        place = self.mounted(4 << 20)
        if place:
            result = run(*self.job(os.path.join(place, "out"), 9))
            self.assertExit(result, 4, "error[IO010]", "Nothing was read yet.")
            self.assertEqual(files_below(place), ["out/run.lock"])
            return
        result = run(*self.job(self.out("small"), 9), env={"LD_PRELOAD": self.shim, "RG_FAULT": "room:4194304:0"})
        self.assertExit(result, 4, "error[IO010]", "Nothing was read yet.")

    def traced(self, out, nth):
        """One run whose n-th write (of each thread) gets ENOSPC: its result, and the files that were hit."""
        log = os.path.join(self.folder, "strace.log")
        command = ["strace", "-f", "-qq", "-y", "-o", log, "-e", "trace=write,pwrite64", "-e",
                   f"inject=write,pwrite64:error=ENOSPC:when={nth}", PROGRAM]
        result = subprocess.run(command + [str(word) for word in self.job(out, 9, "--overwrite")], text=True,
                                capture_output=True, check=False, timeout=120)
        with open(log, encoding="utf-8", errors="replace") as lines:
            hit = [re.search(r"write(?:64)?\(\d+<([^>]*)>", line) for line in lines if "INJECTED" in line]
        return result, [match[1] for match in hit if match]

    def can_trace(self):
        """Whether strace injects here; some containers forbid ptrace."""
        probe = ["strace", "-qq", "-o", os.devnull, "-e", "inject=write:error=ENOSPC:when=1", "echo", "x"]
        try:
            result = subprocess.run(probe, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return False
        return result.returncode != 0 and "No space left" in result.stderr

    def test_every_write_of_a_run(self):
        most, failures = 40, 0
        injects = self.can_trace()
        if not injects:
            say("strace can't inject here: the preloaded shim instead")
        for nth in range(1, most + 1):
            out = self.out("sweep")
            shutil.copytree(self.old, out)
            if injects:
                result, hit = self.traced(out, nth)
                over = not hit
            else:
                result = run(*self.job(out, 9, "--overwrite"),
                             env={"LD_PRELOAD": self.shim, "RG_FAULT": f"write:{nth}:{errno.ENOSPC}"})
                hit, over = [os.path.join(out, "?")], result.returncode == 0
            self.check_whole(out)
            if over:
                self.assertExit(result, 0)
                break
            # run.lock's line is only for the neighbours to read.
            if any(path.startswith(out) and not path.endswith("/run.lock") for path in hit):
                self.assertExit(result, 4, "error[IO010]")
                failures += 1
            shutil.rmtree(out)
        self.assertLess(nth, most)
        self.assertGreaterEqual(failures, 6)


if __name__ == "__main__":
    unittest.main()
