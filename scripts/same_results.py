#!/usr/bin/python3
"""Compares the results of two output folders, artifact by artifact.

  same_results.py OLD NEW     exit 0 if every artifact's body_sha256 is the same in both

The digest covers what was measured, not when and where; so a change that should move no number is
checked by `make demo` before and after it, on one machine.
"""

import json
import sys
from pathlib import Path


def digests(folder):
    found = {}
    for path in sorted(Path(folder).rglob("run.json")):
        artifact = json.loads(path.read_text(encoding="utf-8"))
        found[str(path.parent.relative_to(folder))] = artifact["body_sha256"]
    return found


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    old, new = (digests(folder) for folder in sys.argv[1:])
    if not old:
        sys.exit(f"{sys.argv[1]}: no artifact")
    different = 0
    for name in sorted(old | new):
        same = old.get(name) == new.get(name)
        different += not same
        print(f"{'same' if same else 'DIFFERS':8}{name}  {new.get(name, 'missing')[:16]}")
    print(f"{len(old | new) - different} of {len(old | new)} the same")
    sys.exit(different != 0)


if __name__ == "__main__":
    main()
