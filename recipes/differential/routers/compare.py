"""One row of the table against the project's gate."""

import itertools
from dataclasses import dataclass, field

import torch

from routers import mutants, tokens
from routers.acting import acting
from routers.ours import Answers, Gate
from routers.reference import Decisions, Reference
from routers.row import Row, Setting

NEAR = 1e-5  # nearer to another decision than this, two implementations may choose differently
TOLERANCE = 2e-5  # of a combination weight
LEAST = 400  # tokens of each setting that are farther from a tie


@dataclass
class Difference:
    other_ids: int  # tokens with another set of experts, ties left out
    compared: int  # tokens farther from a tie
    weights: float  # the largest difference where the sets are equal

    @property
    def none(self) -> bool:
        return self.other_ids == 0 and self.weights <= TOLERANCE


@dataclass
class Compared:
    row: Row
    settings: list[Setting]  # must be equal
    refused: list[Setting]
    weights: float = 0.0  # the largest difference, divided by the scaling
    problems: list[str] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        return tokens.COUNT * len(self.settings) * len(self.row.sizes)


def difference(theirs: Decisions, ours: Answers) -> Difference:
    experts = ours.chosen.shape[1]
    same = (theirs.chosen[:, :experts] == ours.chosen).all(1) & ~theirs.chosen[:, experts:].any(1)
    far = ours.margin > NEAR
    apart = (theirs.weights[:, :experts] - ours.weights).abs().amax(1)
    # A sum of 0 is not a number on both sides.
    undefined = theirs.weights[:, :experts].isnan().any(1) & ours.weights.isnan().any(1)
    apart = torch.where(undefined, 0.0, apart).nan_to_num(float("inf"))[same]
    return Difference(int((far & ~same).sum()), int(far.sum()), float(apart.max()) if len(apart) else 0.0)


def full(spec: dict, experts: int, top_k: int) -> dict:
    return dict(experts=experts, top_k=top_k) | spec


def compare_setting(setting: Setting, size: tuple[int, int], seed: int, gate: Gate, result: Compared) -> None:
    row, (experts, top_k) = result.row, size
    reference = Reference(row, setting, experts, top_k, seed)
    drawn = tokens.draw(seed + 1000)
    logits = reference.logits(drawn, setting.spec["logit_bias"])
    bias = reference.selection_bias() if setting.spec["selection_bias"] else []
    scale = reference.expert_scale() if setting.spec["per_expert_scale"] else []
    real = acting(reference, drawn[: tokens.PLAIN]) if row.block and not setting.missing else None
    theirs = reference.decide(drawn)
    spec = full(setting.spec, experts, top_k)
    found = difference(theirs, gate.decide(spec, bias, scale, logits))
    where = f"{row.router} {setting.config}, {top_k} of {experts} experts"
    if setting.missing:
        if found.none:
            result.problems.append(f"{where}: refused for {setting.missing}, but its nearest spec decides alike")
        return
    result.weights = max(result.weights, found.weights / spec["scaling"])
    if not found.none or found.compared < LEAST:
        result.problems.append(f"{where}: other experts at {found.other_ids} of {found.compared} tokens, "
                               f"weights differ by {found.weights:.1e}")
    if real is not None and bool((real == theirs.chosen[: len(real), :experts]).all()) != row.acts:
        result.problems.append(f"{where}: experts {'act' if row.acts else 'no longer act'} on other tokens than those "
                               "that chose them")
    for what, mutant in mutants.turned(spec):
        if difference(theirs, gate.decide(mutant, bias, scale, logits)).none:
            result.problems.append(f"{where}: the same with another {what}")


def compare(row: Row, gate: Gate) -> Compared:
    result = Compared(row, [setting for setting in row.settings if not setting.missing],
                      [setting for setting in row.settings if setting.missing])
    pairs = itertools.product(row.settings, row.sizes)
    with torch.no_grad():
        for seed, (setting, size) in enumerate(pairs):
            compare_setting(setting, size, seed, gate, result)
    return result
