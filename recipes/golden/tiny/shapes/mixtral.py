from tiny import gates
from tiny.family import LLAMA3, YARN, Family, Shape


def hub(config: dict) -> dict:
    """Without head_dim where it is null, as published."""
    return {key: value for key, value in config.items() if key != "head_dim" or value is not None}


FAMILY = Family(
    "mixtral", "MixtralForCausalLM", gates.softmax, hub=hub, inert=("router_jitter_noise",), shapes=(
        Shape("linear-f32", 101, dict(
            vocab_size=64, hidden_size=32, intermediate_size=10, num_hidden_layers=2, num_attention_heads=3,
            num_key_value_heads=1, head_dim=12, num_local_experts=6, num_experts_per_tok=3, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="linear", factor=2.5, rope_theta=90.0)), "v5", "f32"),
        Shape("window-v4", 102, dict(
            vocab_size=72, hidden_size=40, intermediate_size=12, num_hidden_layers=2, num_attention_heads=5,
            num_key_value_heads=5, num_local_experts=8, num_experts_per_tok=2, rms_norm_eps=2e-3, sliding_window=5,
            rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v4"),
        Shape("yarn-fused-tied", 103, dict(
            vocab_size=64, hidden_size=36, intermediate_size=14, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=16, num_local_experts=7, num_experts_per_tok=2, rms_norm_eps=3e-3,
            tie_word_embeddings=True, rope_parameters=dict(
                **YARN, rope_theta=90.0, factor=4.0)), "fused"),
        Shape("llama3-v4", 104, dict(
            vocab_size=64, hidden_size=32, intermediate_size=12, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, num_local_experts=8, num_experts_per_tok=2, rms_norm_eps=3e-3,
            rope_parameters=dict(**LLAMA3, rope_theta=90.0, factor=4.0)), "v4"),
    ))
