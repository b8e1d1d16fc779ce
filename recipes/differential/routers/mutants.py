"""Specs that differ from a given one in a single field and decide otherwise, so that a comparison must notice them."""


def turned(spec: dict) -> list[tuple[str, dict]]:
    """(what was turned, the other spec). Left out is what changes nothing:
    - a softmax over the selected logits is the softmax over all, divided by its sum
    - without a selection bias, sigmoids and softmaxes rank as logits do
    - without a selection bias the selected softmaxes sum to 1/E or more, where an epsilon is lost
    """
    made = []

    def turn(what: str, **fields) -> None:
        made.append((what, spec | fields))

    weighs_scores = spec["weigh"] == "scores"
    if spec["selection_bias"]:
        turn("selection_bias", selection_bias=False)
    if weighs_scores:
        turn("score", score="sigmoid" if spec["score"] == "softmax" else "softmax")
        if spec["normalise"] == "no":
            turn("weigh", weigh="selected_softmax")
    elif spec["weigh"] == "sparsemixer":
        turn("weigh", weigh="selected_softmax", epsilon=0.0)
        turn("epsilon", epsilon=spec["epsilon"] * 2)
    else:
        other = "selected_sigmoid" if spec["weigh"] == "selected_softmax" else "selected_softmax"
        if other == "selected_sigmoid" or spec["normalise"] == "no":
            turn("weigh", weigh=other)
        if spec["selection_bias"]:
            turn("score", score="sigmoid")
    if spec["weigh"] not in ("selected_softmax", "sparsemixer"):
        if spec["normalise"] == "no":
            turn("normalise", normalise="by_sum")
        else:
            turn("normalise", normalise="no", epsilon=0.0)
    if spec["normalise"] != "no" and spec["epsilon"] and (spec["selection_bias"] or spec["score"] == "sigmoid"):
        turn("epsilon", epsilon=spec["epsilon"] * 1e6)
        turn("epsilon's rule", normalise="by_sum", epsilon=0.0)
    if spec["groups"] > 1:
        turn("groups", groups=1, groups_kept=1, group_score="none")
        turn("groups_kept", groups_kept=spec["groups_kept"] + 1)
        turn("group_score", group_score="max" if spec["group_score"] == "top2_sum" else "top2_sum")
    if spec["per_expert_scale"]:
        turn("per_expert_scale", per_expert_scale=False)
    turn("scaling", scaling=spec["scaling"] * 1.001)
    return made
