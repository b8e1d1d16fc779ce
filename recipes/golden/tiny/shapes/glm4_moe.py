from tiny import gates
from tiny.family import YARN, Family, Shape

FAMILY = Family(
    "glm4_moe", "Glm4MoeForCausalLM", gates.sigmoid_bias_groups, shapes=(
        Shape("qk-norm-f32", 161, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=1, head_dim=12, n_routed_experts=6, num_experts_per_tok=3,
            n_shared_experts=1, n_group=1, topk_group=1, first_k_dense_replace=1, routed_scaling_factor=2.5,
            norm_topk_prob=True, use_qk_norm=True, attention_bias=False, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=90.0, partial_rotary_factor=1.0)), "v5", "f32"),
        Shape("air-v4", 1162, dict(
            vocab_size=72, hidden_size=40, intermediate_size=28, moe_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, head_dim=16, n_routed_experts=10, num_experts_per_tok=4,
            n_shared_experts=1, n_group=1, topk_group=1, first_k_dense_replace=1, routed_scaling_factor=1.0,
            norm_topk_prob=True, use_qk_norm=False, attention_bias=True, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="default", rope_theta=400.0, partial_rotary_factor=0.5)), "v4"),
        Shape("triples-fused-tied", 5163, dict(
            vocab_size=64, hidden_size=36, intermediate_size=24, moe_intermediate_size=10, num_hidden_layers=3,
            num_attention_heads=4, num_key_value_heads=2, head_dim=16, n_routed_experts=12, num_experts_per_tok=3,
            n_shared_experts=2, n_group=4, topk_group=2, first_k_dense_replace=2, routed_scaling_factor=1.7,
            norm_topk_prob=False, use_qk_norm=True, attention_bias=True, rms_norm_eps=2e-3, tie_word_embeddings=True,
            rope_parameters=dict(**YARN, rope_theta=20.0, factor=4.0, partial_rotary_factor=0.5)), "fused"),
        Shape("pairs-all-sparse-v4", 5164, dict(
            vocab_size=64, hidden_size=32, intermediate_size=24, moe_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, head_dim=16, n_routed_experts=8, num_experts_per_tok=2,
            n_shared_experts=1, n_group=4, topk_group=2, first_k_dense_replace=0, routed_scaling_factor=1.5,
            norm_topk_prob=True, use_qk_norm=False, attention_bias=False, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="default", rope_theta=90.0, partial_rotary_factor=0.75)), "v4"),
    ))
