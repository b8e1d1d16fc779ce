"""What both sides of a case can be, and its allowance, in the second verifier (docs/artifacts.md
section 18.1)."""

import math

from second_slack_table import TINY, Least

SLACK = 1e-9
SIZE = (0.0, math.inf)


def near(one, other, scale=1.0):
    return abs(one - other) <= TINY * max(scale, abs(one), abs(other))


def inside(x, ends):
    slack = SLACK * (1 + abs(x))
    return ends[0] - slack <= x <= ends[1] + slack


def error(cosine):
    return 1 - cosine * cosine


def kept(cosine):
    return 2 * (1 - cosine)


def unbiased(cosine):
    return 1 / (cosine * cosine) - 1


# Bounds that follow from their values.
FOLLOWING = {
    ("JF-5", "least_to_kept"): lambda v: kept(math.sqrt(max(0.0, 1 - v))),
    ("JF-5", "kept_to_unbiased"): lambda v: unbiased(1 - v / 2) if v != 2 else math.inf,
    ("LH-3", "loss"): lambda v: error(1 - v)}


class Sides:
    """Numbers and ranges that a layer gives."""

    def __init__(self, s, layer):
        self.numbers = {"chosen": s.k / s.experts}
        self.ranges = {"size": SIZE, "share": (0.0, 1.0), "any": (-math.inf, math.inf),
                       "experts": (0, s.k)}
        if layer in s.attention:
            self.of_keys(1 / math.sqrt(s.attention[layer]["key_width"]), s.cases[layer])

    def of_keys(self, floor, cases):
        least, most = cases["JF-2"]
        low, high = floor, 1.0
        if least.tightest and most.tightest and not least.violated and not most.violated:
            low, high = least.tightest.bound, most.tightest.value
        self.numbers["floor"] = floor
        zero_keys, ratio = least.skipped, cases["MR-1"][0]
        pooled = (0.0, 1.0)
        if ratio.quantiles and not zero_keys and not ratio.violated and not ratio.without_share:
            pooled = (ratio.quantiles[0], ratio.tightest.value)
        self.ranges.update({
            "cosine": (low, high), "above_floor": (floor, 1.0), "square": (low * low, high * high),
            "error": (error(high), error(low)), "kept": (kept(high), kept(low)),
            "unbiased": (unbiased(high), unbiased(low)), "loss": (1 - high, 1 - low),
            "step": (0.75 * (1 - high), 0.75 * (1 - low)), "pooled": pooled,
            "pooled_error": (1 - pooled[1], 1 - pooled[0])})

    def constant(self, side):
        """Its number, None of another side."""
        return self.numbers.get(side) if isinstance(side, str) else (
            None if isinstance(side, tuple) else side)

    def possible(self, side, x):
        """Of a side of a case that holds."""
        if side == "flag":
            return x in (0, 1)
        if side == "experts" and x != math.floor(x):
            return False
        return inside(x, self.ranges[side] if isinstance(side, str) else side)


def allowed(kind, case):
    """Whether the allowance is that of the theorem."""
    if isinstance(kind, Least):
        return (kind.amount - TINY * kind.amount <= case.allowance <=
                kind.most + TINY * kind.most)
    if kind == "of_value":
        return case.value is None or 0 < case.allowance <= TINY * case.value * (1 + TINY)
    if isinstance(kind, str):
        if case.bound is None:
            return True
        kind = TINY * (case.bound + (kind == "one_and_bound"))
    return near(case.allowance, kind, 0)


def fits(sides, theorem, quantity, cases):
    case = cases.tightest
    if not allowed(quantity.allowance, case):
        return False
    for side, x in ((quantity.value, case.value), (quantity.bound, case.bound)):
        wanted = sides.constant(side)
        if x is None:
            continue
        if wanted is not None and not near(x, wanted):
            return False
        if wanted is None and not cases.violated and not sides.possible(side, x):
            return False
    following = FOLLOWING.get((theorem, quantity.name))
    if following is None or cases.violated:
        return True
    wanted = following(case.value)
    return abs(case.bound - wanted) <= SLACK * (1 + abs(wanted))


def mirrored(least, most):
    """Each quantity of JF-2 has the smallest share where the other has the largest."""
    if not least.quantiles or not most.quantiles or least.violated or most.violated:
        return True
    low, high = least.tightest.bound, most.tightest.value
    return (low <= high + TINY and
            near(least.quantiles[0], least.tightest.value / (high + TINY)) and
            near(most.quantiles[0], low / (1 + TINY)))


def one_bound(balance, overlap):
    """RG-2."""
    one, other = (of.tightest and of.tightest.bound for of in (balance, overlap))
    return one is None or other is None or near(one, other)
