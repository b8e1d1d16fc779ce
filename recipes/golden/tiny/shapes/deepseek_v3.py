from tiny import gates
from tiny.family import YARN, Family, Shape
from tiny.fill import normal
from tiny.quantised import fp8

COMPUTED = ("head_dim", "qk_head_dim", "rope_interleave", "layer_types", "mlp_layer_types")
HUB = dict(scoring_func="sigmoid", topk_method="noaux_tc", moe_layer_freq=1, ep_size=1, aux_loss_alpha=0.001, seq_aux=True)

FAMILY = Family(
    "deepseek_v3", "DeepseekV3ForCausalLM", gates.sigmoid_bias_groups, computed=COMPUTED, rope_type="type", shapes=(
        Shape("groups-f32", 131, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=3, q_lora_rank=14, kv_lora_rank=12, qk_nope_head_dim=10,
            qk_rope_head_dim=8, v_head_dim=9, n_routed_experts=8, num_experts_per_tok=3, n_shared_experts=1, n_group=4,
            topk_group=2, first_k_dense_replace=1, routed_scaling_factor=2.5, norm_topk_prob=True, rms_norm_eps=3e-3,
            rope_parameters=dict(**YARN, rope_theta=20.0, factor=6.0, mscale=1.0, mscale_all_dim=0.6)), "v5", "f32"),
        Shape("no-groups-v4", 132, dict(
            vocab_size=72, hidden_size=40, intermediate_size=28, moe_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=4, q_lora_rank=None, kv_lora_rank=16, qk_nope_head_dim=8,
            qk_rope_head_dim=12, v_head_dim=8, n_routed_experts=10, num_experts_per_tok=4, n_shared_experts=2,
            n_group=1, topk_group=1, first_k_dense_replace=0, routed_scaling_factor=1.3, norm_topk_prob=False,
            rms_norm_eps=3e-3, tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=400.0)),
            "v4", hub=HUB),
        Shape("triples-fused", 133, dict(
            vocab_size=64, hidden_size=36, intermediate_size=24, moe_intermediate_size=10, num_hidden_layers=3,
            num_attention_heads=3, num_key_value_heads=3, q_lora_rank=16, kv_lora_rank=14, qk_nope_head_dim=9,
            qk_rope_head_dim=8, v_head_dim=10, n_routed_experts=12, num_experts_per_tok=4, n_shared_experts=1,
            n_group=4, topk_group=2, first_k_dense_replace=2, routed_scaling_factor=2.0, norm_topk_prob=True,
            rms_norm_eps=2e-3, rope_interleave=False, attention_bias=True,
            rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=90.0)), "fused"),
        # Every expert of the two best pairs is selected, and all biased scores are negative.
        Shape("whole-groups-v4", 134, dict(
            vocab_size=64, hidden_size=32, intermediate_size=24, moe_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=4, q_lora_rank=12, kv_lora_rank=12, qk_nope_head_dim=8,
            qk_rope_head_dim=8, v_head_dim=8, n_routed_experts=8, num_experts_per_tok=4, n_shared_experts=1, n_group=4,
            topk_group=2, first_k_dense_replace=1, routed_scaling_factor=2.5, norm_topk_prob=True, rms_norm_eps=3e-3,
            rope_parameters=dict(**YARN, rope_theta=20.0, factor=4.0, mscale=1.0, mscale_all_dim=1.0)), "v4", hub=HUB,
            rules=((r"correction_bias$", normal(0.2, -2.0)),)),
        # Two whole blocks each way in the dense layer; q_b_proj and kv_b_proj end in partial rows, o_proj in partial columns.
        Shape("fp8", 135, dict(
            vocab_size=64, hidden_size=40, intermediate_size=256, moe_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=6, num_key_value_heads=6, q_lora_rank=16, kv_lora_rank=12, qk_nope_head_dim=14,
            qk_rope_head_dim=8, v_head_dim=22, n_routed_experts=8, num_experts_per_tok=2, n_shared_experts=1, n_group=2,
            topk_group=1, first_k_dense_replace=1, routed_scaling_factor=1.5, norm_topk_prob=True, rms_norm_eps=1e-2,
            rope_parameters=dict(rope_type="default", rope_theta=90.0)), "v4", hub=HUB, quantise=fp8),
    ))
