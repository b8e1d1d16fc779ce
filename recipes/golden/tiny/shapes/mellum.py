from tiny import gates
from tiny.family import YARN, Family, Shape, renamed


def rope(full: dict, sliding: dict) -> dict:
    return dict(full_attention=full, sliding_attention=sliding)


# Published for transformers 5: RoPE per layer type and both lists of layers in config.json.
FAMILY = Family(
    "mellum", "MellumForCausalLM", gates.softmax, computed=(),
    hub=lambda config: renamed(config, {"num_local_experts": "num_experts"}), shapes=(
        Shape("dense-bias-f32", 451, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=9, num_hidden_layers=3,
            num_attention_heads=3, num_key_value_heads=1, head_dim=12, num_experts=6, num_experts_per_tok=3,
            norm_topk_prob=False, attention_bias=True, sliding_window=5, rms_norm_eps=3e-3,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            mlp_layer_types=["sparse", "dense", "sparse"], rope_parameters=rope(
                dict(rope_type="default", rope_theta=400.0), dict(rope_type="linear", factor=2.0, rope_theta=90.0))),
            "v5", "f32", lengths=(17, 19)),
        Shape("num-experts-v4", 452, dict(
            vocab_size=72, hidden_size=36, moe_intermediate_size=12, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=12, num_experts=8, num_experts_per_tok=3, norm_topk_prob=True,
            sliding_window=5, rms_norm_eps=3e-3, layer_types=["sliding_attention", "full_attention"],
            rope_parameters=rope(dict(rope_type="default", rope_theta=3000.0), dict(rope_type="default", rope_theta=90.0))),
            "v4"),
        Shape("yarn-fused-tied", 453, dict(
            vocab_size=64, hidden_size=40, moe_intermediate_size=10, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, head_dim=16, num_experts=9, num_experts_per_tok=2, norm_topk_prob=True,
            sliding_window=6, rms_norm_eps=3e-3, tie_word_embeddings=True,
            layer_types=["full_attention", "sliding_attention"], rope_parameters=rope(
                dict(**YARN, rope_theta=90.0, factor=4.0), dict(rope_type="default", rope_theta=400.0))), "fused"),
    ))
