#!/bin/sh
# Gemma 4's router_logits are probabilities, where other families' are logits.
# Guess:    output.router_logits holds what the router's matrix gives, before any softmax or
#           sigmoid, as the name says and as in Mixtral or DeepSeek-V3.
# Happens:  Gemma 4 records what its softmax gives: no entry below 0, every row adds up to 1. A
#           softmax over it, the usual next step, leaves a token's largest of eight probabilities
#           below 0.29 however sure the router is.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  entropies, margins and balance losses computed alike for all families show Gemma 4's
#           routers undecided and perfectly balanced. The logarithm gives the logits back up to a
#           constant for each token.
# Source:   transformers/models/gemma4/modeling_gemma4.py (the router returns its probabilities
#           first, the recorder takes output 0); other families' routers return the logits first.
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
import transformers
from finding import Finding
from tiny import LATENT, SHAPE, build, tokens

f = Finding("router_logits are logits in every family", "transformers", "torch")
GROUPED = dict(n_routed_experts=8, n_group=1, topk_group=1, first_k_dense_replace=0, pad_token_id=0)
FAMILIES = {
    "Mixtral": dict(num_local_experts=8),
    "Qwen3Moe": dict(num_experts=8, moe_intermediate_size=16),
    "DeepseekV3": dict(GROUPED, **LATENT),
    "Glm4Moe": dict(GROUPED, head_dim=8, moe_intermediate_size=16),
    "GptOss": dict(num_local_experts=8, num_key_value_heads=2, head_dim=8, pad_token_id=0),
    "MiniMaxM2": dict(num_local_experts=8, head_dim=8),
    "Lfm2Moe": dict(num_experts=8, num_dense_layers=0, layer_types=["conv", "full_attention"],
                    moe_intermediate_size=16),
}


def recorded(model):
    with torch.no_grad():
        found = model(tokens(), output_router_logits=True).router_logits
    return torch.cat([entry.reshape(-1, 8) for entry in found])


for family, fields in FAMILIES.items():
    rows = recorded(build(family, **fields))
    f.seen(f"{family}: logits",
           float(rows.min()) < 0 and float((rows.sum(-1) - 1).abs().max()) > 0.1,
           f"from {float(rows.min()):.2f} to {float(rows.max()):.2f}")

torch.manual_seed(0)
gemma = transformers.Gemma4ForCausalLM(transformers.Gemma4TextConfig(
    **SHAPE, pad_token_id=0, num_experts=8, top_k_experts=2, enable_moe_block=True,
    moe_intermediate_size=16, head_dim=8, global_head_dim=8, hidden_size_per_layer_input=0,
    layer_types=["sliding_attention", "full_attention"])).eval()
logits = []
for name, module in gemma.named_modules():
    if name.endswith("router.proj"):
        module.weight.data *= 100
        module.register_forward_hook(lambda m, i, out: logits.append(out.reshape(-1, 8)))
rows = recorded(gemma)
logits = torch.cat(logits)
f.seen("Gemma 4: probabilities, each row adds up to 1", bool((rows >= 0).all())
       and float((rows.sum(-1) - 1).abs().max()) < 1e-5,
       f"its matrix gives {float(logits.min()):.2f} to {float(logits.max()):.2f}")
f.seen("they are a softmax of what its matrix gives",
       float((logits.softmax(-1) - rows).abs().max()) < 1e-6)
best, again = rows.max(-1).values.mean(), rows.softmax(-1).max(-1).values
f.seen("a softmax over them hides how sure the router is", best > 0.5 and float(again.max()) < 0.29,
       f"mean of the largest {float(best):.2f}, after a second softmax {float(again.mean()):.2f}")
back = rows.log()
f.seen("differences of their logarithms are those of the logits",
       float(((back - back[:, :1]) - (logits - logits[:, :1])).abs().max()) < 1e-3)
f.end()
PY
