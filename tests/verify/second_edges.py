"""The two tests of an edge in the second verifier: boundary_amplification and its control
behavior_compression (docs/artifacts.md)."""

import math
from fractions import Fraction

import second_core as core
from second_core import difference, interval, mean
from second_verifier import MISSING, POSITIVE, is_int, layer_key

UNIT = (0.0, 1.0)
LEVELS = (("q01", Fraction(1, 100)), ("q05", Fraction(1, 20)), ("q10", Fraction(1, 10)),
          ("q20", Fraction(1, 5)))
QS = [q for q, _ in LEVELS]
BINS = 10
MOST = 1e-12  # that a share may differ from the quotient of its counts


# ---- reading

def whole_windows(j, value, most):
    """Integers by window, [0]*n where they are not."""
    found = j.counts(value, j.n, most) if value is not MISSING else []
    return found if len(found) == j.n else [0] * j.n


def levels(j, value, read):
    if not j.kind(value, dict):
        return {q: [None] * j.n for q in QS}
    return {q: read(j.need(value, q)) for q in QS}


def counts_of(j, most):
    return lambda value: whole_windows(j, value, most)


def numbers_of(j, bounds):
    return lambda value: [None] * j.n if value is MISSING else j.windows(value, j.n, bounds)


def by_layer(j, value):
    """The values of an object that has exactly the measured layers as keys."""
    if not j.kind(value, dict):
        return {}
    if any(layer_key(key) not in j.layers for key in value):
        j.bad("layer_arrays")
    if any(str(layer) not in value for layer in j.layers):
        j.bad("layer_arrays")
    return {layer: value[str(layer)] for layer in j.layers if str(layer) in value}


def level_list(j, root):
    stated = j.need(root, "compression_qs")
    if j.kind(stated, list):
        if any(isinstance(v, bool) for v in stated) or stated != [0.01, 0.05, 0.1, 0.2]:
            j.bad("strata_quantiles")


def null_kind(j, root):
    j.string(j.need(j.need(root["summary"], "null"), "kind"))


# ---- checks that both tests share

def least_tokens(q, tokens):
    return core.rank(q, tokens) if tokens else 0


def undefined_where_empty(j, defined, values):
    if any((v is not None) != (t > 0) for q in QS for v, t in zip(values[q], defined)):
        j.bad("null_pattern")


def strata_fit(j, defined, n_le, m_thr):
    for i, (q, share) in enumerate(LEVELS):
        for w, t in enumerate(defined):
            count = n_le[q][w]
            fits = least_tokens(share, t) <= count <= t
            if i and t:
                before = QS[i - 1]
                if m_thr[q][w] < m_thr[before][w]:
                    j.bad("ranked_list")
                if m_thr[q][w] == m_thr[before][w]:
                    fits = fits and count == n_le[before][w]
                else:
                    fits = fits and count > n_le[before][w]
            if not fits:
                j.bad("strata_size")


def shares_fit(j, mass, mass_le, share):
    for q in QS:
        for whole, part, stated in zip(mass, mass_le[q], share[q]):
            if stated is not None and abs(stated - (part / whole if whole > 0 else 0)) > MOST:
                j.bad("share_total")


def steps(values, w, end):
    """What each stratum adds to the one below it, and all tokens to the largest stratum."""
    rising = [0] + [values[q][w] for q in QS] + [end]
    return [b - a for a, b in zip(rising, rising[1:])]


# ---- statistics that both tests share

def even_share(tokens, defined):
    return [n / t if t else None for n, t in zip(tokens, defined)]


def excesses(share, defined, n_le, mass):
    """Per level the share minus that of an even spread: published, tie-aware, and the latter
    without the windows that have no mass; and n_le/T_def."""
    found = {}
    for q, fraction in LEVELS:
        untied = even_share([least_tokens(fraction, t) for t in defined], defined)
        even = even_share(n_le[q], defined)
        tie_aware = difference(share[q], even)
        some = [x if m > 0 else None for x, m in zip(tie_aware, mass)]
        found[q] = {"published": difference(share[q], untied), "tie_aware": tie_aware,
                    "over_disagreeing": some, "even": even}
    return found


def published_excesses(j, share):
    t = j.seq - 1
    return {q: {"judged": [None if v is None else v - core.rank(fraction, t) / t
                           for v in share[q]]} for q, fraction in LEVELS}


def claim_excesses(j, path, excess):
    for q in QS:
        for name in ("published", "tie_aware", "over_disagreeing"):
            j.delta_block(path + [q, name], excess[q][name])


def above(j, excess, name):
    """Whether some level's interval lies above 0."""
    ends = [j.ci(excess[q][name]) for q in QS]
    return any(e is not None and e[0] > 0 for e in ends)


def deviation(values):
    if len(values) < 2:
        return None
    center = core.left_to_right(values) / len(values)
    return math.sqrt(core.left_to_right((v - center) * (v - center) for v in values) /
                     (len(values) - 1))


def unmoved(defined, mass):
    return sum(t > 0 and m == 0 for t, m in zip(defined, mass))


# ---- boundary_amplification

def reference(j, root):
    """The y_ref that the direction names, checked against what the artifact says elsewhere."""
    level_list(j, root)
    bins = j.need(root, "decile_bins")
    if bins is not MISSING and not (is_int(bins) and bins == BINS):
        j.bad("strata_quantiles")
    here, there = ("y_ref_A", "y_ref_B")[::1 if root["edge"]["direction"] == "AtoB" else -1]
    found, unused = j.need(root, here), j.need(root, there)
    if unused is not MISSING and unused is not None:
        j.bad("edge_direction")
    if j.kind(found, dict):
        k, fp32 = j.need(found, "k"), j.need(found, "scores_fp32")
        if k is not MISSING and not (is_int(k) and k == j.k):
            j.bad("gate_semantics")
        if fp32 is not MISSING and fp32 is not True:
            j.bad("gate_semantics")
        listed = j.need(found, "layers")
        if j.kind(listed, list) and not (all(map(is_int, listed)) and listed == j.layers):
            j.bad("layer_list")
    if j.full:
        null_kind(j, root)
    return here, found


def decile_counts(j, value, most):
    if not j.kind(value, list):
        return []
    if len(value) != BINS:
        j.bad("array_length")
        return []
    return [whole_windows(j, row, most) for row in value]


def decile_edges(j, value):
    if value is None or not j.kind(value, list):
        return None
    if len(value) != BINS + 1:
        j.bad("array_length")
        return None
    for i, v in enumerate(value):
        if not j.element(v, POSITIVE):
            return None
        if i and v < value[i - 1]:
            j.bad("ranked_list")
            return None
    return value


class Reference:
    """One layer of y_ref."""

    def __init__(self, j, at):
        t, most = j.seq - 1, (j.seq - 1) * j.k
        lost = whole_windows(j, j.need(at, "n_undefined"), t)
        self.defined = [t - n for n in lost]
        self.n_le = levels(j, j.need(at, "n_le_per_window"), counts_of(j, t))
        self.m_thr = levels(j, j.need(at, "m_thr_per_window"), numbers_of(j, POSITIVE))
        self.mass = whole_windows(j, j.need(at, "mass_per_window"), most)
        self.mass_le = levels(j, j.need(at, "mass_le_per_window"), counts_of(j, most))
        self.share = levels(j, j.need(at, "compression_F_per_window"), numbers_of(j, UNIT))
        sums = j.need(at, "decile_sums_per_window")
        self.bin_mass = decile_counts(j, j.need(sums, "mass"), most)
        self.bin_tokens = decile_counts(j, j.need(sums, "tokens"), t)
        self.edges = decile_edges(j, j.need(at, "decile_edges"))

    def nulls(self, j):
        undefined_where_empty(j, self.defined, self.m_thr)
        undefined_where_empty(j, self.defined, self.share)
        if (self.edges is not None) != (sum(self.defined) > 0):
            j.bad("null_pattern")

    def check(self, j):
        strata_fit(j, self.defined, self.n_le, self.m_thr)
        shares_fit(j, self.mass, self.mass_le, self.share)
        for w, (t, m) in enumerate(zip(self.defined, self.mass)):
            tokens, mass = steps(self.n_le, w, t), steps(self.mass_le, w, m)
            bins = [(a[w], b[w]) for a, b in zip(self.bin_mass, self.bin_tokens)]
            if (any(not 0 <= d <= j.k * n for d, n in zip(mass, tokens)) or
                    any(d > j.k * n for d, n in bins) or
                    (sum(d for d, _ in bins), sum(n for _, n in bins)) != (m, t)):
                j.bad("count_total")
        if self.edges is None:
            return
        margins, below = sum(self.defined), 0
        for i, row in enumerate(self.bin_tokens):
            # below: margins under the bin's upper edge, which is the rank-th smallest one
            last, tokens = i == BINS - 1, sum(row)
            below += tokens
            if not last and self.edges[i] == self.edges[i + 1]:
                fits = tokens == 0
            else:
                fits = (tokens > 0 and below >= core.rank(Fraction(i, BINS), margins) and
                        (last or below < core.rank(Fraction(i + 1, BINS), margins)))
            if not fits:
                j.bad("strata_size")


def profile(mass, tokens, k):
    """Disagreement of the bins that hold tokens."""
    return [m / (k * n) for m, n in zip(mass, tokens) if n]


def rise(disagreement):
    return max((b - a for a, b in zip(disagreement, disagreement[1:])), default=None)


def replicated_rises(j, layer):
    mass, tokens = ([core.bootstrap_sums(row, *j.draws)[0] for row in rows]
                    for rows in (layer.bin_mass, layer.bin_tokens))
    found = (rise(profile(m, n, j.k)) for m, n in zip(zip(*mass), zip(*tokens)))
    return [v for v in found if v is not None]


NO_SPREAD = 1e-12  # a standard error of rounding alone


def joint(j, excess):
    """(statistic, critical, p) of the largest tie-aware mean in standard errors."""
    statistic, largest = None, None
    for q in QS:
        x = excess[q]["tie_aware"]
        error = j.error(x)
        if error is None or error <= NO_SPREAD:
            continue
        estimate = mean(x)
        scaled = [(v - estimate) / error for v in j.means(x)]
        largest = scaled if largest is None else list(map(max, largest, scaled))
        statistic = max(v for v in (statistic, estimate / error) if v is not None)
    if statistic is None:
        return None, None, None
    reach = sum(v >= statistic for v in largest)
    return (statistic, sorted(largest)[core.rank(Fraction(39, 40), len(largest)) - 1],
            (1 + reach) / (len(largest) + 1))


def share_of_replicates(j, excess, name):
    each = list(zip(*(core.bootstrap_means(excess[q][name], *j.draws) for q in QS)))
    whole = [means for means in each if None not in means]
    return sum(any(v > 0 for v in means) for means in whole) / len(whole) if whole else None


def claim_reference(j, path, layer, excess):
    for q in QS:
        at = path + ["compression", q]
        j.claims.mean(at + ["F"], mean(layer.share[q]))
        j.claims.mean(at + ["m_thr"], mean(layer.m_thr[q]))
        j.claims.mean(at + ["sel_frac"], mean(excess[q]["even"]))
        j.claims.interval(path + ["compression_F_minus_q_ci95", q], j.ci(excess[q]["published"]))
    row = 0
    for i in range(BINS):
        tokens = sum(layer.bin_tokens[i])
        if not tokens:
            continue
        at = path + ["deciles", row]
        j.claims.exact(at + ["bin"], i)
        j.claims.mean(at + ["m_lo"], float(layer.edges[i]))
        j.claims.mean(at + ["m_hi"], float(layer.edges[i + 1]))
        j.claims.mean(at + ["ov_mean"], 1 - sum(layer.bin_mass[i]) / (j.k * tokens))
        j.claims.exact(at + ["n"], tokens)
        row += 1
    j.claims.append((path + ["deciles", row], "absent", 0, "summary_exact"))


def no_answer(disagreement, equal):
    if not any(disagreement):
        return "no disagreement"
    if equal:
        return "equal margins"
    return "fewer than 3 deciles" if len(disagreement) < 3 else None


def claim_layer(j, path, layer, excess):
    """What the verdict needs: (a, a published, b, degenerate, p, distances)."""
    claims = j.claims
    claim_excesses(j, path + ["F"], excess)
    j.mean_block(path + ["disagreement"], [m / (j.k * t) if t else None
                                           for m, t in zip(layer.mass, layer.defined)])
    claims.exact(path + ["windows_without_disagreement"], unmoved(layer.defined, layer.mass))
    holds = {}
    for member, name in (("a", "tie_aware"), ("a_published", "published")):
        holds[member] = above(j, excess, name)
        claims.exact(path + [member, "holds"], holds[member])
        claims.mean(path + [member, "probability"], share_of_replicates(j, excess, name))
    statistic, critical, p = joint(j, excess)
    claims.near(path + ["a_joint", "statistic"], statistic)
    claims.near(path + ["a_joint", "critical"], critical)
    claims.mean(path + ["a_joint", "p"], p)
    claims.exact(path + ["a_joint", "holds"], statistic is not None and statistic > critical)
    disagreement = profile([sum(r) for r in layer.bin_mass], [sum(r) for r in layer.bin_tokens],
                           j.k)
    largest, rises = rise(disagreement), replicated_rises(j, layer)
    b = largest is None or largest <= 0
    claims.exact(path + ["b", "holds"], b)
    claims.mean(path + ["b_violation", "value"], largest)
    claims.interval(path + ["b_violation", "ci95"], interval(rises))
    ratios = [(mean(layer.share[q]) / mean(excess[q]["even"]), q) for q in QS
              if mean(excess[q]["even"])]
    best = max((r for r, _ in ratios), default=None)
    claims.exact(path + ["effect", "q"], next((q for r, q in ratios if r == best), None))
    claims.mean(path + ["effect", "ratio"], best)
    equal = layer.edges is not None and layer.edges[0] == layer.edges[-1]
    degenerate = no_answer(disagreement, equal)
    claims.exact(path + ["degenerate"], degenerate)
    error = deviation(rises)
    return (holds["a"], holds["a_published"], b, degenerate, p,
            (statistic, -largest / error if error and largest is not None else None))


def holm(ps):
    """Holm's step-down adjustment; an undefined p counts as 1 and stays undefined."""
    order = sorted(range(len(ps)), key=lambda i: 1 if ps[i] is None else ps[i])
    adjusted, reached = [None] * len(ps), 0.0
    for done, i in enumerate(order):
        reached = max(reached, (len(ps) - done) * (1 if ps[i] is None else ps[i]))
        adjusted[i] = None if ps[i] is None else min(1.0, reached)
    return adjusted


def boundary_amplification(j, root):
    name, found = reference(j, root)
    if not j.sound():
        return
    layers = by_layer(j, j.need(found, "per_layer"))
    if not j.full:
        published_amplification(j, name, layers)
        return
    measured = {number: Reference(j, at) for number, at in layers.items() if j.kind(at, dict)}
    for stage in (Reference.nulls, Reference.check):
        if not j.sound():
            return
        for layer in measured.values():
            stage(layer, j)
    if any(not any(measured[number].defined) for number in j.required):
        j.bad("layer_defined")
    if not j.sound():
        return
    facts = {}
    for number, layer in measured.items():
        excess = excesses(layer.share, layer.defined, layer.n_le, layer.mass)
        claim_reference(j, [name, "per_layer", str(number)], layer, excess)
        facts[number] = claim_layer(j, ["summary", "per_layer", str(number)], layer, excess)
    needed = [facts[number] for number in j.required]
    for number, p in zip(j.required, holm([fact[4] for fact in needed])):
        j.claims.mean(["summary", "holm_p", str(number)], p)
    verdicts = []
    for which in (0, 1):
        good = all(fact[which] and fact[2] for fact in needed)
        verdicts.append("DEGENERATE" if any(fact[3] for fact in needed) else
                        "PASS" if good else "FAIL")
    j.claims.exact(["summary", "verdict"], verdicts[0])
    j.claims.exact(["summary", "verdict_published"], verdicts[1])
    zs = [z for fact in needed for z in fact[5]]
    j.convergence(root, None if None in zs else min(zs), verdicts[0])
    j.verdict = j.conclude(verdicts[0])


def stated_deciles(j, value):
    """(m_lo, m_hi, ov_mean) of the bins that another program states."""
    if not j.kind(value, list):
        return []
    rows, last, counted = [], -1, 0
    for row in value:
        if not j.kind(row, dict):
            return rows
        at = j.integer(j.need(row, "bin"), 0, BINS - 1)
        lo, hi = (j.number(j.need(row, key), POSITIVE) for key in ("m_lo", "m_hi"))
        overlap = j.number(j.need(row, "ov_mean"), UNIT)
        n = j.integer(j.need(row, "n"), 1, j.n * (j.seq - 1))
        if None in (at, lo, hi, overlap, n):
            return rows
        counted += n
        if at <= last or lo > hi or rows and rows[-1][1] > lo:
            j.bad("ranked_list")
            return rows
        last = at
        rows.append((lo, hi, overlap))
    if counted > j.n * (j.seq - 1):
        j.bad("count_total")
    return rows


def published_amplification(j, name, layers):
    read = {}
    for number, at in layers.items():
        if j.kind(at, dict):
            read[number] = (levels(j, j.need(at, "compression_F_per_window"),
                                   numbers_of(j, UNIT)), stated_deciles(j, j.need(at, "deciles")))
    if not j.sound():
        return
    if any(set(read[number][0]["q01"]) == {None} for number in j.required):
        j.bad("layer_defined")
        return
    degenerate, good = False, True
    for number, (share, rows) in read.items():
        for q in QS:
            j.claims.mean([name, "per_layer", str(number), "compression", q, "F"], mean(share[q]))
            stated = j.get(layers[number], "compression_F_minus_q_ci95", q)
            if stated is not MISSING:
                j.ends(stated)
        if number not in j.required:
            continue
        disagreement = [1 - overlap for _, _, overlap in rows]
        equal = bool(rows) and rows[0][0] == rows[-1][1]
        degenerate = degenerate or no_answer(disagreement, equal) is not None
        largest = rise(disagreement)
        good = good and above(j, published_excesses(j, share), "judged") and (
            largest is None or largest <= 0)
    j.verdict = j.conclude("DEGENERATE" if degenerate else "PASS" if good else "FAIL")


# ---- behavior_compression

class Change:
    """One layer of per_window."""
    defined = mass = n_le = m_thr = mass_le = share = route = None

    def nulls(self, j):
        for values in (self.m_thr, self.share, self.route):
            undefined_where_empty(j, self.defined, values)
        if None in self.mass or any(None in self.mass_le[q] for q in QS):
            j.bad("null_pattern")

    def check(self, j):
        strata_fit(j, self.defined, self.n_le, self.m_thr)
        shares_fit(j, self.mass, self.mass_le, self.share)
        for w, (t, m) in enumerate(zip(self.defined, self.mass)):
            tokens, change = steps(self.n_le, w, t), steps(self.mass_le, w, m)
            if any(d < 0 or n <= 0 and d != 0 for d, n in zip(change, tokens)):
                j.bad("share_total")


def changes(j, root):
    t, per_window = j.seq - 1, j.need(root, "per_window")
    found = {number: Change() for number in j.layers}
    if j.full:
        lost = j.layered(j.need(per_window, "n_undefined"), (0, t), True)
        mass = j.layered(j.need(per_window, "mass_beh"), POSITIVE)
        for number, of in found.items():
            of.defined = [t - (n or 0) for n in lost[number]]
            of.mass = mass[number]
    for attribute, member, read in (("n_le", "n_le", counts_of(j, t)),
                                    ("m_thr", "m_thr", numbers_of(j, POSITIVE)),
                                    ("share", "F_beh", numbers_of(j, UNIT)),
                                    ("route", "F_route", numbers_of(j, UNIT)),
                                    ("mass_le", "mass_beh_le", numbers_of(j, POSITIVE))):
        if member == "mass_beh_le" and not j.full:
            continue
        for number, at in by_layer(j, j.need(per_window, member)).items():
            setattr(found[number], attribute, levels(j, at, read))
    return found


def behavior_compression(j, root):
    if j.full:
        level_list(j, root)
        null_kind(j, root)
    found = changes(j, root)
    for stage in (Change.nulls, Change.check) if j.full else ():
        if not j.sound():
            return
        for of in found.values():
            stage(of, j)
    if not j.sound():
        return
    if any(set(found[number].share[q]) == {None} for number in j.required for q in QS):
        j.bad("layer_defined")
        return
    degenerate, good = False, {"tie_aware": True, "published": True, "judged": True}
    for number, of in found.items():
        for q in QS:
            j.claims.mean(["summary", "F_route_by_layer", str(number), q], mean(of.route[q]))
            j.claims.mean(["summary", "F_beh_by_layer", str(number), q], mean(of.share[q]))
        if j.full:
            path = ["summary", "per_layer", str(number)]
            excess = excesses(of.share, of.defined, of.n_le, of.mass)
            claim_excesses(j, path + ["F_beh"], excess)
            still = not any(of.mass)
            j.claims.exact(path + ["windows_without_change"], unmoved(of.defined, of.mass))
            j.claims.exact(path + ["degenerate"], "no change" if still else None)
            ends = [j.ratio_sums(of.share[q], excess[q]["even"])[1] for q in QS]
            j.claims.mean(path + ["ratio_upper"], max((e[1] for e in ends if e), default=None))
        else:
            excess, still = published_excesses(j, of.share), not any(any(of.share[q]) for q in QS)
        for name, member in ((("tie_aware", "holds"), ("published", "holds_published"))
                             if j.full else (("judged", None),)):
            holds = not above(j, excess, name)
            if member:
                j.claims.exact(path + [member], holds)
            if number in j.required:
                good[name] = good[name] and holds
        degenerate = degenerate or number in j.required and still
    verdicts = ["DEGENERATE" if degenerate else "HOLDS" if good[name] else "BROKEN"
                for name in (("tie_aware", "published") if j.full else ("judged",))]
    if j.full:
        j.claims.exact(["summary", "verdict"], verdicts[0])
        j.claims.exact(["summary", "verdict_published"], verdicts[1])
    j.convergence(root, None, verdicts[0])
    j.verdict = j.conclude(verdicts[0])
