from tiny import gates
from tiny.family import YARN, Family, Shape


def hub(config: dict) -> dict:
    """The hub's configs list sizes layer by layer and hold keys that the reference doesn't read."""
    layers = config["num_hidden_layers"]
    return config | dict(moe_intermediate_size=[config["intermediate_size"]] * layers, num_shared_expert=[1] * layers,
                         use_qk_norm=True, use_mixed_mlp_moe=True, moe_layer_num_skipped=0)


# With alpha only alpha counts, whatever the length.
ALPHA = dict(rope_type="dynamic", alpha=3.0, factor=1.0, beta_fast=32, beta_slow=1, mscale=1.0, mscale_all_dim=0.0)

FAMILY = Family(
    "hunyuan_v1_moe", "HunYuanMoEV1ForCausalLM", gates.softmax, keep_f32=r"gate\.wg\.weight$", rope_type="type", hub=hub, shapes=(
        Shape("linear-bias-f32", 431, dict(
            vocab_size=64, hidden_size=32, intermediate_size=10, num_hidden_layers=2, num_attention_heads=3,
            num_key_value_heads=1, head_dim=12, num_experts=6, moe_topk=3, attention_bias=True, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=90.0)), "v5", "f32"),
        Shape("published-v4", 432, dict(
            vocab_size=72, hidden_size=36, intermediate_size=12, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=12, num_experts=8, moe_topk=[3, 3], rms_norm_eps=3e-3,
            tie_word_embeddings=True, rope_parameters=dict(**ALPHA, rope_theta=90.0)), "v4",
            inert=("rope.factor", "rope.beta_fast", "rope.beta_slow", "rope.mscale", "rope.mscale_all_dim")),
        Shape("topk-per-layer-v4", 433, dict(
            vocab_size=64, hidden_size=36, intermediate_size=12, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=4, head_dim=8, num_experts=8, moe_topk=[2, 4], rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v4"),
        Shape("yarn-fused", 434, dict(
            vocab_size=64, hidden_size=40, intermediate_size=14, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, head_dim=16, num_experts=7, moe_topk=2, rms_norm_eps=3e-3,
            rope_parameters=dict(**YARN, rope_theta=90.0, factor=4.0)), "fused"),
    ))
