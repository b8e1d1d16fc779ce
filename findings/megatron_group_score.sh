#!/bin/sh
# Megatron's group-limited routing scores a group by K / topk_group experts, DeepSeek's by two.
# Guess:    num_groups, group_topk and expert_bias mean what n_group, topk_group and
#           e_score_correction_bias mean in DeepSeek-V3; the same numbers choose the same experts.
# Happens:  a group's score is the sum of its best K // group_topk in Megatron, of its best two in
#           transformers. For DeepSeek-V3 (8 of 4 groups) both are two; with other K a quarter to a
#           third of tokens go to other experts. And with score_function "softmax", the default,
#           expert_bias is accepted and ignored.
# Versions: megatron-core 0.16.1, transformers 5.24.0, torch 2.13.0
# Matters:  a gate is more than its config's numbers: a model trained in one and converted for the
#           other routes differently unless K is twice the number of groups kept.
# Source:   megatron/core/transformer/moe/moe_utils.py (group_limited_topk,
#           topk_routing_with_score_function);
#           transformers/models/deepseek_v3/modeling_deepseek_v3.py.
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers" '--no-deps megatron-core==0.16.1'
run <<'PY'
import torch
from megatron.core.transformer.moe.moe_utils import topk_routing_with_score_function as megatron
from transformers import DeepseekV3Config
from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3TopkRouter
from finding import Finding

EXPERTS, GROUPS, KEPT, TOKENS = 16, 4, 2, 4000
f = Finding("equal group settings choose equal experts", "megatron-core", "transformers", "torch")
z = torch.randn(TOKENS, EXPERTS, generator=torch.Generator().manual_seed(0))


def transformers_map(k):
    gate = DeepseekV3TopkRouter(DeepseekV3Config(
        hidden_size=EXPERTS, n_routed_experts=EXPERTS, num_experts_per_tok=k, n_group=GROUPS,
        topk_group=KEPT))
    with torch.no_grad():
        gate.weight.copy_(torch.eye(EXPERTS))
        gate.e_score_correction_bias.zero_()
        ids = gate(z[None])[-1].view(TOKENS, k)
    return torch.zeros(TOKENS, EXPERTS, dtype=torch.bool).scatter_(1, ids, True)


for k in (2, 4, 6, 8):
    other = megatron(z, k, num_groups=GROUPS, group_topk=KEPT, score_function="sigmoid",
                     expert_bias=torch.zeros(EXPERTS))[1]
    share = float((transformers_map(k) != other).any(1).float().mean())
    if k == 2 * KEPT:
        f.seen(f"K {k}, twice the groups kept: the same sets", share == 0)
    else:
        f.seen(f"K {k}: other sets for more than a tenth of tokens", share > 0.1,
               f"{100 * share:.0f} %")
bias = torch.linspace(0, 100, EXPERTS)
plain = megatron(z, 4, score_function="softmax")[1]
biased = megatron(z, 4, score_function="softmax", expert_bias=bias)[1]
f.seen("softmax: a bias of up to 100 moves nothing", torch.equal(plain, biased))
biased = megatron(z, 4, score_function="sigmoid", expert_bias=bias)[1]
f.seen("sigmoid: it decides alone", bool(biased[:, -4:].all()))
f.end()
PY
