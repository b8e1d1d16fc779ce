#!/bin/sh
# from_pretrained(dtype=bfloat16) and .to(bfloat16) make two models that route differently.
# Guess:    both are "the bf16 model": the same file, the same dtype.
# Happens:  loading keeps DeepSeek-V3's router and selection bias in float32 on purpose; casting
#           afterwards (or .half(), or a training framework that does it) rounds them too. With the
#           bias where GLM-5's lies, near 7, bfloat16 has eight values for it, and the chosen sets
#           of a large share of tokens change.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  a "bf16 reference" has to say how it became bf16. The gate's tensors count as stored,
#           never as the rest of the model is.
# Source:   transformers/models/deepseek_v3/modeling_deepseek_v3.py (_keep_in_fp32_modules_strict,
#           which loading obeys); torch.nn.Module.to casts every floating tensor.
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from transformers import AutoModelForCausalLM
from finding import Finding
from tiny import LATENT, build

f = Finding("a model loaded as bfloat16 and one cast to it route alike", "transformers", "torch")
model = build("DeepseekV3", n_routed_experts=64, n_group=1, topk_group=1,
              first_k_dense_replace=0, **LATENT)
for layer in model.model.layers:
    layer.mlp.gate.e_score_correction_bias.uniform_(6.8, 7.1)
model.save_pretrained("m")
loaded = AutoModelForCausalLM.from_pretrained("m", dtype=torch.bfloat16)
cast = AutoModelForCausalLM.from_pretrained("m", dtype=torch.float32).to(torch.bfloat16)
gates = [m.model.layers[0].mlp.gate for m in (loaded, cast)]
f.seen("both call themselves bfloat16", loaded.dtype == cast.dtype == torch.bfloat16)
f.seen("router and bias of the first are float32, of the second bfloat16",
       [(g.weight.dtype, g.e_score_correction_bias.dtype) for g in gates]
       == [(torch.float32,) * 2, (torch.bfloat16,) * 2])
states = torch.randn(1, 4000, 32, generator=torch.Generator().manual_seed(2)).bfloat16()
with torch.no_grad():
    sets = [g(states)[-1].view(4000, 2).sort(-1).values for g in gates]
share = float((sets[0] != sets[1]).any(-1).float().mean())
f.seen("more than a fifth of 4,000 tokens get other experts", share > 0.2, f"{100 * share:.1f} %")
f.end()
PY
