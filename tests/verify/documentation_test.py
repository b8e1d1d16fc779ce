"""docs/verifier.md names every check, and its Python reproduces the draws and the intervals.

usage: documentation_test.py JUDGE_MANY ROOT"""

import json
import math
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(sys.argv[2])
page = (root / "docs" / "verifier.md").read_text(encoding="utf-8")
checks = re.findall(r'RG_CHECK\((\w+), (\w+), "(.*)"\)',
                    (root / "src" / "verify" / "checks.inc").read_text(encoding="utf-8"))
assert len(checks) > 30
for name, error, demand in checks:
    assert "| `%s` | %s | %s |" % (name, error, demand) in page, name

code = {}
exec(re.search(r"```python\n(.*?)```", page, re.S)[1], code)  # pylint: disable=exec-used
assert code["philox"]((0, 0, 0, 0), (0, 0)) == 0x6627E8D5
made = subprocess.run([sys.argv[1], "--make", "terminal_ovk_scan"], stdout=subprocess.PIPE,
                      check=True)
artifact = json.loads(made.stdout)
settings = artifact["summary"]["bootstrap"]
values = artifact["per_window"]["ovk_cf_mean"]["3"]
means = sorted(code["replicate_mean"](values, settings["seed"], b) for b in range(settings["B"]))
ends = [means[math.ceil(settings["B"] / 40) - 1], means[math.ceil(39 * settings["B"] / 40) - 1]]
assert ends == artifact["summary"]["per_layer"]["3"]["ovk_cf_ci95"], ends
# The table of theorem_slack is the one that the verifier goes by, and with the theorems that have
# no check it is the catalogue.
made = json.loads(subprocess.run([sys.argv[1], "--make-small", "theorem_slack"], check=True,
                                 stdout=subprocess.PIPE).stdout)
rows = re.findall(r"^\| ([A-Z]{2}-\d+) \| ([^|]+) \| (<=|=) \| (\w+) \|",
                  (root / "docs" / "artifacts.md").read_text(encoding="utf-8"), re.M)
table = {}
for theorem, names, relation, unit in rows:
    for name in names.split(", "):
        table.setdefault(theorem, []).append({"name": name, "relation": relation, "unit": unit})
assert list(table.items()) == list(made["theorems"].items())
families = [json.loads(path.read_text(encoding="utf-8"))
            for path in (root / "theorems").glob("*.json")]
families.sort(key=lambda family: family["family"]["order"])
entries = [entry["id"] for family in families for entry in family["entries"]]
assert list(table) == [entry for entry in entries if entry in table]
assert list(made["no_check"]) == [entry for entry in entries if entry not in table]
print("documentation holds")
