"""The second verifier's judge of key_only_router: what the numbers of a layer imply of each other
(docs/artifacts.md section 20.1). The summary is recomputed in second_router_keys_claims.py."""

import math

import second_router_keys_claims
from second_router_keys_reading import Prediction

ANGLE_SLACK = 1e-9


def check_geometry(j, layer):
    of = layer.geometry
    if of is None:
        return
    if of["rank"] == layer.residual_width and of["eta"]:
        j.bad("value_range")
    angles, eta = of["angles"], of["eta"]
    if any(one > other for one, other in zip(angles, angles[1:])):
        j.bad("ranked_list")
    if not angles or eta is None:
        return
    first, last = (math.sin(angle) ** 2 for angle in (angles[0], angles[-1]))
    if (eta < first - ANGLE_SLACK or
            of["directions"] <= of["rank"] and eta > last + ANGLE_SLACK):
        j.bad("share_total")


def check_truth(j, p, layer):
    for chosen, rows in ((layer.fitted_chosen, p.fitted_rows), (layer.test_chosen, p.tested)):
        if sum(chosen) != j.k * rows or max(chosen) > rows:
            j.bad("count_total")
    if sum(layer.margin_rows) != p.tested:
        j.bad("count_total")


def width_of(layer, features):
    if features in ("none", "token"):
        return 0
    if features in ("keys", "signs"):
        return layer.dimensions
    if features == "keys_values":
        return layer.kv_heads * (layer.key_width + layer.value_width)
    return layer.residual_width


def budgets(j):
    return [min(j.e, j.k << b) for b in range(3)]


def counts_fit(j, rows, common, exact, top1, hits, alike):
    """Of a unit; `alike`: whether the smallest budget finds what the gate finds."""
    k = j.k
    return (k * exact <= common <= k * rows and exact <= rows and
            common - k * exact <= (k - 1) * (rows - exact) and top1 <= min(common, rows) and
            hits[0] <= hits[1] <= hits[2] <= k * rows and
            all(found == k * rows for found, budget in zip(hits, budgets(j)) if budget == j.e) and
            (not alike or hits[0] == common))


def check_entry(j, p, layer, of):
    k = j.k
    if of.width != width_of(layer, of.names[0]):
        j.bad("value_range")
    alike = j.groups == 1 or of.names[0] == "none"
    units = zip(p.rows, of.common, of.exact, of.top1, zip(*of.hits))
    if (not all(counts_fit(j, *unit, alike) for unit in units) or
            of.choosing_common > k * p.choosing_rows or
            sum(of.margin_common) != sum(of.common) or
            any(common > k * rows for common, rows in zip(of.margin_common, layer.margin_rows))):
        j.bad("count_total")
    if of.mass is not None and not all(exact <= mass <= rows for exact, mass, rows in
                                       zip(of.exact, of.mass, p.rows)):
        j.bad("share_total")


def check_best_set(j, layer):
    """What the experts find that were chosen most often."""
    of = layer.entries[0]
    if of.error != layer.energy:
        j.bad("share_total")
    order = sorted(range(j.e), key=lambda expert: (-layer.fitted_chosen[expert], expert))

    def found(number):
        return sum(layer.test_chosen[expert] for expert in order[:number])
    if sum(of.common) != found(j.k) or any(sum(hits) != found(budget) for hits, budget in
                                           zip(of.hits, budgets(j))):
        j.bad("count_total")


def check_missing(j, layer):
    """Features that a layer can't have."""
    missing = []
    if layer.number == j.moe_layers[0]:
        missing.append("previous")
    if layer.latent_width:
        missing.append("keys_values")
    for features in missing:
        reasons = {of.refused for of in layer.of_features(features)}
        if None in reasons:
            j.bad("null_pattern")
        elif len(reasons) > 1:
            j.bad("value_range")


def check_ceiling(j, p, layer):
    for lower, upper, rows in zip(*layer.ceiling.values(), p.rows):
        if lower > upper or upper > rows:
            j.bad("share_total")


def check_layer(j, p, layer):
    check_geometry(j, layer)
    check_truth(j, p, layer)
    there = [of for of in layer.entries if of.refused is None]
    for of in there:
        check_entry(j, p, layer, of)
    if len({of.mass is None for of in there}) > 1:
        j.bad("null_pattern")
    check_best_set(j, layer)
    check_missing(j, layer)
    if layer.ceiling:
        check_ceiling(j, p, layer)


def key_only_router(j, root):
    p = Prediction(j, root)
    if not j.sound():
        return
    for layer in p.of.values():
        check_layer(j, p, layer)
    if j.sound():
        second_router_keys_claims.claim(j, p)
