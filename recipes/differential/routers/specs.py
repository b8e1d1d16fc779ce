"""GateSpecs as gate_filter reads them, without experts and top_k. Fields: docs/gates.md."""

PLAIN = dict(logit_bias=False, score="softmax", selection_bias=False, groups=1, groups_kept=1, group_score="none",
             weigh="scores", normalise="no", epsilon=0.0, scaling=1.0, per_expert_scale=False, shared_experts=0)


def spec(*parts: dict) -> dict:
    """OLMoE's, with the fields of the parts, the last one winning."""
    made = dict(PLAIN)
    for part in parts:
        made |= part
    return made


def softmax(*parts: dict, **fields) -> dict:
    return spec(dict(score="softmax"), *parts, fields)


def sigmoid(*parts: dict, **fields) -> dict:
    return spec(dict(score="sigmoid"), *parts, fields)


def sigmoid_bias(*parts: dict, **fields) -> dict:
    return spec(dict(score="sigmoid", selection_bias=True), *parts, fields)


def selected_softmax(*parts: dict, **fields) -> dict:
    return spec(dict(score="logits", weigh="selected_softmax"), *parts, fields)


def selected_sigmoid(*parts: dict, **fields) -> dict:
    return spec(dict(score="logits", weigh="selected_sigmoid"), *parts, fields)


def sparsemixer(epsilon: float) -> dict:
    return spec(dict(score="logits", weigh="sparsemixer", epsilon=epsilon))


def by_sum(when: bool = True, epsilon: float = 0.0) -> dict:
    if not when:
        return {}
    return dict(normalise="by_sum_plus_epsilon" if epsilon else "by_sum", epsilon=epsilon)


def at_least(epsilon: float) -> dict:
    return dict(normalise="by_max_of_sum_and_epsilon", epsilon=epsilon)


def grouped(groups: int | None, kept: int | None, rule: str) -> dict:
    return {} if groups in (None, 1) else dict(groups=groups, groups_kept=kept, group_score=rule)
