from tiny import gates
from tiny.family import YARN, Family, Shape, mrope

VISION = dict(depth=1, hidden_size=8, intermediate_size=8, num_heads=1, patch_size=2, image_size=4, spatial_merge_size=1,
              temporal_patch_size=1, out_hidden_size=32)


def rope(sections: list[int], **values) -> dict:
    return {key: value for key, value in mrope(sections, **values).items() if key != "mrope_interleaved"}


FAMILY = Family(
    "glm4v_moe", "Glm4vMoeForConditionalGeneration", gates.sigmoid_bias_groups, inert_tensors=r"\.visual\.",
    rope_type="type", wrapper=dict(vision_config=VISION), shapes=(
        Shape("groups-f32", 361, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=1, head_dim=12, n_routed_experts=8, num_experts_per_tok=3,
            n_shared_experts=1, n_group=4, topk_group=2, first_k_dense_replace=1, routed_scaling_factor=2.5,
            norm_topk_prob=True, attention_bias=False, rms_norm_eps=3e-3,
            rope_parameters=rope([1, 1, 1], rope_theta=90.0, partial_rotary_factor=0.5)), "v5", "f32"),
        Shape("published-v4", 362, dict(
            vocab_size=72, hidden_size=32, intermediate_size=28, moe_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, head_dim=16, n_routed_experts=9, num_experts_per_tok=4,
            n_shared_experts=1, n_group=1, topk_group=1, first_k_dense_replace=1, routed_scaling_factor=1.0,
            norm_topk_prob=True, attention_bias=True, rms_norm_eps=3e-3,
            rope_parameters=rope([1, 1, 2], rope_theta=400.0, partial_rotary_factor=0.5)), "v4"),
        Shape("all-sparse-fused-tied", 363, dict(
            vocab_size=64, hidden_size=32, intermediate_size=24, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, head_dim=16, n_routed_experts=9, num_experts_per_tok=3,
            n_shared_experts=2, n_group=1, topk_group=1, first_k_dense_replace=0, routed_scaling_factor=1.7,
            norm_topk_prob=False, attention_bias=True, rms_norm_eps=2e-3, tie_word_embeddings=True,
            rope_parameters=rope([1, 1, 2], **YARN, rope_theta=20.0, factor=4.0, partial_rotary_factor=0.5)), "fused"),
    ))
