#!/bin/sh
# DeepSpeed's top-2 gate draws the second expert at random, in evaluation too.
# Guess:    k=2 takes the two highest logits; noise is off in eval(), and off unless
#           noisy_gate_policy asks for it.
# Happens:  the second expert comes from logits plus Gumbel noise unless top2_2nd_expert_sampling
#           is set to False, whatever the mode. Two passes over the same tokens disagree for most
#           of them. k=1 and k=4 have no such step. lucidrains' mixture-of-experts drops second
#           experts at random in eval() too.
# Versions: deepspeed 0.19.8, mixture-of-experts 0.2.3, torch 2.13.0
# Matters:  flips between two runs of such a model are its own, not an engine's. Before anything is
#           compared, run the reference twice.
# Source:   deepspeed/moe/sharded_moe.py (top2gating, TopKGate.forward);
#           mixture_of_experts/mixture_of_experts.py (second_policy_eval = 'random').
. "$(dirname "$0")/common.sh"
packages "$torch" 'setuptools==82.0.1 wheel==0.48.0 ninja==1.13.2' \
  '--no-build-isolation deepspeed==0.19.8 mixture-of-experts==0.2.3'
run <<'PY'
import torch
from deepspeed.moe.sharded_moe import TopKGate
from mixture_of_experts import MoE
from finding import Finding

f = Finding("in eval() a gate gives the same routes for the same tokens", "deepspeed",
            "mixture-of-experts", "torch")
torch.manual_seed(0)
x = torch.randn(256, 16)


def differing(k, **options):  # share of tokens whose experts differ between two passes
    gate = TopKGate(16, 8, k=k, eval_capacity_factor=8.0, min_capacity=0, use_rts=False,
                    **options).eval()
    with torch.no_grad():
        first, second = (gate(x)[1].sum(-1).bool() for _ in range(2))
    return float((first != second).any(1).float().mean())


share = differing(2)
f.seen("DeepSpeed k=2: most tokens get another pair", share > 0.5, f"{100 * share:.0f} %")
share = differing(2, top2_2nd_expert_sampling=False)
f.seen("none with top2_2nd_expert_sampling=False", share == 0)
f.seen("none with k=1 or k=4", differing(1) == differing(4) == 0)

layer = MoE(dim=16, num_experts=8).eval()
tokens = torch.randn(1, 512, 16)
with torch.no_grad():
    first, second = layer(tokens)[0], layer(tokens)[0]
share = float((first != second).any(-1).float().mean())
f.seen("mixture-of-experts: some tokens' outputs differ between two passes", share > 0.01,
       f"{100 * share:.0f} %")
f.end()
PY
