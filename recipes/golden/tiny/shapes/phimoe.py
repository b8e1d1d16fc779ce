from tiny import gates
from tiny.family import Family, Shape


def longrope(theta: float, short: list[float], long: list[float], short_mscale: float, long_mscale: float) -> dict:
    return dict(rope_type="longrope", rope_theta=theta, short_factor=short, long_factor=long, short_mscale=short_mscale,
                long_mscale=long_mscale, original_max_position_embeddings=32)


# No sequence is longer than original_max_position_embeddings: past it the reference takes the long mscale with the short
# factors. It always selects two experts.
FAMILY = Family(
    "phimoe", "PhimoeForCausalLM", gates.sparsemixer, rope_type="type", inert=(
        "num_experts_per_tok", "rope.long_factor", "rope.long_mscale", "rope.original_max_position_embeddings"), shapes=(
        Shape("longrope-f32", 331, dict(
            vocab_size=64, hidden_size=32, intermediate_size=10, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, num_local_experts=6, num_experts_per_tok=2, router_jitter_noise=0.15,
            attention_bias=False, lm_head_bias=False, rms_norm_eps=1e-2, max_position_embeddings=128,
            rope_parameters=longrope(90.0, [1.0, 1.2, 1.5, 2.0], [1.5, 3.0, 5.0, 8.0], 1.3, 1.5)), "v5", "f32"),
        Shape("published-v4", 332, dict(
            vocab_size=72, hidden_size=40, intermediate_size=12, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, num_local_experts=8, num_experts_per_tok=2, router_jitter_noise=0.01,
            input_jitter_noise=0.01, attention_bias=True, lm_head_bias=True, rms_norm_eps=1e-2,
            max_position_embeddings=128, rope_parameters=longrope(
                400.0, [1.0, 1.1, 1.3, 1.6, 2.0], [1.5, 3.0, 5.0, 8.0, 9.0], 1.243, 1.243)), "v4", lengths=(17, 30)),
        Shape("window-fused", 6333, dict(
            vocab_size=64, hidden_size=36, intermediate_size=14, num_hidden_layers=2, num_attention_heads=3,
            num_key_value_heads=1, num_local_experts=8, num_experts_per_tok=2, router_jitter_noise=0.3,
            attention_bias=True, lm_head_bias=False, rms_norm_eps=1e-2, sliding_window=5,
            rope_parameters=dict(rope_type="default", rope_theta=90.0)), "fused", lengths=(17, 30)),
        Shape("tied-v4", 4334, dict(
            vocab_size=64, hidden_size=32, intermediate_size=14, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, num_local_experts=7, num_experts_per_tok=2, router_jitter_noise=0.1,
            attention_bias=False, lm_head_bias=False, rms_norm_eps=1e-2, tie_word_embeddings=True,
            rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v4"),
    ))
