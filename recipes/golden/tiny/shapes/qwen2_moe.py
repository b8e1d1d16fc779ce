from tiny import gates
from tiny.family import YARN, Family, Shape


def hub(config: dict) -> dict:
    """The hub's configs name a window even where use_sliding_window turns it off, and have no qkv_bias."""
    window = config["sliding_window"] if config["use_sliding_window"] else 5
    return {key: value for key, value in config.items() if key != "qkv_bias"} | {"sliding_window": window}


FAMILY = Family(
    "qwen2_moe", "Qwen2MoeForCausalLM", gates.softmax, hub=hub, shapes=(
        Shape("no-bias-f32", 121, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, num_hidden_layers=3, num_attention_heads=4,
            num_key_value_heads=2, num_experts=6, num_experts_per_tok=3, moe_intermediate_size=9,
            shared_expert_intermediate_size=18, norm_topk_prob=True, qkv_bias=False, mlp_only_layers=[1],
            rms_norm_eps=3e-3, rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=400.0)), "v5", "f32"),
        Shape("bias-v4", 122, dict(
            vocab_size=72, hidden_size=40, intermediate_size=28, num_hidden_layers=2, num_attention_heads=5,
            num_key_value_heads=5, num_experts=10, num_experts_per_tok=4, moe_intermediate_size=12,
            shared_expert_intermediate_size=24, norm_topk_prob=False, rms_norm_eps=2e-3,
            rope_parameters=dict(rope_type="default", rope_theta=3000.0)), "v4"),
        Shape("window-step-fused-tied", 125, dict(
            vocab_size=64, hidden_size=32, intermediate_size=24, num_hidden_layers=4, num_attention_heads=2,
            num_key_value_heads=1, num_experts=8, num_experts_per_tok=2, moe_intermediate_size=10,
            shared_expert_intermediate_size=12, norm_topk_prob=False, decoder_sparse_step=2, use_sliding_window=True,
            sliding_window=5, max_window_layers=3, tie_word_embeddings=True, rms_norm_eps=3e-3,
            rope_parameters=dict(**YARN, rope_theta=90.0, factor=4.0)), "fused"),
    ))
