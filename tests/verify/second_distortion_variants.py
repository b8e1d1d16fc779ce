"""Artifacts of kv_distortion that the fixture doesn't show. Each takes a valid one; the summary is
the caller's."""

from second_distortion_reading import BOUNDS, DECILES, MEASUREMENTS, SUMS, sampled
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


def drawn_again(a):
    """Which sampled positions are sinks, and how many keys are fitted on."""
    data, keys, numbers = a["data"], a["keys"], {}
    drawn = [sampled(data["seq_len"], keys["positions"], data["seed"], w)
             for w in range(data["n_windows"])]
    sinks = [sum(position < keys["sink_positions"] for position in of) for of in drawn]
    a["per_window"].update(sinks=sinks, keys=[len(of) - s for of, s in zip(drawn, sinks)])
    parity = [numbers.setdefault(document, len(numbers)) % 2 for document in data["doc_ids"]]
    a["measured"]["fit_keys"] = sum(k for k, odd in zip(a["per_window"]["keys"], parity) if not odd)


def kept(a, wanted):
    """Without the codes that aren't wanted."""
    chosen = [wanted(code) for code in a["codes"]]
    for holder in (a, *a["per_window"]["attention"].values(),
                   *(head for heads in a["heads"].values() for head in heads)):
        holder["codes"] = [code for code, keep in zip(holder["codes"], chosen) if keep]
    a["summary"] = {"bootstrap": a["summary"]["bootstrap"]}
    reasons = {place: why for place, why in a.pop("null_reasons", {}).items()
               if not place.startswith("summary")}
    if reasons:
        a["null_reasons"] = reasons


def plain_codes(artifact):
    """Plain codes of the most bits alone."""
    a = copied(artifact)
    bits = a["keys"]["most_bits"]
    plain = a["codes"][0]
    a["keys"].update(codes="plain", coded_values=False, fewest_bits=bits)
    kept(a, lambda code: code == {**plain, "bits": bits})
    return a


def without_sinks(artifact):
    """Every position is coded."""
    a = copied(artifact)
    a["keys"]["sink_positions"] = 0
    drawn_again(a)
    for layer, of in a["per_window"]["attention"].items():
        for codes in (of["codes"], *(head["codes"] for head in a["heads"][layer])):
            for code in codes:
                if "refused" not in code:
                    code["sinks_exact"] = copied(code["all"])
    return a


def unfitted(artifact):
    """Windows so short that all positions are sinks: nothing is fitted on."""
    a = copied(artifact)
    a["keys"]["sink_positions"] = 64
    drawn_again(a)
    for layer, of in a["per_window"]["attention"].items():
        for codes in (of["codes"], *(head["codes"] for head in a["heads"][layer])):
            for c, code in enumerate(a["codes"]):
                if (code["scale"] != "key" or code["gauge"] == "itq_cosine" or
                        code["centring"] == "dataset_mean"):
                    codes[c] = {"refused": "nothing to fit on"}
    return a


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
