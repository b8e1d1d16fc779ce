from tiny import gates
from tiny.family import YARN, Family, Shape
from tiny.fill import RECURRENT, normal

LEGACY = {"linear_attention": "mamba", "full_attention": "attention"}


def hub(config: dict) -> dict:
    """The hub's configs name the layers otherwise and leave the time steps' limits to the class."""
    config.pop("time_step_limit")
    return config | {"layer_types": [LEGACY[kind] for kind in config["layer_types"]], "normalization_function": "rmsnorm"}


# The residual stream starts at embedding * embedding_multiplier.
FAMILY = Family(
    "granitemoehybrid", "GraniteMoeHybridForCausalLM", gates.logits,
    rules=((r"embed_tokens\.weight$", normal(0.2)), (r"dt_bias$", normal(2.0, -2.0))) + RECURRENT,
    computed=(), hub=hub, shapes=(
        Shape("rope-bias-f32", 421, dict(
            vocab_size=64, hidden_size=36, intermediate_size=9, shared_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=1, num_local_experts=6, num_experts_per_tok=3,
            layer_types=["linear_attention", "full_attention"], mamba_n_heads=4, mamba_d_head=9, mamba_expand=1,
            mamba_n_groups=2, mamba_d_state=6, mamba_d_conv=3, mamba_chunk_size=8, mamba_conv_bias=False,
            mamba_proj_bias=True, time_step_limit=[0.05, 0.8], attention_bias=True, attention_multiplier=0.4,
            embedding_multiplier=4.0, residual_multiplier=0.7, logits_scaling=3.0, position_embedding_type="rope",
            rms_norm_eps=3e-3, rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=90.0)), "v5", "f32",
            lengths=(17, 19)),
        Shape("nope-tied-v4", 422, dict(
            vocab_size=64, hidden_size=40, intermediate_size=10, shared_intermediate_size=16, num_hidden_layers=3,
            num_attention_heads=4, num_key_value_heads=2, num_local_experts=8, num_experts_per_tok=3,
            layer_types=["linear_attention", "full_attention", "linear_attention"], mamba_n_heads=5, mamba_d_head=8,
            mamba_expand=1, mamba_n_groups=1, mamba_d_state=8, mamba_d_conv=4, mamba_chunk_size=16,
            attention_multiplier=0.25, embedding_multiplier=6, residual_multiplier=0.5, logits_scaling=6,
            position_embedding_type="nope", rms_norm_eps=3e-3, tie_word_embeddings=True,
            rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v4", inert=("rope.rope_theta",)),
        Shape("yarn-fused", 423, dict(
            vocab_size=64, hidden_size=32, intermediate_size=12, shared_intermediate_size=12, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, num_local_experts=8, num_experts_per_tok=2,
            layer_types=["full_attention", "linear_attention"], mamba_n_heads=4, mamba_d_head=16, mamba_expand=2,
            mamba_n_groups=1, mamba_d_state=6, mamba_d_conv=4, mamba_chunk_size=256, attention_multiplier=0.5,
            embedding_multiplier=5.0, residual_multiplier=1.3, logits_scaling=0.5, position_embedding_type="rope",
            rms_norm_eps=3e-3, rope_parameters=dict(**YARN, rope_theta=90.0, factor=4.0)), "fused"),
    ))
