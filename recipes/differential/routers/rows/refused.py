"""Gates that no GateSpec describes. Those with a nearest GateSpec are run, and must differ from it."""

from routers.row import Refused, Row, settings
from routers.specs import by_sum, sigmoid, sigmoid_bias


ROWS = [
    Row("deepseek_v4.DeepseekV4HashRouter", "DeepseekV4Config", settings(
        {"scoring_func": ["sigmoid", "sqrtsoftplus"]},
        lambda values: sigmoid(by_sum(True, 1e-20)),
        lambda values: "ids from a table by token"), "DeepseekV4SparseMoeBlock", block_arguments=(0,),
        fixed=lambda e, k: dict(mlp_layer_types=["hash_moe", "hash_moe"], vocab_size=50, routed_scaling_factor=1.0),
        extra={"input_ids": 50}),
    Row("inkling.InklingTopkRouter", "InklingTextConfig", settings(
        {"route_scale": [1.0, 8.0]}, lambda values: sigmoid_bias(by_sum(), scaling=values["route_scale"]),
        lambda values: "one normalisation over selected and shared experts, and a learned scale"), "InklingMoE"),
    Refused("zaya.ZayaRouter", "ZayaConfig",
            "logits that aren't linear in the input, a state carried between layers, and a class that skips experts"),
    Refused("doge.DogeCDMoE", "DogeConfig", "an expert's logit as the sum of two keys' logits"),
    Refused("vitpose_backbone.VitPoseBackboneMoeMLP", "VitPoseBackboneConfig",
            "ids given from outside: the data set that an image is from"),
]
