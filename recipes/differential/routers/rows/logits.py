"""Gates that rank logits and weigh the selected ones."""

from routers.row import Row, settings
from routers.specs import by_sum, selected_sigmoid, selected_softmax, sparsemixer

ONE = {}  # no switch decides anything
SHARED = "num_shared_experts, shared_expert_combination_strategy"


def softmax_of_selected(router: str, block: str, config: str, **more) -> Row:
    return Row(router, config, settings(ONE, lambda values: selected_softmax()), block, experts="num_local_experts",
               **more)


def cohere2(values: dict) -> dict:
    scaling = 0.5 if values[SHARED] == (1, "average") else 1.0
    if values["expert_selection_fn"] == "softmax":
        return selected_softmax(scaling=scaling)
    return selected_sigmoid(by_sum(values["norm_topk_prob"]), scaling=scaling)


ROWS = [
    softmax_of_selected("granitemoe.GraniteMoeTopKRouter", "GraniteMoeMoE", "GraniteMoeConfig"),
    softmax_of_selected("granitemoe_swa.GraniteMoeSWATopKRouter", "GraniteMoeSWAMoE", "GraniteMoeSWAConfig"),
    softmax_of_selected("granitemoehybrid.GraniteMoeHybridTopKRouter", "GraniteMoeHybridMoE", "GraniteMoeHybridConfig",
                        fixed=lambda e, k: dict(mamba_n_heads=2)),
    softmax_of_selected("granitemoeshared.GraniteMoeSharedTopKRouter", "GraniteMoeSharedMoE", "GraniteMoeSharedConfig"),
    softmax_of_selected("jetmoe.JetMoeTopKGating", "JetMoeMoE", "JetMoeConfig", stand_in="sorted_by_expert",
                        note="Each layer has two: one routes the attention's projections."),
    Row("aria.AriaTextTopKRouter", "AriaTextConfig", settings(ONE, lambda values: selected_softmax()),
        "AriaTextMoELayer", experts="moe_num_experts", top_k="moe_topk"),
    Row("gpt_oss.GptOssTopKRouter", "GptOssConfig", settings(ONE, lambda values: selected_softmax(logit_bias=True)),
        "GptOssMLP", experts="num_local_experts"),
    Row("openai_privacy_filter.OpenAIPrivacyFilterTopKRouter", "OpenAIPrivacyFilterConfig",
        settings(ONE, lambda values: selected_softmax(logit_bias=True)), "OpenAIPrivacyFilterMLP",
        experts="num_local_experts",
        note="The router divides the weights by k and the block multiplies the experts' sum by k."),
    Row("cohere2_moe.Cohere2MoeTopKRouter", "Cohere2MoeConfig", settings(
        {"expert_selection_fn": ["softmax", "sigmoid"], "norm_topk_prob": [True, False],
         SHARED: [(0, "average"), (1, "average"), (1, "sum")]}, cohere2), "Cohere2MoeSparseMoeBlock",
        experts="num_experts",
        note="The average of routed and shared experts halves the weights."),
    Row("kolibri1.Kolibri1TopKRouter", "Kolibri1Config", settings(
        {"norm_topk_prob": [True, False]},
        lambda values: selected_sigmoid(by_sum(values["norm_topk_prob"]), selection_bias=True)),
        "Kolibri1SparseMoeBlock", experts="num_experts", note="The selection bias is added to logits."),
    Row("llama4.Llama4Router", "Llama4TextConfig", settings(ONE, lambda values: selected_sigmoid()), "Llama4TextMoe",
        experts="num_local_experts", sizes=((12, 1), (16, 5)), stand_in="scaled_inputs",
        note="The weights multiply the experts' inputs."),
    Row("phimoe.PhimoeTopKRouter", "PhimoeConfig", settings(
        {"router_jitter_noise": [0.01, 0.2]}, lambda values: sparsemixer(values["router_jitter_noise"])),
        "PhimoeSparseMoeBlock", experts="num_local_experts", sizes=((12, 2), (16, 2))),
]
