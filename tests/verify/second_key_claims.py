"""The summary of kv_gauge in the second verifier (docs/artifacts.md section 16.2). A statistic is
(estimate, replicates), each None where it is undefined; it is of a head, of a layer, of the
model."""

import math
import operator

import second_core as core
from second_core import interval, left_to_right
from second_key_replicates import average, claim_block, drawn_sums, quotient, ratio, undefined

MARGIN = 0.01
BELOW, ABOVE = 0.919, 0.965  # the published range
CENTRINGS = ("raw", "key_dc", "dataset_mean")
RANDOM = ("signed_hadamard", "rotation")
BLOCKS = ("learned", "random", "advantage", "noise_advantage", "excess")
AGGREGATES = ("mean_cosine", "beta_per_key", "beta_per_channel", "beta_pooled")
ANCHORS = (("gaussian_mse_1bit", 0.3634), ("gaussian_mse_2bit", 0.1175),
           ("published_random", 0.7979), ("published_beta", 0.7016))
LEAST_WINDOWS, LEAST_REPLICATES, LEAST_DOCUMENTS, LEAST_KEYS_PER_WIDTH = 200, 200, 20, 50


# ---- of replicates


def minus(one, other):
    def less(a, b):
        return None if a is None or b is None else a - b
    return less(one[0], other[0]), list(map(less, one[1], other[1]))


def spread(values):
    """Their sample standard deviation."""
    values = [v for v in values if v is not None]
    if len(values) < 2:
        return None
    center = left_to_right(values) / len(values)
    return math.sqrt(left_to_right((v - center) * (v - center) for v in values) /
                     (len(values) - 1))


# ---- words


def outcome_of(ends):
    if ends is None:
        return "INCONCLUSIVE"
    if -MARGIN < ends[0] and ends[1] < MARGIN:
        return "EQUIVALENT"
    return "SUPERIOR" if ends[0] > 0 else "INFERIOR" if ends[1] < 0 else "INCONCLUSIVE"


def place_of(ends):
    if ends is None:
        return "undecided"
    if ends[1] < BELOW:
        return "below"
    if ends[0] > ABOVE:
        return "above"
    return "within" if BELOW <= ends[0] and ends[1] <= ABOVE else "undecided"


def sentence_of(outcome, places):
    if outcome in ("EQUIVALENT", "INFERIOR"):
        return "no_advantage"
    if outcome != "SUPERIOR":
        return "undecided"
    if {"within", "above"} & set(places):
        return "learned_rotations"
    return "smaller_advantage" if set(places) == {"below"} else "undecided"


def range_of(cosine):
    return "below" if cosine < BELOW else "above" if cosine > ABOVE else "within"


# ---- a head


class HeadStatistics:
    def __init__(self, j, h):
        self.head = h
        self.defined = h.learned is not None and any(h.keys)
        self.of = {name: undefined(j) for name in BLOCKS}
        random, keys = [g for g in h.gauges if g and g["kind"] in RANDOM], sum(h.keys)
        chosen = [g["cosines"] for g in random]
        self.random_spread = spread([quotient(g["held_out"]["cosines"], keys) for g in random])
        mean = [left_to_right(values) / len(chosen) for values in zip(*chosen)]
        if chosen:
            self.of["random"] = ratio(j, mean, h.keys)
        if h.learned:
            self.of["learned"] = ratio(j, h.learned["cosines"], h.keys)
        if h.learned and chosen:
            self.of["advantage"] = ratio(j, list(map(operator.sub, h.learned["cosines"], mean)),
                                         h.keys)
        if h.noise:
            gain = list(map(operator.sub, h.noise["cosines"], h.noise["random_cosines"]))
            self.of["noise_advantage"] = ratio(j, gain, h.noise["keys"])
        self.of["excess"] = minus(self.of["advantage"], self.of["noise_advantage"])
        self.centred = {name: ratio(j, of["cosines"], of["keys"]) if of else undefined(j)
                        for name, of in h.centring.items()}
        self.keys_per_width = h.fit_keys / h.width


def aggregates(n, width, sums):
    if n == 0:
        return [None] * len(AGGREGATES)
    energy = sums["energy"]
    return [sums["cosines"] / n, sums["squared_norms"] / energy,
            quotient(sums["channel_squares"], n * energy),
            quotient(sums["sizes"] * sums["sizes"], n * width * energy)]


def claim_aggregates(j, path, n, width, sums):
    for name, value in zip(AGGREGATES, aggregates(n, width, sums)):
        j.claims.mean(path + [name], value)


def pooled_ends(j, h, gauge):
    sizes, keys, energy = (drawn_sums(values, *j.draws)
                           for values in (gauge["sizes"], h.keys, gauge["energy"]))
    return interval([quotient(s * s, n * h.width * e) for s, n, e in zip(sizes, keys, energy)])


def claim_gauges(j, path, h):
    for i, gauge in enumerate(h.gauges):
        at = path + [i]
        if gauge is None:
            j.claims.exact(at, None)
            continue
        claim_aggregates(j, at + ["in_sample"], h.fit_keys, h.width, gauge["in_sample"])
        claim_aggregates(j, at + ["held_out"], sum(h.keys), h.width, gauge["held_out"])
        j.claims.interval(at + ["ci95"], interval(ratio(j, gauge["cosines"], h.keys)[1]))
        if "sizes" in gauge:
            per_key = ratio(j, gauge["squared_norms"], gauge["energy"])[1]
            j.claims.interval(at + ["ci95_beta_per_key"], interval(per_key))
            j.claims.interval(at + ["ci95_beta_pooled"], pooled_ends(j, h, gauge))
    j.claims.append((path + [len(h.gauges)], "absent", 0, "summary_exact"))


def claim_centring_effect(j, path, raw, other):
    """Whether centring lowers the absolute error."""
    if not raw or not other or not raw["energy"] or not other["energy"]:
        j.claims.exact(path, None)
        return
    number = sum(raw["keys"]) + sum(raw["zero_keys"])
    eta = 1 - other["energy"] / raw["energy"]
    errors = [(of["energy"] - of["squared_norms"]) / number for of in (raw, other)]
    beta = raw["squared_norms"] / raw["energy"]
    j.claims.mean(path + ["eta"], eta)
    for name, error in zip(("raw_error", "centred_error"), errors):
        j.claims.mean(path + [name], error)
    j.claims.mean(path + ["needed_beta"], quotient(beta - eta, 1 - eta))
    j.claims.exact(path + ["helps"], errors[1] < errors[0])


def claim_formulas(j, path, h):
    """What of the stated numbers of a head has a formula."""
    fitted, d = h.fit_keys + h.fit_zero_keys, h.width
    for i, rank in enumerate(h.residual):
        at = path + ["residual", i]
        j.claims.near(at + ["bits"], 1 + 16 * (rank + 1) / d)
        edge = rank / d * (1 + math.sqrt(d / fitted)) ** 2 if fitted else None
        j.claims.near(at + ["white_edge"], edge)
    if h.ceiling is not None:
        cosine = math.sqrt(h.ceiling + 8 / math.pi ** 2 * (1 - h.ceiling))
        j.claims.near(path + ["ceiling", "cosine"], cosine)


def claim_head(j, path, own):
    h = own.head
    for name in BLOCKS:
        claim_block(j, path + [name], own.of[name])
    for name in CENTRINGS:
        claim_block(j, path + ["centred", name], own.centred[name])
    j.claims.near(path + ["random_spread"], own.random_spread)
    j.claims.mean(path + ["keys_per_width"], own.keys_per_width)
    claim_gauges(j, path + ["gauges"], h)
    reached = quotient(h.noise["in_sample_cosines"], h.noise["fit_keys"]) if h.noise else None
    j.claims.mean(path + ["noise_in_sample"], reached)
    for name in CENTRINGS[1:]:
        claim_centring_effect(j, path + ["dc5", name], h.centring["raw"], h.centring[name])


# ---- layers and the model


class Statistics:
    """Of a layer or of the model: means of those below."""

    def __init__(self, j, parts):
        self.of = {name: average(j, [part.of[name] for part in parts]) for name in BLOCKS}
        self.centred = {name: average(j, [part.centred[name] for part in parts])
                        for name in CENTRINGS}
        self.ends = interval(self.of["advantage"][1])
        self.places = {name: place_of(interval(of[1])) for name, of in self.centred.items()}


def claim_blocks(j, path, statistics):
    """What a layer and the model have alike."""
    for name in BLOCKS:
        claim_block(j, path + [name], statistics.of[name])
    j.claims.exact(path + ["excess", "outcome"], outcome_of(interval(statistics.of["excess"][1])))
    for name in CENTRINGS:
        at = path + ["centred", name]
        claim_block(j, at, statistics.centred[name])
        j.claims.exact(at + ["place"], statistics.places[name])


def claim_layer(j, layer, width, heads):
    """Its statistics; None without a defined head."""
    path, defined = ["summary", "per_layer", str(layer)], [h for h in heads if h.defined]
    own = Statistics(j, defined)
    j.claims.exact(path + ["width"], width)
    gamma = math.exp(math.lgamma(width / 2) - math.lgamma((width + 1) / 2))
    j.claims.near(path + ["gaussian_cosine"], math.sqrt(width / math.pi) * gamma)
    j.claims.near(path + ["gaussian_beta"], 2 / math.pi + (1 - 2 / math.pi) / width)
    j.claims.exact(path + ["defined_heads"], len(defined))
    j.claims.mean(path + ["keys_per_width"], min(h.keys_per_width for h in heads))
    claim_blocks(j, path, own)
    outcome = outcome_of(own.ends)
    j.claims.exact(path + ["advantage", "outcome"], outcome)
    j.claims.exact(path + ["sentence"], sentence_of(outcome, own.places.values()))
    for i, head in enumerate(heads):
        claim_head(j, path + ["heads", i], head)
        claim_formulas(j, ["heads", str(layer), i], head.head)
    j.claims.append((path + ["heads", len(heads)], "absent", 0, "summary_exact"))
    return own if defined else None


def cells(heads):
    found = dict.fromkeys(("below", "within", "above"), 0)
    for head in heads:
        cosines = [of[0] for of in head.centred.values() if of[0] is not None]
        if head.defined and cosines:
            found[range_of(max(cosines))] += 1
    return found


def z_of(outcome, advantage):
    estimate, error = advantage[0], spread(advantage[1])
    if outcome == "DEGENERATE" or estimate is None or not error:
        return None
    of = {"SUPERIOR": estimate / error, "INFERIOR": -estimate / error,
          "EQUIVALENT": min((MARGIN - estimate) / error, (MARGIN + estimate) / error)}
    z = max(of.values()) if outcome == "INCONCLUSIVE" else of[outcome]
    return z if math.isfinite(z) else None


def claim_replication(j, units, z):
    check, path = "convergence_numbers", ["summary", "replication"]
    j.claims.near(path + ["z"], z, check)
    j.claims.near(path + ["replication"], None if z is None else core.NORMAL.cdf(z - 1.96), check)
    needed = units * (3.242 / z * (3.242 / z)) if z is not None and z > 0 else 9e15
    j.claims.exact(path + ["n_for_90"], math.ceil(needed) if needed < 9e15 else None, check)
    j.claims.exact(path + ["unit"], "document")


def claim_anchors(j):
    path = ["summary", "anchors"]
    for name, value in ANCHORS:
        j.claims.mean(path + [name], value)
    j.claims.interval(path + ["published_learned"], [BELOW, ABOVE])


def claim_verdict(j, k, model, outcome, heads):
    path = ["summary", "verdict"]
    j.claims.mean(path + ["margin"], MARGIN)
    j.claims.exact(path + ["outcome"], outcome)
    j.claims.exact(path + ["sentence"], sentence_of(outcome, model.places.values()))
    claim_blocks(j, path, model)
    for name, number in cells(heads).items():
        j.claims.exact(path + ["cells", name], number)
    j.claims.mean(path + ["keys_per_width"], min((h.keys_per_width for h in heads), default=None))
    j.claims.exact(path + ["fitted_documents"], k.fitted_documents)
    claim_replication(j, k.count, z_of(outcome, model.of["advantage"]))


def claim(j, k, heads):
    """Claims the summary and gives the verdict."""
    claim_anchors(j)
    by_layer = {layer: [HeadStatistics(j, h) for h in of] for layer, of in heads.items()}
    layers = [claim_layer(j, layer, k.attention[layer]["width"], of)
              for layer, of in by_layer.items()]
    model = Statistics(j, [own for own in layers if own])
    every = [h for of in by_layer.values() for h in of]
    whole = bool(every) and all(h.defined for h in every)
    outcome = outcome_of(model.ends) if whole else "DEGENERATE"
    claim_verdict(j, k, model, outcome, every)
    enough = (j.n >= LEAST_WINDOWS and j.B >= LEAST_REPLICATES and
              min(k.count, k.fitted_documents) >= LEAST_DOCUMENTS and
              min((h.keys_per_width for h in every), default=0) >= LEAST_KEYS_PER_WIDTH)
    j.verdict = outcome if enough or not whole else "INSUFFICIENT"
