from tiny import gates
from tiny.family import YARN, Family, Shape
from tiny.fill import matrix
from tiny.quantised import mxfp4


def hub(config: dict) -> dict:
    """The hub's configs list layer_types, say K twice and have no swiglu_alpha."""
    return {key: value for key, value in config.items() if key != "swiglu_alpha"} | {
        "experts_per_token": config["num_experts_per_tok"], "initial_context_length": 16}


# Input-major matrices, gate and up in alternating columns. A clamp at 7 acts on larger values.
EXPERTS = ((r"gate_up_proj$", matrix(1.5, -2)), (r"down_proj$", matrix(1.5, -2)))
LARGE = ((r"gate_up_proj$", matrix(4.0, -2)), (r"down_proj$", matrix(0.5, -2)))

FAMILY = Family(
    "gpt_oss", "GptOssForCausalLM", gates.logits, rules=EXPERTS, computed=(), hub=hub, shapes=(
        Shape("no-scaling-f32", 151, dict(
            vocab_size=64, hidden_size=32, intermediate_size=10, num_hidden_layers=2, num_attention_heads=3,
            num_key_value_heads=1, head_dim=12, num_local_experts=6, num_experts_per_tok=3, sliding_window=5,
            attention_bias=False, swiglu_alpha=1.3, swiglu_limit=2.0, rms_norm_eps=3e-3,
            layer_types=["full_attention", "sliding_attention"],
            rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v5", "f32"),
        Shape("yarn-v4", 152, dict(
            vocab_size=72, hidden_size=36, intermediate_size=12, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=16, num_local_experts=8, num_experts_per_tok=4, sliding_window=5,
            swiglu_limit=7.0, rms_norm_eps=2e-3,
            rope_parameters=dict(**YARN, rope_theta=90.0, factor=8.0, truncate=False)), "v4", rules=LARGE),
        Shape("truncated-tied", 153, dict(
            vocab_size=64, hidden_size=40, intermediate_size=14, num_hidden_layers=3, num_attention_heads=2,
            num_key_value_heads=2, head_dim=16, num_local_experts=7, num_experts_per_tok=2, sliding_window=5,
            swiglu_limit=1.5, rms_norm_eps=3e-3, tie_word_embeddings=True,
            rope_parameters=dict(**YARN, rope_theta=90.0, factor=4.0, truncate=True)), "v5"),
        # As published: down_proj is square, so shapes don't tell which of its axes is the input.
        Shape("mxfp4", 154, dict(
            vocab_size=64, hidden_size=64, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=8, num_local_experts=6, num_experts_per_tok=2, sliding_window=5,
            swiglu_limit=7.0, rms_norm_eps=3e-3,
            rope_parameters=dict(**YARN, rope_theta=20.0, factor=32.0, truncate=False)), "v4", rules=LARGE,
            quantise=mxfp4),
    ))
