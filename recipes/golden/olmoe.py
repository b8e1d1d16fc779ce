"""Makes the golden OLMoE fixtures of tests/data/olmoe: tiny random checkpoints and what Hugging Face computes with them.

    build/venv/bin/python recipes/golden/olmoe.py            # writes tests/data/olmoe
    build/venv/bin/python recipes/golden/olmoe.py --check    # compares with what is there, writes nothing

NAME/model is a checkpoint folder that OlmoeForCausalLM.from_pretrained loads as it is; NAME/expected.safetensors holds,
rows being all tokens of all sequences in order: tokens and lengths (int32), logits, and for every layer N residual_in,
attention_out, residual_pre, gate_input, router_logits, topk_ids (k+1, the last the best expert not selected),
topk_weights, update; `unmasked.*` are the same router_logits and logits without the causal mask. All of it is one fp32 run
with eager attention and eager experts, one sequence at a time.

Weights are random normal at a scale at which every part moves the result, gains are not 1, router columns differ in size.
A sequence is drawn again if some token's margin in it is below MIN_MARGIN, so that rounding can't decide a top-k.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import OlmoeForCausalLM
from transformers.utils import logging

from shapes import SHAPES, Shape

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "tests" / "data" / "olmoe"
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
MIN_MARGIN = 1e-4
OWN_ERROR = 5e-6  # of the fp32 run against one in fp64, relative to the tensor's largest entry
SAME = 1e-5  # --check: the same, against the committed run; another CPU may sum in another order


def config(shape: Shape) -> dict:
    values = {
        "architectures": ["OlmoeForCausalLM"], "attention_bias": shape.biased, "attention_dropout": 0.0,
        "clip_qkv": shape.clip_qkv, "eos_token_id": 0, "hidden_act": "silu", "hidden_size": shape.width,
        "initializer_range": 0.02, "intermediate_size": shape.expert_width, "max_position_embeddings": 64,
        "model_type": "olmoe", "norm_topk_prob": shape.norm_topk_prob, "num_attention_heads": shape.heads,
        "num_experts": shape.experts, "num_experts_per_tok": shape.top_k, "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.kv_heads, "output_router_logits": False, "pad_token_id": 1,
        "rms_norm_eps": shape.epsilon, "router_aux_loss_coef": 0.01, "tie_word_embeddings": shape.tied,
        "use_cache": True, "vocab_size": shape.vocabulary,
    }
    if shape.fused_experts:
        values |= {"dtype": "float32", "rope_parameters": {"rope_theta": shape.rope_theta, "rope_type": "default"}}
    else:
        values |= {"rope_theta": shape.rope_theta, "rope_scaling": shape.rope_scaling, "torch_dtype": "float32"}
    return dict(sorted(values.items()))


def weights(shape: Shape) -> dict[str, torch.Tensor]:
    draw = np.random.Generator(np.random.PCG64(shape.seed))

    def tensor(kind: str, values: np.ndarray) -> torch.Tensor:
        dtype = DTYPES[shape.dtypes.get(kind, shape.dtypes[""])]
        return torch.from_numpy(values.astype(np.float32)).to(dtype)

    def matrix(kind: str, rows: int, columns: int, scale: float) -> torch.Tensor:
        return tensor(kind, draw.standard_normal((rows, columns)) * scale / np.sqrt(columns))

    def gain(count: int) -> torch.Tensor:
        return tensor("norm", 1.0 + 0.4 * draw.standard_normal(count))

    d, kv = shape.width, shape.width // shape.heads * shape.kv_heads
    out = {"model.embed_tokens.weight": tensor("embedding", draw.standard_normal((shape.vocabulary, d)))}
    for n in range(shape.layers):
        at = f"model.layers.{n}."
        out[at + "input_layernorm.weight"] = gain(d)
        out[at + "post_attention_layernorm.weight"] = gain(d)
        for name, rows, scale in (("q", d, 1.0), ("k", kv, 0.7), ("v", kv, 1.3), ("o", d, 1.3)):
            out[f"{at}self_attn.{name}_proj.weight"] = matrix("attention", rows, d, scale)
            if shape.biased:
                out[f"{at}self_attn.{name}_proj.bias"] = tensor("attention", 0.5 * draw.standard_normal(rows))
        out[at + "self_attn.q_norm.weight"] = gain(d)
        out[at + "self_attn.k_norm.weight"] = gain(kv)
        columns = np.exp(0.5 * draw.standard_normal(d))
        router = draw.standard_normal((shape.experts, d)) * columns * 1.5 / np.sqrt(d)
        out[at + "mlp.gate.weight"] = tensor("router", router)
        experts = [
            (matrix("experts", shape.expert_width, d, 1.5), matrix("experts", shape.expert_width, d, 1.5),
             matrix("experts", d, shape.expert_width, 2.0))
            for _ in range(shape.experts)
        ]
        if shape.fused_experts:
            out[at + "mlp.experts.gate_up_proj"] = torch.stack([torch.cat([g, u]) for g, u, _ in experts])
            out[at + "mlp.experts.down_proj"] = torch.stack([down for _, _, down in experts])
        else:
            for e, parts in enumerate(experts):
                for name, part in zip(("gate", "up", "down"), parts):
                    out[f"{at}mlp.experts.{e}.{name}_proj.weight"] = part
    out["model.norm.weight"] = gain(d)
    if not shape.tied:
        out["lm_head.weight"] = matrix("embedding", shape.vocabulary, d, 2.0)
    return out


def write_model(shape: Shape, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config(shape), indent=2) + "\n")
    tensors = weights(shape)
    if shape.shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = list(tensors)
    weight_map = {}
    for s in range(shape.shards):
        file = f"model-{s + 1:05}-of-{shape.shards:05}.safetensors"
        part = names[s * len(names) // shape.shards : (s + 1) * len(names) // shape.shards]
        save_file({name: tensors[name] for name in part}, folder / file, metadata={"format": "pt"})
        weight_map |= {name: file for name in part}
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(weight_map.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


@torch.no_grad()
def forward(model: OlmoeForCausalLM, ids: list[int], causal: bool) -> dict[str, torch.Tensor]:
    seen: dict[str, torch.Tensor] = {}

    def keep(name: str, value: torch.Tensor) -> None:
        seen[name] = value.detach().reshape(len(ids), -1).clone()

    hooks = []
    for n, layer in enumerate(model.model.layers):
        def on_norm(_, given, made, n=n):
            keep(f"layers.{n}.residual_pre", given[0])
            keep(f"layers.{n}.gate_input", made)

        def on_gate(_, given, made, n=n):
            keep(f"layers.{n}.router_logits", made[0])
            keep(f"layers.{n}.topk_weights", made[1])
            s = torch.softmax(made[0].double(), -1).reshape(len(ids), -1)
            keep(f"layers.{n}.topk_ids", torch.argsort(-s, dim=-1, stable=True)[:, : made[2].shape[-1] + 1].int())
            assert torch.equal(seen[f"layers.{n}.topk_ids"][:, :-1], made[2].int())
            ranked = torch.sort(s, dim=-1, descending=True).values
            keep(f"layers.{n}.margin", ranked[:, made[2].shape[-1] - 1] - ranked[:, made[2].shape[-1]])

        hooks += [
            layer.input_layernorm.register_forward_hook(
                lambda _, given, made, n=n: keep(f"layers.{n}.residual_in", given[0])),
            layer.self_attn.register_forward_hook(
                lambda _, given, made, n=n: keep(f"layers.{n}.attention_out", made[0])),
            layer.post_attention_layernorm.register_forward_hook(on_norm),
            layer.mlp.gate.register_forward_hook(on_gate),
            layer.mlp.register_forward_hook(lambda _, given, made, n=n: keep(f"layers.{n}.update", made)),
        ]
    mask = None if causal else torch.zeros(1, 1, len(ids), len(ids), dtype=model.dtype)
    keep("logits", model(torch.tensor([ids]), attention_mask=mask, use_cache=False).logits)
    for hook in hooks:
        hook.remove()
    return seen


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a.double() - b.double()).abs().max() / b.double().abs().max())


def least_margin(run: dict[str, torch.Tensor]) -> float:
    return min(float(value.min()) for name, value in run.items() if name.endswith(".margin"))


def load(folder: Path, dtype: torch.dtype) -> OlmoeForCausalLM:
    model, info = OlmoeForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager", experts_implementation="eager", output_loading_info=True)
    if any(info.values()):
        raise SystemExit(f"{folder}: not loaded completely: {info}")
    return model.eval()


def expected(shape: Shape, folder: Path) -> dict[str, torch.Tensor]:
    model, exact = load(folder, torch.float32), load(folder, torch.float64)
    draw = np.random.Generator(np.random.PCG64(shape.seed + 1000))
    tokens: list[int] = []
    parts: list[dict[str, torch.Tensor]] = []
    for length in shape.lengths:
        for attempt in range(400):
            ids = draw.integers(0, shape.vocabulary, length).tolist()
            run = forward(model, ids, True)
            least = least_margin(run)
            if shape.unmasked:
                open_run = forward(model, ids, False)
                least = min(least, least_margin(open_run))
                run |= {f"unmasked.{k}": v for k, v in open_run.items() if k.endswith("logits")}
            if least >= MIN_MARGIN:
                break
        else:
            raise SystemExit(f"{shape.name}: no sequence of {length} tokens with margins over {MIN_MARGIN}")
        check = forward(exact, ids, True)
        for name, value in check.items():
            if not name.endswith(("topk_ids", "margin")) and relative(run[name], value) > OWN_ERROR:
                raise SystemExit(f"{shape.name}: {name}: fp32 is {relative(run[name], value):.1e} off fp64")
        tokens += ids
        parts.append(run)
    names = [name for name in parts[0] if not name.endswith(".margin")]
    out = {name: torch.cat([part[name] for part in parts]) for name in names}
    out["tokens"] = torch.tensor(tokens, dtype=torch.int32)
    out["lengths"] = torch.tensor(shape.lengths, dtype=torch.int32)
    for n in range(shape.layers):
        rows = torch.bincount(out[f"layers.{n}.topk_ids"][:, :-1].flatten(), minlength=shape.experts)
        print(f"  layer {n}: rows per expert {rows.tolist()}, logits' deviation "
              f"{float(out[f'layers.{n}.router_logits'].std()):.2f}, update / residual "
              f"{float(out[f'layers.{n}.update'].norm() / out[f'layers.{n}.residual_pre'].norm()):.2f}")
        if int(rows.min()) == 0 or int(rows.max()) < shape.most_rows:
            raise SystemExit(f"{shape.name}: layer {n} leaves an expert unused or below {shape.most_rows} rows")
    return out


def compare(made: Path, there: Path) -> None:
    for file in sorted(made.rglob("*")):
        if file.is_dir():
            continue
        other = there / file.relative_to(made)
        if file.name != "expected.safetensors":
            if file.read_bytes() != other.read_bytes():
                raise SystemExit(f"{other}: differs from what this recipe writes")
            continue
        a, b = load_file(file), load_file(other)
        if a.keys() != b.keys():
            raise SystemExit(f"{other}: holds other tensors")
        for name in a:
            same = torch.equal(a[name], b[name]) if a[name].dtype == torch.int32 else relative(a[name], b[name]) < SAME
            if not same:
                raise SystemExit(f"{other}: {name} differs from what this recipe computes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with tests/data/olmoe, write nothing")
    check = parser.parse_args().check
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) if check else OUT
        for shape in SHAPES:
            print(shape.name)
            write_model(shape, out / shape.name / "model")
            made = expected(shape, out / shape.name / "model")
            save_file(dict(sorted(made.items())), out / shape.name / "expected.safetensors")
        if check:
            compare(out, OUT)
            print("equal to tests/data/olmoe")


if __name__ == "__main__":
    sys.exit(main())
