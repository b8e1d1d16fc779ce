from tiny import gates
from tiny.family import YARN, Family, Shape


def gate(z, block, config):
    return gates.sigmoid_bias(z, block, config) if config.use_expert_bias else gates.alone(z.sigmoid())


# The hub's configs list layer_types.
FAMILY = Family(
    "lfm2_moe", "Lfm2MoeForCausalLM", gate, computed=(), shapes=(
        Shape("no-bias-f32", 291, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=10, num_hidden_layers=3,
            num_attention_heads=4, num_key_value_heads=2, num_experts=6, num_experts_per_tok=3, num_dense_layers=1,
            layer_types=["full_attention", "conv", "full_attention"], conv_L_cache=4, conv_bias=True,
            use_expert_bias=False, norm_topk_prob=False, routed_scaling_factor=1.5, tie_word_embeddings=False,
            norm_eps=3e-3, rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=90.0)), "v5", "f32"),
        Shape("tied-v4", 292, dict(
            vocab_size=72, hidden_size=36, intermediate_size=28, moe_intermediate_size=10, num_hidden_layers=4,
            num_attention_heads=3, num_key_value_heads=1, num_experts=9, num_experts_per_tok=4, num_dense_layers=2,
            layer_types=["conv", "conv", "full_attention", "conv"], conv_L_cache=3, conv_bias=False,
            use_expert_bias=True, norm_topk_prob=True, routed_scaling_factor=1.0, tie_word_embeddings=True,
            norm_eps=3e-3, rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v4",
            hub=dict(tie_embedding=True, block_auto_adjust_ff_dim=False)),
        Shape("all-sparse-fused", 293, dict(
            vocab_size=64, hidden_size=32, intermediate_size=24, moe_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, num_experts=8, num_experts_per_tok=3, num_dense_layers=0,
            layer_types=["conv", "full_attention"], conv_L_cache=3, conv_bias=False, use_expert_bias=True,
            norm_topk_prob=True, routed_scaling_factor=2.0, tie_word_embeddings=False, norm_eps=3e-3,
            rope_parameters=dict(**YARN, rope_theta=90.0, factor=4.0)), "fused"),
    ))
