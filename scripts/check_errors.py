#!/usr/bin/python3
"""Checks that every error id has a section in docs/errors.md and at least one test whose code names it (comments
and docstrings don't count), and that docs/errors.md describes no id that does not exist.

  check_errors.py [ROOT]     exit 0, or 1 with one line per gap
"""

import ast
import os
import re
import sys

ID = re.compile(r"^RG_ERROR_ID\((\w+),", re.MULTILINE)
SECTION = re.compile(r"^### (\w+)", re.MULTILINE)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def without_comments_c(text):
    """C or C++ source without comments; strings stay, and hide what looks like a comment in them."""
    token = r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    return re.sub(token, lambda match: " " if match[0].startswith("/") else match[0], text, flags=re.DOTALL)


def without_comments_python(text):
    """The strings and names of a Python source that do something: no comments, no docstrings."""
    nodes = list(ast.walk(ast.parse(text)))
    docstrings = {id(node.body[0].value) for node in nodes
                  if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
                  and ast.get_docstring(node) is not None}
    words = []
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            words.append(node.value)
        elif isinstance(node, ast.Name):
            words.append(node.id)
    return "\n".join(words)


def test_words(root):
    """Every id in the code of every test; data files, comments and docstrings don't test anything."""
    words = set()
    for folder, names, files in os.walk(os.path.join(root, "tests")):
        names[:] = [name for name in names if name not in ("data", "__pycache__")]
        for name in files:
            if not name.endswith((".cc", ".h", ".py")):
                continue
            strip = without_comments_python if name.endswith(".py") else without_comments_c
            words.update(re.findall(r"(?<![A-Z0-9])[A-Z]{2}\d{3}(?!\d)", strip(read(os.path.join(folder, name)))))
    return words


def sections_of(text):
    """{id: body of its section}."""
    parts = re.split(r"^(?=###? )", text, flags=re.MULTILINE)
    return {match.group(1): part for part in parts if (match := SECTION.match(part))}


def check(root):
    ids = ID.findall(read(os.path.join(root, "src/base/error_ids.inc")))
    sections = sections_of(read(os.path.join(root, "docs/errors.md")))
    tested = test_words(root)
    problems = []
    if not ids:
        problems.append("src/base/error_ids.inc: no id found")
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        problems.append(f"{name}: stands twice in error_ids.inc")
    for name in ids:
        if name not in sections:
            problems.append(f"{name}: no section in docs/errors.md")
        elif f"error[{name}]" not in sections[name] and f"`{name}: " not in sections[name]:
            problems.append(f"{name}: its section in docs/errors.md has no example message")
        if name not in tested:
            problems.append(f"{name}: no test names it")
    problems += [f"{name}: in docs/errors.md but not in error_ids.inc" for name in sections if name not in ids]
    return len(ids), problems


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    count, problems = check(root)
    for problem in problems:
        print(problem)
    print(f"{count} error ids, {len(problems)} gaps")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
