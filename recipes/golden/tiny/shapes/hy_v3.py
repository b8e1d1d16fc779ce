from tiny import gates
from tiny.family import YARN, Family, Shape

FAMILY = Family(
    "hy_v3", "HYV3ForCausalLM", gates.sigmoid_bias, shapes=(
        Shape("bias-f32", 251, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=1, head_dim=12, num_experts=6, num_experts_per_tok=3,
            num_shared_experts=1, router_scaling_factor=2.826, attention_bias=True, mlp_bias=True,
            enable_moe_fp32_combine=False, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=90.0)), "v5", "f32"),
        Shape("first-dense-v4", 252, dict(
            vocab_size=72, hidden_size=40, intermediate_size=28, moe_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, head_dim=12, num_experts=10, num_experts_per_tok=4,
            num_shared_experts=2, router_scaling_factor=1.5, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v4"),
        Shape("all-sparse-fused-tied", 253, dict(
            vocab_size=64, hidden_size=36, intermediate_size=24, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, head_dim=16, num_experts=8, num_experts_per_tok=3,
            num_shared_experts=1, router_scaling_factor=2.0, mlp_layer_types=["sparse", "sparse"],
            tie_word_embeddings=True, rms_norm_eps=3e-3, rope_parameters=dict(**YARN, rope_theta=90.0, factor=4.0)), "fused"),
    ))
