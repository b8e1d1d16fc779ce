from tiny import gates
from tiny.family import YARN, Family, Shape, mrope
from tiny.fill import QWEN_NEXT


# The text model alone; the wrapper is qwen3_5_moe. Its published configs spell RoPE as transformers 5 does.
FAMILY = Family(
    "qwen3_5_moe_text", "Qwen3_5MoeForCausalLM", gates.softmax, rules=QWEN_NEXT,
    inert=("rope.mrope_interleaved",), shapes=(
        Shape("bias-f32", 311, dict(
            vocab_size=64, hidden_size=32, moe_intermediate_size=9, shared_expert_intermediate_size=12,
            num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=1, head_dim=12, num_experts=6,
            num_experts_per_tok=3, attention_bias=True, layer_types=["linear_attention", "full_attention"],
            linear_key_head_dim=8, linear_value_head_dim=6, linear_num_key_heads=2, linear_num_value_heads=4,
            linear_conv_kernel_dim=3, rms_norm_eps=3e-3, rope_parameters=mrope([1, 1, 1], rope_theta=90.0, partial_rotary_factor=0.5)), "v5", "f32"),
        Shape("interval-v4", 312, dict(
            vocab_size=72, hidden_size=36, moe_intermediate_size=8, shared_expert_intermediate_size=14,
            num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=1, head_dim=32, num_experts=9,
            num_experts_per_tok=4, full_attention_interval=3, linear_key_head_dim=8, linear_value_head_dim=8,
            linear_num_key_heads=1, linear_num_value_heads=3, linear_conv_kernel_dim=4, rms_norm_eps=3e-3,
            rope_parameters=mrope([2, 1, 1], rope_theta=400.0, partial_rotary_factor=0.25)), "v4",
            hub=dict(full_attention_interval=3)),
        Shape("yarn-fused-tied", 313, dict(
            vocab_size=64, hidden_size=32, moe_intermediate_size=10, shared_expert_intermediate_size=12,
            num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2, head_dim=16, num_experts=8,
            num_experts_per_tok=2, layer_types=["full_attention", "linear_attention"], linear_key_head_dim=8,
            linear_value_head_dim=12, linear_num_key_heads=2, linear_num_value_heads=2, linear_conv_kernel_dim=4,
            rms_norm_eps=3e-3, tie_word_embeddings=True,
            rope_parameters=mrope([2, 1, 1], **YARN, rope_theta=20.0, factor=4.0, partial_rotary_factor=0.5)), "fused"),
    ))
