from tiny import gates
from tiny.family import YARN, Family, Shape
from tiny.fill import normal
from tiny.shapes.deepseek_v3 import COMPUTED, HUB

VISION = dict(hidden_size=8, intermediate_size=8, num_attention_heads=1, num_hidden_layers=1, patch_size=2,
              pos_emb_height=2, pos_emb_width=2, pos_emb_time=1, merge_kernel_size=[1, 1])


def hub_tensors(tensors: dict) -> dict:
    """With the hub's names: save_pretrained of 5.24 also turns the text model's "layers" into "blocks"."""
    return {name.replace("language_model.model.blocks.", "language_model.model.layers.")
            .replace("model.mm_projector.", "mm_projector."): tensor for name, tensor in tensors.items()}


# The text part is DeepSeek-V3; the hub calls it kimi_k2.
FAMILY = Family(
    "kimi_k25", "Kimi_K25ForConditionalGeneration", gates.sigmoid_bias_groups, computed=COMPUTED, rope_type="type",
    rules=((r"position_embeddings$", normal(1.0)),), hub=lambda config: config | {"model_type": "kimi_k2"},
    hub_tensors=hub_tensors,
    inert_tensors=r"vision_tower|projector", wrapper=dict(vision_config=VISION, projection_hidden_size=8), shapes=(
        Shape("groups-v4-f32", 371, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=3, q_lora_rank=14, kv_lora_rank=12, qk_nope_head_dim=10,
            qk_rope_head_dim=8, v_head_dim=9, n_routed_experts=8, num_experts_per_tok=3, n_shared_experts=1, n_group=4,
            topk_group=2, first_k_dense_replace=1, routed_scaling_factor=2.5, norm_topk_prob=True, rms_norm_eps=3e-3,
            rope_parameters=dict(**YARN, rope_theta=20.0, factor=6.0, mscale=1.0, mscale_all_dim=0.6)), "v4", "f32", hub=HUB),
        Shape("published-v4", 372, dict(
            vocab_size=64, hidden_size=36, intermediate_size=28, moe_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=3, q_lora_rank=16, kv_lora_rank=16, qk_nope_head_dim=8,
            qk_rope_head_dim=8, v_head_dim=10, n_routed_experts=10, num_experts_per_tok=4, n_shared_experts=1,
            n_group=1, topk_group=1, first_k_dense_replace=1, routed_scaling_factor=2.827, norm_topk_prob=True,
            rms_norm_eps=3e-3, rope_parameters=dict(
                rope_type="yarn", rope_theta=20.0, factor=64.0, beta_fast=1.0, beta_slow=0.5,
                original_max_position_embeddings=16, mscale=1.0, mscale_all_dim=1.0)), "v4", hub=HUB),
        Shape("saved-by-v5", 374, dict(
            vocab_size=64, hidden_size=32, intermediate_size=24, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, q_lora_rank=12, kv_lora_rank=12, qk_nope_head_dim=8,
            qk_rope_head_dim=8, v_head_dim=8, n_routed_experts=8, num_experts_per_tok=2, n_shared_experts=1, n_group=1,
            topk_group=1, first_k_dense_replace=1, routed_scaling_factor=1.5, norm_topk_prob=True, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v5"),
        Shape("fused-tied", 373, dict(
            vocab_size=64, hidden_size=36, intermediate_size=24, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=3, q_lora_rank=12, kv_lora_rank=14, qk_nope_head_dim=9,
            qk_rope_head_dim=8, v_head_dim=10, n_routed_experts=9, num_experts_per_tok=3, n_shared_experts=2, n_group=1,
            topk_group=1, first_k_dense_replace=0, routed_scaling_factor=1.4, norm_topk_prob=False, rms_norm_eps=2e-3,
            tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=90.0)), "fused"),
    ))
