from tiny import gates
from tiny.family import YARN, Family, Shape, renamed


def hub(config: dict) -> dict:
    """The hub's names; a width of heads that another engine wants, and a name of its own for YaRN."""
    config = renamed(config, {"n_routed_experts": "num_experts", "n_shared_experts": "num_shared_experts"})
    if config["rope_scaling"]:
        config["rope_scaling"] = config["rope_scaling"] | {"type": "deepseek_yarn"}
    return config | dict(head_dim=config["kv_lora_rank"] + config["qk_rope_head_dim"],
                         q_head_dim=config["qk_nope_head_dim"] + config["qk_rope_head_dim"])


# The class of DeepSeek-V3.
FAMILY = Family(
    "sarvam_mla", "DeepseekV3ForCausalLM", gates.sigmoid_bias_groups, hub=hub, automatic=True, rope_type="type",
    computed=("head_dim", "qk_head_dim", "rope_interleave", "layer_types", "mlp_layer_types"), shapes=(
        Shape("published-v4", 481, dict(
            vocab_size=72, hidden_size=40, intermediate_size=28, moe_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=4, q_lora_rank=None, kv_lora_rank=16, qk_nope_head_dim=8,
            qk_rope_head_dim=8, v_head_dim=8, n_routed_experts=10, num_experts_per_tok=4, n_shared_experts=1,
            n_group=1, topk_group=1, first_k_dense_replace=1, routed_scaling_factor=2.5, norm_topk_prob=True,
            rms_norm_eps=3e-3, rope_parameters=dict(
                **YARN, rope_theta=20.0, factor=4.0, mscale=1.0, mscale_all_dim=1.0)), "v4"),
        Shape("groups-bias-f32", 3482, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=3, q_lora_rank=14, kv_lora_rank=12, qk_nope_head_dim=10,
            qk_rope_head_dim=8, v_head_dim=9, n_routed_experts=8, num_experts_per_tok=3, n_shared_experts=2, n_group=4,
            topk_group=2, first_k_dense_replace=0, routed_scaling_factor=1.5, norm_topk_prob=False, rms_norm_eps=3e-3,
            attention_bias=True, rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=90.0)), "v5", "f32"),
        Shape("halves-fused-tied", 4483, dict(
            vocab_size=64, hidden_size=36, intermediate_size=24, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=3, q_lora_rank=16, kv_lora_rank=14, qk_nope_head_dim=9,
            qk_rope_head_dim=8, v_head_dim=10, n_routed_experts=9, num_experts_per_tok=2, n_shared_experts=1,
            n_group=1, topk_group=1, first_k_dense_replace=1, routed_scaling_factor=2.0, norm_topk_prob=True,
            rms_norm_eps=2e-3, rope_interleave=False, tie_word_embeddings=True,
            rope_parameters=dict(rope_type="default", rope_theta=90.0)), "fused"),
    ))
