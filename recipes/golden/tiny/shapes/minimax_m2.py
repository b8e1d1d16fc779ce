from tiny import gates
from tiny.family import YARN, Family, Shape


def hub(config: dict) -> dict:
    """The hub's configs give the rotated width, not a factor, and keys that the reference doesn't read."""
    rotated = int(config["head_dim"] * config.pop("partial_rotary_factor"))
    return config | dict(rotary_dim=rotated, scoring_func="sigmoid", use_routing_bias=True, use_qk_norm=True,
                         shared_intermediate_size=0, shared_moe_mode="sigmoid", qk_norm_type="per_layer")


FAMILY = Family(
    "minimax_m2", "MiniMaxM2ForCausalLM", gates.sigmoid_bias, keep_f32=r"(e_score_correction_bias|\.gate\.weight)$", hub=hub,
    inert=("router_jitter_noise",), shapes=(
        Shape("whole-rope-f32", 171, dict(
            vocab_size=64, hidden_size=32, intermediate_size=10, num_hidden_layers=2, num_attention_heads=3,
            num_key_value_heads=1, head_dim=12, num_local_experts=6, num_experts_per_tok=3, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="default", rope_theta=90.0, partial_rotary_factor=1.0)), "v5", "f32"),
        Shape("partial-v4", 172, dict(
            vocab_size=72, hidden_size=40, intermediate_size=12, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=16, num_local_experts=9, num_experts_per_tok=4, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="default", rope_theta=400.0, partial_rotary_factor=0.5)), "v4"),
        Shape("yarn-fused-tied", 5173, dict(
            vocab_size=64, hidden_size=36, intermediate_size=14, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, head_dim=16, num_local_experts=8, num_experts_per_tok=2, rms_norm_eps=2e-3,
            tie_word_embeddings=True, rope_parameters=dict(
                **YARN, rope_theta=20.0, factor=4.0, partial_rotary_factor=0.5)), "fused"),
    ))
