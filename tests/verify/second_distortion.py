"""The second verifier's judge of kv_distortion: what the numbers of heads and windows imply of each
other (docs/artifacts.md section 17.1). The summary is recomputed in
second_distortion_claims.py."""

import math

import second_core as core
import second_distortion_claims
from second_distortion_reading import (BOUNDS, DECILES, MEASUREMENTS, PLAIN, SUMS, Distortion,
                                       Head)

SLACK, LOOSE = 1e-9, 1e-6
PINSKER = 1e-5  # a divergence is a difference of logarithms: a small one is uncertain
ALLOWANCE = 1e-9
FARTHEST = 1 + 2e-9  # the largest error, in the spread of the values, where no bound is broken
CHAINS = (("B1", "B2"), ("B2", "B3"), ("B3", "B4"), ("B3", "B5"))


def at_most(one, other, slack=SLACK):
    return one - other <= slack * max(abs(one), abs(other))


def near(one, other):
    return at_most(one, other) and at_most(other, one)


def check_record(j, cases, width, of):
    """Of as many cases."""
    if any(of[bound] > cases for bound in BOUNDS) or any(of[one] > of[other]
                                                         for one, other in CHAINS):
        j.bad("count_total")
    if of["variation"] > cases:
        j.bad("value_range")
    if not cases and any(of[name] for name in SUMS):
        j.bad("share_total")
    distance = math.sqrt(cases * of["divergence"] / 2) + PINSKER * cases
    if not (at_most(of["forecast"] * of["forecast"], cases * of["forecast_squares"], LOOSE) and
            at_most(of["score_squares"], width * of["isotropic_squares"], LOOSE) and
            at_most(of["variation"], distance, 0)):
        j.bad("share_total")


def window(record, w):
    return {name: values[w] for name, values in record.items()}


# ---- windows


def check_cases(j, d, layer):
    windows, attention = d.windows[layer], d.attention[layer]
    for cases, trivial, asked in zip(windows.cases, windows.trivial, d.asked):
        alone = len(asked) if attention["window"] == 1 else asked.count(0)
        if (cases + trivial != attention["heads"] * len(asked) or
                trivial < attention["heads"] * alone):
            j.bad("count_total")


def check_windows(j, d, layer):
    windows = d.windows[layer]
    check_cases(j, d, layer)
    for of in windows.codes:
        for name in MEASUREMENTS if of else ():
            for w, cases in enumerate(windows.cases):
                check_record(j, cases, d.attention[layer]["width"], window(of[name], w))
        if of and not d.sink_positions and of["all"] != of["sinks_exact"]:
            j.bad("share_total")


# ---- heads


def check_errors(j, cases, code, of):
    median, p95, largest = (of.errors[name] for name in ("median", "p95", "largest"))
    total, excess = of.record["error"], of.excess
    fits = (median <= (p95 if cases > 2 else largest) and p95 <= largest <= total and
            at_most(total, cases * largest))
    fits = fits and max(excess.values()) <= largest
    fits = fits and all(excess[other] <= excess[one] + SLACK for one, other in CHAINS)
    fits = fits and min(excess["B1"], excess["B2"]) >= -1 - SLACK
    if not code["values"]:
        fits = fits and (largest <= FARTHEST or excess["B1"] > ALLOWANCE)
    if not fits:
        j.bad("value_range")
    most = of.record["variation"] + cases * max(0.0, excess["B1"])
    if not code["values"] and total > most + SLACK * cases:
        j.bad("share_total")


def check_deciles(j, cases, of):
    forecast, error = (of.deciles[name] for name in ("forecast", "error"))
    sizes = [(i + 1) * cases // DECILES - i * cases // DECILES for i in range(DECILES)]
    largest = of.errors["largest"] or 0.0
    if not (near(core.left_to_right(forecast), of.record["forecast"]) and
            near(core.left_to_right(error), of.record["error"]) and
            all(at_most(e, n * largest) and (n or not f)
                for f, e, n in zip(forecast, error, sizes)) and
            at_most(of.record["product"], largest * of.record["forecast"])):
        j.bad("share_total")
    means = [f / n for f, n in zip(forecast, sizes) if n]
    if not all(map(at_most, means, means[1:])):
        j.bad("ranked_list")


def check_nulls(j, cases, of):
    alike = cases == 1 or not of.record["error"] or not of.record["forecast"]
    if (alike and of.rank is not None or
            cases and any(of.record[bound] and not of.tightness[bound] for bound in BOUNDS)):
        j.bad("null_pattern")


def check_measurement(j, cases, width, code, of):
    check_record(j, cases, width, of.record)
    check_deciles(j, cases, of)
    check_nulls(j, cases, of)
    if any(ends and ends[0] > ends[1] for ends in of.tightness.values()):
        j.bad("value_range")
    if cases:
        check_errors(j, cases, code, of)


def repeats(one, other):
    """Whether two measurements state the same numbers."""
    return core.canonical(one.stated) == core.canonical(other.stated)


def check_code(j, d, head, width, code, of):
    for name in MEASUREMENTS:
        check_measurement(j, head.cases, width, code, of[name])
    if not d.sink_positions and not repeats(of["all"], of["sinks_exact"]):
        j.bad("share_total")
    shrinks = ["value"] if code["values"] else []
    if all(code[name] == PLAIN[name] for name in ("scale", "rule", "centring", "gauge")):
        shrinks.append("key")
    if not all(at_most(of[name], head.energy[name], LOOSE) for name in shrinks):
        j.bad("share_total")


def check_head(j, d, layer, head):
    attention, positions = d.attention[layer], sum(map(len, d.asked))
    if head.cases + head.trivial != attention["heads"] // attention["kv_heads"] * positions:
        j.bad("count_total")
    for code, of in zip(d.codes, head.codes):
        if of:
            check_code(j, d, head, attention["width"], code, of)


# ---- heads and windows


def may_be_refused(d, code):
    """Whether a code can be refused, and whether it has to be."""
    fitted = (code["scale"] != "key" or code["gauge"] == "itq_cosine" or
              code["centring"] == "dataset_mean")
    if fitted and not d.fit_keys:
        return True, True
    return code["gauge"] != "identity", False


def check_refusals(j, d, layer, heads):
    for c, code in enumerate(d.codes):
        refused = {of.codes[c] is None for of in (d.windows[layer], *heads)}
        may, must = may_be_refused(d, code)
        if len(refused) > 1 or (True in refused and not may) or (False in refused and must):
            j.bad("null_pattern")


def check_hadamard(j, d):
    """A width has such matrices or it has none."""
    for c, code in enumerate(d.codes):
        if code["gauge"] != "signed_hadamard":
            continue
        refused = {}
        for layer in d.layers:
            refused.setdefault(d.attention[layer]["width"], set()).add(
                d.windows[layer].codes[c] is None)
        if any(len(found) > 1 for found in refused.values()):
            j.bad("null_pattern")


def check_sums(j, d, layer, heads):
    """Heads and windows add up to the same."""
    windows = d.windows[layer]
    for name in ("cases", "trivial"):
        if sum(getattr(head, name) for head in heads) != sum(getattr(windows, name)):
            j.bad("count_total")
    for c, of in enumerate(windows.codes):
        if of is None or any(head.codes[c] is None for head in heads):
            continue
        for measurement in MEASUREMENTS:
            records = [head.codes[c][measurement].record for head in heads]
            if any(sum(record[bound] for record in records) != sum(of[measurement][bound])
                   for bound in BOUNDS):
                j.bad("count_total")
            if not all(near(core.left_to_right(record[name] for record in records),
                            core.left_to_right(of[measurement][name])) for name in SUMS):
                j.bad("share_total")


def kv_distortion(j, root):
    d = Distortion(j, root)
    if not j.sound():
        return
    heads = d.read_heads(j, lambda _, at: Head(j, d, at))
    if not j.sound():
        return
    check_hadamard(j, d)
    for layer in d.layers:
        check_refusals(j, d, layer, heads[layer])
        check_windows(j, d, layer)
        for head in heads[layer]:
            check_head(j, d, layer, head)
        check_sums(j, d, layer, heads[layer])
    if j.sound():
        second_distortion_claims.claim(j, d, heads)
