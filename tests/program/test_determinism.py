"""The results digest is the same for any number of threads, any block size and any memory budget, under the
native ISA and under AVX2, each with itself; and for other paths and compressions of the same text."""

import gzip
import os
import shutil
import unittest

from support import ProgramTest, digests, load, artifacts_below, run


class Determinism(ProgramTest):
    documents, words_each = 30, 120

    def digests_of(self, *more, env=None):
        out = self.out("run")
        self.assertExit(run(*self.main_job(out, *more, seq_len=48), env=env), 0)
        found = digests(out)
        self.assertEqual(len(found), 8)
        profile = load(artifacts_below(out)[0])["numeric_profile"]
        shutil.rmtree(out)
        return found, profile

    def check(self, env):
        reference, profile = self.digests_of("--threads", 1, env=env)
        for threads, block in ((2, 0), (3, 1), (2, 5), (1, 7), (3, 24)):
            with self.subTest(threads=threads, block=block):
                found, same = self.digests_of("--threads", threads, "--block-windows", block, env=env)
                self.assertEqual(same, profile)
                self.assertEqual(found, reference)
        return profile

    def test_native(self):
        self.check({})

    def test_avx2(self):
        profile = self.check({"RG_MAX_ISA": "avx2"})
        self.assertIn("avx2", profile["isa"].lower())

    def test_f32(self):
        reference, _ = self.digests_of("--compute", "f32", "--threads", 1)
        self.assertEqual(self.digests_of("--compute", "f32", "--threads", 3, "--block-windows", 2)[0], reference)

    def test_seed_and_text_change_the_digest(self):
        reference, _ = self.digests_of("--threads", 2)
        other, _ = self.digests_of("--seed", 5)
        for name, digest in reference.items():
            self.assertNotEqual(other[name], digest, name)

    def test_elsewhere_and_compressed(self):
        """D7: other folder, other times, gz: the same windows, the same corpus digest."""
        elsewhere = self.out("elsewhere")
        os.makedirs(elsewhere)
        for name in sorted(os.listdir(self.prose)):
            with open(os.path.join(self.prose, name), "rb") as source:
                with gzip.open(os.path.join(elsewhere, name + ".gz"), "wb") as target:
                    target.write(source.read())
        data = []
        for path in (self.prose, elsewhere):
            out = self.out("text")
            job = ["run", "expert_load", "--model", self.model, "--domain", f"prose={path}", "--out", out, "--seq-len",
                   48, "--windows", 24]
            self.assertExit(run(*job), 0)
            data.append(load(artifacts_below(out)[0]))
        self.assertEqual(data[0]["data"]["corpus_sha256"], data[1]["data"]["corpus_sha256"])
        self.assertEqual(data[0]["data"]["ids_sha256"], data[1]["data"]["ids_sha256"])
        self.assertEqual(data[0]["per_window"], data[1]["per_window"])


if __name__ == "__main__":
    unittest.main()
