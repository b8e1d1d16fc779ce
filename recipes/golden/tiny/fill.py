"""Draws every parameter and persistent buffer of a model anew, at scales at which each of them moves the result."""

import re
from collections.abc import Callable

import numpy as np
import torch

from tiny.family import Family, Shape

STORAGE = {"f32": torch.float32, "bf16": torch.bfloat16}
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def normal(scale: float, mean: float = 0.0) -> Draw:
    return lambda draw, shape: mean + scale * draw.standard_normal(shape)


def matrix(scale: float, inputs: int = -1) -> Draw:
    """Entries of size scale / sqrt(inputs), so that the outputs are of size scale."""
    return lambda draw, shape: scale / np.sqrt(shape[inputs]) * draw.standard_normal(shape)


def router(scale: float) -> Draw:
    """As a matrix, with columns of unequal size."""
    return lambda draw, shape: matrix(scale)(draw, shape) * np.exp(0.5 * draw.standard_normal(shape[-1]))


GAIN = normal(0.4, 1.0)
GAIN_FROM_ONE = normal(0.4)  # of norms that multiply by 1 + w

Rules = tuple[tuple[str, Draw], ...]

# Recurrent layers: decay, step and convolution kernels.
RECURRENT: Rules = (
    (r"A_log$", normal(0.6)),
    (r"dt_bias$", normal(1.0, -1.5)),
    (r"conv1d\.weight$", matrix(1.5)),
    (r"\.D$", GAIN),
)

# Qwen3-Next and Qwen3.5: norms multiply by 1 + w, but for the one inside the gated delta net.
QWEN_NEXT: Rules = RECURRENT + (
    (r"linear_attn\.norm\.weight$", GAIN),
    (r"norm\.weight$", GAIN_FROM_ONE),
)

COMMON: Rules = (
    (r"(e_score_correction_bias|expert_bias)$", normal(0.2)),
    (r"(^|[._])[a-z_]*(norm|layernorm)[a-z_0-9]*\.weight$", GAIN),
    (r"(embed_tokens|embeddings)\.weight$", normal(1.0)),
    (r"lm_head\.weight$", matrix(2.0)),
    (r"\.(router|gate|wg)\.weight$", router(1.5)),
    (r"experts\.(gate_)?up_proj$", matrix(1.5)),
    (r"experts\.down_proj$", matrix(2.0)),
    (r"(q|q_b)_proj\.weight$", matrix(1.0)),
    (r"k_proj\.weight$", matrix(0.7)),
    (r"(bias|sinks)$", normal(0.5)),
    (r"weight$", matrix(1.3)),
)


def stored_as(name: str, family: Family, shape: Shape) -> torch.dtype:
    return torch.float32 if re.search(family.keep_f32, name) else STORAGE[shape.storage]


@torch.no_grad()
def fill(model: torch.nn.Module, family: Family, shape: Shape) -> None:
    """The values are representable as they will be stored."""
    draw = np.random.Generator(np.random.PCG64(shape.seed))
    filled: set[int] = set()
    for name, tensor in model.state_dict().items():
        if tensor.data_ptr() in filled:
            continue  # tied
        filled.add(tensor.data_ptr())
        for pattern, rule in (*shape.rules, *family.rules, *COMMON):
            if re.search(pattern, name):
                break
        else:
            raise SystemExit(f"{family.model_type}: no rule draws {name}")
        values = torch.from_numpy(rule(draw, tuple(tensor.shape)).astype(np.float32))
        tensor.copy_(values.to(stored_as(name, family, shape)))
