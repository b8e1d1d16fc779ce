from tiny import gates
from tiny.family import Family, Shape
from tiny.fill import RECURRENT


def hub(config: dict) -> dict:
    """The hub's configs number the layers of each kind, from 1."""
    kinds = config.pop("layer_types")
    numbers = {kind: [n + 1 for n, other in enumerate(kinds) if other == kind] for kind in set(kinds)}
    dense = config.pop("mlp_layer_types").count("dense")
    return config | dict(
        linear_attn_config=dict(
            full_attn_layers=numbers["full_attention"], kda_layers=numbers["linear_attention"],
            head_dim=config.pop("linear_head_dim"), num_heads=config.pop("linear_num_heads"),
            short_conv_kernel_size=config.pop("linear_conv_kernel_dim")),
        first_k_dense_replace=dense, moe_layer_freq=1, moe_router_activation_func="sigmoid", use_grouped_topk=True,
        mla_use_nope=True, rope_theta=10000.0, rope_scaling=None)


FAMILY = Family(
    "kimi_linear", "KimiLinearForCausalLM", gates.sigmoid_bias_groups, rules=RECURRENT, computed=("head_dim", "qk_head_dim"),
    hub=hub, shapes=(
        Shape("groups-f32", 1401, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=9, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=3, q_lora_rank=None, kv_lora_rank=12, qk_nope_head_dim=10,
            qk_rope_head_dim=6, v_head_dim=9, n_group=4, topk_group=2, num_local_experts=8, num_experts_per_tok=3,
            n_shared_experts=1, norm_topk_prob=True, routed_scaling_factor=2.446, rms_norm_eps=3e-3,
            layer_types=["linear_attention", "full_attention"], mlp_layer_types=["sparse", "sparse"],
            linear_head_dim=8, linear_num_heads=2, linear_conv_kernel_dim=3), "v5", "f32", lengths=(17, 19)),
        Shape("published-v4", 6402, dict(
            vocab_size=64, hidden_size=36, intermediate_size=28, moe_intermediate_size=10, num_hidden_layers=3,
            num_attention_heads=4, num_key_value_heads=4, q_lora_rank=None, kv_lora_rank=14, qk_nope_head_dim=8,
            qk_rope_head_dim=8, v_head_dim=8, n_group=1, topk_group=1, num_local_experts=9, num_experts_per_tok=3,
            n_shared_experts=1, norm_topk_prob=True, routed_scaling_factor=1.5, rms_norm_eps=3e-3,
            layer_types=["linear_attention", "full_attention", "linear_attention"],
            mlp_layer_types=["dense", "sparse", "sparse"], linear_head_dim=10, linear_num_heads=3,
            linear_conv_kernel_dim=4), "v4"),
        # The reference never ties lm_head in this family, whatever the config says.
        Shape("tie-ignored-fused", 1403, dict(
            vocab_size=64, hidden_size=32, intermediate_size=24, moe_intermediate_size=12, num_hidden_layers=3,
            num_attention_heads=2, num_key_value_heads=2, q_lora_rank=12, kv_lora_rank=12, qk_nope_head_dim=8,
            qk_rope_head_dim=8, v_head_dim=12, n_group=1, topk_group=1, num_local_experts=8, num_experts_per_tok=2,
            n_shared_experts=2, norm_topk_prob=False, routed_scaling_factor=1.3, rms_norm_eps=3e-3,
            layer_types=["full_attention", "linear_attention", "linear_attention"],
            mlp_layer_types=["dense", "dense", "sparse"], attention_bias=True, linear_head_dim=8, linear_num_heads=4,
            linear_conv_kernel_dim=4, tie_word_embeddings=True), "fused"),
    ))
