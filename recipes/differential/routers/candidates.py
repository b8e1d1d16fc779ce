"""Finds every class of a tree of modeling files that may choose experts for tokens. Reads sources, imports nothing.

Three signs, any of which is enough:
  name      it is called a router, gate or gating
  choice    its code speaks of experts and takes a top-k or an argmax
  experts   it builds experts, and no class with a router's name
The signs are wide: what they find by mistake is named in rows/other.py with the reason.
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

NAME = re.compile(r"Router|Routing|Gating|Gate(?![a-z])")
CHOICES = {"topk", "argmax", "argsort"}


@dataclass(frozen=True, order=True)
class Candidate:
    model: str  # the folder below models/
    name: str
    sign: str

    @property
    def key(self) -> str:
        return f"{self.model}.{self.name}"


def called(tree: ast.AST) -> set[str]:
    """Last names of everything that is called: topk for torch.topk(...) and x.topk(...)."""
    functions = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            for function in functions}


def builds_experts(tree: ast.ClassDef) -> bool:
    """Whether it assigns a new object to self.experts or the like, or one of a class called ...Experts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            held = [target.attr for target in node.targets if isinstance(target, ast.Attribute)]
            if held and any(re.search("[Ee]xperts?$", name) for name in [*held, *called(node.value)]):
                return True
    return False


def sign_of(tree: ast.ClassDef, source: str) -> str | None:
    if NAME.search(tree.name):
        return "name"
    if "expert" in source.lower() and called(tree) & CHOICES:
        return "choice"
    if builds_experts(tree) and not any(NAME.search(name) for name in called(tree)):
        return "experts"
    return None


def find(models: Path) -> list[Candidate]:
    """Of models/<model>/modeling_*.py. modular_*.py is what some of these are generated from, and never runs."""
    found = []
    for file in sorted(models.glob("*/modeling_*.py")):
        text = file.read_text(encoding="utf-8")
        lines = text.split("\n")
        for tree in ast.parse(text).body:
            if isinstance(tree, ast.ClassDef):
                sign = sign_of(tree, "\n".join(lines[tree.lineno - 1 : tree.end_lineno]))
                if sign:
                    found.append(Candidate(file.parent.name, tree.name, sign))
    return sorted(found)


def gaps(found: list[Candidate], named: list[str]) -> list[str]:
    """What keeps a table from naming each candidate once: one line each."""
    keys = [candidate.key for candidate in found]
    twice = sorted({key for key in named if named.count(key) > 1})
    return ([f"{candidate.key}: found by its {candidate.sign}, not in the table"
             for candidate in found if candidate.key not in named]
            + [f"{key}: in the table, but no such class is found" for key in named if key not in keys]
            + [f"{key}: in the table twice" for key in twice])
