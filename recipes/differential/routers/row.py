"""One row of the table: a class of transformers that chooses experts, how to build it, and what must be true of it."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

GROUPS = "n_group, topk_group"
SIZES = ((12, 3), (16, 5))  # (experts, top-k) of every setting


@dataclass(frozen=True)
class Setting:
    switches: dict  # values of the config; a key may name several, "n_group, topk_group": (4, 2)
    spec: dict  # the GateSpec that decides alike, without experts and top_k; the nearest one with `missing`
    missing: str = ""  # what no GateSpec can say, so that this setting is refused

    @property
    def config(self) -> dict:
        return dict(pair for key, value in self.switches.items()
                    for pair in (zip(key.split(", "), value) if ", " in key else [(key, value)]))


@dataclass(frozen=True)
class Row:
    router: str  # the candidate: "mixtral.MixtralTopKRouter"
    config: str  # its config class
    settings: tuple[Setting, ...]
    block: str | None = None  # the class that hands the router's decision to experts; without one the router runs alone
    block_arguments: tuple = ()
    experts: str = "n_routed_experts"  # the config's key for the number of experts
    top_k: str | None = "num_experts_per_tok"
    nested: str | None = None  # the key of the config below which both and the switches belong, if not at its top
    fixed: Callable[[int, int], dict] = lambda experts, top_k: {}  # what else the config needs
    matrix: str | None = None  # the parameter that makes the logits, where the class has others of its shape
    # What that matrix multiplies, given the router and the tokens (tokens, width); without it, the tokens.
    router_input: Callable | None = None
    stand_in: str = "indicator"  # how the block calls its experts: stand_ins.py
    extra: dict[str, int] | None = None  # further arguments of the block: name, and how many ids there are to draw from
    sizes: tuple[tuple[int, int], ...] = SIZES
    acts: bool = True  # the real experts of the block use the decision; if not, `note` says what they do
    note: str = ""

    @property
    def model(self) -> str:
        return self.router.split(".")[0]


@dataclass(frozen=True)
class Refused:
    """A class that isn't even run: nothing near it is a GateSpec."""

    router: str
    config: str
    missing: str

    @property
    def model(self) -> str:
        return self.router.split(".")[0]


def settings(switches: dict[str, list], spec: Callable[[dict], dict],
             missing: Callable[[dict], str] = lambda values: "") -> tuple[Setting, ...]:
    """Every combination of the switches' values."""
    every = [dict(zip(switches, values)) for values in itertools.product(*switches.values())]
    return tuple(Setting(values, spec(values), missing(values)) for values in every)
