#!/bin/sh
# NLLB-MoE computes with experts 0 and 1 only, whatever its router chose.
# Guess:    each token goes to the two experts that the router ranks first, with their weights.
# Happens:  the block hands its experts the mask of the first choice, zeros and ones of shape
#           (tokens, experts), and they take these numbers for expert ids: expert 1 computes every
#           token's first choice, expert 0 its second, each with the weight of the expert that was
#           chosen. All other experts are never used. In eval() the outputs are also multiplied by
#           1 - moe_token_dropout (0.8 by default).
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  outputs of the model, and everything derived from them, are wrong, without a message;
#           router logits and masks look right.
# Source:   transformers/models/nllb_moe/modeling_nllb_moe.py, forward of NllbMoeExperts: one_hot of
#           `router_mask`, which the router returns one-hot already; the first version of the block
#           (huggingface/transformers#22024) used the mask of both choices as a mask.
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from transformers import NllbMoeConfig
from transformers.models.nllb_moe.modeling_nllb_moe import NllbMoeSparseMLP
from finding import Finding

f = Finding("a token is computed by the two experts that its router chose", "transformers", "torch")
torch.manual_seed(0)
config = NllbMoeConfig(d_model=16, num_experts=6, moe_token_dropout=0.2)
block = NllbMoeSparseMLP(config, ffn_dim=8).eval()
for parameter in block.parameters():
    torch.nn.init.normal_(parameter)
x = torch.randn(1, 40, 16)
experts = [block.experts[f"expert_{e}"] for e in range(6)]
with torch.no_grad():
    first, weights, logits = block.router(x[0])
    chosen = logits.topk(2).indices
    whole = block(x)[0]
    by_router = torch.stack([(chosen == e).any(-1).sum() for e in range(6)]).tolist()
    used = []
    for expert in experts:
        kept = expert.fc2.weight.clone(), expert.fc2.bias.clone()
        expert.fc2.weight.zero_(), expert.fc2.bias.zero_()
        used.append(int(((block(x)[0] - whole).abs().amax(-1) > 0).sum()))
        expert.fc2.weight.copy_(kept[0]), expert.fc2.bias.copy_(kept[1])
    w = weights.gather(1, chosen)
    two = w[:, :1] * experts[1](x[0]) + w[:, 1:] * experts[0](x[0])
    expected = sum(weights[:, e : e + 1] * experts[e](x[0]) for e in range(6))
f.seen("the router chooses all six", min(by_router) > 0, by_router)
f.seen("only experts 0 and 1 change the output, at every token", used == [40, 40, 0, 0, 0, 0], used)
f.seen("it is 0.8 times expert 1 with the first weight and expert 0 with the second",
       torch.allclose(whole, 0.8 * two, rtol=1e-5, atol=1e-4))
f.seen("what the router chose gives something else", not torch.allclose(whole, 0.8 * expected, atol=0.1))
f.end()
PY
