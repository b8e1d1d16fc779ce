from tiny import gates
from tiny.family import Family, Shape
from tiny.fill import normal, router

# The embedding is multiplied by the root of the width, the router's input divided by it.
RULES = (
    (r"embed_tokens\.weight$", normal(0.2)),
    (r"router\.proj\.weight$", router(9.0)),
    (r"router\.(scale|per_expert_scale)$", normal(0.4, 1.0)),
    (r"layer_scalar$", normal(0.2, 0.9)),
)
ROUTER = r"^router\.proj$"  # the router itself reports probabilities


def rope(sliding: float, full: float, partial: float, **scaling) -> dict:
    return dict(sliding_attention=dict(rope_type="default", rope_theta=sliding),
                full_attention=dict(rope_type="proportional", rope_theta=full, partial_rotary_factor=partial, **scaling))


def hub(config: dict) -> dict:
    """The hub's configs give the sizes of full attention layers by name, not layer by layer."""
    layers = config.pop("per_layer_config")
    full = next(iter(layers.values()))
    heads = full.get("num_key_value_heads")
    return config | {"global_head_dim": full["head_dim"], "num_global_key_value_heads": heads}


# The text model alone; the wrapper is gemma4.
FAMILY = Family(
    "gemma4_text", "Gemma4ForCausalLM", gates.softmax, rules=RULES, router=ROUTER, computed=(), hub=hub, shapes=(
        Shape("k-is-v-f32", 341, dict(
            vocab_size=64, hidden_size=32, intermediate_size=14, moe_intermediate_size=8, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, head_dim=8, global_head_dim=16, num_global_key_value_heads=1,
            num_experts=6, top_k_experts=3, enable_moe_block=True, attention_k_eq_v=True, sliding_window=5,
            hidden_size_per_layer_input=0, layer_types=["sliding_attention", "full_attention"],
            final_logit_softcapping=3.0, rms_norm_eps=3e-3, tie_word_embeddings=True,
            rope_parameters=rope(90.0, 400.0, 0.25)), "v5", "f32", lengths=(17, 19)),
        Shape("own-v-untied-v4", 2342, dict(
            vocab_size=64, hidden_size=36, intermediate_size=20, moe_intermediate_size=8, num_hidden_layers=3,
            num_attention_heads=4, num_key_value_heads=2, head_dim=8, global_head_dim=12, num_experts=8,
            top_k_experts=2, enable_moe_block=True, attention_k_eq_v=False, attention_bias=True, sliding_window=5,
            hidden_size_per_layer_input=0, layer_types=["full_attention", "sliding_attention", "full_attention"],
            rms_norm_eps=3e-3, tie_word_embeddings=False, rope_parameters=rope(400.0, 90.0, 0.5, factor=2.0)), "v4"),
    ))
