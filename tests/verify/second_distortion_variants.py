"""Artifacts of kv_distortion that the fixtures don't show. Each takes a valid one; the summary is
the caller's."""

from second_distortion_reading import BOUNDS, DECILES, MEASUREMENTS, SUMS
from second_variants import copied

ORDERED = ("median", "p95", "largest", "relative")


def measurements(artifact, layer):
    """(index of the code, measurement, record) of the windows of a layer, then of each head."""
    listed = [artifact["per_window"]["attention"][layer]["codes"]]
    listed += [head["codes"] for head in artifact["heads"][layer]]
    for codes in listed:
        for c, code in enumerate(codes):
            for name in MEASUREMENTS if "refused" not in code else ():
                yield c, name, code[name]


def broken(artifact):
    """A bound that a head breaks."""
    a = copied(artifact)
    layer = max(a["heads"])
    last = a["heads"][layer][-1]["codes"][0]["sinks_exact"]
    last["excess"]["B1"] = min(1e-6, last["errors"]["largest"])
    return a


def alone(artifact):
    """A layer in which a query sees its own key only: no cases."""
    a = copied(artifact)
    layer = min(a["heads"])
    attention, windows = a["attention"][layer], a["per_window"]["attention"][layer]
    attention["window"], queries = 1, [len(at) for at in a["measured"]["positions"]]
    windows["cases"] = [0 for _ in queries]
    windows["trivial"] = [attention["heads"] * q for q in queries]
    for head in a["heads"][layer]:
        head["cases"] = 0
        head["trivial"] = attention["heads"] // attention["kv_heads"] * sum(queries)
    for _, _, of in measurements(a, layer):
        arrays = isinstance(of["error"], list)
        of.update({name: [0] * len(queries) if arrays else 0 for name in SUMS})
        of["vacuous"] = {bound: [0] * len(queries) if arrays else 0 for bound in BOUNDS}
        if not arrays:
            of["errors"], of["rank_correlation"] = dict.fromkeys(ORDERED), None
            of["excess"], of["tightness"] = dict.fromkeys(BOUNDS), dict.fromkeys(BOUNDS)
            of["deciles"] = {name: [0] * DECILES for name in ("forecast", "error")}
    a.setdefault("null_reasons", {})["heads"] = "no cases"
    return a


def two_documents(artifact):
    """One document is fitted on, one is held out."""
    a = copied(artifact)
    numbers = {}
    a["data"]["doc_ids"] = [numbers.setdefault(document, len(numbers)) % 2
                            for document in a["data"]["doc_ids"]]
    a["measured"]["documents"] = [0 for _ in a["measured"]["documents"]]
    return a


def forecasts_scaled(artifact, c, factor):
    """Other forecasts of one code, in place."""
    for layer in artifact["heads"]:
        for index, _, of in measurements(artifact, layer):
            if index != c:
                continue
            for name, by in (("forecast", factor), ("product", factor),
                             ("forecast_squares", factor * factor)):
                value = of[name]
                of[name] = [v * by for v in value] if isinstance(value, list) else value * by
            if "deciles" in of:
                of["deciles"]["forecast"] = [v * factor for v in of["deciles"]["forecast"]]
