#!/bin/sh
# Phi-3.5-MoE's router_jitter_noise isn't training noise: it decides the weights at inference.
# Guess:    router_jitter_noise perturbs the router's input while training, as in Mixtral's config,
#           and means nothing in eval(): 0 is a safe value for measuring.
# Happens:  the same number is the threshold of the family's sparse mixer. In eval() it says how
#           close another logit has to be to take part in an expert's softmax; 0 makes every chosen
#           expert's weight 1. The logits of the whole model change.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  the key belongs to the gate of this family and has to be carried over exactly; the same
#           key of Mixtral doesn't.
# Source:   transformers/models/phimoe/modeling_phimoe.py: the router hands it to sparsemixer as
#           jitter_eps; mixtral/modeling_mixtral.py uses its key only while training.
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from finding import Finding
from tiny import build, tokens

f = Finding("router_jitter_noise has no effect in eval()", "transformers", "torch")


def change(family, values):
    first = build(family, num_local_experts=8, router_jitter_noise=values[0])
    other = build(family, num_local_experts=8, router_jitter_noise=values[1])
    other.load_state_dict(first.state_dict())
    with torch.no_grad():
        return float((first(tokens()).logits - other(tokens()).logits).abs().max())


mixtral = change("Mixtral", (0.01, 0.5))
f.seen("Mixtral: 0.01 and 0.5 give the same logits", mixtral == 0, mixtral)
for values in ((0.01, 0.0), (0.01, 0.5)):
    moved = change("Phimoe", values)
    f.seen(f"Phi-3.5-MoE: {values[0]} and {values[1]} don't", moved > 1e-4,
           f"largest difference {moved:.1e}")
router = build("Phimoe", num_local_experts=8, router_jitter_noise=0.0).model.layers[0].mlp.router
weights = [o for o in router(torch.randn(1, 16, 32)) if o.shape[-1] == 2 and o.is_floating_point()]
f.seen("with 0 every chosen expert's weight is 1",
       len(weights) == 1 and bool((weights[0] == 1).all()))
f.end()
PY
