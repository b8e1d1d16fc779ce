from tiny import gates
from tiny.family import YARN, Family, Shape
from tiny.fill import normal

FAMILY = Family(
    "ernie4_5_moe", "Ernie4_5_MoeForCausalLM", gates.softmax_bias, keep_f32=r"(e_score_correction_bias|mlp\.gate\.weight)$",
    rules=((r"correction_bias$", normal(0.1)),), shapes=(
        Shape("bias-interval-f32", 1181, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=10, num_hidden_layers=4,
            num_attention_heads=3, num_key_value_heads=1, head_dim=8, moe_num_experts=6, moe_k=3,
            moe_num_shared_experts=1, moe_layer_start_index=0, moe_layer_end_index=2, moe_layer_interval=2,
            moe_norm_min=0.9, use_bias=True, tie_word_embeddings=False, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="default", rope_theta=90.0)), "v5", "f32"),
        Shape("tied-v4", 182, dict(
            vocab_size=72, hidden_size=40, intermediate_size=28, moe_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, head_dim=12, moe_num_experts=10, moe_k=4,
            moe_num_shared_experts=2, moe_layer_start_index=1, moe_layer_interval=1, use_bias=False,
            tie_word_embeddings=True, rms_norm_eps=3e-3, rope_parameters=dict(rope_type="default", rope_theta=400.0)),
            "v4", inert=("moe_norm_min",)),
        Shape("yarn-fused", 1183, dict(
            vocab_size=64, hidden_size=36, intermediate_size=24, moe_intermediate_size=14, num_hidden_layers=3,
            num_attention_heads=2, num_key_value_heads=2, head_dim=16, moe_num_experts=8, moe_k=2,
            moe_num_shared_experts=1, moe_layer_start_index=1, moe_layer_end_index=1, tie_word_embeddings=False,
            rms_norm_eps=2e-3, rope_parameters=dict(**YARN, rope_theta=90.0, factor=4.0)), "fused",
            inert=("moe_norm_min",)),
    ))
