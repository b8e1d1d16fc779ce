"""Gates that score with a sigmoid and rank with a selection bias."""

from routers.row import GROUPS, Row, settings
from routers.specs import by_sum, grouped, sigmoid, sigmoid_bias

GROUPED = {GROUPS: [(1, 1), (4, 2), (2, 1)], "norm_topk_prob": [True, False], "routed_scaling_factor": [1.0, 2.5]}


def grouped_spec(values: dict) -> dict:
    return sigmoid_bias(grouped(*values[GROUPS], "top2_sum"), by_sum(values["norm_topk_prob"], 1e-20),
                        scaling=values["routed_scaling_factor"])


def deepseek_v3(model: str, prefix: str, block: str, config: str, experts: str = "n_routed_experts", **more) -> Row:
    """DeepSeek-V3's router, which transformers copies into every family that uses it."""
    return Row(f"{model}.{prefix}TopkRouter", config, settings(GROUPED, grouped_spec), block, experts=experts, **more)


def deepseek_v4(router: str, config: str, block: str, scale: str, **more) -> Row:
    return Row(router, config, settings(
        {"scoring_func": ["sigmoid", "sqrtsoftplus"], scale: [1.0, 1.5]},
        lambda values: sigmoid_bias(by_sum(True, 1e-20), scaling=values[scale]),
        lambda values: "the score sqrt(softplus)" if values["scoring_func"] != "sigmoid" else ""), block, **more)


def scaled(key: str, value: float) -> tuple:
    """Normalised with an epsilon, and scaled by the router itself."""
    return settings({key: [1.0, value]}, lambda values: sigmoid_bias(by_sum(True, 1e-20), scaling=values[key]))


def scaled_outside(key: str) -> tuple:
    return settings({key: [1.0, 2.5]}, lambda values: sigmoid_bias(by_sum(), scaling=values[key]))


OUTER = "The scaling multiplies the experts' sum in the block; the router returns weights without it."

ROWS = [
    deepseek_v3("axk1", "AXK1", "AXK1MoE", "AXK1Config"),
    deepseek_v3("bailing_hybrid", "BailingHybrid", "BailingHybridMoE", "BailingHybridConfig", "num_experts"),
    deepseek_v3("deepseek_v3", "DeepseekV3", "DeepseekV3MoE", "DeepseekV3Config"),
    deepseek_v3("deepseek_v32", "DeepseekV32", "DeepseekV32MoE", "DeepseekV32Config"),
    deepseek_v3("dots1", "Dots1", "Dots1MoE", "Dots1Config", fixed=lambda e, k: dict(n_shared_experts=1)),
    deepseek_v3("dots3_note", "Dots3NoteText", "Dots3NoteTextMoE", "Dots3NoteTextConfig"),
    deepseek_v3("exaone_moe", "ExaoneMoe", "ExaoneMoeSparseMoEBlock", "ExaoneMoeConfig", "num_experts"),
    deepseek_v3("glm4_moe", "Glm4Moe", "Glm4MoeMoE", "Glm4MoeConfig"),
    deepseek_v3("glm4_moe_lite", "Glm4MoeLite", "Glm4MoeLiteMoE", "Glm4MoeLiteConfig"),
    deepseek_v3("glm4v_moe", "Glm4vMoeText", "Glm4vMoeTextMoE", "Glm4vMoeTextConfig"),
    deepseek_v3("glm5_next", "Glm5NextText", "Glm5NextTextMoE", "Glm5NextTextConfig"),
    deepseek_v3("glm_moe_dsa", "GlmMoeDsa", "GlmMoeDsaMoE", "GlmMoeDsaConfig"),
    deepseek_v3("hy_v4", "HYV4", "HYV4MoE", "HYV4Config"),
    deepseek_v3("hy_v4_vl", "HYV4VL", "HYV4VLMoE", "HYV4VLTextConfig"),
    deepseek_v3("kimi_linear", "KimiLinear", "KimiLinearMoE", "KimiLinearConfig", "num_experts"),
    deepseek_v3("mimo_v2_flash", "MiMoV2Flash", "MiMoV2FlashMoE", "MiMoV2FlashConfig"),
    deepseek_v3("nemotron_h", "NemotronH", "NemotronHMoE", "NemotronHConfig"),
    deepseek_v3("solar_open", "SolarOpen", "SolarOpenMoE", "SolarOpenConfig"),
    Row("axk2.AXK2TopkRouter", "AXK2Config", settings(
        GROUPED | {GROUPS: [(None, None), (4, 2)]}, grouped_spec,
        lambda values: "masked scores of 0 instead of -inf" if values[GROUPS][0] else ""), "AXK2MoE"),
    Row("beam.BeamTopKRouter", "BeamConfig", settings(GROUPED, grouped_spec), "BeamMoE", experts="num_experts",
        note=OUTER),
    Row("hy_v3.HYV3TopKRouter", "HYV3Config", scaled("router_scaling_factor", 2.826), "HYV3MoE", experts="num_experts"),
    Row("dots3_note.Dots3NoteVisionTopKRouter", "Dots3NoteVisionConfig", scaled("router_scaling_factor", 2.5),
        "Dots3NoteVisionMoE", block_arguments=(0,), experts="num_local_experts",
        fixed=lambda e, k: dict(num_hidden_layers=1, num_attention_heads=2, adapter_in_dim=32,
                                pyramid_num_routed=[e])),
    Row("afmoe.AfmoeTokenChoiceRouter", "AfmoeConfig", scaled("route_scale", 2.448), "AfmoeSparseMoeBlock",
        experts="num_experts"),
    Row("minimax_m2.MiniMaxM2TopKRouter", "MiniMaxM2Config", settings(
        {"scoring_func": ["sigmoid", "softmax"]}, lambda values: sigmoid_bias(by_sum())),
        "MiniMaxM2SparseMoeBlock", experts="num_local_experts"),
    Row("minimax_m3_vl.MiniMaxM3VLTopKRouter", "MiniMaxM3VLTextConfig", scaled_outside("routed_scaling_factor"),
        "MiniMaxM3VLSparseMoeBlock", experts="num_local_experts", note=OUTER),
    Row("step3p7.Step3p7TopKRouter", "Step3p7TextConfig", scaled_outside("moe_router_scaling_factor"),
        "Step3p7SparseMoeBlock", block_arguments=(0,), note=OUTER),
    Row("laguna.LagunaTopKRouter", "LagunaConfig", settings(
        {"moe_router_logit_softcapping": [0.0, 2.0], "moe_routed_scaling_factor": [1.0, 2.5]},
        lambda values: sigmoid_bias(by_sum(), scaling=values["moe_routed_scaling_factor"]),
        lambda values: "a soft cap of the logits" if values["moe_router_logit_softcapping"] else ""),
        "LagunaSparseMoeBlock", experts="num_experts", note=OUTER),
    Row("lfm2_moe.Lfm2MoeTopKRouter", "Lfm2MoeConfig", settings(
        {"use_expert_bias": [True, False], "norm_topk_prob": [True, False], "routed_scaling_factor": [1.0, 2.5]},
        lambda values: sigmoid_bias(by_sum(values["norm_topk_prob"], 1e-6), selection_bias=values["use_expert_bias"],
                                    scaling=values["routed_scaling_factor"])),
        "Lfm2MoeSparseMoeBlock", experts="num_experts"),
    Row("flint.FlintTopKRouter", "FlintConfig", settings(
        {"norm_topk_prob": [True, False]}, lambda values: sigmoid(by_sum(values["norm_topk_prob"]))),
        "FlintSparseMoeBlock", experts="num_experts"),
    Row("muse_spark.MuseSparkTopkRouter", "MuseSparkTextConfig", settings(
        {"output_multiplier": [1.0, 0.5], "routed_scaling_factor": [1.0, 2.5]},
        lambda values: sigmoid_bias(by_sum(True, 1e-15), scaling=values["routed_scaling_factor"]),
        lambda values: "a multiplier of the logits" if values["output_multiplier"] != 1 else ""),
        "MuseSparkMoE", experts="num_local_experts",
        fixed=lambda e, k: dict(moe_hidden_size=32, num_attention_heads=2)),
    deepseek_v4("deepseek_v4.DeepseekV4TopKRouter", "DeepseekV4Config", "DeepseekV4SparseMoeBlock",
                "routed_scaling_factor", block_arguments=(0,),
                fixed=lambda e, k: dict(mlp_layer_types=["moe", "moe"])),
    deepseek_v4("inkling2.Inkling2TopKRouter", "Inkling2TextConfig", "Inkling2SparseMoeBlock", "route_scale"),
    deepseek_v4("inkling2_loop.Inkling2LoopTopKRouter", "Inkling2LoopTextConfig", "Inkling2LoopSparseMoeBlock",
                "route_scale"),
]
