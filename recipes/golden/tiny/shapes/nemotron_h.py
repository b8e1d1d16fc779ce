import math

from tiny import gates
from tiny.family import Family, Shape
from tiny.fill import RECURRENT, normal

LETTERS = {"linear_attention": "M", "moe": "E", "full_attention": "*", "mlp": "-"}
NO_LIMIT = [0.0, math.inf]


def hub(config: dict) -> dict:
    """The hub's configs spell the layers as letters and infinity as a bare word that strict JSON doesn't have."""
    layers = config.pop("layers_block_type")
    config.pop("mtp_layers_block_type")
    return config | {"hybrid_override_pattern": "".join(LETTERS[kind] for kind in layers), "num_hidden_layers": len(layers),
                     "time_step_limit": NO_LIMIT}


def obey_time_step_limit(model) -> None:
    """5.24 limits the time steps to (time_step_min, infinity) instead, and not at all when it decodes from a cache."""
    for module in model.modules():
        if type(module).__name__ == "NemotronHMamba2Mixer":
            module.time_step_limit = tuple(module.config.time_step_limit)


# The reference ignores attention_bias and sliding_window.
FAMILY = Family(
    "nemotron_h", "NemotronHForCausalLM", gates.sigmoid_bias_groups, hub=hub, prepare=obey_time_step_limit,
    rules=((r"dt_bias$", normal(2.5, -3.0)),) + RECURRENT, shapes=(
        Shape("groups-bias-f32", 391, dict(
            vocab_size=64, hidden_size=32, layers_block_type=["linear_attention", "moe", "full_attention", "moe"],
            num_attention_heads=3, num_key_value_heads=1, head_dim=12, mamba_num_heads=4, mamba_head_dim=6,
            ssm_state_size=8, n_groups=2, conv_kernel=3, chunk_size=8, use_bias=True, mlp_bias=True,
            use_conv_bias=False, n_routed_experts=8, num_experts_per_tok=3, moe_intermediate_size=9,
            moe_shared_expert_intermediate_size=14, n_group=4, topk_group=2, norm_topk_prob=True,
            routed_scaling_factor=2.5, layer_norm_epsilon=3e-3, time_step_limit=[0.05, 0.8]), "v5", "f32",
            lengths=(17, 19)),
        Shape("pattern-v4", 392, dict(
            vocab_size=72, hidden_size=40, layers_block_type=[
                "linear_attention", "moe", "linear_attention", "full_attention", "moe"],
            num_attention_heads=4, num_key_value_heads=2, head_dim=8, mamba_num_heads=6, mamba_head_dim=8,
            ssm_state_size=6, n_groups=3, conv_kernel=4, chunk_size=16, n_routed_experts=10, num_experts_per_tok=4,
            moe_intermediate_size=12, moe_shared_expert_intermediate_size=20, n_group=1, topk_group=1,
            norm_topk_prob=True, routed_scaling_factor=1.5, layer_norm_epsilon=3e-3, time_step_limit=NO_LIMIT), "v4"),
        Shape("latent-dense-fused-tied", 4393, dict(
            vocab_size=64, hidden_size=36, layers_block_type=["mlp", "moe", "linear_attention", "moe", "full_attention"],
            num_attention_heads=2, num_key_value_heads=2, head_dim=16, mamba_num_heads=4, mamba_head_dim=8,
            ssm_state_size=10, n_groups=1, conv_kernel=4, chunk_size=8, intermediate_size=24, n_routed_experts=9,
            num_experts_per_tok=3, moe_intermediate_size=14, moe_shared_expert_intermediate_size=16, moe_latent_size=20,
            n_group=1, topk_group=1, norm_topk_prob=False, routed_scaling_factor=1.3, layer_norm_epsilon=3e-3,
            time_step_limit=NO_LIMIT, tie_word_embeddings=True), "fused"),
    ))
