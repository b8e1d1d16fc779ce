from tiny import gates
from tiny.family import YARN, Family, Shape

COMPUTED = ("head_dim", "qk_head_dim", "mlp_bias", "layer_types", "mlp_layer_types")
HUB = dict(scoring_func="softmax", moe_layer_freq=1, aux_loss_alpha=0.001, seq_aux=True)

FAMILY = Family(
    "deepseek_v2", "DeepseekV2ForCausalLM", gates.deepseek_v2, computed=COMPUTED, rope_type="type",
    inert=("norm_topk_prob",), shapes=(
        Shape("groups-f32", 141, dict(
            vocab_size=64, hidden_size=33, intermediate_size=20, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=3, q_lora_rank=14, kv_lora_rank=12, qk_nope_head_dim=10,
            qk_rope_head_dim=8, v_head_dim=9, n_routed_experts=8, num_experts_per_tok=3, n_shared_experts=1, n_group=4,
            topk_group=2, topk_method="group_limited_greedy", first_k_dense_replace=1, routed_scaling_factor=3.0,
            rms_norm_eps=3e-3, rope_parameters=dict(**YARN, rope_theta=20.0, factor=6.0, mscale=1.0, mscale_all_dim=0.6)),
            "v5", "f32"),
        Shape("lite-v4", 142, dict(
            vocab_size=72, hidden_size=40, intermediate_size=28, moe_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=4, q_lora_rank=None, kv_lora_rank=16, qk_nope_head_dim=8,
            qk_rope_head_dim=8, v_head_dim=10, n_routed_experts=10, num_experts_per_tok=4, n_shared_experts=2,
            n_group=1, topk_group=1, topk_method="greedy", first_k_dense_replace=1, routed_scaling_factor=1.0,
            rms_norm_eps=3e-3,
            rope_parameters=dict(**YARN, rope_theta=20.0, factor=4.0, mscale=0.707, mscale_all_dim=0.707)), "v4", hub=HUB),
        Shape("fused-tied", 143, dict(
            vocab_size=64, hidden_size=36, intermediate_size=24, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=3, q_lora_rank=None, kv_lora_rank=14, qk_nope_head_dim=10,
            qk_rope_head_dim=10, v_head_dim=10, n_routed_experts=9, num_experts_per_tok=2, n_shared_experts=2,
            first_k_dense_replace=0, routed_scaling_factor=1.5, rms_norm_eps=2e-3,
            attention_bias=True, mlp_bias=True, tie_word_embeddings=True,
            rope_parameters=dict(rope_type="default", rope_theta=400.0)), "fused"),
        # As the 236B checkpoint: triples, and a scaling that norm_topk_prob doesn't turn off.
        Shape("triples-v4", 144, dict(
            vocab_size=64, hidden_size=32, intermediate_size=24, moe_intermediate_size=9, num_hidden_layers=3,
            num_attention_heads=4, num_key_value_heads=4, q_lora_rank=16, kv_lora_rank=12, qk_nope_head_dim=8,
            qk_rope_head_dim=8, v_head_dim=8, n_routed_experts=12, num_experts_per_tok=4, n_shared_experts=2, n_group=4,
            topk_group=2, topk_method="group_limited_greedy", first_k_dense_replace=2, routed_scaling_factor=2.0,
            rms_norm_eps=3e-3,
            rope_parameters=dict(**YARN, rope_theta=20.0, factor=8.0, mscale=0.707, mscale_all_dim=1.0)), "v4", hub=HUB),
    ))
