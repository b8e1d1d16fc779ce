"""Every tensor and every switch of the config must move the logits, or a mistake in reading it would go unseen."""

import copy
import re

import torch
import transformers

from tiny.checkpoint import EAGER
from tiny.family import Family, Shape
from tiny.record import text_config

LEAST = 1e-3  # change of the logits, relative to the largest

# Config keys and another value for each; a key that the config lacks or holds as None is passed over.
SWITCHES = {
    "norm_topk_prob": lambda value: not value,
    "routed_scaling_factor": lambda value: value * 1.5,
    "router_scaling_factor": lambda value: value * 1.5,
    "route_scale": lambda value: value * 1.5,
    "rms_norm_eps": lambda value: 1e-6,
    "norm_eps": lambda value: 1e-6,
    "layer_norm_epsilon": lambda value: 1e-6,
    "sliding_window": lambda value: value + 1,
    "topk_group": lambda value: value + 1,
    "swiglu_limit": lambda value: value * 1.5,
    "swiglu_alpha": lambda value: value * 1.5,
    "attention_value_scale": lambda value: value * 1.5,
    "attention_multiplier": lambda value: value * 1.5,
    "embedding_multiplier": lambda value: value * 1.5,
    "residual_multiplier": lambda value: value * 1.5,
    "logits_scaling": lambda value: value * 1.5,
    "final_logit_softcapping": lambda value: value * 1.5,
    "router_jitter_noise": lambda value: value * 1.5,
    "time_step_limit": lambda value: (value[0] + 0.1, value[1]),
    "kda_lower_bound": lambda value: value * 1.5,
    "moe_norm_min": lambda value: value / 2,
    "top_k_experts": lambda value: value - 1,
    "num_experts_per_tok": lambda value: [k - 1 for k in value] if isinstance(value, list) else value - 1,
}


def ropes(config) -> list[dict]:
    rope = getattr(config, "rope_parameters", None) or {}
    return [rope] if "rope_theta" in rope else [value for value in rope.values() if value]


def other_configs(config):
    """Name of a switch and the config with it set otherwise."""
    for key, other in SWITCHES.items():
        value = getattr(text_config_of(config), key, None)
        if value is None or (key == "sliding_window" and value == 0):
            continue
        if key == "topk_group" and value == getattr(text_config_of(config), "n_group", None):
            continue
        changed = copy.deepcopy(config)
        setattr(text_config_of(changed), key, other(value))
        yield key, changed
    for place, rope in enumerate(ropes(text_config_of(config))):
        for key, value in rope.items():
            if isinstance(value, bool):
                other = not value
            elif isinstance(value, (int, float)):
                other = value / 2 if key == "partial_rotary_factor" else type(value)(value * 2)
            elif isinstance(value, list) and key.endswith("_factor"):
                other = value[::-1]
            else:
                continue
            changed = copy.deepcopy(config)
            ropes(text_config_of(changed))[place][key] = other
            yield f"rope.{key}", changed


def text_config_of(config):
    return config.get_text_config()


@torch.no_grad()
def check(family: Family, shape: Shape, model: torch.nn.Module, tokens: torch.Tensor) -> None:
    ids = tokens[None, : shape.lengths[0]].long()
    plain = model(input_ids=ids, use_cache=False).logits

    def moved(other: torch.nn.Module) -> float:
        try:
            return float((other(input_ids=ids, use_cache=False).logits - plain).abs().max() / plain.abs().max())
        except RuntimeError:  # shapes that don't fit can't go unseen either
            return float("inf")

    changes: dict[str, float] = {}
    still: list[str] = []
    for name, tensor in model.state_dict().items():
        kept = tensor.clone()
        tensor.copy_(-kept)
        changes[name] = moved(model)
        tensor.copy_(kept)
        if changes[name] < LEAST and not re.search(family.inert_tensors, name):
            still.append(name)
    for key, config in other_configs(model.config):
        other = getattr(transformers, family.model)._from_config(config, dtype=torch.float32, **EAGER)
        other.load_state_dict(model.state_dict())
        if family.prepare is not None:
            family.prepare(other)
        changes[key] = moved(other.eval())
        if (changes[key] < LEAST) != (key in family.inert + shape.inert):
            still.append(key)
    least = min((value, name) for name, value in changes.items() if name not in family.inert + shape.inert
                and not re.search(family.inert_tensors, name))
    print(f"  least moving: {least[1]}, {least[0]:.1e}")
    if still:
        raise SystemExit(f"{family.model_type}/{shape.name}: hardly moved by (or wrongly called inert) "
                         + ", ".join(f"{name} ({changes[name]:.1e})" for name in still))
