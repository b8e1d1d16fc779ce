"""`routegauge theorems`: the catalogue in the terminal, its statuses, its checks, its page."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import jsonschema
from support import PROGRAM, ROOT, ProgramTest, files_below, load, run

BUILT_PAGE = os.path.join(ROOT, "build/viewer/theorems.html")
STATUS_FILE = os.path.join(ROOT, "proofs/theorem_status.json")
OPENING = '<script id="checks" type="application/json">'


def schema(name):
    return load(os.path.join(ROOT, "schema", f"{name}.schema.json"))


def validate(value, name, definition=None):
    whole = schema(name)
    part = whole if definition is None else {**whole["definitions"][definition], "definitions": whole["definitions"]}
    jsonschema.Draft7Validator.check_schema(whole)
    jsonschema.Draft7Validator(part).validate(value)


def families():
    folder = os.path.join(ROOT, "theorems")
    found = [load(os.path.join(folder, name)) for name in os.listdir(folder) if name.endswith(".json")]
    return sorted(found, key=lambda family: family["family"]["order"])


def entries():
    return [entry for family in families() for entry in family["entries"]]


def words(text):
    """Without the places where lines were broken."""
    return re.sub(r"\s+", " ", text)


class Theorems(ProgramTest):
    """One run of all checks, looked at from all sides."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="routegauge-test-")  # no checkpoint is needed here
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.entries = entries()
        cls.statuses = load(STATUS_FILE)["theorems"]
        cls.checks = json.loads(run("theorems", "check", "--json").stdout)

    def test_help_at_every_depth(self):
        self.assertExit(run("--help"), 0, "theorems")
        self.assertExit(run("theorems", "--help"), 0, "list", "show", "status", "check", "page", "Example")
        for command in ("list", "show", "status", "check", "page"):
            result = run("theorems", command, "--help")
            self.assertExit(result, 0, f"routegauge theorems {command}", "Example")

    def test_usage_errors_are_code_2(self):
        """US001"""
        for arguments in ([], ["prove"], ["show"], ["show", "GI-1", "GI-1"], ["page"], ["page", "-o"],
                          ["list", "--family", "QQ"], ["list", "--family", "gi"], ["list", "--verdict", "wrong"],
                          ["list", "--status", "proved"], ["check", "--id", "GI-1", "--seed", "-1"],
                          ["check", "--seed", "seven"], ["check", "--seed", "1.5"], ["check", "--seed", ""],
                          ["check", "--seed", "18446744073709551616"], ["check", "GI-1"], ["check", "--id"],
                          ["page", "-o", self.out("x"), "--seed", "1e3"], ["list", "status"]):
            with self.subTest(arguments=arguments):
                self.assertExit(run("theorems", *arguments), 2, "error[US001]")

    def test_unknown_ids_name_the_nearest(self):
        """US001"""
        for arguments in (["show", "gi-1"], ["check", "--id", "G1-1"], ["check", "--id", "GI-1", "--id", "GI1"]):
            with self.subTest(arguments=arguments):
                self.assertExit(run("theorems", *arguments), 2, "error[US001]", "such as GI-1")
        hostile = run("theorems", "show", "\x1b[2J\u202e")
        self.assertExit(hostile, 2, "error[US001]")
        self.assertFalse(set("\x1b\u202e") & set(hostile.stderr))

    def test_list_has_a_line_per_entry(self):
        lines = run("theorems", "list").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["ID", "TITLE", "VERDICT", "FORMAL", "CHECK"])
        self.assertEqual([line.split()[0] for line in lines[1:]], [entry["id"] for entry in self.entries])
        rows = json.loads(run("theorems", "list", "--json").stdout)["theorems"]
        for line, entry, row in zip(lines[1:], self.entries, rows, strict=True):
            mine = [formal["status"] for formal in self.statuses if formal["entry"] == entry["id"]]
            self.assertEqual({word: count for word, count in row["statuses"].items() if count},
                             {word: mine.count(word) for word in mine})
            formal = entry["formal"]
            cover = ("none" if not formal["theorems"] else "part" if formal["gap"] else
                     "differs" if formal["difference"] else "whole")
            self.assertEqual(row["formal"], cover)
            self.assertEqual((cover == "part", cover == "differs"), ("(in part)" in line, "(differs)" in line))
            self.assertIn(entry["title"], line)
            self.assertIn(entry["claims"][0]["verdict"], line)
            self.assertTrue(line.endswith(entry["check"]["kind"] if entry["check"] else "-"), line)

    def test_list_filters(self):
        def listed(*arguments):
            rows = json.loads(run("theorems", "list", *arguments, "--json").stdout)["theorems"]
            text = run("theorems", "list", *arguments).stdout.splitlines()
            ids = [row["id"] for row in rows]
            self.assertEqual([line.split()[0] for line in text[1:]], ids)
            return ids

        def expected(holds):
            return [entry["id"] for entry in self.entries if holds(entry)]

        self.assertEqual(listed(), expected(lambda entry: True))
        self.assertEqual(listed("--family", "GI"), expected(lambda entry: entry["id"].startswith("GI-")))
        for verdict in ("true", "repaired", "false", "new"):
            self.assertEqual(listed("--verdict", verdict), expected(
                lambda entry, v=verdict: v in [claim["verdict"] for claim in entry["claims"]]))
        for status in ("proven", "deferred", "stub", "axiom", "informal"):
            having = {row["entry"] for row in self.statuses if row["status"] == status}
            self.assertEqual(listed("--status", status), expected(lambda entry, h=having: entry["id"] in h))
        self.assertEqual(listed("--family", "GI", "--status", "proven", "--verdict", "true"), expected(
            lambda entry: entry["id"].startswith("GI-") and "true" in [c["verdict"] for c in entry["claims"]]
            and any(row["entry"] == entry["id"] and row["status"] == "proven" for row in self.statuses)))
        self.assertExit(run("theorems", "list", "--status", "stub"), 0, "no theorem")

    def test_show_says_all_of_every_record(self):
        for entry in self.entries:
            with self.subTest(id=entry["id"]):
                result = run("theorems", "show", entry["id"])
                self.assertExit(result, 0)
                shown = words(result.stdout)
                texts = [entry["id"], entry["title"], entry["sentence"], entry["statement"], entry["proof_idea"],
                         *entry["hypotheses"], *entry["depends_on"]]
                for claim in entry["claims"]:
                    texts += [claim["verdict"], claim["why"], claim.get("claim", ""), claim.get("source", "")]
                if entry["check"]:
                    texts += [entry["check"]["computes"], entry["check"]["tolerance"], entry["check"]["kind"]]
                    if "loose" in entry["check"]:
                        texts += [entry["check"]["loose"]["why"], entry["check"]["loose"]["quantity"]]
                for link in entry["experiments"]:
                    texts += [link["experiment"], *link["fields"]]
                texts += [other["id"] for other in self.entries if entry["id"] in other["depends_on"]]
                texts += [entry["formal"]["difference"] or "", entry["formal"]["gap"] or ""]
                for row in self.statuses:
                    if row["entry"] == entry["id"]:
                        texts += [row["status"], row["name"] or "", row["statement"] or "", *row["assumptions"]]
                        texts += [f"proofs/{row['file']}:{row['line']}"] if row["file"] else []
                for text in texts:
                    self.assertIn(words(text).strip(), shown)

    def test_show_as_json_is_the_record(self):
        for entry in self.entries:
            shown = json.loads(run("theorems", "show", entry["id"], "--json").stdout)
            self.assertEqual(set(shown), {"schema_version", "family", "entry", "formal", "needed_by"})
            validate(shown["entry"], "theorem_catalogue", "entry")
            self.assertEqual(shown["entry"], entry)
            self.assertEqual(shown["formal"], [row for row in self.statuses if row["entry"] == entry["id"]])
            self.assertEqual(shown["needed_by"],
                             [other["id"] for other in self.entries if entry["id"] in other["depends_on"]])

    def test_status_counts(self):
        result = run("theorems", "status")
        self.assertExit(result, 0, load(STATUS_FILE)["sources_sha256"])
        rows = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line[:3].strip()}
        for family in families():
            name = family["family"]["id"]
            mine = [row["status"] for row in self.statuses if row["entry"].startswith(name + "-")]
            counts = [mine.count(status) for status in ("proven", "deferred", "stub", "axiom", "informal")]
            self.assertEqual(list(map(int, rows[name][-6:])), [len(family["entries"]), *counts])
        self.assertEqual(int(rows["all"][1]), len(self.entries))
        self.assertEqual(int(rows["all"][2]), [row["status"] for row in self.statuses].count("proven"))
        for name in {name for row in self.statuses for name in row["assumptions"]}:
            module, _, last = name.rpartition(".")
            if module != "Missing":
                users = sum(any(other.startswith(module + ".") for other in row["assumptions"]) for row in self.statuses)
                self.assertRegex(words(result.stdout), rf" {users} {re.escape(module)}: [^:]*\b{re.escape(last)}\b")
        for row in self.statuses:
            if row["status"] == "deferred":
                self.assertRegex(result.stdout, rf"{re.escape(row['id'])} .*{re.escape(row['name'])} .*_statement")

    def test_status_as_json_is_the_file(self):
        shown = run("theorems", "status", "--json").stdout
        with open(STATUS_FILE, encoding="utf-8") as file:
            self.assertEqual(shown, file.read())
        validate(json.loads(shown), "theorem_status")

    def test_every_check_holds(self):
        validate(self.checks, "theorem_checks")
        self.assertEqual(self.checks["seed"], 0)
        with_check = [entry["id"] for entry in self.entries if entry["check"]]
        self.assertEqual([check["id"] for check in self.checks["checks"]], with_check)
        for check in self.checks["checks"]:
            self.assertTrue(check["holds"], check)
        result = run("theorems", "check")
        self.assertExit(result, 0, f"{len(with_check)} of {len(with_check)} checks hold, seed 0")
        rows = [line.split() for line in result.stdout.splitlines()[1:-1]]
        self.assertEqual([row[:3] for row in rows],
                         [[check["id"], "yes", str(len(check["findings"]))] for check in self.checks["checks"]])

    def test_a_seed_decides_everything(self):
        again = run("theorems", "check", "--json")
        self.assertEqual(json.loads(again.stdout), self.checks)
        alone = json.loads(run("theorems", "check", "--id", "GI-1", "--json").stdout)
        self.assertEqual(alone["checks"], [check for check in self.checks["checks"] if check["id"] == "GI-1"])
        one_core = subprocess.run(["taskset", "-c", str(min(os.sched_getaffinity(0))), PROGRAM, "theorems", "check",
                                   "--id", "GI-1", "--json"], capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(one_core.stdout), alone)
        other = json.loads(run("theorems", "check", "--id", "GI-1", "--seed", 2**64 - 1, "--json").stdout)
        self.assertEqual(other["seed"], 2**64 - 1)
        self.assertTrue(other["checks"][0]["holds"])
        self.assertNotEqual(other["checks"], alone["checks"])

    def test_one_check_in_full(self):
        result = run("theorems", "check", "--id", "GI-1", "--id", "GI-1")
        self.assertExit(result, 0, "GI-1", "1 of 1 checks hold")
        findings = next(check for check in self.checks["checks"] if check["id"] == "GI-1")["findings"]
        for finding in findings:
            self.assertIn(finding["input"], result.stdout)
            self.assertIn(f"{finding['quantity']}", result.stdout)
            self.assertIn(f"{finding['value']:.9g}  {finding['relation']}  {finding['bound']:.9g}",
                          re.sub(r"  +", "  ", result.stdout))
        self.assertEqual(result.stdout.count("  holds  "), len(findings))

    def test_entries_without_a_check_are_named_as_such(self):
        for entry in self.entries:
            if entry["check"]:
                continue
            self.assertExit(run("theorems", "check", "--id", entry["id"]), 0, entry["id"], "no numerical check")
            shown = run("theorems", "check", "--id", entry["id"], "--json")
            self.assertEqual(json.loads(shown.stdout)["checks"], [])
            self.assertIn("no numerical check", shown.stderr)

    def test_page(self):
        """A program built without the page, or with that of other proofs, says so; else it writes the page whole."""
        out = self.out("page") + ".html"
        result = run("theorems", "page", "-o", out, "--seed", 0)
        # Whether the program holds that page is known only of one that was there before it.
        built_before = os.path.exists(BUILT_PAGE) and os.path.getmtime(BUILT_PAGE) <= os.path.getmtime(PROGRAM)
        if built_before:
            with open(BUILT_PAGE, encoding="utf-8") as file:
                built = file.read()
            if load(STATUS_FILE)["sources_sha256"] not in built:
                self.assertExit(result, 4, "error[TH001]", "make viewer")
                return
        elif result.returncode != 0:
            self.assertEqual(result.returncode, 4, result.stderr)
            self.assertRegex(result.stderr, r"error\[TH001\].*make viewer")
            self.assertFalse(os.path.exists(out))
            return
        self.assertExit(result, 0, os.path.basename(out))
        with open(out, encoding="utf-8") as file:
            html = file.read()
        before, inside = html.split(OPENING)
        inside, behind = inside.split("</script>", 1)
        if built_before:
            self.assertEqual(built, f"{before}{OPENING}null</script>{behind}")
        self.assertNotIn("<", inside)
        validate(json.loads(inside), "theorem_checks")
        self.assertEqual(json.loads(inside), self.checks)
        again = run("theorems", "page", "--out", out, "--seed", 1)  # replaces, as trace does
        self.assertExit(again, 0, "seed 1")
        with open(out, encoding="utf-8") as file:
            self.assertIn('"seed":1', file.read())
        nowhere = os.path.join(self.out("missing"), "page.html")
        self.assertExit(run("theorems", "page", "-o", nowhere), 4, "error[IO")
        self.assertFalse([name for name in files_below(self.folder) if name.endswith(".tmp")])

    def test_a_reader_that_goes_away(self):
        for arguments in (["list"], ["show", "GI-1"], ["status", "--json"], ["check", "--id", "GI-1"]):
            read, write = os.pipe()
            os.close(read)
            with subprocess.Popen([PROGRAM, "theorems", *arguments], stdout=write, stderr=subprocess.PIPE,
                                  text=True) as process:
                os.close(write)
                complaints = process.communicate()[1]
            self.assertEqual((process.returncode, complaints), (141, ""), arguments)


if __name__ == "__main__":
    unittest.main()
