#!/bin/sh
# PyTorch's FLOP counter leaves out the experts of a transformers 5 MoE, and says nothing.
# Guess:    FlopCounterMode counts every matrix product, so the figure doesn't depend on which
#           kernel computes the experts.
# Happens:  the default experts kernel ("grouped_mm") is counted as nothing. The same model on the
#           same tokens has more FLOPs with "eager" or "batched_mm", by exactly the experts' three
#           products: here 36 % of all, in a real MoE most of it.
# Versions: torch 2.13.0, transformers 5.24.0
# Matters:  "active FLOPs per token" from the usual tool compares a dense model with an MoE that
#           has no experts. Take them from the config, or set the experts kernel first.
# Source:   torch/utils/flop_counter.py (its registry has no formula for the grouped product);
#           transformers/integrations/moe.py (the kernels and the default).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from torch.utils.flop_counter import FlopCounterMode
from finding import Finding
from tiny import build, tokens

f = Finding("a model's FLOPs don't depend on the experts' kernel", "torch", "transformers")
model = build("Olmoe", num_experts=8, intermediate_size=16)
default = model.config._experts_implementation
flops = {}
for kernel in ("eager", "batched_mm", "grouped_mm"):
    model.set_experts_implementation(kernel)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(tokens(2, 16))
    flops[kernel] = counter.get_total_flops()
# two layers, 32 tokens, two experts each, three products of 32 x 16
experts = 2 * 32 * 2 * 3 * 2 * 32 * 16
f.seen("grouped_mm is the default", default == "grouped_mm", default)
f.seen("eager and batched_mm agree", flops["eager"] == flops["batched_mm"], flops["eager"])
f.seen("grouped_mm is short by all of the experts' work",
       flops["eager"] - flops["grouped_mm"] == experts, flops["grouped_mm"],
       f"missing {experts}")
f.end()
PY
