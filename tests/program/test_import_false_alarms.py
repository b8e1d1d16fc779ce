"""No check flags any of 200 clean logs: runs of 1 to 400 windows of two traces of the shipped model, one of prose and
one of code."""

import json
import os
import random
import shutil
import struct
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

from support import ROOT, load, run

MODEL = os.path.join(ROOT, "models", "routegauge-tiny-olmoe")
WINDOWS, LENGTH, LOGS = 400, 128, 200


class Log:
    """A log as trace wrote it, cut by windows."""

    def __init__(self, folder):
        self.facts = load(os.path.join(folder, "routing.json"))
        with open(os.path.join(folder, "routing.safetensors"), "rb") as file:
            content = file.read()
        length = struct.unpack("<Q", content[:8])[0]
        self.header, self.data = json.loads(content[8:8 + length]), content[8 + length:]
        self.header.pop("__metadata__")

    def cut(self, folder, first, windows):
        os.makedirs(folder)
        rows = windows * LENGTH
        header, parts, at = {}, [], 0
        for name, entry in self.header.items():
            begin, end = entry["data_offsets"]
            row = (end - begin) // (WINDOWS * LENGTH)
            part = self.data[begin + first * LENGTH * row:begin + (first + windows) * LENGTH * row]
            header[name] = {**entry, "shape": [rows, *entry["shape"][1:]], "data_offsets": [at, at + len(part)]}
            parts.append(part)
            at += len(part)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(os.path.join(folder, "routing.safetensors"), "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
        facts = {**self.facts, "rows": rows, "sequences": windows,
                 "phase": [{"phase": "prefill", "first": 0, "last": rows - 1}]}
        with open(os.path.join(folder, "routing.json"), "w", encoding="utf-8") as file:
            json.dump(facts, file)


class FalseAlarms(unittest.TestCase):
    def test_no_check_flags_a_clean_log(self):
        folder = tempfile.mkdtemp(prefix="routegauge-clean-")
        self.addCleanup(shutil.rmtree, folder, True)
        logs = []
        for name, texts in (("prose", "docs"), ("code", "src")):
            out = os.path.join(folder, name)
            result = run("trace", "--model", MODEL, "--domain", f"{name}={os.path.join(ROOT, texts)}", "--windows",
                         WINDOWS, "--seq-len", LENGTH, "--log", out)
            self.assertEqual(result.returncode, 0, result.stderr)
            logs.append(Log(out))
        draw = random.Random(200)
        cuts = []
        for number in range(LOGS):
            windows = 1 + number * (WINDOWS - 1) // (LOGS - 1)
            path = os.path.join(folder, f"cut-{number}")
            cuts.append((number, logs[number % 2], draw.randrange(WINDOWS - windows + 1), windows, path))

        def check(cut):
            number, log, first, windows, path = cut
            log.cut(path, first, windows)
            result = run("import", path, "--check", "--json", "--model", MODEL, "--threads", 1)
            shutil.rmtree(path)
            if result.returncode == 0:
                return None
            found = [(row["id"], row["findings"][0]["found"]) for row in json.loads(result.stdout)["checks"]
                     if row["findings"]]
            return f"log {number}, {windows} windows from {first}: {found}"

        with ThreadPoolExecutor(2) as pool:
            alarms = [alarm for alarm in pool.map(check, cuts) if alarm]
        self.assertEqual(alarms, [])


if __name__ == "__main__":
    unittest.main()
