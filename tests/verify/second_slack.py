"""The second verifier's judge of theorem_slack: what the numbers of cases imply of each other, and
the summary that they give (docs/artifacts.md section 18)."""

import math

import second_slack_sides as sides
from second_slack_reading import BINS, NUMBERS, QUANTILES, Slack
from second_slack_table import TABLE
from second_verifier import MISSING

NEAR = 1e-12
# Quantities that skip the zero keys alone, and those that skip more.
OF_KEYS = ("GI-4", "JF-1", "JF-2", "JF-3", "JF-4", "JF-5", "JF-6", "AD-4")
OF_SOME_KEYS = (("IF-6",), ("LH-1", "LH-3", "LH-6"), ("DC-6",))
OF_HEADS = ("JF-7", "MR-1", "RR-1", "RR-2", "RR-3", "RR-4", "GS-1", "GS-2", "GS-5", "GS-6")
OF_CONTEXTS = ("GI-6", "RC-7")
SKIP_NONE = ("GI-1", "DC-1", "AD-1", "AD-2", "AD-3", "KR-1", "RG-2", "RG-7")


def skipped(s, layer, theorems, unit):
    """Of the quantities of a unit."""
    return [of.skipped for theorem in theorems
            for quantity, of in zip(TABLE[theorem], s.cases[layer].get(theorem, ()))
            if quantity.unit == unit]


def check_skipped(j, s, layer):
    def bad_if(wrong):
        if wrong:
            j.bad("count_total")

    cases = s.cases[layer]
    bad_if(any(of.skipped for theorem in SKIP_NONE for of in cases.get(theorem, ())))
    if "RG-5" in cases and "RG-6" in cases:
        bad_if(cases["RG-5"][0].skipped != cases["RG-6"][0].skipped)
    if layer not in s.attention:
        return
    zero_keys = skipped(s, layer, OF_KEYS, "key")
    bad_if(len(set(zero_keys)) > 1)
    for theorems in OF_SOME_KEYS:
        found = skipped(s, layer, theorems, "key")
        bad_if(len(set(found)) > 1 or any(n < zero_keys[0] for n in found))
    heads = skipped(s, layer, OF_HEADS, "head")
    bad_if(any(n > zero_keys[0] // s.rows for n in heads) or len(set(heads)) > 1)
    planes = s.attention[layer]["key_width"] // 2
    bad_if(any(n != planes * heads[0] for n in skipped(s, layer, OF_HEADS, "head_plane")))
    contexts = skipped(s, layer, OF_CONTEXTS, "context")
    bad_if(any(n > zero_keys[0] // s.positions for n in contexts) or len(set(contexts)) > 1)
    bad_if(len(set(skipped(s, layer, ("DC-5",), "head"))) > 1)


def check_counts(j, candidates, of):
    """Whether they add up, without which the rest means nothing."""
    if (of.cases + of.skipped != candidates or
            of.violated + of.without_share + of.shares != of.cases):
        j.bad("count_total")
        return False
    return True


def check_quantiles(j, of):
    """Whether there are some exactly where there are shares."""
    if (of.quantiles is None) != (not of.shares):
        j.bad("null_pattern")
        return False
    if of.quantiles is None:
        return True
    ranks = [max(1, -(-q * of.shares // (QUANTILES - 1))) for q in range(QUANTILES)]
    for i, (rank, value) in enumerate(zip(ranks, of.quantiles)):
        below, bin_of = 0, 0
        while below + of.histogram[bin_of] < rank:
            below += of.histogram[bin_of]
            bin_of += 1
        fits = min(BINS - 1, math.floor(BINS * value)) == bin_of
        if i:
            before = of.quantiles[i - 1]
            fits = fits and (before == value if ranks[i - 1] == rank else before <= value)
        if not fits:
            j.bad("slack_quantiles")
    return True


def check_place(s, quantity, of):
    """Whether the place is one of the unit, the first where all cases are alike."""
    place, alike = of.tightest.place, not (of.violated or of.skipped or of.shares)
    if quantity.unit == "token":
        return place[0] % s.positions in s.queries and (not alike or place[0] == s.queries[0])
    return not (alike and any(place))


def check_tightest(j, s, quantity, of):
    case = of.tightest
    if (case is None) != (not of.cases):
        j.bad("null_pattern")
    if case is None or not of.cases:
        return
    if None in (case.value, case.bound) and not of.violated:
        j.bad("null_pattern")
        return
    if (case.holds != (not of.violated) or case.within(quantity.relation) != case.holds or
            not check_place(s, quantity, of)):
        j.bad("tightest_case")
        return
    share = case.share(quantity.relation)
    if case.used is None and share is not None:
        j.bad("null_pattern")
        return
    fits = case.used is None if share is None else abs(case.used - share) <= NEAR * max(1.0, share)
    if not of.violated:
        fits = fits and case.used == (of.quantiles[-1] if of.quantiles else None)
    if not fits:
        j.bad("tightest_case")


def check_layer(j, s, layer):
    for theorem, listed in s.cases[layer].items():
        for quantity, of in zip(TABLE[theorem], listed):
            if (check_counts(j, s.candidates(layer, quantity.unit), of) and
                    check_quantiles(j, of)):
                check_tightest(j, s, quantity, of)
    check_skipped(j, s, layer)
    if j.sound():
        check_sides(j, s, layer)


def check_sides(j, s, layer):
    cases, of_layer = s.cases[layer], sides.Sides(s, layer)
    for theorem, listed in cases.items():
        for quantity, of in zip(TABLE[theorem], listed):
            if of.tightest and not sides.fits(of_layer, theorem, quantity, of):
                j.bad("case_sides")
    for theorem, alike in (("JF-2", sides.mirrored), ("RG-2", sides.one_bound)):
        if theorem in cases and not alike(*cases[theorem]):
            j.bad("case_sides")


# ---- the summary


def total(listed, name):
    return sum(getattr(of, name) for of in listed)


def largest_of(s, theorem):
    """(largest share, layer, name), the first by layer and quantity; three None without any."""
    best = (None, None, None)
    for layer, cases in s.cases.items():
        for quantity, of in zip(TABLE[theorem], cases.get(theorem, ())):
            if of.quantiles and (best[0] is None or of.quantiles[-1] > best[0]):
                best = (of.quantiles[-1], layer, quantity.name)
    return best


def claim_list(j, path, values):
    """Of an array, which an empty object isn't."""
    value = j.get(j.root, *path)
    if value is MISSING:
        j.bad("member_present")
    elif j.kind(value, list):
        j.claims.listed(path, values)


def claim_theorem(j, s, theorem):
    path = ["summary", "per_theorem", theorem]
    if not j.kind(j.get(j.root, *path), dict):
        j.need(j.root["summary"]["per_theorem"], theorem)
        return
    layers = [cases[theorem] for cases in s.cases.values() if theorem in cases]
    every = [of for listed in layers for of in listed]
    j.claims.exact(path + ["layers"], len(layers))
    for name in NUMBERS:
        j.claims.exact(path + [name], total(every, name))
    j.claims.listed(path + ["histogram"], [sum(of.histogram[i] for of in every)
                                           for i in range(BINS)])
    used, layer, name = largest_of(s, theorem)
    j.claims.mean(path + ["largest_used"], used)
    if used is None:
        j.claims.exact(path + ["tightest"], None)
        return
    j.claims.exact(path + ["tightest", "layer"], layer)
    j.claims.exact(path + ["tightest", "name"], name)


def claim_layer(j, s, layer):
    path, cases = ["summary", "per_layer", str(layer)], s.cases[layer]
    if not j.kind(j.get(j.root, *path), dict):
        j.need(j.root["summary"]["per_layer"], str(layer))
        return
    every = [of for listed in cases.values() for of in listed]
    j.claims.exact(path + ["theorems"], len(cases))
    for name in ("cases", "violated"):
        j.claims.exact(path + [name], total(every, name))
    claim_list(j, path + ["broken"], [theorem for theorem, listed in cases.items()
                                      if total(listed, "violated")])


def block_of(j, root, name, keys, check):
    """Whether a block of the summary has no others than these members."""
    value = j.need(root["summary"], name)
    if not j.kind(value, dict):
        return False
    if not set(value) <= set(keys):
        j.bad(check)
        return False
    return True


def claim(j, s, root):
    if block_of(j, root, "per_theorem", TABLE, "theorem_list"):
        for theorem in TABLE:
            claim_theorem(j, s, theorem)
    if block_of(j, root, "per_layer", map(str, s.cases), "layer_arrays"):
        for layer in s.cases:
            claim_layer(j, s, layer)
    claim_verdict(j, s)
    if not j.sound():
        j.compare(root)  # what is there


def claim_verdict(j, s):
    by_theorem = {theorem: [of for cases in s.cases.values() for of in cases.get(theorem, ())]
                  for theorem in TABLE}
    every = [of for listed in by_theorem.values() for of in listed]
    cases, violated = total(every, "cases"), total(every, "violated")
    path = ["summary", "verdict"]
    outcome = "BROKEN" if violated else "HOLDS" if cases else "DEGENERATE"
    j.claims.exact(path + ["outcome"], outcome)
    j.claims.exact(path + ["theorems"], sum(total(listed, "cases") > 0
                                            for listed in by_theorem.values()))
    j.claims.exact(path + ["cases"], cases)
    j.claims.exact(path + ["violated"], violated)
    claim_list(j, path + ["broken"], [theorem for theorem, listed in by_theorem.items()
                                      if total(listed, "violated")])
    j.verdict = outcome


def theorem_slack(j, root):
    s = Slack(j, root)
    if not j.sound():
        return
    for layer in j.layers:
        check_layer(j, s, layer)
    if j.sound():
        claim(j, s, root)
