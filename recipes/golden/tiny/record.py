"""Runs a model and keeps what expected.safetensors holds of it."""

import re

import torch

from tiny.family import Family
from tiny.gates import gap

Recording = dict[str, torch.Tensor]


def text_config(model: torch.nn.Module):
    return model.config.get_text_config()


def layers_of(model: torch.nn.Module) -> torch.nn.ModuleList:
    lists = [module for name, module in model.named_modules()
             if name.endswith("layers") and isinstance(module, torch.nn.ModuleList) and "visual" not in name
             and "vision" not in name]
    if len(lists) != 1:
        raise SystemExit(f"{type(model).__name__} has {len(lists)} lists of layers")
    return lists[0]


def only(found: list, what: str):
    if len(found) != 1:
        raise SystemExit(f"a layer has {len(found)} modules that could be its {what}")
    return found[0]


def parts_of(layer: torch.nn.Module, family: Family) -> tuple[torch.nn.Module, torch.nn.Module] | None:
    """The router and the experts of an MoE layer, None for a dense one."""
    modules = dict(layer.named_modules())
    experts = [name for name in modules if re.search(r"(^|\.)experts$", name)]
    if not experts:
        return None
    routers = [name for name in modules if re.search(family.router or r"(^|\.)(gate|router)$", name)]
    return modules[only(routers, "router")], modules[only(experts, "experts")]


def first(made):
    return made[0] if isinstance(made, tuple) else made


@torch.no_grad()
def record(model: torch.nn.Module, family: Family, ids: list[int]) -> tuple[Recording, float]:
    """All tensors but tokens and lengths for one sequence, and the least margin of any decision."""
    seen: Recording = {}
    nearest = [float("inf")]

    def rows(value: torch.Tensor) -> torch.Tensor:
        return value.detach().reshape(len(ids), -1).clone()

    hooks = []
    for n, layer in enumerate(layers_of(model)):
        at = f"layers.{n}."
        hooks.append(layer.register_forward_hook(
            lambda _, given, made, at=at: seen.__setitem__(at + "output", rows(first(made)))))
        parts = parts_of(layer, family)
        if parts is None:
            continue
        router, experts = parts

        def on_experts(_, given, named, at=at, layer=layer):
            given = [*given, *named.values()]
            z = seen[at + "router_logits"]
            ranked, other = family.gate(z.double(), layer, text_config(model))
            ids_there, weights = rows(given[1]), rows(given[2])
            k = ids_there.shape[1]
            best = torch.argsort(ranked, dim=-1, descending=True, stable=True)[:, :k]
            if not torch.equal(best.sort(-1).values, ids_there.sort(-1).values):
                raise SystemExit(f"{family.model_type}: {at} the reference selects other experts than ranked here")
            place = (best[:, :, None] == ids_there[:, None, :]).int().argmax(-1)
            seen[at + "topk_ids"] = best.int()
            seen[at + "topk_weights"] = weights.gather(1, place)
            seen[at + "margin"] = gap(ranked, k).to(z.dtype)
            between = gap(ranked, 1).nan_to_num(float("inf"))
            for j in range(2, k + 1):  # the order of the ids mustn't hang on rounding either
                between = between.minimum(gap(ranked, j).nan_to_num(float("inf")))
            nearest[0] = min(nearest[0], float(between.min()), float(other.min()))

        hooks += [
            router.register_forward_hook(
                lambda _, given, made, at=at: seen.__setitem__(at + "router_logits", rows(first(made)))),
            experts.register_forward_pre_hook(on_experts, with_kwargs=True),
        ]
    seen["logits"] = rows(model(input_ids=torch.tensor([ids]), use_cache=False).logits)
    for hook in hooks:
        hook.remove()
    return seen, nearest[0]
