#!/bin/sh
# from_pretrained(dtype=bfloat16) rounds the selection bias of some families and not of others.
# Guess:    a selection bias that is stored in float32 stays so in all families that have one, as
#           DeepSeek-V3's does: its class asks for it.
# Happens:  MiniMax-M2, Laguna and LongCat-Flash don't ask, and bias and router become bfloat16.
#           LFM2-MoE and Trinity (afmoe) keep the bias alone, DeepSeek-V3, GLM-4.5, EXAONE-MoE and
#           Hunyuan 3 both. Where the bias lies near 7, as GLM-5's, bfloat16 has ten values for 64
#           experts, and about half of the tokens or more get other experts; near 0 one in 70.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  whether a model loaded as bfloat16 routes as its file says depends on the family. It may
#           not route as an engine does that keeps the bias as stored.
# Source:   _keep_in_fp32_modules_strict in transformers/models/deepseek_v3/modeling_deepseek_v3.py,
#           absent from minimax_m2, laguna and longcat_flash; a float32 buffer in lfm2_moe.
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from transformers import AutoModelForCausalLM
from finding import Finding
from tiny import LATENT, build, tokens

f = Finding("loading as bfloat16 leaves a float32 selection bias alone", "transformers", "torch")
COMMON = dict(num_experts_per_tok=8, pad_token_id=0, bos_token_id=1, eos_token_id=2)
NARROW = dict(head_dim=8, moe_intermediate_size=16)
GROUPED = dict(n_routed_experts=64, n_group=1, topk_group=1, first_k_dense_replace=0)
FAMILIES = {  # fields, dtype of the router, dtype of the bias
    "DeepseekV3": (dict(GROUPED, **LATENT), "float32", "float32"),
    "Glm4Moe": (dict(GROUPED, **NARROW), "float32", "float32"),
    "ExaoneMoe": (dict(num_experts=64, **NARROW), "float32", "float32"),
    "HYV3": (dict(num_experts=64, **NARROW), "float32", "float32"),
    "Lfm2Moe": (dict(num_experts=64, num_dense_layers=0, layer_types=["conv", "full_attention"],
                     moe_intermediate_size=16), "bfloat16", "float32"),
    "Afmoe": (dict(num_experts=64, num_dense_layers=0, **NARROW), "bfloat16", "float32"),
    "MiniMaxM2": (dict(num_local_experts=64, head_dim=8), "bfloat16", "bfloat16"),
    "Laguna": (dict(num_experts=64, shared_expert_intermediate_size=16, **NARROW),
               "bfloat16", "bfloat16"),
    "LongcatFlash": (dict(num_layers=2, n_routed_experts=64, zero_expert_num=4, moe_topk=8,
                          ffn_hidden_size=32, expert_ffn_hidden_size=16, head_dim=4, **LATENT),
                     "bfloat16", "bfloat16"),
}


def biases(model):
    """Of all layers, by name."""
    return {n: b for n, b in [*model.named_buffers(), *model.named_parameters()]
            if n.endswith(("correction_bias", "expert_bias"))}


def loaded(family, low, high):
    """A model whose stored biases lie between two values, loaded as bfloat16, and these biases."""
    model = build(family, **COMMON, **FAMILIES[family][0])
    with torch.no_grad():
        for bias in biases(model).values():
            bias.uniform_(low, high)
    model.save_pretrained("m")
    return AutoModelForCausalLM.from_pretrained("m", dtype=torch.bfloat16), biases(model)


def routers(model):
    return [m for n, m in model.named_modules() if type(m).__name__.endswith(("Router", "Gate"))]


def short(dtype):
    return str(dtype).removeprefix("torch.")


for family, (_, router, bias) in FAMILIES.items():
    model, stored = loaded(family, 6.8, 7.1)
    found = {short(b.dtype) for b in biases(model).values()}
    weights = {short(p.dtype) for m in routers(model) for p in m.parameters()}
    f.seen(f"{family}: router {router}, bias {bias}", found == {bias} and weights == {router}
           and {b.dtype for b in stored.values()} == {torch.float32},
           f"{len(next(iter(biases(model).values())).unique())} values for 64 experts")


def choices(model):
    """The expert sets of the first router."""
    seen = []
    handle = routers(model)[0].register_forward_hook(lambda m, i, out: seen.append(out[-1]))
    with torch.no_grad():
        model(tokens(rows=32, length=128))
    handle.remove()
    return seen[0].view(-1, 8).sort(-1).values


for family in ("MiniMaxM2", "Laguna"):
    for low, high, least in ((6.8, 7.1, 0.2), (-0.1, 0.1, 0.0)):
        model, stored = loaded(family, low, high)
        rounded = choices(model)
        for name, bias in stored.items():
            biases(model)[name].data = bias.data
        share = float((choices(model) != rounded).any(-1).float().mean())
        f.seen(f"{family}, bias from {low} to {high}: stored and rounded bias choose other experts",
               share > least, f"for {100 * share:.1f} % of 4,096 tokens")
f.end()
PY
