"""Compares every gate of transformers with the project's own, and writes docs/gates-differential.md.

    build/venv/bin/python recipes/differential/gates.py             # all; writes the page
    build/venv/bin/python recipes/differential/gates.py --check     # all; compares with the page, writes nothing
    build/venv/bin/python recipes/differential/gates.py mixtral Llama4Router   # only these models or classes, no page

Needs gate_filter, which is built with the tests. The rows are in routers/rows/, what is compared in routers/compare.py.
Ends with 1 if a class decides otherwise than its row says, if a row isn't needed, or if a class isn't in the table.
"""

import argparse
import difflib
import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
warnings.filterwarnings("ignore")

import torch
import transformers

from routers import candidates, table, tokens
from routers.compare import compare
from routers.ours import Gate
from routers.page import page
from routers.row import Refused

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "gates-differential.md"


def versions() -> dict[str, str]:
    """Of the pinned packages, which must be the installed ones."""
    words = (ROOT / "recipes" / "requirements.txt").read_text(encoding="utf-8").split()
    pinned = dict(word.split("==") for word in words if "==" in word)
    for package in (torch, transformers):
        name = package.__name__
        if package.__version__.split("+")[0] != pinned[name]:
            raise SystemExit(f"{name} is {package.__version__}, requirements.txt says {pinned[name]}")
    return pinned


def wanted(row, names: list[str]) -> bool:
    return not names or row.model in names or row.router.split(".")[1] in names


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="models or classes; all if none is given")
    parser.add_argument("--check", action="store_true", help=f"compare with {PAGE.relative_to(ROOT)}, write nothing")
    parser.add_argument("--filter", type=Path, default=ROOT / "build" / "release" / "bin" / "gate_filter",
                        help="the program gate_filter (default: build/release/bin/gate_filter)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)  # of second experts drawn at random; all else has generators of its own
    pinned = versions()
    problems = candidates.gaps(candidates.find(Path(transformers.__file__).parent / "models"), table.named())
    rows = [row for row in table.ROWS if wanted(row, arguments.names)]
    if not rows:
        raise SystemExit(f"no such model or class: {' '.join(arguments.names)}")
    results = []
    with Gate(arguments.filter) as gate:
        for row in rows:
            results.append(row if isinstance(row, Refused) else compare(row, gate))
            if not isinstance(row, Refused):
                made = results[-1]
                print(f"{row.router}: {len(made.settings)} settings, weights differ by {made.weights:.1e}; "
                      f"{len(made.refused)} refused")
                problems += made.problems
    if not arguments.names and not problems:
        made = page(results, pinned, tokens.COUNT)
        if not arguments.check:
            PAGE.write_text(made, encoding="utf-8")
        elif made != (there := PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""):
            problems += difflib.unified_diff(there.splitlines(), made.splitlines(), str(PAGE), "this run", lineterm="")
    print("\n".join(problems or ["as the table says"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
