from tiny import gates
from tiny.family import Family, Shape, mrope
from tiny.fill import GAIN, QWEN_NEXT

VISION = dict(depth=1, hidden_size=8, intermediate_size=8, num_heads=1, patch_size=2, spatial_merge_size=1,
              temporal_patch_size=1, num_position_embeddings=4, out_hidden_size=32)
SIZES = dict(vocab_size=64, hidden_size=32, moe_intermediate_size=10, shared_expert_intermediate_size=12,
             linear_key_head_dim=8, rms_norm_eps=3e-3)

FAMILY = Family(
    "qwen3_5_moe", "Qwen3_5MoeForConditionalGeneration", gates.softmax,
    rules=((r"\.visual\..*norm", GAIN),) + QWEN_NEXT,
    inert=("rope.mrope_interleaved",), inert_tensors=r"\.visual\.", wrapper=dict(vision_config=VISION), shapes=(
        Shape("per-expert-f32", 321, dict(
            **SIZES, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=1, head_dim=12, num_experts=6,
            num_experts_per_tok=3, layer_types=["linear_attention", "full_attention"], linear_value_head_dim=6,
            linear_num_key_heads=2, linear_num_value_heads=4, linear_conv_kernel_dim=4,
            rope_parameters=mrope([1, 1, 1], rope_theta=90.0, partial_rotary_factor=0.5)), "v5", "f32"),
        Shape("fused", 1322, dict(
            **SIZES, num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=1, head_dim=32, num_experts=9,
            num_experts_per_tok=4, full_attention_interval=3, linear_value_head_dim=8, linear_num_key_heads=1,
            linear_num_value_heads=3, linear_conv_kernel_dim=4, rope_parameters=mrope([2, 1, 1], rope_theta=400.0, partial_rotary_factor=0.25)), "fused"),
        Shape("fused-tied", 323, dict(
            **SIZES, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2, head_dim=16, num_experts=8,
            num_experts_per_tok=2, layer_types=["full_attention", "linear_attention"], linear_value_head_dim=12,
            linear_num_key_heads=2, linear_num_value_heads=2, linear_conv_kernel_dim=3, tie_word_embeddings=True,
            rope_parameters=mrope([2, 1, 1], rope_theta=400.0, partial_rotary_factor=0.5)), "fused"),
    ))
