from tiny import gates
from tiny.family import YARN, Family, Shape, renamed


def hub(config: dict) -> dict:
    """The names of the hub's configs."""
    return renamed(config, {"n_routed_experts": "num_experts", "n_shared_experts": "num_shared_experts",
                            "attention_bias": "use_qkv_bias"})


# The class of GLM-4.5; on the hub queries, keys and values are one matrix.
FAMILY = Family(
    "sarvam_moe", "Glm4MoeForCausalLM", gates.sigmoid_bias_groups, hub=hub, automatic=True, shapes=(
        Shape("published-v4", 471, dict(
            vocab_size=72, hidden_size=40, intermediate_size=28, moe_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, head_dim=16, n_routed_experts=10, num_experts_per_tok=4,
            n_shared_experts=1, n_group=1, topk_group=1, first_k_dense_replace=1, routed_scaling_factor=2.5,
            norm_topk_prob=True, use_qk_norm=True, attention_bias=False, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v4"),
        Shape("groups-bias-f32", 472, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=1, head_dim=12, n_routed_experts=8, num_experts_per_tok=3,
            n_shared_experts=2, n_group=4, topk_group=2, first_k_dense_replace=0, routed_scaling_factor=1.5,
            norm_topk_prob=False, use_qk_norm=True, attention_bias=True, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=90.0)), "v5", "f32"),
        Shape("yarn-fused-tied", 10473, dict(
            vocab_size=64, hidden_size=36, intermediate_size=24, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, head_dim=16, n_routed_experts=9, num_experts_per_tok=2,
            n_shared_experts=1, n_group=1, topk_group=1, first_k_dense_replace=1, routed_scaling_factor=1.7,
            norm_topk_prob=True, use_qk_norm=False, attention_bias=False, rms_norm_eps=3e-3, tie_word_embeddings=True,
            rope_parameters=dict(**YARN, rope_theta=90.0, factor=4.0)), "fused"),
    ))
