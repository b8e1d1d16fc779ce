"""Artifacts that the fixtures don't show: overlapping strata, a bias part, undefined windows, and
what the published contract holds alone. Each takes a valid artifact; the summary is the caller's."""

import json
import random

import second_core as core
import second_edges
import second_keys


def copied(artifact):
    return json.loads(json.dumps(artifact))


def overlapping(artifact):
    """V2 with two windows of one layer in which strata overlap, and one without any margin."""
    a = copied(artifact)
    per_window = a["per_window"]
    for w in (8, 30, 31):
        for stratum in per_window.values():
            if "tokens" not in stratum:
                continue
            for metric, layers in stratum.items():
                layers["3"][w] = 0 if metric == "tokens" else None
        for name in ("c1_matched_interior", "c1_matched_interior_target"):
            per_window[name]["3"][w] = None
        for name in ("positions", "mean"):
            per_window["exact_random"]["3"][name][w] = None
        for layers in per_window["random_draws"].values():
            layers["3"][w] = None
    for layers in per_window["margins"].values():
        layers["3"][31] = None
    per_window["n_undefined"]["3"][31] = a["data"]["seq_len"] - 1
    a["null_reasons"] = {"per_window": "tied margins"}
    return a


def biased(artifact):
    """attention_router with a bias part, without the experts' comparison, and with one window that
    has no defined position."""
    a = copied(artifact)
    per_window, t, k = a["per_window"], a["data"]["seq_len"] - 1, a["gate_semantics"]["topk"]
    a["gate_semantics"]["logit_bias"] = True
    layers = list(per_window["signed_den"])
    for field, total in (("norm_share", None), ("signed_num", "signed_den"),
                         ("signed_num_varying", "signed_den_varying"),
                         ("margin_part", "margin_total")):
        parts = per_window[field]
        parts["bias"] = {layer: [v / 10 for v in parts["experts"][layer]] for layer in layers}
        for layer in layers:
            if total is None:
                parts["experts"][layer] = [v - v / 10 for v in parts["experts"][layer]]
            else:
                per_window[total][layer] = [sum(v) for v in zip(*(of[layer] for of in
                                                                  parts.values()))]
    a.pop("expert_similarity")
    layer, w = layers[-1], 5
    compared = per_window["agreement_positions"][layer][w]
    for name, value in per_window.items():
        if name in ("n_undefined", "agreement_positions"):
            value[layer][w] = t if name == "n_undefined" else 0
        elif layer in value:
            value[layer][w] = value[layer][w] if name == "published_ratio" else None
        else:
            for part in value.values():
                part[layer][w] = None
    for counts, amount in ((a["expert_counts"][layer], k * t),
                           (a["agreement_counts"][layer]["embedding_top1"], compared),
                           (a["agreement_counts"][layer]["rest_top1"], compared),
                           (a["agreement_counts"][layer]["embedding_topk"], k * compared),
                           (a["agreement_counts"][layer]["rest_topk"], k * compared)):
        counts[0] -= amount
    a["null_reasons"] = {"per_window": "no finite margin"}
    return a


def one_draw(artifact):
    """V2 whose random partners were drawn once, with an infinite gap in logits."""
    a = copied(artifact)
    a["random_draws"] = 1
    a["per_window"].pop("random_draws")
    a["per_window"]["margins"]["m_logit_mean"]["5"][7] = None
    for layer in a["summary"]["per_layer"].values():
        layer.pop("c2_draws")
        layer.pop("c2_unselected_draws")
    a["null_reasons"]["per_window.margins"] = "not finite"
    return a


def grouped(artifact):
    """V3 of a gate that keeps two of four groups of experts."""
    a = copied(artifact)
    a["gate_semantics"]["groups"], a["gate_semantics"]["groups_kept"] = 4, 2
    return a


def sparse(artifact):
    """V3 with a layer that only two windows define: many a replicate draws neither of them."""
    a = copied(artifact)
    per_window, t, k = a["per_window"], a["data"]["seq_len"] - 1, a["gate_semantics"]["topk"]
    for name, layers in per_window.items():
        layers["1"] = [v if w in (3, 90) else t if name == "n_undefined" else None
                       for w, v in enumerate(layers["1"])]
    experts = a["gate_semantics"]["experts"]
    each, more = divmod(2 * k * t, experts)
    a["expert_counts"]["1"] = [each + (e < more) for e in range(experts)]
    a["null_reasons"] = {"per_window": "no finite margin"}
    return a


def simulated(artifact, layer):
    """Windows of tokens (margin, disagreement, change) with tied margins; one has none."""
    rng = random.Random(layer)
    t = artifact["data"]["seq_len"] - 1
    return [[(m, rng.randint(0, 2) if rng.randint(0, 30) >= m else 0, rng.random())
             for m in (rng.randint(0, 25) for _ in range(0 if w == 11 else t))]
            for w in range(artifact["data"]["n_windows"])]


def near(window, q):
    """The tokens at or below the window's quantile, and that quantile."""
    if not window:
        return [], None
    threshold = sorted(m for m, _, _ in window)[core.rank(q, len(window)) - 1]
    return [token for token in window if token[0] <= threshold], threshold


def measured(tokens, t, of):
    """Arrays over windows by level: tokens, thresholds, masses, shares of the mass."""
    mass = [core.left_to_right(of(token) for token in window) for window in tokens]
    found = {"n_undefined": [t - len(window) for window in tokens], "mass": mass, "n_le": {},
             "m_thr": {}, "mass_le": {}, "share": {}}
    for q, fraction in second_edges.LEVELS:
        strata = [near(window, fraction) for window in tokens]
        part = [core.left_to_right(of(token) for token in window) for window, _ in strata]
        found["n_le"][q] = [len(window) for window, _ in strata]
        found["m_thr"][q] = [threshold for _, threshold in strata]
        found["mass_le"][q] = part
        found["share"][q] = [None if not window else p / m if m else 0
                             for window, p, m in zip(tokens, part, mass)]
    return found


def whole(values):
    return [int(v) for v in values]


def tied(artifact):
    """A test of an edge from b's side, with many tied margins and a window that has none."""
    a = copied(artifact)
    a["edge"]["direction"] = "BtoA"
    a["model"]["ckpt"], a["other"]["ckpt"] = a["edge"]["ckpt_b"], a["edge"]["ckpt_a"]
    a["family"] = {"family_name": "synthetic", "sha256": "0" * 64}
    t, layers = a["data"]["seq_len"] - 1, {}
    for member in ("per_window", "y_ref_B"):
        a.setdefault("null_reasons", {})[member] = "no finite margin"
    for number in a["layers"]:
        tokens = simulated(a, number)
        choice = measured(tokens, t, lambda token: float(token[1]))
        if a["test"] == "behavior_compression":
            change = measured(tokens, t, lambda token: token[2])
            for member, values in (("n_undefined", choice["n_undefined"]), ("n_le", choice["n_le"]),
                                   ("m_thr", choice["m_thr"]), ("mass_beh", change["mass"]),
                                   ("mass_beh_le", change["mass_le"]), ("F_beh", change["share"]),
                                   ("F_route", choice["share"])):
                a["per_window"][member][str(number)] = values
            continue
        margins = sorted(m for window in tokens for m, _, _ in window)
        edges = [margins[0]] + [margins[core.rank(core.Fraction(i, 10), len(margins)) - 1]
                                for i in range(1, 11)]
        bins = [[[token for token in window
                  if (i == 9 or token[0] < edges[i + 1]) and token[0] >= edges[i]]
                 for window in tokens] for i in range(10)]
        layers[str(number)] = {
            "n_undefined": choice["n_undefined"], "mass_per_window": whole(choice["mass"]),
            "n_le_per_window": choice["n_le"],
            "mass_le_per_window": {q: whole(v) for q, v in choice["mass_le"].items()},
            "m_thr_per_window": choice["m_thr"], "compression_F_per_window": choice["share"],
            "decile_edges": edges,
            "decile_sums_per_window": {
                "mass": [[sum(d for _, d, _ in window) for window in row] for row in bins],
                "tokens": [[len(window) for window in row] for row in bins]}}
    if layers:
        a["y_ref_B"] = {**a["y_ref_A"], "per_layer": layers}
        a["y_ref_A"] = None
    return a


def published_edge(artifact):
    """A test of an edge as another program would write it. It knows no undefined positions, so
    that its n_le and baseline are those of whole windows."""
    a = copied(artifact)
    for key in ("null_reasons", "numeric_profile", "program_version", "settings", "inputs",
                "tensors", "notes", "other", "model", "body_sha256"):
        a.pop(key, None)
    a["gate_semantics"] = {"topk": a["gate_semantics"]["topk"], "scores_dtype": "fp32"}
    for layer in (a["y_ref_A"]["per_layer"].values() if "y_ref_A" in a else ()):
        for member in list(layer):
            if member not in ("compression", "compression_F_per_window",
                              "compression_F_minus_q_ci95", "deciles"):
                layer.pop(member)
    if "per_window" in a:
        for member in ("n_undefined", "mass_beh", "mass_beh_le"):
            a["per_window"].pop(member)
    names = ("bootstrap", "F_route_by_layer", "F_beh_by_layer")
    a["summary"] = {name: a["summary"][name] for name in names if name in a["summary"]}
    return a


def published(artifact):
    """V2 or V3 as another program would write it: nothing beyond the published contract."""
    a = copied(artifact)
    keep = ("schema_version", "test", "model", "domain", "data", "gate_semantics", "layers",
            "verification", "strata_def", "controls", "per_window", "summary", "manifest")
    a = {key: a[key] for key in keep if key in a}
    a["model"].pop("moe_layers")
    a["gate_semantics"] = {"topk": a["gate_semantics"]["topk"], "scores_dtype": "fp32"}
    names = ("boundary", "interior", "boundary_random_e2", "interior_random_e2", "ovk_cf_mean",
             "swap_k_mean")
    a["per_window"] = {name: a["per_window"][name] for name in names if name in a["per_window"]}
    whole = a["data"]["seq_len"] - 1
    for name, value in a["per_window"].items():
        if "kappa_hidden_median" in value:
            a["per_window"][name] = {metric: value[metric] for metric in
                                     ("kappa_hidden_median", "kappa_target_median")}
        else:  # it knows no undefined positions
            for layer in value:
                value[layer] = [round(v * whole) / whole for v in value[layer]]
    summary = a["summary"]
    a["summary"] = {name: summary[name] for name in ("bootstrap", "per_layer", "max_jump",
                                                     "terminal_jump", "dominance_probability")
                    if name in summary}
    if "terminal_jump" in a["summary"]:
        a["summary"]["terminal_jump"].pop("probability")
    published_layer = ("kappa_hidden", "kappa_target", "random_e2_delta_hidden_boundary",
                       "random_e2_delta_target_boundary", "ovk_cf_mean", "ovk_cf_ci95")
    a["summary"]["per_layer"] = {layer: {key: v for key, v in of.items() if key in published_layer}
                                 for layer, of in a["summary"]["per_layer"].items()}
    return a


def published_family(artifact):
    """kl_edge_dominance as another program would write it, its base left out of the lists."""
    a = copied(artifact)
    keep = ("schema_version", "test", "family", "domains", "data", "edges", "per_window", "summary",
            "manifest")
    a = {key: a[key] for key in keep}
    a["family"].pop("sha256")
    a["family"]["ckpts"] = ["tuned", "aligned"]
    for arrays in a["per_window"].values():
        arrays.pop("loss")
        for of in arrays.values():
            of.pop("base")
    summary = a["summary"]
    intervals = ("D_delta_ci95", "L_delta_ci95")
    a["summary"] = {
        "bootstrap": summary["bootstrap"],
        "per_domain": {domain: {"D": of} for domain, of in summary["per_domain"].items()},
        "edges": {domain: {key: {name: edge[name] for name in intervals}
                           for key, edge in of.items()}
                  for domain, of in summary["edges"].items()}}
    return a


def published_bundle(artifact):
    """terminal_tracking as another program would write it, one of its scans published too."""
    a = copied(artifact)
    for member in ("body_sha256", "family", "notes", "program_version"):
        a.pop(member)
    a["summary"] = {}
    a["scans"][0] = published(a["scans"][0])
    return a


def by_layer(artifact, value):
    """{layer: value(key, window)} over the measured layers."""
    return {str(layer): [value(str(layer), w) for w in range(artifact["data"]["n_windows"])]
            for layer in artifact["layers"]}


def undefined_layer(artifact):
    """An audit whose last layer has no margin, which isn't required then, and whose first layer's
    margins are all equal."""
    a = copied(artifact)
    p, t, layer, n = a["per_window"], a["data"]["seq_len"] - 1, "5", a["data"]["n_windows"]
    a["verification"]["required_layers"] = a["layers"][:-1]
    for w in range(n):
        p["flipped_layers"]["tokens"][0][w] += p["onset"][layer][w]
        p["flipped_layers"]["tokens"][1][w] -= p["onset"][layer][w]
        if p["flipped_layers"]["tokens"][1][w] == 0:  # what the bin held belongs to the other now
            for name in ("kl_sum", "loss_delta_sum"):
                sums = p["flipped_layers"][name]
                sums[0][w], sums[1][w] = sums[0][w] + sums[1][w], 0
    gates, again = p["floor"]["gates"], p["floor"]["pass"]
    for of in (*p["mass"].values(), p["flips"], p["reordered"], p["reweighted"],
               *p["distance"].values(), p["depth_sum"], p["depth_n"], p["onset"],
               *p["bounds"].values(), *gates.values(), again["flips"], again["mass"]):
        of[layer] = [0] * n
    p["n_undefined"][layer], again["n_undefined"][layer] = [t] * n, [t] * n
    for of in p["forecasts"].values():
        of[layer] = [[] for _ in range(n)]
    for layers, name in ((("1", "5"), "set"), (("5",), "logit")):
        for key in layers:
            a["decile_edges"][name][key] = p["deciles"][name][key] = None
    reasons = a.setdefault("null_reasons", {})
    reasons["decile_edges"] = reasons["per_window.deciles"] = "no margins, or equal ones"
    return a


def stored_keys(artifact):
    """An audit of a model with equal gates against itself, its keys stored in one bit."""
    a = copied(artifact)
    a["settings"]["key_change"] = {
        "name": "1-bit keys", "step": "scored", "layers": [1, 2],
        "description": {"bits": 1, "scale": "key", "rule": "norm", "values": False, "fit": None}}
    a["edge"]["ckpt_b"] = a["other"]["ckpt"] = a["edge"]["ckpt_a"] + " (1-bit keys)"
    a["other"].update(inputs=a["inputs"], tensors=a["tensors"])
    return a


def stored_latents(artifact):
    """An audit of stored keys that are latents, with scales that are fitted on all documents."""
    a = copied(artifact)
    fit = {"documents": "all", "positions": 16, "sink_positions": 0}
    a["settings"]["key_change"].update(step="latent", description={
        "bits": 4, "scale": "head", "rule": "unbiased", "values": True, "fit": fit})
    return a


def nothing_listed(artifact):
    """An intervention that changes nothing."""
    a = copied(artifact)
    p, t, n = a["per_window"], a["data"]["seq_len"] - 1, a["data"]["n_windows"]
    a["intervention"] = a["settings"]["intervention"] = {"interventions": []}
    p["mass"] = p["changed"] = by_layer(a, lambda layer, w: 0)
    p["loss"], p["kl"], p["top1_equal"] = p["loss_plain"], [0] * n, [t] * n
    return a


def imposed(artifact):
    """Routes imposed on two layers, on one of them with weights."""
    a = copied(artifact)
    routes = [{"impose": {"ids_sha256": "09af" * 16, "weights_sha256": weights}}
              for weights in (None, "5b" * 32)]
    a["intervention"] = a["settings"]["intervention"] = {"interventions": [
        {"layer": 3, "expert": 1, "action": {"scale": 2}}, {"layer": 3, "action": routes[0]},
        {"layer": 5, "action": routes[1]}]}
    return a


def last_layer(artifact):
    """An intervention that no measured layer is above."""
    a = copied(artifact)
    p = a["per_window"]
    a["intervention"] = a["settings"]["intervention"] = {"interventions": [
        {"layer": 5, "expert": 1, "action": "force"},
        {"layer": 5, "expert": 2, "action": {"scale": 0.5}}]}
    for layer in ("1", "3"):
        p["mass"][layer] = p["changed"][layer] = [0] * a["data"]["n_windows"]
    return a


def heads_of(artifact):
    """(width, rotated columns, head) of every KV head."""
    for layer, heads in artifact["heads"].items():
        attention = artifact["attention"][layer]
        for head in heads:
            yield attention["width"], attention["rotated_columns"], head


def learned_of(head):
    return next(gauge for gauge in head["gauges"] if gauge["kind"] == "itq_cosine")


def unlearned(artifact):
    """kv_gauge with a head that has no learned gauge."""
    a = copied(artifact)
    head = next(iter(a["heads"].values()))[0]
    gauge = learned_of(head)
    for member in set(gauge) - {"kind", "number"}:
        gauge.pop(member)
    gauge["refused"] = "no keys in sample"
    head["noise"] = head["centring"][a["keys"]["centring"]] = None
    head["residual"] = []
    a.setdefault("null_reasons", {})["heads"] = "no learned gauge"
    return a


def scaled(sums, factor):
    """Sums of `factor` times as many keys."""
    for name in sums:
        sums[name] *= factor * factor if name == "channel_squares" else factor


def one_document(artifact):
    """kv_gauge of one document, which is fitted on: nothing is held out."""
    a = copied(artifact)
    p, data = a["per_window"], a["data"]
    data["doc_ids"] = [0] * data["n_windows"]
    a["units"] = {"count": 0, "of_window": [-1] * data["n_windows"]}
    for width, _, head in heads_of(a):
        before = head["fit_keys"]
        head["fit_keys"] = sum(p["keys"]) - head["fit_zero_keys"]
        head["sink_keys"] = head["sink_zero_keys"] = 0
        factor, nothing = head["fit_keys"] / before, {"keys": [], "cosines": []}
        for gauge in head["gauges"]:
            if "refused" in gauge:
                continue
            scaled(gauge["in_sample"], factor)
            scaled(gauge["held_out"], 0)
            scaled(gauge["sinks"], 0)
            gauge.update({name: [] for name in second_keys.FOUR_SUMS if name in gauge})
        head.update(keys=[], zero_keys=[])
        noise, every = head["noise"], sum(p["keys"])
        noise.update(nothing, fit_keys=every, random_cosines=[],
                     in_sample_cosines=noise["in_sample_cosines"] * every / noise["fit_keys"])
        for centred in head["centring"].values():
            centred.update(nothing, zero_keys=[], squared_norms=0, energy=0)
        own = head["centring"][a["keys"]["centring"]]
        own.update(fit_keys=head["fit_keys"],
                   in_sample_cosines=learned_of(head)["in_sample"]["cosines"])
        for row in head["residual"]:
            m = head["fit_keys"] + head["fit_zero_keys"]
            row["white_edge"] = row["rank"] / width * (1 + (width / m) ** 0.5) ** 2
    return a


def keyless(artifact):
    """kv_gauge of a model none of whose measured layers has any."""
    a = copied(artifact)
    a["without_keys"] = {str(layer): "Mamba-2" for layer in a["layers"]}
    a["verification"]["required_layers"] = []
    a["attention"], a["heads"], a["summary"]["per_layer"] = {}, {}, {}
    a.pop("null_reasons", None)
    return a


def before_rope(artifact):
    """kv_gauge of keys before RoPE, less their mean, in the gauges of the verdict alone."""
    a = copied(artifact)
    keys = a["keys"]
    before = keys["centring"]
    keys["step"], keys["centring"], keys["gauges"] = "normed", "dataset_mean", "verdict"
    for _, rotated, head in heads_of(a):
        centring, head["ceiling"] = head["centring"], None
        centring["dataset_mean"].pop("correction", None)
        centring["dataset_mean"], centring[before] = centring[before], centring["dataset_mean"]
        if rotated:
            centring["dataset_mean"]["correction"] = {"turning_share": 0.5, "rms": 2, "spread": 1}
        head["gauges"] = [gauge for gauge in head["gauges"]
                          if gauge["kind"] in second_keys.KINDS["verdict"]]
    a.setdefault("null_reasons", {})["heads"] = "no RoPE at this step"
    return a
