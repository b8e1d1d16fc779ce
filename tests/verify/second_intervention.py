"""The second verifier's judge of intervention: what masking, forcing or scaling experts, or
imposing routes, changes in one model."""

import second_core as core
from second_core import difference
from second_verifier import MISSING, POSITIVE, is_int, is_number

DIRECTION = "p_intervened||p_plain"


# ---- what both comparisons of routes share


def rate(j, path, top, bottom):
    """The block of a ratio of sums; names of its members as rates have them."""
    j.ratio_block(path, top, bottom, ("rate", "ci95"))


def defined_means(j, value, bounds):
    """Window values none of which is undefined."""
    values = j.windows(value, j.n, bounds) if value is not MISSING else [None] * j.n
    if isinstance(value, list) and None in value:
        j.bad("null_pattern")
    return values


def window_counts(j, value, most):
    """Counts by window, [0]*n where they are not."""
    found = j.counts(value, j.n, most) if value is not MISSING else []
    return found if len(found) == j.n else [0] * j.n


def summed(rows):
    return list(map(sum, zip(*rows)))


# ---- the list


ACTIONS = ("mask", "force", "scale", "impose")
LARGEST_FP32 = float.fromhex("0x1.fffffep127")


def action_of(value):
    """Its name; None for what is no action."""
    if isinstance(value, str):
        return value if value in ("mask", "force") else None
    if isinstance(value, dict) and list(value) == ["scale"]:
        factor = value["scale"]
        fits = is_number(factor) and abs(factor) <= LARGEST_FP32
        return "scale" if fits and not isinstance(factor, (core.MinusZero,
                                                           core.MinusZeroInt)) else None
    return None


def is_digest(value):
    return isinstance(value, str) and len(value) == 64 and not set(value) - set("0123456789abcdef")


def imposes(value):
    """Whether an action imposes routes, with weights or without."""
    routes = value["impose"] if isinstance(value, dict) and list(value) == ["impose"] else None
    return (isinstance(routes, dict) and set(routes) == {"ids_sha256", "weights_sha256"} and
            is_digest(routes["ids_sha256"]) and
            (routes["weights_sha256"] is None or is_digest(routes["weights_sha256"])))


def row_of(j, row):
    """(layer, rank of the action, expert), None where that is no row of this model."""
    if isinstance(row, dict) and set(row) == {"layer", "action"}:  # of all its experts
        fits = is_int(row["layer"]) and row["layer"] in j.moe_layers and imposes(row["action"])
        return (int(row["layer"]), ACTIONS.index("impose"), -1) if fits else None
    if not isinstance(row, dict) or set(row) != {"layer", "expert", "action"}:
        return None
    layer, expert, action = row["layer"], row["expert"], action_of(row["action"])
    fits = (is_int(layer) and layer in j.moe_layers and is_int(expert) and 0 <= expert < j.e and
            action is not None)
    return (int(layer), ACTIONS.index(action), int(expert)) if fits else None


def fits_model(j, rows):
    """Ascending, no masked expert twice, and a choice of k left in every layer."""
    if any(one >= other for one, other in zip(rows, rows[1:])):
        return False
    for at in {layer for layer, _, _ in rows}:
        masked, forced, scaled, imposed = (
            {e for layer, rank, e in rows if (layer, rank) == (at, action)} for action in range(4))
        if masked & (forced | scaled) or len(masked) > j.e - j.k or len(forced) > j.k:
            return False
        if imposed and masked | forced:
            return False
    return True


def listed_layers(j, root):
    """The layers of the list, ascending."""
    own = j.need(root, "intervention")
    stated = j.need(j.need(root, "settings"), "intervention")
    if MISSING in (own, stated):
        return []
    listed = own.get("interventions") if isinstance(own, dict) and len(own) == 1 else None
    rows = [row_of(j, row) for row in listed] if isinstance(listed, list) else [None]
    if None in rows or not fits_model(j, rows):
        j.bad("intervention_stated")
    if core.canonical(own) != core.canonical(stated):
        j.bad("intervention_stated")
    return [row[0] for row in rows if row]


# ---- the test


def intervention(j, root):
    t = j.seq - 1
    layers = listed_layers(j, root)
    direction = j.need(root, "kl_direction")
    if j.kind(direction, str) and direction != DIRECTION:
        j.bad("value_range")
    per_window = j.need(root, "per_window")
    plain, loss, kl = (defined_means(j, j.need(per_window, name), POSITIVE)
                       for name in ("loss_plain", "loss", "kl"))
    top1 = window_counts(j, j.need(per_window, "top1_equal"), t)
    mass = j.layered(j.need(per_window, "mass"), (0, j.k * t), True)
    changed = j.layered(j.need(per_window, "changed"), (0, t), True)
    if not j.sound():
        return
    for layer in j.layers:
        for m, c in zip(mass[layer], changed[layer]):
            if not c <= m <= j.k * c:
                j.bad("count_total")
    if not j.sound():
        return
    for layer in j.layers:
        before = layers and layer < layers[0]
        if (before or not layers) and any(mass[layer] + changed[layer]):
            j.bad("intervention_stated")
    same = (not any(any(of[layer]) for of in (mass, changed) for layer in j.layers) and
            not any(kl) and loss == plain and top1 == [t] * j.n)
    if not layers and not same:
        j.bad("intervention_stated")
    if not j.sound():
        return
    claim_intervention(j, layers, (plain, loss, kl, top1, mass, changed), same)
    j.verdict = "REPORTED"


def claim_routes(j, path, mass, changed, decisions):
    whole = [j.k * n for n in decisions]
    rate(j, path + ["overlap"], [w - m for w, m in zip(whole, mass)], whole)
    rate(j, path + ["changed"], changed, decisions)


def claim_intervention(j, layers, arrays, same):
    plain, loss, kl, top1, mass, changed = arrays
    t = [j.seq - 1] * j.n
    j.claims.exact(["summary", "outcome"], "UNCHANGED" if same else "CHANGED")
    for name, values in (("loss_plain", plain), ("loss", loss),
                         ("loss_delta", difference(loss, plain)), ("kl", kl)):
        j.mean_block(["summary", name], values)
    rate(j, ["summary", "top1"], top1, t)
    for layer in j.layers:
        claim_routes(j, ["summary", "per_layer", str(layer)], mass[layer], changed[layer], t)
    above = [layer for layer in j.layers if layers and layer > layers[0]]
    if above:
        claim_routes(j, ["summary", "downstream"], summed(mass[layer] for layer in above),
                     summed(changed[layer] for layer in above), [len(above) * n for n in t])
    else:
        j.claims.mean(["summary", "downstream"], None)
    j.claims.exact(["summary", "verdict"], "REPORTED")
