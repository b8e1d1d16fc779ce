"""Builds a row's class in transformers with random weights, and asks it for decisions."""

import dataclasses
import importlib
from dataclasses import dataclass

import torch
from torch.nn.functional import linear

from routers import stand_ins
from routers.row import Refused, Row, Setting

WIDTH = 32
SMALL = dict(hidden_size=WIDTH, intermediate_size=WIDTH, moe_intermediate_size=WIDTH,
             shared_expert_intermediate_size=WIDTH, num_hidden_layers=2)
SHARED = ("shared_experts", "shared_expert", "shared_mlp")
SELECTION_BIAS = ("e_score_correction_bias", "expert_bias")


@dataclass
class Decisions:
    chosen: torch.Tensor  # (tokens, experts)
    weights: torch.Tensor  # (tokens, experts), double


def module_of(row: Row | Refused, kind: str):
    return importlib.import_module(f"transformers.models.{row.model}.{kind}_{row.model}")


def config_class(row: Row | Refused):
    return getattr(module_of(row, "configuration"), row.config)


def config_of(row: Row, setting: Setting, experts: int, top_k: int):
    made = config_class(row)
    own = {row.experts: experts} | ({row.top_k: top_k} if row.top_k else {}) | setting.config
    known = {field.name for field in dataclasses.fields(made)}
    small = {key: value for key, value in SMALL.items() if key in known}
    return made(**small | ({row.nested: own} if row.nested else own) | row.fixed(experts, top_k))


class Reference:
    """One class with one config. `block` hands the router's decision to experts, or is the router itself."""

    def __init__(self, row: Row, setting: Setting, experts: int, top_k: int, seed: int):
        self.row, self.experts = row, experts
        modeling = module_of(row, "modeling")
        router_class = getattr(modeling, row.router.split(".")[1])
        config = config_of(row, setting, experts, top_k)
        self.generator = torch.Generator().manual_seed(seed)
        self.block = getattr(modeling, row.block or router_class.__name__)(config, *row.block_arguments).eval()
        self.router = next(module for module in self.block.modules() if isinstance(module, router_class))
        self.fill(experts, top_k)

    def fill(self, experts: int, top_k: int) -> None:
        for name, value in [*self.block.named_parameters(), *self.block.named_buffers()]:
            if not value.is_floating_point():  # a table of ids
                value.copy_(torch.rand(len(value), experts, generator=self.generator).argsort(1)[:, :top_k])
                continue
            value.data.normal_(0, 0.3, generator=self.generator)
            if name.split(".")[-1] in SELECTION_BIAS:
                value.data.sub_(0.5)  # half of the biased scores are negative: a masked score of 0 would win
                value.data.flatten()[0] = -3  # keeps even a probability of 1 out, so that tiny ones are weighed
        weight = self.weight()
        weight.normal_(0, 1.5 * WIDTH**-0.5, generator=self.generator)
        weight[:, 0] = 1  # feature 0 of a token is added to all its logits
        weight[0, 2] = 2  # twice feature 2 is added to the logit of expert 0

    def weight(self) -> torch.Tensor:
        """Of the router: (rows, WIDTH), a row per expert first."""
        found = [value.data for name, value in self.router.named_parameters()
                 if (name == self.row.matrix if self.row.matrix else value.dim() == 2 and value.shape[1] == WIDTH)]
        if len(found) != 1 or len(found[0]) < self.experts:
            raise SystemExit(f"{self.row.router}: not one matrix of {self.experts} rows")
        return found[0]

    def logits(self, tokens: torch.Tensor, logit_bias: bool) -> torch.Tensor:
        """(tokens, experts): z = W y + b, not asked of the router, so that its own must be the same."""
        if self.row.router_input:
            tokens = self.row.router_input(self.router, tokens)
        bias = dict(self.router.named_parameters())["bias"].data if logit_bias else None
        return linear(tokens, self.weight(), bias)[:, : self.experts]

    def selection_bias(self) -> list[float]:
        values = [*self.block.named_buffers(), *self.block.named_parameters()]
        found = [value for name, value in values if name.split(".")[-1] in SELECTION_BIAS]
        if len(found) != 1:
            raise SystemExit(f"{self.row.router}: {len(found)} selection biases")
        return found[0].flatten()[: self.experts].tolist()

    def expert_scale(self) -> list[float]:
        return self.router.per_expert_scale.tolist()

    def decide(self, tokens: torch.Tensor) -> Decisions:
        """Replaces the experts for good."""
        block = self.block
        if self.row.block is None:
            _, weights, ids = block(tokens)
            chosen = torch.zeros(len(tokens), self.experts).scatter(1, ids, 1) > 0
            placed = torch.zeros(len(tokens), self.experts).scatter(1, ids, weights)
            return Decisions(chosen, placed.double())
        recorder = stand_ins.install(self.row.stand_in, block, self.experts, WIDTH)
        for name in SHARED:
            if hasattr(block, name):
                setattr(block, name, stand_ins.Nothing())
        self.expose_sum()
        weights = self.run(tokens)
        return Decisions(recorder.chosen, weights.double())

    def expose_sum(self) -> None:
        """Takes away what a block does to the experts' sum besides scaling it."""
        if hasattr(self.block, "post_mlp_layernorm"):
            self.block.post_mlp_layernorm = torch.nn.Identity()
        if hasattr(self.block, "post_expert_proj"):
            self.block.post_expert_proj.weight.data = torch.eye(WIDTH)

    def run(self, tokens: torch.Tensor) -> torch.Tensor:
        """(tokens, WIDTH): the block's output."""
        extra = {name: torch.randint(count, (1, len(tokens)), generator=torch.Generator().manual_seed(1))
                 for name, count in (self.row.extra or {}).items()}
        made = self.block(tokens[None], **extra)
        return (made[0] if isinstance(made, tuple) else made).reshape(len(tokens), WIDTH)
