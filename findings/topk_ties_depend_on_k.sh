#!/bin/sh
# With equal scores torch.topk's choice for K isn't part of its choice for K+1, nor the lowest ids.
# Guess:    among equal router scores the lower expert wins, as argmax has it; at least the first
#           of topk(K) is the argmax, and topk(1) is in topk(8).
# Happens:  on the CPU topk partially sorts when K * 64 <= E and selects otherwise. A row of 64
#           equal scores gives expert 0 for K = 1 and experts 40 to 47 for K = 8. sorted=True
#           orders values, not ids.
# Versions: torch 2.13.0, transformers 5.24.0
# Matters:  bf16 routers do tie at the boundary. Which expert wins there depends on K and E: such a
#           flip is a tie, not a disagreement, and top-1 has to be taken from one rule.
# Source:   aten/src/ATen/native/TopKImpl.h; torch.topk's documentation (indices of equal elements
#           are unspecified); every transformers router calls it.
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from transformers import OlmoeConfig
from transformers.models.olmoe.modeling_olmoe import OlmoeTopKRouter
from finding import Finding

f = Finding("of equal scores the lowest ids are chosen, for every K", "torch", "transformers")
row = torch.zeros(4, 64)
one, eight = (set(torch.topk(row, k).indices[0].tolist()) for k in (1, 8))
f.seen("argmax and topk(1) say expert 0", int(row[0].argmax()) == 0 and one == {0}, one)
f.seen("topk(8) leaves it out", not one & eight, sorted(eight))
f.seen("of 512 equal scores topk(8) takes the lowest eight",
       set(torch.topk(torch.zeros(4, 512), 8).indices[0].tolist()) == set(range(8)))
router = OlmoeTopKRouter(OlmoeConfig(hidden_size=8, num_experts=64, num_experts_per_tok=8))
with torch.no_grad():
    router.weight.zero_()
    chosen = set(router(torch.ones(1, 8))[-1].flatten().tolist())
f.seen("OLMoE's router chooses the same", chosen == eight, sorted(chosen))
f.end()
PY
