#!/usr/bin/python3
"""Writes the tables of docs/statistics.md from docs/statistics.json, which `make stats` makes.

  statistics_tables.py           replaces what stands between the marks of the page
  statistics_tables.py --check   exit 1 if the page says otherwise
"""

import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(ROOT, "docs", "statistics.md")
DATA = os.path.join(ROOT, "docs", "statistics.json")


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def share(value, error):
    return f"{value:.4f} ± {error:.4f}"


def level_table(data):
    rows = []
    for null in data["nulls"]:
        for claim in null["claims"]:
            nominal = "none" if claim["verdict"] == "no level promised" else f"{claim['nominal']:g}"
            rows.append([null["test"], null["null"], claim["claim"], nominal,
                         share(claim["rate"], claim["standard_error"]), claim["verdict"]])
    return table(["test", "null", "false claim", "nominal", "rate", "verdict"], rows)


def power_table(data):
    rows = []
    for curve in data["power"]:
        for claim in curve["claims"]:
            for point in claim["points"]:
                rows.append([curve["test"], claim["claim"], str(point["windows"]), f"{point['effect']:.3f}",
                             f"{point['power']:.3f} ± {point['standard_error']:.3f}",
                             f"{point['approximation']:.3f}"])
    return table(["test", "claim", "windows", "effect", "power", "normal approximation"], rows)


def settings_line(data):
    return (f"{data['runs']:,} artifacts per null and {data['power_runs']:,} per row of the power table, "
            f"{data['windows']} windows unless the row says otherwise, T = {data['positions']}, "
            f"B = {data['replicates']:,}; artifact i has seed i.")


def page_with(text, data):
    for name, made in (("settings", settings_line(data)), ("levels", level_table(data)),
                       ("power", power_table(data))):
        first, last = f"<!-- {name}: made by make stats -->", f"<!-- end of {name} -->"
        before, found, rest = text.partition(first)
        _, ended, after = rest.partition(last)
        if not found or not ended:
            sys.exit(f"{PAGE}: the marks of {name} are missing")
        text = before + first + "\n" + made + "\n" + last + after
    return text


def main():
    with open(DATA, encoding="utf-8") as file:
        data = json.load(file)
    with open(PAGE, encoding="utf-8") as file:
        old = file.read()
    new = page_with(old, data)
    if "--check" in sys.argv[1:]:
        if new != old:
            sys.exit(f"{PAGE} says otherwise than {DATA}: run scripts/statistics_tables.py")
        return
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(new)


if __name__ == "__main__":
    main()
