#!/bin/sh
# Setting num_experts_per_tok on a loaded model's config changes nothing.
# Guess:    model.config.num_experts_per_tok = 4 makes the next forward pass use four experts, as
#           model.config.use_cache or output_router_logits set there do act.
# Happens:  every router copied the number when it was built. Logits stay the same to the bit; the
#           config, and whatever is saved from it, states a K that was never computed. Given to
#           from_pretrained, the same number does act.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  a sweep over K written that way measures one K several times and finds routing
#           "insensitive to K".
# Source:   transformers/models/{olmoe,mixtral,qwen3_moe,deepseek_v3}/modeling_*.py: the router's
#           __init__ stores top_k; forward reads only that.
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from transformers import AutoModelForCausalLM
from finding import Finding
from tiny import LATENT, build, tokens

f = Finding("a new K in the loaded model's config is used from then on", "transformers", "torch")
families = {"Olmoe": dict(num_experts=8), "Mixtral": dict(num_local_experts=8),
            "Qwen3Moe": dict(num_experts=8, moe_intermediate_size=16, head_dim=8),
            "DeepseekV3": dict(n_routed_experts=8, n_group=1, topk_group=1,
                               first_k_dense_replace=0, **LATENT)}
for name, fields in families.items():
    model = build(name, **fields)
    with torch.no_grad():
        before = model(tokens()).logits
        model.config.num_experts_per_tok = 4
        after = model(tokens()).logits
        model.config.num_experts_per_tok = 2
        model.save_pretrained(name)
        loaded = AutoModelForCausalLM.from_pretrained(name, num_experts_per_tok=4)
        four = loaded.eval()(tokens()).logits
    f.seen(f"{name}: logits are the same bits with K 4 in the config", torch.equal(before, after))
    f.seen(f"{name}: they do change if from_pretrained gets K 4", not torch.equal(before, four),
           f"largest difference {(before - four).abs().max():.1e}")
f.end()
PY
