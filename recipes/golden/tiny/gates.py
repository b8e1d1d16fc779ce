"""What each kind of gate ranks, in double: (rows, experts), -inf where an expert can't be selected.

The second result is, per row, how near any other decision of the gate is to a tie, inf if there is none.
"""

import torch

NONE = float("inf")


def bias_of(block: torch.nn.Module) -> torch.Tensor:
    for name, value in [*block.named_buffers(), *block.named_parameters()]:
        if name.endswith(("e_score_correction_bias", "expert_bias")):
            return value.double().flatten()
    raise SystemExit(f"{type(block).__name__} has no selection bias")


def gap(values: torch.Tensor, kept: int) -> torch.Tensor:
    """Value number `kept` minus the next one; NaN if there is no next one."""
    ranked = torch.sort(values, dim=-1, descending=True).values
    none = torch.full_like(ranked[:, :1], -NONE)
    difference = ranked[:, kept - 1] - torch.cat([ranked, none], 1)[:, kept]
    return difference.masked_fill(difference.isinf(), float("nan"))


def in_best_groups(ranked: torch.Tensor, groups: int, kept: int, best: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Only experts of the `kept` groups with the largest sum of their `best` largest values."""
    split = ranked.unflatten(-1, (groups, -1))
    scores = split.topk(best, -1).values.sum(-1)
    chosen = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, scores.topk(kept, -1).indices, True)
    masked = split.masked_fill(~chosen[..., None], -NONE).flatten(-2)
    return masked, gap(scores, kept).nan_to_num(NONE)


def alone(ranked: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return ranked, torch.full_like(ranked[:, 0], NONE)


def logits(z, block, config):
    return alone(z)


def softmax(z, block, config):
    return alone(z.softmax(-1))


def softmax_bias(z, block, config):
    return alone(z.softmax(-1) + bias_of(block))


def sigmoid_bias(z, block, config):
    return alone(z.sigmoid() + bias_of(block))


def sigmoid_bias_groups(z, block, config):
    return in_best_groups(z.sigmoid() + bias_of(block), config.n_group, config.topk_group, 2)


def deepseek_v2(z, block, config):
    if config.topk_method == "greedy":
        return softmax(z, block, config)
    return in_best_groups(z.softmax(-1), config.n_group, config.topk_group, 1)


def sparsemixer(z, block, config):
    """Phi-3.5-MoE: two picks, each weighed among the logits near it; a logit may be as near to that limit as to a tie."""
    limit = 2 * config.router_jitter_noise
    first = z.max(-1, keepdim=True).values
    others = z.masked_fill(z == first, -NONE)
    second = others.max(-1, keepdim=True).values
    other = torch.full_like(z[:, 0], NONE)
    for best, rest in ((first, z), (second, others)):
        distance = (best - rest) / z.abs().maximum(best) - limit
        other = other.minimum(distance.abs().nan_to_num(NONE).amin(-1))
    return z, other
