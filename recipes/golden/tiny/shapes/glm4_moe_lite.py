from tiny import gates
from tiny.family import YARN, Family, Shape

COMPUTED = ("head_dim", "qk_head_dim", "rope_interleave", "layer_types", "mlp_layer_types")
HUB = dict(first_k_dense_replace=1, topk_method="noaux_tc", num_nextn_predict_layers=1, partial_rotary_factor=1.0)

FAMILY = Family(
    "glm4_moe_lite", "Glm4MoeLiteForCausalLM", gates.sigmoid_bias_groups, computed=COMPUTED, shapes=(
        Shape("groups-f32", 1221, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=3, q_lora_rank=14, kv_lora_rank=12, qk_nope_head_dim=10,
            qk_rope_head_dim=8, v_head_dim=14, n_routed_experts=8, num_experts_per_tok=3, n_shared_experts=1, n_group=4,
            topk_group=2, routed_scaling_factor=1.8, norm_topk_prob=True, rms_norm_eps=3e-3,
            rope_parameters=dict(**YARN, rope_theta=20.0, factor=6.0, mscale=1.0, mscale_all_dim=0.6)), "v5", "f32"),
        Shape("flash-v4", 222, dict(
            vocab_size=72, hidden_size=40, intermediate_size=28, moe_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=4, q_lora_rank=16, kv_lora_rank=16, qk_nope_head_dim=8,
            qk_rope_head_dim=12, v_head_dim=10, n_routed_experts=10, num_experts_per_tok=4, n_shared_experts=1,
            n_group=1, topk_group=1, routed_scaling_factor=1.8, norm_topk_prob=True, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v4", hub=HUB),
        # The reference reads mlp_layer_types only, not first_k_dense_replace.
        Shape("no-qlora-fused-tied", 1223, dict(
            vocab_size=64, hidden_size=36, intermediate_size=24, moe_intermediate_size=10, num_hidden_layers=3,
            num_attention_heads=3, num_key_value_heads=3, q_lora_rank=None, kv_lora_rank=14, qk_nope_head_dim=9,
            qk_rope_head_dim=8, v_head_dim=10, n_routed_experts=9, num_experts_per_tok=3, n_shared_experts=2,
            n_group=1, topk_group=1, mlp_layer_types=["dense", "dense", "sparse"], routed_scaling_factor=2.0,
            norm_topk_prob=False, rms_norm_eps=2e-3, rope_interleave=False, attention_bias=True, tie_word_embeddings=True,
            rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=90.0)), "fused"),
    ))
