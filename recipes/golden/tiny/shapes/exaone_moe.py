from tiny import gates
from tiny.family import LLAMA3, YARN, Family, Shape

FAMILY = Family(
    "exaone_moe", "ExaoneMoeForCausalLM", gates.sigmoid_bias_groups, computed=("mlp_layer_types",), shapes=(
        Shape("groups-f32", 271, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=1, head_dim=12, num_experts=8, num_experts_per_tok=3,
            num_shared_experts=1, n_group=4, topk_group=2, first_k_dense_replace=1, routed_scaling_factor=2.5,
            norm_topk_prob=True, sliding_window=5, sliding_window_pattern=2, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=90.0)), "v5", "f32"),
        Shape("listed-layers-v4", 272, dict(
            vocab_size=72, hidden_size=40, intermediate_size=28, moe_intermediate_size=10, num_hidden_layers=3,
            num_attention_heads=4, num_key_value_heads=2, head_dim=12, num_experts=9, num_experts_per_tok=4,
            num_shared_experts=1, n_group=1, topk_group=1, first_k_dense_replace=1, routed_scaling_factor=1.5,
            norm_topk_prob=True, sliding_window=5, sliding_window_pattern="LLG", rms_norm_eps=3e-3,
            layer_types=["sliding_attention", "sliding_attention", "full_attention"],
            rope_parameters=dict(**LLAMA3, rope_theta=90.0, factor=8.0)), "v4",
            hub=dict(scoring_func="sigmoid", topk_method="noaux_tc")),
        Shape("all-sparse-fused-tied", 273, dict(
            vocab_size=64, hidden_size=36, intermediate_size=24, moe_intermediate_size=8, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, head_dim=16, num_experts=9, num_experts_per_tok=3,
            num_shared_experts=2, n_group=1, topk_group=1, first_k_dense_replace=0, routed_scaling_factor=1.7,
            norm_topk_prob=False, sliding_window=6, layer_types=["full_attention", "sliding_attention"],
            rms_norm_eps=2e-3, tie_word_embeddings=True,
            rope_parameters=dict(**YARN, rope_theta=90.0, factor=4.0)), "fused"),
    ))
