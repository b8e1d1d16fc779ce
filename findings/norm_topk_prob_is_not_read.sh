#!/bin/sh
# DeepSeek-V2, Qwen3-VL-MoE and Qwen3.5-MoE don't read norm_topk_prob.
# Guess:    norm_topk_prob says whether the chosen experts' weights are divided by their sum, as in
#           Qwen3-MoE and DeepSeek-V3.
# Happens:  all three keep the key in the config. DeepSeek-V2 never normalises, Qwen3-VL-MoE and
#           Qwen3.5-MoE always do. True and false give the same logits.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  the scale of every MoE layer's output depends on it. A config that says otherwise runs
#           with another gate here than in an engine that obeys, and nothing in the text shows it.
# Source:   the routers in transformers/models/deepseek_v2, qwen3_vl_moe and qwen3_5_moe, none of
#           which mentions the key (DeepSeek-V2's config class declares it all the same).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
import transformers
from finding import Finding
from tiny import LATENT, SHAPE, build, tokens

f = Finding("norm_topk_prob says whether the weights add up to 1", "transformers", "torch")
TEXT = dict(SHAPE, num_experts=8, moe_intermediate_size=20, head_dim=8, pad_token_id=0,
            bos_token_id=1, eos_token_id=2)


def qwen3_vl(norm_topk_prob):
    vision = dict(depth=1, hidden_size=8, intermediate_size=8, num_heads=1, patch_size=2,
                  spatial_merge_size=1, temporal_patch_size=1, num_position_embeddings=4,
                  deepstack_visual_indexes=[0], out_hidden_size=32)
    rope = dict(rope_type="default", rope_theta=1e4, mrope_section=[2, 1, 1])
    torch.manual_seed(0)
    return transformers.Qwen3VLMoeForConditionalGeneration(transformers.Qwen3VLMoeConfig(
        vision_config=vision, text_config=dict(TEXT, rope_parameters=rope,
                                               norm_topk_prob=norm_topk_prob))).eval()


def qwen3_5(norm_topk_prob):
    torch.manual_seed(0)
    return transformers.Qwen3_5MoeForCausalLM(transformers.Qwen3_5MoeTextConfig(
        **TEXT, norm_topk_prob=norm_topk_prob, shared_expert_intermediate_size=16,
        linear_key_head_dim=8, linear_value_head_dim=8, linear_num_key_heads=2,
        linear_num_value_heads=2, layer_types=["linear_attention", "full_attention"])).eval()


FAMILIES = {
    "Qwen3-MoE": lambda flag: build("Qwen3Moe", norm_topk_prob=flag, num_experts=8,
                                    moe_intermediate_size=16),
    "DeepSeek-V2": lambda flag: build("DeepseekV2", norm_topk_prob=flag, n_routed_experts=8,
                                      first_k_dense_replace=0, **LATENT),
    "Qwen3-VL-MoE": qwen3_vl,
    "Qwen3.5-MoE": qwen3_5,
}
states = torch.randn(64, 32, generator=torch.Generator().manual_seed(1))
for family, make in FAMILIES.items():
    stated, sums, logits = [], [], []
    for flag in (True, False):
        model = make(flag)
        stated.append(model.config.get_text_config().norm_topk_prob)
        router = next(m for n, m in model.named_modules() if n.endswith("layers.0.mlp.gate"))
        with torch.no_grad():
            logits.append(model(tokens()).logits)
            sums.append(float(router(states)[1].sum(-1).mean()))
    shown = f"mean sum of weights {sums[0]:.3f} if true, {sums[1]:.3f} if false"
    same = torch.equal(*logits)
    if family == "Qwen3-MoE":
        f.seen(f"{family} obeys", not same and abs(sums[0] - 1) < 1e-5 and sums[1] < 0.9, shown)
    elif family == "DeepSeek-V2":
        f.seen(f"{family} never normalises", stated == [True, False] and same
               and sums[0] == sums[1] < 0.9, shown)
    else:
        f.seen(f"{family} always normalises", stated == [True, False] and same
               and sums[0] == sums[1] and abs(sums[0] - 1) < 1e-5, shown)
f.end()
PY
