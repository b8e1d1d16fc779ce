"""Makes keys.safetensors beside some golden checkpoints: queries, keys and values as transformers computes them.

    build/venv/bin/python recipes/golden/keys.py                   # writes tests/data/{families,olmoe}/.../keys.safetensors
    build/venv/bin/python recipes/golden/keys.py --check           # compares with what is there, writes nothing

Of the first sequence of expected.safetensors, (rows, columns), head by head, one fp32 run with eager attention. Of every
layer N that has keys:

    layers.N.input                             what the projections read
    layers.N.queries.projected, keys.projected with bias
    layers.N.queries.normed, ...               after QK-norm and clip, before RoPE
    layers.N.queries.rotated, ...              after RoPE
    layers.N.queries.scored, ...               after a norm that follows it: what enters the scores, without their scale
    layers.N.values                            as averaged

A step that changes nothing in a layer is left out. Latent attention has of its keys `scored` only, and also layers.N.latent
(after its norm), layers.N.shared and layers.N.shared_rotated (the part that all heads share, before and after RoPE).
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
from safetensors.torch import load_file, save_file
from transformers import OlmoeForCausalLM
from transformers.utils import logging

from families import family, same
from tiny import checkpoint
from tiny.record import layers_of

DATA = Path(__file__).resolve().parents[2] / "tests" / "data"
FOLDERS = (
    "olmoe/mha", "olmoe/gqa-clip", "olmoe/bias-yarn", "families/qwen3_moe/wide-heads-v4",
    "families/glm4_moe/qk-norm-f32", "families/gpt_oss/yarn-v4", "families/mimo_v2_flash/groups-f32",
    "families/hunyuan_v1_moe/linear-bias-f32", "families/qwen3_next/interval-v4",
    "families/gemma4_text/k-is-v-f32", "families/phimoe/longrope-f32", "families/deepseek_v2/lite-v4",
    "families/deepseek_v2/triples-v4",
)
Rows = dict[str, torch.Tensor]


def by_token(value: torch.Tensor) -> torch.Tensor:
    """(1, heads, rows, width) -> (rows, heads * width)"""
    return value.detach()[0].transpose(0, 1).flatten(1).contiguous().clone()


def steps(name: str, projected: torch.Tensor, normed: torch.Tensor, rotated: torch.Tensor, scored: torch.Tensor) -> Rows:
    """Those that differ from the one before."""
    out, before = {}, None
    for step, value in (("projected", projected), ("normed", normed), ("rotated", rotated), ("scored", scored)):
        if before is None or not torch.equal(value, before):
            out[f"{name}.{step}"] = value
        before = value
    return out


class Watch:
    """What one attention module computes in a forward pass."""

    def __init__(self, module: torch.nn.Module):
        self.module, self.seen, self.hooks = module, {}, []
        for name, part in module.named_children():
            self.hooks.append(part.register_forward_hook(lambda _, given, made, name=name: self.keep(name, given, made)))
        self.hooks.append(module.register_forward_pre_hook(self.keep_input, with_kwargs=True))

    def keep(self, name: str, given, made) -> None:
        self.seen[name] = made.detach().clone()
        self.seen[name + ".in"] = given[0].detach().clone()

    def keep_input(self, _, given, named) -> None:
        self.seen["input"] = (given[0] if given else named["hidden_states"])[0].detach().clone()

    def keep_scored(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> None:
        self.seen |= dict(query=by_token(query), key=by_token(key), value=by_token(value))

    def attention(self, which: str, projection: str, norms: tuple[str, str], scored: torch.Tensor) -> Rows:
        config, width = self.module.config, self.module.head_dim
        projected = self.seen[projection][0]
        if projected.shape[1] == 2 * scored.shape[1]:  # the query's heads have their gates between them
            projected = projected.unflatten(1, (-1, 2, width))[:, :, 0].flatten(1).contiguous()
        before, after = norms
        normed = rotated = projected
        if before in self.seen:
            normed = self.seen[before][0].flatten(1)
        if getattr(config, "clip_qkv", None) is not None:
            normed = normed.clamp(-config.clip_qkv, config.clip_qkv)
        rotated = by_token(self.seen[after + ".in"]) if after in self.seen else scored
        return steps(which, projected, normed, rotated, scored)

    def rows(self) -> Rows:
        seen = self.seen
        if "kv_a_proj_with_mqa" in seen:
            return self.latent_rows()
        return {
            "input": seen["input"], "values": seen["value"],
            **self.attention("queries", "q_proj", ("q_norm", "query_layernorm"), seen["query"]),
            **self.attention("keys", "k_proj", ("k_norm", "key_layernorm"), seen["key"]),
        }

    def latent_rows(self) -> Rows:
        seen, rotated = self.seen, self.module.qk_rope_head_dim
        query = seen["q_b_proj" if "q_b_proj" in seen else "q_proj"][0]
        return {
            "input": seen["input"], "values": seen["value"], "keys.scored": seen["key"],
            "latent": seen["kv_a_layernorm"][0], "shared": seen["kv_a_proj_with_mqa"][0, :, -rotated:].contiguous(),
            "shared_rotated": seen["key"][:, -rotated:].contiguous(),
            **steps("queries", query, query, seen["query"], seen["query"]),
        }


@torch.no_grad()
def record(model: torch.nn.Module, ids: list[int]) -> Rows:
    watched = {}
    for n, layer in enumerate(layers_of(model)):
        attention = getattr(layer, "self_attn", None)
        if attention is not None:
            watched[attention] = (n, Watch(attention))
    code = sys.modules[type(next(iter(watched))).__module__]
    eager = code.eager_attention_forward

    def watching(module, query, key, value, *given, **named):
        watched[module][1].keep_scored(query, key, value)
        return eager(module, query, key, value, *given, **named)

    code.eager_attention_forward = watching
    model(input_ids=torch.tensor([ids]), use_cache=False)
    code.eager_attention_forward = eager
    return {f"layers.{n}.{name}": value.contiguous() for n, watch in watched.values() for name, value in watch.rows().items()}


def load(folder: Path) -> torch.nn.Module:
    if folder.parent.name == "olmoe":
        return OlmoeForCausalLM.from_pretrained(folder / "model", dtype=torch.float32, **checkpoint.EAGER).eval()
    return checkpoint.load(family(folder.parent.name), folder / "model", torch.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with tests/data, write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    for name in FOLDERS:
        folder = DATA / name
        expected = load_file(folder / "expected.safetensors")
        made = record(load(folder), expected["tokens"][: int(expected["lengths"][0])].tolist())
        file = folder / "keys.safetensors"
        if not arguments.check:
            save_file(dict(sorted(made.items())), file)
            print(f"{name}: {file.stat().st_size / 1000:.0f} kB, {', '.join(sorted(made))}")
            continue
        there = load_file(file)
        if made.keys() != there.keys():
            raise SystemExit(f"{file}: holds other tensors")
        for tensor, value in made.items():
            if not same(value, there[tensor]):
                raise SystemExit(f"{file}: {tensor} differs from what this recipe computes")
    if arguments.check:
        print("equal to what is there")


if __name__ == "__main__":
    sys.exit(main())
