from tiny import gates
from tiny.family import YARN, Family, Shape


def rope(full: dict, sliding: dict) -> dict:
    return dict(full_attention=full, sliding_attention=sliding)


def plain(theta: float, partial: float) -> dict:
    return dict(rope_type="default", rope_theta=theta, partial_rotary_factor=partial)


def hub(config: dict) -> dict:
    """The hub's keys. The reference reads only sliding_window_size of them and has the published values of the rest as
    defaults, so a checkpoint in this spelling can't have others."""
    thetas = {kind: values["rope_theta"] for kind, values in config.pop("rope_parameters").items()}
    sliding = [1, 0, 0, 0, 0, 1][:config["num_hidden_layers"]]
    return {key: value for key, value in config.items() if key not in ("rms_norm_eps", "sliding_window")} | dict(
        layernorm_epsilon=config["rms_norm_eps"], rope_theta=thetas["full_attention"], partial_rotary_factor=0.334,
        swa_rope_theta=thetas["sliding_attention"], hybrid_layer_pattern=[1 - full for full in sliding],
        moe_layer_freq=[0] + [1] * (config["num_hidden_layers"] - 1), sliding_window_size=config["sliding_window"] - 1,
        swa_num_attention_heads=config["num_attention_heads"], swa_num_key_value_heads=2 * config["num_key_value_heads"],
        swa_head_dim=config["head_dim"], swa_v_head_dim=config["v_head_dim"], add_swa_attention_sink_bias=True,
        add_full_attention_sink_bias=False, scoring_func="sigmoid", topk_method="noaux_tc", n_shared_experts=None)


FAMILY = Family(
    "mimo_v2_flash", "MiMoV2FlashForCausalLM", gates.sigmoid_bias_groups, hub=hub, shapes=(
        Shape("groups-f32", 381, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=1, head_dim=12, v_head_dim=8, n_routed_experts=8,
            num_experts_per_tok=3, n_group=4, topk_group=2, routed_scaling_factor=2.5, norm_topk_prob=True,
            attention_bias=True, sliding_window=5, attention_value_scale=None, rms_norm_eps=3e-3,
            rope_parameters=rope(plain(400.0, 0.5), plain(90.0, 1.0))), "v5", "f32"),
        Shape("published-v4", 382, dict(
            vocab_size=64, hidden_size=36, intermediate_size=28, moe_intermediate_size=10, num_hidden_layers=3,
            num_attention_heads=4, num_key_value_heads=2, head_dim=24, v_head_dim=16, n_routed_experts=9,
            num_experts_per_tok=3, n_group=1, topk_group=1, routed_scaling_factor=1.0, norm_topk_prob=True,
            sliding_window=6, attention_value_scale=0.707, rms_norm_eps=1e-5,
            rope_parameters=rope(plain(5e6, 0.334), plain(1e4, 0.334))), "v4", inert=("rms_norm_eps",)),
        Shape("yarn-fused-tied", 1383, dict(
            vocab_size=64, hidden_size=36, intermediate_size=24, moe_intermediate_size=10, num_hidden_layers=3,
            num_attention_heads=2, num_key_value_heads=1, head_dim=16, v_head_dim=10, n_routed_experts=9,
            num_experts_per_tok=3, n_group=1, topk_group=1, routed_scaling_factor=1.7, norm_topk_prob=False,
            sliding_window=5, attention_value_scale=1.4, rms_norm_eps=2e-3, tie_word_embeddings=True,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            mlp_layer_types=["sparse", "dense", "sparse"],
            rope_parameters=rope(plain(90.0, 0.75), dict(
                **YARN, rope_theta=20.0, factor=4.0, partial_rotary_factor=0.5))), "fused"),
    ))
