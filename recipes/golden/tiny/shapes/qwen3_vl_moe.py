from tiny import gates
from tiny.family import YARN, Family, Shape, mrope, renamed

VISION = dict(depth=1, hidden_size=8, intermediate_size=8, num_heads=1, patch_size=2, spatial_merge_size=1,
              temporal_patch_size=1, num_position_embeddings=4, deepstack_visual_indexes=[0])


def transposed(tensors: dict) -> dict:
    """The hub stores the experts input-major; the reference tells by the shapes, so never make the width 2I."""
    return {name: tensor.transpose(1, 2).contiguous() if ".mlp.experts." in name else tensor
            for name, tensor in tensors.items()}


FAMILY = Family(
    "qwen3_vl_moe", "Qwen3VLMoeForConditionalGeneration", gates.softmax, inert_tensors=r"\.visual\.",
    inert=("norm_topk_prob", "rope.mrope_interleaved"),
    hub=lambda config: renamed(config, {"num_local_experts": "num_experts"}) | {"norm_topk_prob": True},
    hub_tensors=transposed, wrapper=dict(vision_config=VISION | dict(out_hidden_size=32)), shapes=(
        Shape("first-dense-f32", 281, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, num_hidden_layers=3, num_attention_heads=3,
            num_key_value_heads=1, head_dim=12, num_experts=6, num_experts_per_tok=3, moe_intermediate_size=10,
            attention_bias=True, mlp_only_layers=[0], tie_word_embeddings=False, rms_norm_eps=3e-3,
            rope_parameters=mrope([2, 2, 2], rope_theta=400.0)), "v5", "f32"),
        Shape("step-v4", 282, dict(
            vocab_size=72, hidden_size=32, intermediate_size=28, num_hidden_layers=4, num_attention_heads=4,
            num_key_value_heads=2, head_dim=12, num_experts=9, num_experts_per_tok=4, moe_intermediate_size=12,
            decoder_sparse_step=2, tie_word_embeddings=False, rms_norm_eps=3e-3,
            rope_parameters=mrope([2, 2, 2], rope_theta=90.0)), "v4"),
        Shape("yarn-tied", 283, dict(
            vocab_size=64, hidden_size=32, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, head_dim=16, num_experts=8, num_experts_per_tok=2, moe_intermediate_size=14,
            tie_word_embeddings=True, rms_norm_eps=3e-3,
            rope_parameters=mrope([4, 2, 2], **YARN, rope_theta=90.0, factor=4.0)), "v5"),
    ))
