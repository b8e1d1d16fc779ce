#!/usr/bin/python3 -S
"""What compiling costs.

  compile_cost.py launch LOG COMMAND...   runs the compiler; a line of LOG says what it took
  compile_cost.py table NAME=LOG...       a Markdown table of one or more builds, and their costliest files
"""

import os
import re
import sys


def launch(log, command):
    child = os.fork()
    if child == 0:
        os.execvp(command[0], command)
    _, status, usage = os.wait4(child, 0)
    file = command[command.index("-c") + 1] if "-c" in command else "(link)"
    with open(log, "a", encoding="utf-8") as out:
        out.write(f"{usage.ru_utime + usage.ru_stime:.2f} {usage.ru_maxrss // 1024} {file}\n")
    return os.waitstatus_to_exitcode(status)


def read(log):
    with open(log, encoding="utf-8") as lines:
        return [(float(seconds), int(megabytes), file) for seconds, megabytes, file in (line.split() for line in lines)]


def short(file):
    """src/linear/qr.cc, or app, batch 2: the files that one unit of a unity build joins."""
    batch = re.search(r"(?:rg_|(test_))([a-z_]+)\.dir/Unity/unity_(\d+)", file)
    if batch:
        return f"{'tests of ' if batch.group(1) else ''}{batch.group(2)}, batch {batch.group(3)}"
    return re.sub(r"^.*?/((src|tests|fuzz|build)/)", r"\1", file)


def table(builds):
    print("| build | compiler runs | CPU minutes | costliest file | largest memory |")
    print("| --- | --- | --- | --- | --- |")
    for name, log in builds:
        rows = read(log)
        slowest, largest = max(rows), max(rows, key=lambda row: row[1])
        print(f"| {name} | {len(rows)} | {sum(row[0] for row in rows) / 60:.2f} | {slowest[0]:.1f} s, "
              f"{short(slowest[2])} | {largest[1]} MB, {short(largest[2])} |")
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "launch":
        sys.exit(launch(sys.argv[2], sys.argv[3:]))
    sys.exit(table([pair.split("=", 1) for pair in sys.argv[2:]]))
