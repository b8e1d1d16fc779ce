"""Gates that no GateSpec describes. Those with a nearest GateSpec are run, and must differ from it."""

from routers.row import Refused, Row, settings
from routers.specs import by_sum, sigmoid, sigmoid_bias, softmax


def gemma(model: str, prefix: str, config: str) -> Row:
    return Row(f"{model}.{prefix}TextRouter", config, settings(
        {}, lambda values: softmax(by_sum()),
        lambda values: "the router's own norm and scale of its input, and a scale per expert"),
        experts="num_experts", top_k="top_k_experts")


ROWS = [
    gemma("gemma4", "Gemma4", "Gemma4TextConfig"),
    gemma("diffusion_gemma", "DiffusionGemma", "DiffusionGemmaTextConfig"),
    Row("deepseek_v4.DeepseekV4HashRouter", "DeepseekV4Config", settings(
        {"scoring_func": ["sigmoid", "sqrtsoftplus"]},
        lambda values: sigmoid(by_sum(True, 1e-20)),
        lambda values: "ids from a table by token"), "DeepseekV4SparseMoeBlock", block_arguments=(0,),
        fixed=lambda e, k: dict(mlp_layer_types=["hash_moe", "hash_moe"], vocab_size=50, routed_scaling_factor=1.0),
        extra={"input_ids": 50}),
    Row("inkling.InklingTopkRouter", "InklingTextConfig", settings(
        {"route_scale": [1.0, 8.0]}, lambda values: sigmoid_bias(by_sum(), scaling=values["route_scale"]),
        lambda values: "one normalisation over selected and shared experts, and a learned scale"), "InklingMoE"),
    Row("phimoe.PhimoeTopKRouter", "PhimoeConfig", settings(
        {"router_jitter_noise": [0.01, 0.2]}, lambda values: softmax(by_sum()),
        lambda values: "sparsemixer: each pick is weighed among the logits near it, the second without the first"),
        "PhimoeSparseMoeBlock", experts="num_local_experts", sizes=((12, 2), (16, 2))),
    Refused("zaya.ZayaRouter", "ZayaConfig",
            "logits that aren't linear in the input, a state carried between layers, and a class that skips experts"),
    Refused("doge.DogeCDMoE", "DogeConfig", "an expert's logit as the sum of two keys' logits"),
    Refused("vitpose_backbone.VitPoseBackboneMoeMLP", "VitPoseBackboneConfig",
            "ids given from outside: the data set that an image is from"),
]
