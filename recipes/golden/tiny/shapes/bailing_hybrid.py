from tiny import gates
from tiny.family import YARN, Family, Shape, renamed
from tiny.fill import RECURRENT, normal

NAMES = {"num_experts_per_token": "num_experts_per_tok", "num_expert_group": "n_group", "moe_renormalize": "norm_topk_prob",
         "model_max_length": "max_position_embeddings"}


def hub(config: dict) -> dict:
    """head_dim is the width of a linear attention head; transformers 5 saves qk_rope_head_dim under that name."""
    width = config.pop("linear_head_dim")
    config.pop("linear_num_heads"), config.pop("linear_conv_kernel_dim")
    return renamed(config, NAMES) | dict(head_dim=width, score_function="sigmoid", moe_router_enable_expert_bias=True)


# The reference never ties lm_head in this family. "v5" and "fused" configs also hold the class's rope_theta, 6e6, which
# rope_parameters overrides.
FAMILY = Family(
    "bailing_hybrid", "BailingHybridForCausalLM", gates.sigmoid_bias_groups, rules=((r"dt_bias$", normal(1.0, -3.0)),) + RECURRENT,
    computed=("qk_head_dim", "layer_types", "mlp_layer_types"), hub=hub, shapes=(
        Shape("unbounded-f32", 411, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=9, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=3, head_dim=8, q_lora_rank=12, kv_lora_rank=12,
            qk_nope_head_dim=10, qk_rope_head_dim=6, v_head_dim=9, n_group=4, topk_group=2, num_local_experts=8,
            num_experts_per_tok=3, n_shared_experts=1, norm_topk_prob=True, routed_scaling_factor=2.5,
            first_k_dense_replace=0, layer_group_size=2, short_conv_kernel_size=3, kda_safe_gate=False,
            rms_norm_eps=3e-3, rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=90.0)), "v5", "f32",
            lengths=(17, 19), inert=("kda_lower_bound",)),
        Shape("published-v4", 412, dict(
            vocab_size=64, hidden_size=36, intermediate_size=28, moe_intermediate_size=10, num_hidden_layers=3,
            num_attention_heads=4, num_key_value_heads=4, head_dim=8, q_lora_rank=None, kv_lora_rank=14,
            qk_nope_head_dim=8, qk_rope_head_dim=6, v_head_dim=8, n_group=4, topk_group=2, num_local_experts=8,
            num_experts_per_tok=3, n_shared_experts=1, norm_topk_prob=True, routed_scaling_factor=2.5,
            first_k_dense_replace=1, layer_group_size=3, short_conv_kernel_size=4, kda_safe_gate=True,
            kda_lower_bound=-5.0, rms_norm_eps=3e-3, rope_theta=400.0,
            rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v4"),
        Shape("no-groups-fused", 1413, dict(
            vocab_size=64, hidden_size=32, intermediate_size=24, moe_intermediate_size=12, num_hidden_layers=3,
            num_attention_heads=2, num_key_value_heads=2, head_dim=12, q_lora_rank=None, kv_lora_rank=12,
            qk_nope_head_dim=8, qk_rope_head_dim=8, v_head_dim=12, n_group=1, topk_group=1, num_local_experts=8,
            num_experts_per_tok=2, n_shared_experts=2, norm_topk_prob=False, routed_scaling_factor=1.3,
            first_k_dense_replace=2, layer_group_size=2, short_conv_kernel_size=4, kda_safe_gate=True,
            kda_lower_bound=-3.0, attention_bias=True, rms_norm_eps=3e-3,
            rope_parameters=dict(**YARN, rope_theta=20.0, factor=4.0, mscale=1.0, mscale_all_dim=0.6)), "fused"),
    ))
