"""Asks the project's gate: gate_filter, a program built with the tests."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import torch

NAN = float("nan")


@dataclass
class Answers:
    chosen: torch.Tensor  # (tokens, experts)
    weights: torch.Tensor  # (tokens, experts), double, 0 where not chosen
    margin: torch.Tensor  # (tokens): the least of what separates the decision from another one, inf if nothing does


class Gate:
    def __init__(self, program: Path):
        if not program.is_file():
            raise SystemExit(f"{program} isn't there: cmake --build --preset release --target gate_filter")
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait(timeout=60)

    def decide(self, spec: dict, selection_bias: list[float], expert_scale: list[float],
               logits: torch.Tensor) -> Answers:
        """`logits` (tokens, experts); of the vectors (experts), only those that the spec has are used."""
        request = {"spec": spec, "selection_bias": selection_bias if spec["selection_bias"] else [],
                   "expert_scale": expert_scale if spec["per_expert_scale"] else [], "logits": logits.tolist()}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        lines = [self.process.stdout.readline() for _ in range(len(logits))]
        if not all(lines):
            raise SystemExit(f"gate_filter stopped at {spec}")
        made = [json.loads(line) for line in lines]
        ids = torch.tensor([answer["ranked"][: spec["top_k"]] for answer in made])
        weights = torch.tensor([[NAN if weight is None else weight for weight in answer["weights"]] for answer in made],
                               dtype=torch.float64)
        margins = torch.tensor([[float("inf") if answer[name] is None else answer[name]
                                 for name in ("margin", "margin_group")] for answer in made])
        none = torch.zeros(len(made), spec["experts"], dtype=torch.float64)
        return Answers(none.scatter(1, ids, 1) > 0, none.scatter(1, ids, weights), margins.amin(1))
