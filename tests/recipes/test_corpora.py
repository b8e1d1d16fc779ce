#!/usr/bin/python3
"""The corpus extractor: splits, digests, and what it says when a package or a hash is wrong.

Works on a package built here with dpkg-deb, so it needs no network. Standard library only."""

import contextlib
import copy
import hashlib
import io
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "recipes" / "corpora"))

import extract  # noqa: E402
import readers  # noqa: E402

ENTRY = {
    "package": "rg-corpus-probe",
    "version": "1.0",
    "architecture": "all",
    "domain": "code",
    "licence": "BSD-3-Clause",
    "licence_pattern": "License: BSD",
    "reader": "source_files",
    "options": {"base": "usr/src/", "suffix": ".py", "exclude": "tests/", "min_bytes": 1, "max_bytes": 1000},
    "shares": {"train": 0.5, "demo": 0.5},
}


def build_package(folder):
    tree = folder / "tree"
    files = {f"usr/src/m{n}.py": f"value = {n}\n" for n in range(40)}
    files["usr/src/tests/t.py"] = "skipped\n"
    files["usr/share/doc/rg-corpus-probe/copyright"] = "License: BSD-3-clause\n"
    files["DEBIAN/control"] = ("Package: rg-corpus-probe\nVersion: 1.0\nArchitecture: all\n"
                               "Maintainer: nobody <nobody@example.org>\nDescription: probe\n")
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    cache = folder / "out" / "debs"
    cache.mkdir(parents=True)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", str(tree), str(cache / "rg-corpus-probe_1.0_all.deb")],
                   check=True, capture_output=True)


class Extractor(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        build_package(self.folder)
        self.out = self.folder / "out"
        self.manifest = self.folder / "manifest.json"
        self.write({"seed": 1, "packages": [copy.deepcopy(ENTRY)]})
        self.assertEqual(self.call("--pin")[0], 0)

    def write(self, manifest):
        self.manifest.write_text(json.dumps(manifest, indent=2))

    def edit(self, change):
        manifest = json.loads(self.manifest.read_text())
        change(manifest["packages"][0])
        self.write(manifest)

    def call(self, *arguments):
        said, complaint = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complaint):
            code = extract.main([*arguments, "--manifest", str(self.manifest), "--output", str(self.out)])
        return code, said.getvalue(), complaint.getvalue()

    def documents(self, split):
        return {p.name for p in (self.out / split / "code" / "rg-corpus-probe").rglob("*.py")}

    def test_splits_share_no_document_and_lose_none(self):
        code, said, _ = self.call("--split", "train", "--split", "demo")
        self.assertEqual(code, 0)
        self.assertEqual(said.split(), [str(self.out / "demo" / "code"), str(self.out / "train" / "code")])
        train, demo = self.documents("train"), self.documents("demo")
        self.assertFalse(train & demo)
        self.assertEqual(train | demo, {f"m{n}.py" for n in range(40)})
        self.assertTrue(train and demo)

    def test_only_the_wanted_split_is_written(self):
        self.call("--split", "demo")
        self.assertFalse((self.out / "train").exists())

    def test_second_run_needs_no_package(self):
        self.call("--split", "demo")
        for deb in (self.out / "debs").iterdir():
            deb.unlink()
        self.assertEqual(self.call("--split", "demo")[0], 0)

    def test_changed_document_is_written_anew(self):
        self.call("--split", "demo")
        victim = next((self.out / "demo").rglob("*.py"))
        before = victim.read_bytes()
        victim.write_text("changed\n")
        self.assertEqual(self.call("--split", "demo")[0], 0)
        self.assertEqual(victim.read_bytes(), before)

    def test_leftovers_of_another_manifest_are_removed(self):
        stale = self.out / "demo" / "code" / "other-package"
        stale.mkdir(parents=True)
        (stale / "x.py").write_text("old\n")
        self.assertEqual(self.call("--split", "demo")[0], 0)
        self.assertEqual([p.name for p in stale.parent.iterdir()], ["rg-corpus-probe"])

    def test_version_that_is_gone_names_the_manifest_line(self):
        self.edit(lambda entry: entry.update(version="9.9"))
        line = 1 + self.manifest.read_text().split("\n").index('      "package": "rg-corpus-probe",')
        code, _, complaint = self.call("--split", "demo")
        self.assertEqual(code, 1)
        self.assertIn(f"manifest.json line {line}: package rg-corpus-probe version 9.9 cannot be had", complaint)

    def test_wrong_package_hash_is_an_error(self):
        self.edit(lambda entry: entry.update(deb_sha256="0" * 64))
        code, _, complaint = self.call("--split", "demo")
        self.assertEqual(code, 1)
        self.assertIn("found SHA-256", complaint)
        self.assertIn("manifest.json line 5", complaint)

    def test_wrong_document_digest_is_an_error_and_writes_nothing(self):
        self.edit(lambda entry: entry["documents"]["demo"].update(sha256="0" * 64))
        code, _, complaint = self.call("--split", "demo")
        self.assertEqual(code, 1)
        self.assertIn("demo documents of rg-corpus-probe 1.0", complaint)
        self.assertFalse((self.out / "demo").exists())

    def test_licence_that_the_package_does_not_state_is_an_error(self):
        self.edit(lambda entry: entry.update(licence_pattern="License: MIT"))
        code, _, complaint = self.call("--split", "demo")
        self.assertEqual(code, 1)
        self.assertIn("does not say 'License: MIT'", complaint)


class Manifest(unittest.TestCase):
    """The manifest that is shipped."""

    def setUp(self):
        self.packages = json.loads((ROOT / "recipes" / "corpora" / "manifest.json").read_text())["packages"]

    def test_every_package_is_pinned(self):
        for entry in self.packages:
            self.assertRegex(entry["deb_sha256"], r"^[0-9a-f]{64}$")
            self.assertAlmostEqual(sum(entry["shares"].values()), 1.0)
            self.assertEqual(set(entry["documents"]), set(entry["shares"]))
            self.assertIn(entry["reader"], readers.READERS)

    def test_demo_has_both_domains(self):
        self.assertEqual({e["domain"] for e in self.packages if "demo" in e["shares"]}, {"prose", "code"})


class Readers(unittest.TestCase):
    def test_licence_comment_is_cut_and_generated_code_left_out(self):
        files = {"a/x.go": b"// Copyright 2009\n// by someone\n\npackage x\n", "a/y.go": b"// Code generated.\n",
                 "a/z.go": b"// A comment.\n\npackage z\n", "a/w.go": b"\xff\xfe", "b/x.go": b"package b\n"}
        options = {"base": "a/", "suffix": ".go", "exclude": "^$", "min_bytes": 1, "max_bytes": 99}
        self.assertEqual(dict(readers.source_files(files, options)),
                         {"x.go": "package x\n", "z.go": "// A comment.\n\npackage z\n"})

    def test_sword_block_becomes_paragraphs_without_notes(self):
        markup = ('<title>One</title><div sID="1" type="x-p"/><w lemma="G1">In</w> the<note>or: a</note>beginning'
                  '<div eID="1" type="x-p"/> <div sID="2" type="x-p"/>And &amp; then.')
        blob = zlib.compress(markup.encode())
        files = {"m/ot.bzs": struct.pack("<III", 0, 0, 0) + struct.pack("<III", 3, len(blob), len(markup)),
                 "m/ot.bzz": b"\0\0\0" + blob}
        self.assertEqual(list(readers.sword_blocks(files, {"min_bytes": 1, "max_bytes": 9999})),
                         [("ot/001.txt", "One\n\nIn the beginning\n\nAnd & then.\n")])

    def test_novels_are_cut_at_chapters(self):
        lines = ["TITLE", "", "VOLUME I", "CHAPTER I", "", "First line", "second line.", "", "Next.", "CHAPTER 2", "End."]
        self.assertEqual(readers._chapters(lines), ["First line second line.\n\nNext.\n", "End.\n"])

    def test_r_strings(self):
        def item(kind, *parts):
            return struct.pack(">i", kind) + b"".join(parts)

        def string(text):
            return item(0x40009, struct.pack(">i", len(text)), text)

        header = b"X\n" + struct.pack(">iiii", 3, 0, 0, 5) + b"UTF-8"
        data = header + item(16, struct.pack(">i", 2), string(b"one"), string(b""))
        self.assertEqual(readers._RReader(data).read(), ["one", ""])


class Digest(unittest.TestCase):
    def test_order_does_not_matter_and_content_and_path_do(self):
        one, two = ("a", b"1"), ("b", b"2")
        self.assertEqual(extract.digest_of([one, two]), extract.digest_of([two, one]))
        self.assertNotEqual(extract.digest_of([one, two]), extract.digest_of([("a", b"2"), ("b", b"1")]))
        line = "a\0" + hashlib.sha256(b"1").hexdigest() + "\n"
        self.assertEqual(extract.digest_of([one]), hashlib.sha256(line.encode()).hexdigest())


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C.UTF-8"
    unittest.main()
