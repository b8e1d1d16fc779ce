"""Gates that score with a softmax over all experts."""

from routers.row import GROUPS, Row, settings
from routers.specs import at_least, by_sum, grouped, softmax

FLAG = {"norm_topk_prob": [True, False]}


def said(values: dict) -> dict:
    return softmax(by_sum(values["norm_topk_prob"]))


def always(values: dict) -> dict:
    return softmax(by_sum())


def row(model: str, prefix: str, block: str | None, config: str, rule=said, experts: str = "num_experts",
        **more) -> Row:
    return Row(f"{model}.{prefix}TopKRouter", config, settings(FLAG, rule), block, experts=experts, **more)


def own_norm(router, tokens):
    """(tokens, width): an RMS norm, a scale of each feature, and 1/sqrt(width)."""
    normed = tokens * (tokens.pow(2).mean(1, keepdim=True) + router.eps).rsqrt()
    return normed * router.scale * tokens.shape[1] ** -0.5


def gemma(model: str, prefix: str, config: str) -> Row:
    return Row(f"{model}.{prefix}TextRouter", config, settings({}, lambda values: softmax(by_sum(), per_expert_scale=True)),
               experts="num_experts", top_k="top_k_experts", router_input=own_norm,
               note="The router has a norm and a scale of its own before its matrix.")


IGNORES = "norm_topk_prob has no effect."
CAPACITY = "a capacity: tokens lose an expert that too many before them chose"
NLLB = "moe_eval_capacity_token_fraction, second_expert_policy"


def deepseek_v2(model: str, prefix: str, config: str, **fixed) -> Row:
    method = "topk_method, " + GROUPS
    return Row(f"{model}.{prefix}TopkRouter", config, settings(
        {method: [("greedy", None, None), ("greedy", 4, 2), ("group_limited_greedy", 4, 2),
                  ("group_limited_greedy", 2, 1)],
         "norm_topk_prob": [True, False], "routed_scaling_factor": [1.0, 16.0]},
        lambda values: softmax(
            grouped(*values[method][1:], "max") if values[method][0] != "greedy" else {},
            scaling=values["routed_scaling_factor"])), f"{prefix}Moe", fixed=lambda e, k: fixed, note=IGNORES)


ROWS = [
    row("olmoe", "Olmoe", "OlmoeSparseMoeBlock", "OlmoeConfig"),
    row("flex_olmo", "FlexOlmo", "FlexOlmoSparseMoeBlock", "FlexOlmoConfig"),
    row("mellum", "Mellum", "MellumSparseMoeBlock", "MellumConfig"),
    row("qwen2_moe", "Qwen2Moe", "Qwen2MoeSparseMoeBlock", "Qwen2MoeConfig"),
    row("qwen3_moe", "Qwen3Moe", "Qwen3MoeSparseMoeBlock", "Qwen3MoeConfig"),
    row("qwen3_next", "Qwen3Next", "Qwen3NextSparseMoeBlock", "Qwen3NextConfig"),
    row("qwen3_omni_moe", "Qwen3OmniMoeThinkerText", "Qwen3OmniMoeThinkerTextSparseMoeBlock", "Qwen3OmniMoeTextConfig"),
    row("qwen3_omni_moe", "Qwen3OmniMoeTalkerText", "Qwen3OmniMoeTalkerTextSparseMoeBlock",
        "Qwen3OmniMoeTalkerTextConfig", fixed=lambda e, k: dict(shared_expert_intermediate_size=8)),
    row("qwen4_exp", "Qwen4ExpText", "Qwen4ExpTextSparseMoeBlock", "Qwen4ExpTextConfig"),
    row("lara_mini", "LaraMini", "LaraMiniSparseMoeBlock", "LaraMiniConfig"),
    row("mixtral", "Mixtral", "MixtralSparseMoeBlock", "MixtralConfig", always, "num_local_experts", note=IGNORES),
    row("minimax", "MiniMax", "MiniMaxSparseMoeBlock", "MiniMaxConfig", always, "num_local_experts", note=IGNORES),
    row("qwen3_vl_moe", "Qwen3VLMoeText", "Qwen3VLMoeTextSparseMoeBlock", "Qwen3VLMoeTextConfig", always,
        note=IGNORES),
    row("qwen3_5_moe", "Qwen3_5Moe", "Qwen3_5MoeSparseMoeBlock", "Qwen3_5MoeTextConfig", always, note=IGNORES),
    row("qwen3_omni_moe", "Qwen3OmniMoeText", None, "Qwen3OmniMoeTextConfig", always,
        note=IGNORES + " No block uses this class."),
    Row("hunyuan_v1_moe.HunYuanMoEV1Gate", "HunYuanMoEV1Config", settings(FLAG, always), "HunYuanMoEV1Moe",
        experts="num_experts", top_k="moe_topk", block_arguments=(0,), note=IGNORES),
    row("jamba", "Jamba", "JambaSparseMoeBlock", "JambaConfig", lambda values: softmax(), note=IGNORES),
    deepseek_v2("deepseek_v2", "DeepseekV2", "DeepseekV2Config"),
    deepseek_v2("deepseek_ocr2", "DeepseekOcr2Text", "DeepseekOcr2TextConfig"),
    deepseek_v2("unlimited_ocr", "UnlimitedOcrText", "UnlimitedOcrTextConfig", num_attention_heads=2),
    Row("mistral4.Mistral4TopkRouter", "Mistral4Config", settings(
        {GROUPS: [(1, 1), (4, 2), (2, 1)], "norm_topk_prob": [True, False], "routed_scaling_factor": [1.0, 2.5]},
        lambda values: softmax(grouped(*values[GROUPS], "top2_sum"), by_sum(values["norm_topk_prob"], 1e-20),
                            scaling=values["routed_scaling_factor"])), "Mistral4MoE"),
    Row("mistral_large4.MistralLarge4TextTopkRouter", "MistralLarge4TextConfig", settings(
        {GROUPS: [(1, 1), (4, 2), (2, 1)], "norm_topk_prob": [True, False], "routed_scaling_factor": [1.0, 2.5]},
        lambda values: softmax(grouped(*values[GROUPS], "top2_sum"), by_sum(True, 1e-20),
                            scaling=values["routed_scaling_factor"])), "MistralLarge4TextMoE", note=IGNORES),
    Row("longcat_flash.LongcatFlashTopkRouter", "LongcatFlashConfig", settings(
        {"zero_expert_num": [0, 4], "router_bias": [False, True], "routed_scaling_factor": [1.0, 6.0]},
        lambda values: softmax(selection_bias=True, scaling=values["routed_scaling_factor"]),
        lambda values: "identity experts, which are ranked and have no weights" if values["zero_expert_num"] else ""),
        "LongcatFlashMoE", top_k="moe_topk", note="The bias that router_bias adds to the classifier isn't used."),
    *(Row(f"{model}.{prefix}TopKRouter", config, settings(
        {"moe_norm_min": [1e-12, 0.5]}, lambda values: softmax(at_least(values["moe_norm_min"]), selection_bias=True)),
        block, block_arguments=arguments, experts="moe_num_experts", top_k="moe_k",
        fixed=lambda e, k, width=width: dict(moe_intermediate_size=width))
      for model, prefix, block, config, arguments, width in (
          ("ernie4_5_moe", "Ernie4_5_Moe", "Ernie4_5_MoeSparseMoeBlock", "Ernie4_5_MoeConfig", (), 8),
          ("ernie4_5_vl_moe", "Ernie4_5_VLMoeMoe", "Ernie4_5_VLMoeSparseMoeBlock", "Ernie4_5_VLMoeTextConfig", (8,),
           [8, 8]))),
    Row("dbrx.DbrxFFN", "DbrxConfig", settings(
        {"moe_normalize_expert_weights": [1.0, None, 2.0]},
        lambda values: softmax(by_sum(values["moe_normalize_expert_weights"] is not None)),
        lambda values: "normalisation by another norm than the sum"
        if values["moe_normalize_expert_weights"] == 2 else ""),
        "DbrxFFN", experts="moe_num_experts", top_k="moe_top_k", nested="ffn_config",
        matrix="router.layer.weight",
        fixed=lambda e, k: dict(d_model=32)),
    Row("switch_transformers.SwitchTransformersTop1Router", "SwitchTransformersConfig", settings(
        {"expert_capacity": [10000, 20]}, lambda values: softmax(),
        lambda values: CAPACITY if values["expert_capacity"] < 10000 else ""),
        "SwitchTransformersSparseMLP", experts="num_experts", top_k=None, sizes=((12, 1), (16, 1)), stand_in="masks",
        fixed=lambda e, k: dict(d_model=32, d_ff=32)),
    Row("nllb_moe.NllbMoeTop2Router", "NllbMoeConfig", settings(
        {NLLB: [(1.0, "all"), (0.1, "all"), (1.0, "sampling"), (1.0, "random")]},
        lambda values: softmax(at_least(2.0**-23)),
        lambda values: {(1.0, "all"): "", (0.1, "all"): CAPACITY}.get(values[NLLB], "a second expert drawn at random")),
        "NllbMoeSparseMLP", block_arguments=(32,), experts="num_experts", top_k=None, sizes=((12, 2), (16, 2)),
        stand_in="dense_second", fixed=lambda e, k: dict(d_model=32), acts=False,
        note="The block's experts read the first choice's mask (0 or 1) as expert ids: whatever the router chose, "
             "expert 1 takes its first choice and expert 0 its second."),
    gemma("gemma4", "Gemma4", "Gemma4TextConfig"),
    gemma("diffusion_gemma", "DiffusionGemma", "DiffusionGemmaTextConfig"),
]
