"""Draws the token sequences of a shape and computes its expected.safetensors."""

import numpy as np
import torch

from tiny.family import Family, Shape
from tiny.record import record

MIN_MARGIN = 1e-4


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a.double() - b.double()).abs().max() / b.double().abs().max())


def off(run: dict[str, torch.Tensor], exact: dict[str, torch.Tensor], suffix: str) -> float:
    return max(relative(run[name], value) for name, value in exact.items() if name.endswith(suffix))


def expected(family: Family, shape: Shape, model: torch.nn.Module, exact: torch.nn.Module) -> dict[str, torch.Tensor]:
    """`model` in fp32; `exact`, the same in fp64, only for comparison. A near tie lets a sequence be drawn again."""
    where = f"{family.model_type}/{shape.name}"
    draw = np.random.Generator(np.random.PCG64(shape.seed + 1000))
    tokens: list[int] = []
    parts: list[dict[str, torch.Tensor]] = []
    errors: list[tuple[float, float]] = []
    for length in shape.lengths:
        for _ in range(400):
            ids = draw.integers(0, model.config.get_text_config().vocab_size, length).tolist()
            run, nearest = record(model, family, ids)
            if nearest >= MIN_MARGIN:
                break
        else:
            raise SystemExit(f"{where}: no sequence of {length} tokens with margins over {MIN_MARGIN}")
        check, _ = record(exact, family, ids)
        for name, value in check.items():
            if name.endswith("topk_ids") and not torch.equal(run[name], value):
                raise SystemExit(f"{where}: {name}: fp64 selects other experts")
        errors.append((off(run, check, "router_logits"), off(run, check, "logits")))
        tokens += ids
        parts.append(run)
    out = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    out["tokens"] = torch.tensor(tokens, dtype=torch.int32)
    out["lengths"] = torch.tensor(shape.lengths, dtype=torch.int32)
    router, logits = (max(column) for column in zip(*errors))
    print(f"  fp32 is {router:.1e} off fp64 in router logits, {logits:.1e} in logits")
    if max(router, logits) > family.own_error:
        raise SystemExit(f"{where}: more than {family.own_error}")
    report(where, out, model)
    return out


def report(where: str, out: dict[str, torch.Tensor], model: torch.nn.Module) -> None:
    for name in out:
        if name.endswith("topk_ids"):
            at = name.removesuffix("topk_ids")
            z, weights = out[at + "router_logits"], out[at + "topk_weights"]
            rows = torch.bincount(out[name].flatten(), minlength=z.shape[1])
            print(f"  {at[:-1]}: rows per expert {rows.tolist()}, logits' deviation {float(z.std()):.2f}, "
                  f"sum of weights {float(weights.sum(-1).min()):.2f} to {float(weights.sum(-1).max()):.2f}")
            if int(rows.min()) == 0:
                raise SystemExit(f"{where}: {at} leaves an expert unused")
