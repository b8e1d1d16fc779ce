"""Scores of the forecasts of an audit in the second verifier. A level is (p, ((window, decisions,
flips), ...)): the decisions that were given the same probability of a flip."""

import math
from fractions import Fraction

import second_core as core

BINS = 10
LEAST_FLIPS = 100
DRAWS = 64
FLOOR = 1 / 128  # of the probabilities of which the logit is taken
NEAR_ONE = (0.8, 1.25)


def merged(parts):
    """Levels of several lists of levels, equal probabilities as one, ascending."""
    by_p = {}
    for levels in parts:
        for p, entries in levels:
            windows = by_p.setdefault(p, {})
            for w, decisions, flips in entries:
                before = windows.get(w, (0, 0))
                windows[w] = before[0] + decisions, before[1] + flips
    return tuple((p, tuple((w, *windows[w]) for w in sorted(windows)))
                 for p, windows in sorted(by_p.items()))


# ---- the logistic slope


def likelihood(levels, a, b):
    total = 0.0
    for x, n, f in levels:
        z = a + b * x
        total += f * z - n * (max(z, 0.0) + math.log1p(math.exp(-abs(z))))
    return total


def newton_step(levels, a, b):
    """The full step of both parameters; None where the curvature has no inverse."""
    ga = gb = haa = hab = hbb = 0.0
    for x, n, f in levels:
        z = a + b * x
        small = math.exp(-abs(z))
        share = (1.0 if z >= 0 else small) / (1 + small)
        residual, weight = f - n * share, n * small / ((1 + small) * (1 + small))
        ga += residual
        gb += residual * x
        haa += weight
        hab += weight * x
        hbb += weight * x * x
    divisor = haa * hbb - hab * hab
    if divisor <= 0:
        return None
    return (hbb * ga - hab * gb) / divisor, (haa * gb - hab * ga) / divisor


def separated(levels):
    with_flip = [x for x, _, f in levels if f]
    without = [x for x, n, f in levels if n > f]
    return (not with_flip or not without or levels[0][0] == levels[-1][0] or
            without[-1] <= with_flip[0] or with_flip[-1] <= without[0])


def slope(levels):
    """b of the likeliest logit P(flip) = a + b x of [(x, decisions, flips)], x ascending."""
    levels = [level for level in levels if level[1]]
    if not levels or separated(levels):
        return None
    a, b = 0.0, 1.0
    reached = likelihood(levels, a, b)
    for _ in range(100):
        step = newton_step(levels, a, b)
        if step is None:
            break
        da, db = step
        for _ in range(30):
            there = likelihood(levels, a + da, b + db)
            if there >= reached:
                break
            da, db = da / 2, db / 2
        else:
            there = likelihood(levels, a + da, b + db)
        a, b, reached = a + da, b + db, there
        if abs(da) + abs(db) <= 1e-10 * (1 + abs(b)):
            break
    return b


def logit(p):
    p = min(max(p, FLOOR), 1 - FLOOR)
    return math.log(p / (1 - p))


_columns = {}


def columns(n, replicates, seed):
    """By window, how often each replicate has it."""
    key = (n, replicates, seed)
    if key not in _columns:
        _columns[key] = list(zip(*core.count_table(n, replicates, seed)))
    return _columns[key]


def drawn(entries, at, replicates):
    """Of every replicate the decisions and the flips of one level."""
    decisions, flips = [0] * replicates, [0] * replicates
    for w, n, f in entries:
        decisions = [s + c * n for s, c in zip(decisions, at[w])]
        if f:
            flips = [s + c * f for s, c in zip(flips, at[w])]
    return decisions, flips


def slopes(levels, n, replicates, seed):
    """The slope and its interval."""
    clipped = merged([[(logit(p), entries) for p, entries in levels]])
    whole = slope([(x, sum(e[1] for e in entries), sum(e[2] for e in entries))
                   for x, entries in clipped])
    if whole is None:
        return None, None
    at = columns(n, replicates, seed)
    xs = [x for x, _ in clipped]
    pairs = [drawn(entries, at, replicates) for _, entries in clipped]
    found = [slope(list(zip(xs, decisions, flips)))
             for decisions, flips in zip(zip(*(d for d, _ in pairs)), zip(*(f for _, f in pairs)))]
    return whole, core.interval(found)


# ---- scores


def by_window(levels, n, of):
    """Sums over the levels, ascending."""
    sums = [0] * n
    for p, entries in levels:
        for w, decisions, flips in entries:
            sums[w] += of(p, decisions, flips)
    return sums


def ratio(top, bottom, settings):
    """Value, interval, replicates of a ratio of sums."""
    tops = core.bootstrap_sums(top, *settings)[0]
    bottoms = core.bootstrap_sums(bottom, *settings)[0]
    replicates = [a / b if b else None for a, b in zip(tops, bottoms)]
    whole = core.left_to_right(bottom)
    return core.left_to_right(top) / whole if whole else None, core.interval(replicates), replicates


def squared(p, decisions, flips):
    return flips * ((1 - p) * (1 - p)) + (decisions - flips) * (p * p)


def corrected(p, decisions, flips):
    return squared(p, decisions, flips) - decisions * (p * (1 - p)) / (DRAWS - 1)


def quantile_bins(levels):
    """The levels of each of ten bins with about as many decisions."""
    counts = [sum(e[1] for e in entries) for _, entries in levels]
    whole = sum(counts)
    edges = []
    for i in range(1, BINS):
        rank, passed = core.rank(Fraction(i, BINS), whole), 0
        for (p, _), count in zip(levels, counts):
            passed += count
            if passed >= rank:
                edges.append(p)
                break
    bins = [[] for _ in range(BINS)]
    for level in levels:
        bins[sum(edge <= level[0] for edge in edges)].append(level)
    return [levels for levels in bins if levels]


def moments(levels):
    """Decisions, flips and the sum of p."""
    decisions = flips = 0
    total = 0.0
    for p, entries in levels:
        n = sum(e[1] for e in entries)
        decisions += n
        flips += sum(e[2] for e in entries)
        total += p * n
    return decisions, flips, total


def reliability(levels, n, settings):
    """Rows of (p, f, interval of f, decisions)."""
    rows = []
    for inside in quantile_bins(levels):
        decisions, flips, total = moments(inside)
        ends = ratio(by_window(inside, n, lambda p, d, f: f),
                     by_window(inside, n, lambda p, d, f: d), settings)[1]
        rows.append((total / decisions, flips / decisions, ends, decisions))
    return rows


class Score:
    """What the levels of one forecast give by themselves."""

    def __init__(self, levels, draws, sloped, n, replicates, seed):
        settings = (replicates, seed)
        decisions, flips, total = moments(levels)
        self.decisions, self.flips, self.rows = decisions, flips, []
        self.mean_p = total / decisions if decisions else None
        self.mean_f = flips / decisions if decisions else None
        number = by_window(levels, n, lambda p, d, f: d)
        self.ratio = ratio(by_window(levels, n, lambda p, d, f: p * d),
                           by_window(levels, n, lambda p, d, f: f), settings)
        self.brier = ratio(by_window(levels, n, corrected if draws else squared), number, settings)
        self.slope = slopes(levels, n, replicates, seed) if sloped else (None, None)
        self.parts = None
        if decisions:
            self.rows = reliability(levels, n, settings)
            rel = sum(row[3] * (row[0] - row[1]) ** 2 for row in self.rows) / decisions
            res = sum(row[3] * (row[1] - self.mean_f) ** 2 for row in self.rows) / decisions
            unc = self.mean_f * (1 - self.mean_f)
            raw = sum(by_window(levels, n, squared)) / decisions
            self.parts = rel, res, unc, raw - (rel - res + unc)


_scores = {}


def score(levels, draws, sloped, n, settings):
    key = (levels, draws, sloped, n) + tuple(settings)
    if key not in _scores:
        if len(_scores) > 2000:
            _scores.clear()
        _scores[key] = Score(levels, draws, sloped, n, *settings)
    return _scores[key]


def skill(own, reference):
    """Value and interval of 1 - brier/brier of the reference."""
    def of(one, other):
        return None if one is None or not other else 1 - one / other
    return (of(own.brier[0], reference.brier[0]),
            core.interval(list(map(of, own.brier[2], reference.brier[2]))))


def within(ends, bounds):
    return ends is not None and bounds[0] <= ends[0] and ends[1] <= bounds[1]


def claim_score(j, path, own, f0, f1):
    """`f0` None: this is F0; `f1` None: this is F0 or F1."""
    claims = j.claims
    claims.exact(path + ["decisions"], own.decisions)
    claims.exact(path + ["flips"], own.flips)
    claims.near(path + ["mean_p"], own.mean_p)
    claims.near(path + ["mean_f"], own.mean_f)
    for name, found in (("ratio", own.ratio), ("brier", own.brier)):
        claims.near(path + [name, "rate"], found[0])
        claims.add(path + [name, "ci95"], "near_ends", found[1], "summary_interval")
    if f0 is None:
        claims.mean(path + ["slope"], None, "iterated_value")
    else:
        claims.add(path + ["slope", "value"], "iterated", own.slope[0], "iterated_value")
        claims.add(path + ["slope", "ci95"], "iterated_ends", own.slope[1], "iterated_value")
    informative = False
    for name, reference in (("skill_f0", f0), ("skill_f1", f1)):
        if reference is None:
            claims.mean(path + [name], None)
            continue
        value, ends = skill(own, reference)
        claims.near(path + [name, "value"], value)
        claims.add(path + [name, "ci95"], "near_ends", ends, "summary_interval")
        informative = name == "skill_f1" and ends is not None and ends[0] > 0
    for i, (p, f, ends, decisions) in enumerate(own.rows):
        at = path + ["reliability", i]
        claims.near(at + ["p"], p)
        claims.near(at + ["f"], f)
        claims.add(at + ["ci95"], "near_ends", ends, "summary_interval")
        claims.exact(at + ["n"], decisions)
    claims.append((path + ["reliability", len(own.rows)], "absent", 0, "summary_exact"))
    for name, value in zip(("rel", "res", "unc", "within"), own.parts or [None] * 4):
        claims.near(path + [name], value)
    enough = own.flips >= LEAST_FLIPS
    calibrated = within(own.ratio[1], NEAR_ONE) and (f0 is None or within(own.slope[1], NEAR_ONE))
    claims.exact(path + ["calibration"], "INSUFFICIENT" if not enough else
                 "CALIBRATED" if calibrated else "NOT_CALIBRATED")
    claims.exact(path + ["information"], "INSUFFICIENT" if not enough else
                 "INFORMATIVE" if informative else "NOT_INFORMATIVE")
