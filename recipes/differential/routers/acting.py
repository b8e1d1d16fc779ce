"""Which tokens a block's real experts act on, seen by taking one expert's weights away after the other."""

import torch

from routers.reference import Reference

SEEN = 1e-6  # of the largest output
TOKENS = 64


def parts_of(reference: Reference) -> list[list[torch.Tensor]]:
    """Per expert, its own matrices and biases."""
    block = reference.block
    if reference.row.stand_in == "sorted_by_expert":
        held = [block.output_linear.weight]
    elif isinstance(block.experts, torch.nn.ModuleDict):
        return [list(expert.parameters()) for name, expert in block.experts.items() if name.startswith("expert_")]
    else:
        held = [value for value in block.experts.parameters() if value.dim() > 1]  # one dimension: shared by all
    return [[value.chunk(reference.experts)[expert] for value in held] for expert in range(reference.experts)]


def acting(reference: Reference, tokens: torch.Tensor) -> torch.Tensor:
    """(tokens, experts) of the first tokens, before the experts are replaced."""
    tokens = tokens[:TOKENS]
    whole = reference.run(tokens)
    columns = []
    for values in parts_of(reference):
        kept = [value.clone() for value in values]
        for value in values:
            value.zero_()
        columns.append((reference.run(tokens) - whole).abs().amax(1) > SEEN * float(whole.abs().max()))
        for value, old in zip(values, kept):
            value.copy_(old)
    return torch.stack(columns, 1)
