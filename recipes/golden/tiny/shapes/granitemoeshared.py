from tiny import gates
from tiny.family import YARN, Family, Shape
from tiny.fill import normal

# The residual stream starts at embedding * embedding_multiplier.
SMALL = ((r"embed_tokens\.weight$", normal(0.2)),)

FAMILY = Family(
    "granitemoeshared", "GraniteMoeSharedForCausalLM", gates.logits, rules=SMALL, shapes=(
        Shape("bias-f32", 201, dict(
            vocab_size=64, hidden_size=36, intermediate_size=10, shared_intermediate_size=14, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=1, num_local_experts=6, num_experts_per_tok=3,
            attention_bias=True, attention_multiplier=0.4, embedding_multiplier=4.0, residual_multiplier=0.7,
            logits_scaling=3.0, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=90.0)), "v5", "f32"),
        Shape("tied-v4", 202, dict(
            vocab_size=72, hidden_size=40, intermediate_size=12, shared_intermediate_size=18, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, num_local_experts=9, num_experts_per_tok=4,
            attention_multiplier=0.25, embedding_multiplier=6, residual_multiplier=0.5, logits_scaling=6,
            rms_norm_eps=3e-3, tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v4"),
        Shape("no-shared-fused", 203, dict(
            vocab_size=64, hidden_size=32, intermediate_size=14, shared_intermediate_size=0, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, num_local_experts=8, num_experts_per_tok=2,
            attention_multiplier=0.5, embedding_multiplier=5.0, residual_multiplier=1.3, logits_scaling=0.5,
            rms_norm_eps=3e-3, rope_parameters=dict(**YARN, rope_theta=90.0, factor=4.0)), "fused"),
    ))
