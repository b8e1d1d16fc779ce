from tiny import gates
from tiny.family import YARN, Family, Shape
from tiny.fill import QWEN_NEXT

FAMILY = Family(
    "qwen3_next", "Qwen3NextForCausalLM", gates.softmax, rules=QWEN_NEXT, shapes=(
        Shape("dense-bias-f32", 301, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=9,
            shared_expert_intermediate_size=12, num_hidden_layers=3, num_attention_heads=3, num_key_value_heads=1,
            head_dim=12, num_experts=6, num_experts_per_tok=3, norm_topk_prob=False, attention_bias=True,
            mlp_only_layers=[0], layer_types=["linear_attention", "full_attention", "linear_attention"],
            linear_key_head_dim=8, linear_value_head_dim=6, linear_num_key_heads=2, linear_num_value_heads=4,
            linear_conv_kernel_dim=3, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=90.0, partial_rotary_factor=0.5)),
            "v5", "f32", lengths=(17, 19)),
        Shape("interval-v4", 302, dict(
            vocab_size=64, hidden_size=36, intermediate_size=28, moe_intermediate_size=8,
            shared_expert_intermediate_size=14, num_hidden_layers=4, num_attention_heads=2, num_key_value_heads=1,
            head_dim=32, num_experts=9, num_experts_per_tok=3, norm_topk_prob=True, decoder_sparse_step=2,
            layer_types=["linear_attention", "full_attention", "linear_attention", "full_attention"],
            linear_key_head_dim=8, linear_value_head_dim=8, linear_num_key_heads=1, linear_num_value_heads=3,
            linear_conv_kernel_dim=4, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="default", rope_theta=400.0, partial_rotary_factor=0.25)), "v4",
            hub=dict(full_attention_interval=2)),
        Shape("yarn-fused-tied", 303, dict(
            vocab_size=64, hidden_size=32, intermediate_size=24, moe_intermediate_size=10,
            shared_expert_intermediate_size=12, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
            head_dim=16, num_experts=8, num_experts_per_tok=2, norm_topk_prob=True,
            layer_types=["full_attention", "linear_attention"], linear_key_head_dim=8, linear_value_head_dim=12,
            linear_num_key_heads=2, linear_num_value_heads=2, linear_conv_kernel_dim=4, rms_norm_eps=3e-3,
            tie_word_embeddings=True, rope_parameters=dict(
                **YARN, rope_theta=20.0, factor=4.0, partial_rotary_factor=0.5)), "fused"),
    ))
