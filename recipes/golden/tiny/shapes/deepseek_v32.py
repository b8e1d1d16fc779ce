from tiny import gates
from tiny.family import YARN, Family, Shape

COMPUTED = ("head_dim", "qk_head_dim", "mlp_bias", "layer_types", "mlp_layer_types")
HUB = dict(scoring_func="sigmoid", topk_method="noaux_tc", moe_layer_freq=1, ep_size=1, num_nextn_predict_layers=1)

# No sequence is longer than index_topk, so the indexer leaves every token in and its tensors have no effect.
FAMILY = Family(
    "deepseek_v32", "DeepseekV32ForCausalLM", gates.sigmoid_bias_groups, computed=COMPUTED, rope_type="type",
    inert_tensors=r"\.indexer\.", shapes=(
        Shape("groups-f32", 231, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=3, q_lora_rank=14, kv_lora_rank=12, qk_nope_head_dim=10,
            qk_rope_head_dim=8, v_head_dim=9, n_routed_experts=8, num_experts_per_tok=3, n_shared_experts=1, n_group=4,
            topk_group=2, first_k_dense_replace=1, routed_scaling_factor=2.5, norm_topk_prob=True, rms_norm_eps=3e-3,
            index_topk=64, index_head_dim=12, index_n_heads=2,
            rope_parameters=dict(**YARN, rope_theta=20.0, factor=6.0, mscale=1.0, mscale_all_dim=0.6)), "v5", "f32"),
        Shape("no-groups-v4", 232, dict(
            vocab_size=72, hidden_size=40, intermediate_size=28, moe_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=4, q_lora_rank=16, kv_lora_rank=16, qk_nope_head_dim=8,
            qk_rope_head_dim=8, v_head_dim=8, n_routed_experts=9, num_experts_per_tok=4, n_shared_experts=2,
            n_group=1, topk_group=1, first_k_dense_replace=0, routed_scaling_factor=1.3, norm_topk_prob=False,
            rms_norm_eps=3e-3, index_topk=32, index_head_dim=16, index_n_heads=3, tie_word_embeddings=True,
            rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v4", hub=HUB),
        Shape("triples-fused", 1233, dict(
            vocab_size=64, hidden_size=36, intermediate_size=24, moe_intermediate_size=10, num_hidden_layers=3,
            num_attention_heads=3, num_key_value_heads=3, q_lora_rank=16, kv_lora_rank=14, qk_nope_head_dim=9,
            qk_rope_head_dim=8, v_head_dim=10, n_routed_experts=12, num_experts_per_tok=4, n_shared_experts=1,
            n_group=4, topk_group=2, first_k_dense_replace=2, routed_scaling_factor=2.0, norm_topk_prob=True,
            rms_norm_eps=2e-3, attention_bias=True, index_topk=24, index_head_dim=8, index_n_heads=2,
            rope_parameters=dict(**YARN, rope_theta=20.0, factor=4.0, mscale=1.0, mscale_all_dim=1.0)), "fused"),
    ))
