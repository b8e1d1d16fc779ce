"""The second verifier's judge of kv_gauge: what one bit per coordinate keeps of the keys of every
KV head, in many gauges. Reading and what the arrays imply of each other; the summary is
recomputed in second_key_claims.py."""

import math

import second_core as core
import second_key_claims
from second_sampled_keys import (LARGEST, STEPS, Sampled, count, counts, filled, given, numbers,
                                 one_of, part, stated, sums_of)
from second_verifier import MISSING, POSITIVE, SHARE, UNBOUNDED

CENTRINGS = ("raw", "key_dc", "dataset_mean")
COSTS = ("free", "online_log", "online_square", "codec")
RANDOM = {"signed_hadamard": "signed_hadamards", "rotation": "rotations"}
KINDS = {"verdict": ("identity", "signed_hadamard", "rotation", "itq_cosine"),
         "all": ("identity", "hadamard", "signed_hadamard", "rotation", "principal",
                 "principal_covariance", "principal_hadamard", "itq_cosine", "itq_pooled",
                 "itq_per_key", "givens", "torus", "plane_scaling", "foldable", "blocks")}
SEARCHED = ("itq_cosine", "itq_pooled", "itq_per_key", "givens")
BY_UNIT = ("identity", "itq_cosine")  # gauges with more than cosines of every unit
UNIT_SUMS = ("squared_norms", "sizes", "energy")
FOUR_SUMS = ("cosines",) + UNIT_SUMS
FIVE_SUMS = FOUR_SUMS + ("channel_squares",)
CURVATURE = ("asymmetry", "least_eigenvalue", "flattest", "steepest", "condition", "kink_ratio")
SHARES = ("keys_in_sample", "keys_held_out", "residual_in_sample", "residual_held_out")
ADDED = 1e-12  # cosines that add up, relative
SLACK = 1e-9  # other sums, and bounds


# ---- reading


class Keys(Sampled):
    """What an artifact says of its keys as a whole."""

    def __init__(self, j, root):
        self.parameters(j, part(j, root, "keys"))
        self.units(j, part(j, root, "units"))
        self.missing_layers(j, j.need(root, "without_keys"))
        if not j.sound():
            return  # what follows would only repeat it
        self.layers_of(j, root)
        self.windows_of(j, part(j, root, "per_window"))

    def parameters(self, j, at):
        self.step = one_of(j, j.need(at, "step"), STEPS)
        self.centring = one_of(j, j.need(at, "centring"), CENTRINGS)
        self.positions = count(j, at, "positions", 1, LARGEST)
        self.sink_positions = count(j, at, "sink_positions", 0, LARGEST)
        kinds = KINDS.get(one_of(j, j.need(at, "gauges"), KINDS), ())
        number = {kind: count(j, at, name, 0, LARGEST) for kind, name in RANDOM.items()}
        self.kinds = [(kind, number.get(kind, 1)) for kind in kinds]
        self.residual_rank = count(j, at, "residual_rank", 0, LARGEST)

    def attention_of(self, j, at):
        found, at = super().attention_of(j, at), at if isinstance(at, dict) else MISSING
        j.kind(j.need(at, "sinks"), bool)
        costs = j.need(at, "costs")
        if j.kind(costs, dict):
            for kind, _ in self.kinds:
                j.need(costs, kind)
            for kind, cost in costs.items():
                one_of(j, kind, KINDS["all"])
                one_of(j, cost, COSTS)
        return found

    def gauges(self):
        """(kind, number) in the order of the lists of gauges."""
        return ((kind, number) for kind, many in self.kinds for number in range(many))


class Head:
    """The numbers of one KV head."""

    def __init__(self, j, k, attention, at):
        self.width, self.rotated = attention["width"], attention["rotated_columns"]
        for name in ("fit_keys", "fit_zero_keys", "sink_keys", "sink_zero_keys"):
            setattr(self, name, count(j, at, name))
        self.keys, self.zero_keys = (counts(j, j.need(at, name), k.count)
                                     for name in ("keys", "zero_keys"))
        self.gauges_of(j, k, j.need(at, "gauges"))
        if not j.sound():
            return  # what follows rests on the gauges
        known = len(self.gauges) == sum(many for _, many in k.kinds)
        self.learned = next((g for g in self.gauges if g and g["kind"] == "itq_cosine"), None)
        fitted = self.learned is not None if known else None
        self.noise = self.noise_of(j, k, j.need(at, "noise"), fitted)
        self.centring_of(j, k, part(j, at, "centring"), fitted)
        self.residual_of(j, k, j.need(at, "residual"), fitted)
        self.ceiling_of(j, k, j.need(at, "ceiling"))

    def gauges_of(self, j, k, listed):
        self.gauges = []
        if not j.kind(listed, list):
            return
        if len(listed) != sum(many for _, many in k.kinds):
            j.bad("ranked_list")
            return
        for (kind, number), at in zip(k.gauges(), listed):
            if not j.kind(at, dict):
                return
            named, own = j.need(at, "kind"), j.integer(j.need(at, "number"), 0, LARGEST)
            if own is None or not j.kind(named, str):
                return
            if (named, own) != (kind, number):
                j.bad("ranked_list")
                return
            self.gauges.append(self.gauge_of(j, k, kind, at))

    def gauge_of(self, j, k, kind, at):
        """None of a refused one."""
        if "refused" in at:
            if j.kind(at["refused"], str) and not at["refused"]:
                j.bad("value_range")
            return None
        j.string(j.need(at, "made_of"))
        found = {"kind": kind}
        for name, sums in (("in_sample", FIVE_SUMS), ("held_out", FIVE_SUMS),
                           ("sinks", FOUR_SUMS)):
            found[name] = sums_of(j, part(j, at, name), sums)
        for name in ("cosines",) + UNIT_SUMS * (kind in BY_UNIT):
            found[name] = filled(j, j.need(at, name), k.count)
        if kind in SEARCHED:
            self.search_of(j, kind, at)
        return found

    def search_of(self, j, kind, at):
        path = j.need(at, "path")
        numbers(j, path, UNBOUNDED)
        if path == []:
            j.bad("array_length")
        if kind != "givens" or "trials" in at:
            numbers(j, j.need(at, "trials"), UNBOUNDED)
        one_of(j, j.need(at, "stop"), ("settled", "most_steps"))
        decay = j.need(at, "decay")
        stated(j, decay, ("geometric", "power", "rate", "points"))
        stated(j, j.need(at, "curvature"), CURVATURE)

    def noise_of(self, j, k, at, fitted):
        if not given(j, at, fitted):
            return None
        return {"fit_keys": count(j, at, "fit_keys"),
                "in_sample_cosines": j.number(j.need(at, "in_sample_cosines"), POSITIVE),
                "keys": counts(j, j.need(at, "keys"), k.count),
                "cosines": filled(j, j.need(at, "cosines"), k.count),
                "random_cosines": filled(j, j.need(at, "random_cosines"), k.count)}

    def centring_of(self, j, k, value, fitted):
        self.centring = {}
        for name in CENTRINGS:
            at, self.centring[name] = j.need(value, name), None
            if not given(j, at, fitted if name == k.centring else None):
                continue
            self.centring[name] = {
                "fit_keys": count(j, at, "fit_keys"),
                "in_sample_cosines": j.number(j.need(at, "in_sample_cosines"), POSITIVE),
                "keys": counts(j, j.need(at, "keys"), k.count),
                "zero_keys": counts(j, j.need(at, "zero_keys"), k.count),
                "cosines": filled(j, j.need(at, "cosines"), k.count),
                "squared_norms": j.number(j.need(at, "squared_norms"), POSITIVE),
                "energy": j.number(j.need(at, "energy"), POSITIVE)}
            if name == "dataset_mean" and k.step == "normed" and self.rotated:
                stated(j, j.need(at, "correction"), ("turning_share", "rms", "spread"), POSITIVE)
            elif name == "dataset_mean" and j.get(at, "correction") is not MISSING:
                j.bad("null_pattern")

    def residual_of(self, j, k, listed, fitted):
        self.residual = []
        if not j.kind(listed, list):
            return
        most = min(k.residual_rank, self.width)
        ranks = [1 << i for i in range(most.bit_length())]
        if listed and fitted is False:
            j.bad("null_pattern")
            return
        for i, at in enumerate(listed):
            if not j.kind(at, dict):
                return
            found = j.integer(j.need(at, "rank"), 1, LARGEST)
            if found is None:
                return
            if ranks[i:i + 1] != [found]:
                j.bad("ranked_list")
                return
            for name in SHARES:
                j.number(j.need(at, name), SHARE)
            for name in ("code_then_rank", "rank_then_code"):
                j.number(j.need(at, name), POSITIVE)
            self.residual.append(found)
        if listed and len(listed) < len(ranks):
            j.bad("ranked_list")

    def ceiling_of(self, j, k, at):
        self.ceiling = None
        due = k.step == "scored" and self.rotated > 0 and self.fit_keys > 0
        if given(j, at, due):
            self.ceiling = j.number(j.need(at, "resting_share"), SHARE)


# ---- relations between the numbers


def at_most(one, other):
    return one <= other * (1 + SLACK)


def cosines_fit(keys, width, cosines):
    """Every cosine lies in [1/sqrt(d), 1]."""
    return all(at_most(c, n) and at_most(n, c * math.sqrt(width))
               for n, c in zip(keys, cosines))


def energy_fits(width, squared_norms, energy):
    return at_most(squared_norms, energy) and at_most(energy, width * squared_norms)


def sums_fit(n, width, sums, counted=True):
    """Of n keys, none of them zero: what Cauchy and Schwarz allow. `counted`: n is right."""
    if (sums["energy"] > 0) != (n > 0):
        return False
    squares = sums["sizes"] * sums["sizes"]
    channels = sums.get("channel_squares")
    return (cosines_fit([n], width, [sums["cosines"]]) and
            energy_fits(width, sums["squared_norms"], sums["energy"]) and
            (not counted or at_most(squares, n * width * sums["squared_norms"])) and
            at_most(width * sums["squared_norms"], squares) and
            (channels is None or
             at_most(squares, width * channels) and at_most(channels, n * sums["energy"])))


def add_up(values, whole, slack):
    return abs(core.left_to_right(values) - whole) <= slack * abs(whole)


def check_counts(j, k, h):
    keys, sinks = k.summed(k.keys), k.summed(k.sinks)
    fits = (h.fit_keys + h.fit_zero_keys == keys[-1] and
            h.sink_keys + h.sink_zero_keys == sum(sinks[:-1]))
    for own in [h] + [of for of in h.centring.values() if of]:
        own_keys, zeros = ((own.keys, own.zero_keys) if own is h else
                           (own["keys"], own["zero_keys"]))
        fits = fits and [a + b for a, b in zip(own_keys, zeros)] == keys[:-1]
        fits = fits and (own is h or own["fit_keys"] <= keys[-1])
    if h.noise:  # as many keys, none of them zero
        fits = fits and h.noise["keys"] + [h.noise["fit_keys"]] == keys
    if not fits:
        j.bad("count_total")
    return fits


def check_gauge(j, h, gauge, counted):
    if not (sums_fit(h.fit_keys, h.width, gauge["in_sample"]) and
            sums_fit(sum(h.keys), h.width, gauge["held_out"], counted) and
            sums_fit(h.sink_keys, h.width, gauge["sinks"])):
        j.bad("share_total")
    if not cosines_fit(h.keys, h.width, gauge["cosines"]):
        j.bad("value_range")
        return
    by_unit = FOUR_SUMS if gauge["kind"] in BY_UNIT else FOUR_SUMS[:1]
    if by_unit == FOUR_SUMS and not all(
            sums_fit(n, h.width, {name: gauge[name][u] for name in FOUR_SUMS}, counted)
            for u, n in enumerate(h.keys)):
        j.bad("share_total")
    if not all(add_up(gauge[name], gauge["held_out"][name], ADDED if name == "cosines" else SLACK)
               for name in by_unit):
        j.bad("share_total")


def check_centring(j, h):
    for of in h.centring.values():
        if of is None:
            continue
        if not cosines_fit(of["keys"], h.width, of["cosines"]):
            j.bad("value_range")
        if not (cosines_fit([of["fit_keys"]], h.width, [of["in_sample_cosines"]]) and
                energy_fits(h.width, of["squared_norms"], of["energy"]) and
                (of["energy"] > 0) == any(of["keys"])):
            j.bad("share_total")


def check_copy(j, h, own):
    """The centring of the gauges repeats their numbers."""
    same = ((own["fit_keys"], own["keys"], own["zero_keys"], own["in_sample_cosines"],
             own["cosines"]) ==
            (h.fit_keys, h.keys, h.zero_keys, h.learned["in_sample"]["cosines"],
             h.learned["cosines"]))
    held_out = h.learned["held_out"]
    if not same or not all(abs(own[name] - held_out[name]) <= SLACK * held_out[name]
                           for name in ("squared_norms", "energy")):
        j.bad("share_total")


def check_head(j, k, h):
    counted = check_counts(j, k, h)
    for gauge in h.gauges:
        if gauge:
            check_gauge(j, h, gauge, counted)
    if h.noise and not all(cosines_fit(h.noise["keys"], h.width, h.noise[name])
                           for name in ("cosines", "random_cosines")):
        j.bad("value_range")
    if h.noise and not cosines_fit([h.noise["fit_keys"]], h.width,
                                   [h.noise["in_sample_cosines"]]):
        j.bad("share_total")
    check_centring(j, h)
    own = h.centring[k.centring]
    if counted and own and all(cosines_fit(h.keys, h.width, cosines)
                               for cosines in (own["cosines"], h.learned["cosines"])):
        check_copy(j, h, own)


def kv_gauge(j, root):
    k = Keys(j, root)
    if not j.sound():
        return
    heads = k.read_heads(j, lambda attention, at: Head(j, k, attention, at))
    if not j.sound():
        return
    for of in heads.values():
        for h in of:
            check_head(j, k, h)
    if j.sound():
        second_key_claims.claim(j, k, heads)
