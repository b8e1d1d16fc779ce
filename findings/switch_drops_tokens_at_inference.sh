#!/bin/sh
# Switch Transformers drop tokens in eval() too, and the recorded router logits don't show it.
# Guess:    expert capacity is a matter of training; at inference each token goes to the argmax of
#           its router logits.
# Happens:  expert_capacity (64 in the class) holds in eval(): later tokens of a sequence whose
#           expert is full get 0 from the layer. It is counted per sequence by position, so what a
#           token gets depends on the tokens before it. The router's logits are returned as if all
#           were routed.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  loads computed from logits are not what was computed. The share of dropped tokens has
#           to be measured at the router's mask or at the experts.
# Source:   transformers/models/switch_transformers/modeling_switch_transformers.py, forward of the
#           top-1 router; Fedus et al. 2021 (arXiv 2101.03961), section 2.2, on capacity.
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from transformers import SwitchTransformersConfig, SwitchTransformersEncoderModel
from finding import Finding
from tiny import tokens

f = Finding("in eval() every token goes to an expert", "transformers", "torch")
torch.manual_seed(0)
model = SwitchTransformersEncoderModel(SwitchTransformersConfig(
    vocab_size=64, d_model=32, d_kv=8, d_ff=32, num_layers=2, num_heads=4, num_experts=4,
    expert_capacity=4, num_sparse_encoder_layers=1)).eval()
layer = next(m for m in model.modules() if type(m).__name__.endswith("SparseMLP"))
seen = {}
layer.register_forward_hook(lambda m, i, out: seen.__setitem__("out", out))
layer.router.register_forward_hook(lambda m, i, out: seen.__setitem__("router", out))
with torch.no_grad():
    model(tokens(1, 32))
mask, _, logits = seen["router"]
dropped = (seen["out"][0] == 0).all(-1)
by_logits = torch.bincount(logits[0].argmax(-1), minlength=4)
f.seen("of 32 tokens at most 4 per expert are computed",
       int(dropped.sum()) == int((by_logits - 4).clamp(min=0).sum()) > 8,
       f"{int(dropped.sum())} get 0")
f.seen("loads by the logits exceed the capacity", int(by_logits.max()) > 4, by_logits.tolist())
f.seen("loads by the mask don't", int(mask[0].sum(0).max()) == 4, mask[0].sum(0).tolist())
with torch.no_grad():
    model(tokens(1, 32).flip(1))
f.seen("in reverse order other tokens are dropped",
       not torch.equal((seen["out"][0] == 0).all(-1).flip(0), dropped))
f.end()
PY
