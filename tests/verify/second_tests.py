"""The four tests of the second verifier (docs/artifacts.md sections 3 to 6)."""

import math

import second_core as core
from second_core import difference, interval, left_to_right, mean
from second_verifier import (MISSING, POSITIVE, SHARE, UNBOUNDED, Stop, is_int, is_number,
                             layer_key)

KAPPA, COSINE, ORTH = SHARE, (-1 - 1e-9, 1 + 1e-9), (0.707, 1 + 1e-9)
METRICS = (("kappa_hidden_median", KAPPA), ("kappa_target_median", KAPPA),
           ("jump_hidden_median", POSITIVE), ("kappa_hidden_mean", KAPPA), ("cos_mean", COSINE),
           ("log_r_mean", UNBOUNDED), ("kappa_orth_mean", ORTH))
# name, the stratum of pairs (k, k+1) over the same tokens, least number of T_def tokens of a pair
# stratum or how many of the ranked experts a partner can't be
STRATA = (("boundary", "boundary", lambda t: -(-t // 10)),
          ("interior", "interior", lambda t: t - -(-t // 2) + 1),
          ("interior_q90", "interior_q90", lambda t: t - -(-9 * t // 10) + 1),
          ("boundary_random_e2", "boundary", lambda k: 2),
          ("interior_random_e2", "interior", lambda k: 2),
          ("boundary_unselected_e2", "boundary", lambda k: k + 1),
          ("interior_unselected_e2", "interior", lambda k: k + 1))
PUBLISHED_STRATA = {"boundary", "interior", "boundary_random_e2", "interior_random_e2"}
PUBLISHED_METRICS = {"kappa_hidden_median", "kappa_target_median"}
PUBLISHED_DELTAS = {"kappa_hidden", "kappa_target", "random_e2_delta_hidden_boundary",
                    "random_e2_delta_target_boundary"}
DELTAS = (("kappa_hidden", "boundary.kappa_hidden_median", "interior.kappa_hidden_median"),
          ("random_e2_delta_hidden_boundary", "boundary.kappa_hidden_median",
           "boundary_random_e2.kappa_hidden_median"),
          ("kappa_target", "boundary.kappa_target_median", "interior.kappa_target_median"),
          ("random_e2_delta_target_boundary", "boundary.kappa_target_median",
           "boundary_random_e2.kappa_target_median"),
          ("jump_hidden", "boundary.jump_hidden_median", "interior.jump_hidden_median"),
          ("c2_unselected", "boundary.kappa_hidden_median",
           "boundary_unselected_e2.kappa_hidden_median"),
          ("c1_matched", "boundary.kappa_hidden_median", "c1_matched_interior"),
          ("kappa_target_matched", "boundary.kappa_target_median", "c1_matched_interior_target"),
          ("kappa_hidden_mean", "boundary.kappa_hidden_mean", "interior.kappa_hidden_mean"),
          ("interior_q90", "boundary.kappa_hidden_median", "interior_q90.kappa_hidden_median"),
          ("c2_draws", "boundary.kappa_hidden_median", "random_draws.boundary_random_e2"),
          ("c2_unselected_draws", "boundary.kappa_hidden_median",
           "random_draws.boundary_unselected_e2"))
MEANS = (("cos_boundary", "boundary.cos_mean"), ("cos_interior", "interior.cos_mean"),
         ("log_r_boundary", "boundary.log_r_mean"), ("log_r_interior", "interior.log_r_mean"),
         ("exact_random", "exact_random.mean"))
# Whether a window with margins may lack the value.
MARGINS = (("m_set_mean", POSITIVE, False), ("m_logit_mean", UNBOUNDED, True),
           ("m_thr", POSITIVE, False))
DRAWN = ("boundary_random_e2", "boundary_unselected_e2")


SERIES = (("ovk_cf_mean", (0, 1)), ("swap_k_mean", (0, 1)), ("update_ratio", POSITIVE),
          ("ovk_cf_other", (0, 1)))
STEMS = (("ovk_cf_mean", "ovk_cf"), ("swap_k_mean", "swap_k"), ("update_ratio", "update_ratio"),
         ("ovk_cf_other", "ovk_cf_other"))


def least(values):
    return None if not values or None in values else min(values)


def sizes_fit(j, tokens, defined):
    """Whether the strata of one window are as large as their quantiles make them; `tokens` by
    stratum."""
    for name, pairs, least in STRATA:
        count, lo, hi = tokens[name], 0, defined
        if name == pairs:
            if tokens["boundary"] > 0:
                lo = max(1, least(defined))
            else:
                hi = 0
        else:
            hi = tokens[pairs]
            if j.groups == 1:
                lo = hi = hi if j.e > least(j.k) else 0
        if not lo <= count <= hi:
            return False
    return True


def nulls_fit(j, tokens, defined, values):
    """Whether a window's values are undefined exactly where it has no token for them."""
    for name, _, _ in STRATA:
        for metric, _ in METRICS:
            there, due = values[name + "." + metric] is not None, tokens[name] > 0
            if there != due and (there or metric != "jump_hidden_median"):
                return False
    for name, _, may_lack in MARGINS:
        there = values["margins." + name] is not None
        if there != (defined > 0) and (there or not may_lack):
            return False
    for name in DRAWN:
        if (values.get("random_draws." + name, tokens[name] or None) is None) != (not tokens[name]):
            return False
    measured = tokens["boundary"] > 0
    matched = measured and tokens["interior"] >= tokens["boundary"]
    mean_due = measured and (j.groups > 1 or j.e > 2)
    mean_there = values["exact_random.mean"] is not None
    return (all((values[name] is not None) == matched
                for name in ("c1_matched_interior", "c1_matched_interior_target")) and
            (values["exact_random.positions"] is not None) == measured and
            (mean_there == mean_due or mean_due and j.groups > 1))


def window_shapes(j, arrays, undefined, tokens):
    for layer in j.layers:
        names = [name for name, _, _ in STRATA]
        whole = not any(None in of[layer] for of in arrays.values())
        for w in range(j.n):
            own = {name: tokens[name][layer][w] for name in names}
            defined = int(j.seq - 1 - undefined[layer][w])
            if not sizes_fit(j, own, defined):
                j.bad("strata_size")
                return
            if whole and min(own.values()) > 0 and own["interior"] >= own["boundary"]:
                continue
            if not nulls_fit(j, own, defined, {name: of[layer][w] for name, of in arrays.items()}):
                j.bad("null_pattern")
                return


def chart_arrays(j, root):
    """Arrays by name, overlapping windows by layer."""
    t, per_window = j.seq - 1, j.need(root, "per_window")
    if j.full:
        undefined = j.layered(j.need(per_window, "n_undefined"), (0, t), True)
    arrays, tokens = {}, {}
    for name, _, _ in STRATA:
        if not j.full and name not in PUBLISHED_STRATA:
            continue
        at = j.need(per_window, name)
        if at is MISSING:
            continue
        for metric, bounds in METRICS:
            if not j.full and metric not in PUBLISHED_METRICS:
                continue
            value = j.need(at, metric)
            if value is not MISSING:
                arrays[name + "." + metric] = j.layered(value, bounds)
        if j.full:
            tokens[name] = j.layered(j.need(at, "tokens"), (0, t), True)
    if not j.full:
        return arrays, {layer: 0 for layer in j.layers}
    for name in ("c1_matched_interior", "c1_matched_interior_target"):
        value = j.need(per_window, name)
        if value is not MISSING:
            arrays[name] = j.layered(value, KAPPA)
    exact = j.need(per_window, "exact_random")
    arrays["exact_random.positions"], arrays["exact_random.mean"] = {}, {}
    for layer in j.layers:
        at = j.need(exact, str(layer))
        positions = j.need(at, "positions")
        arrays["exact_random.positions"][layer] = j.windows(positions, j.n, (0, j.seq - 2))
        if isinstance(positions, list) and any(is_number(v) and not is_int(v) for v in positions):
            j.bad("value_kind")
        arrays["exact_random.mean"][layer] = j.windows(j.need(at, "mean"), j.n, KAPPA)
    margins = j.need(per_window, "margins")
    for name, bounds, _ in MARGINS:
        value = j.need(margins, name)
        if value is not MISSING:
            arrays["margins." + name] = j.layered(value, bounds)
    further_draws(j, root, per_window, arrays)
    if not j.sound():
        return arrays, {}
    window_shapes(j, arrays, undefined, tokens)
    overlap = {layer: sum(b == 0 and u < t for b, u in zip(tokens["boundary"][layer],
                                                          undefined[layer]))
               for layer in j.layers}
    return arrays, overlap


def further_draws(j, root, per_window, arrays):
    draws = j.integer(j.need(root, "random_draws"), 1, 64)
    if draws == 1 and j.get(per_window, "random_draws") is not MISSING:
        j.bad("value_range")
    if draws is None or draws == 1:
        return
    drawn = j.need(per_window, "random_draws")
    for name in DRAWN:
        value = j.need(drawn, name)
        if value is not MISSING:
            arrays["random_draws." + name] = j.layered(value, KAPPA)


def chart_definition(j, root):
    strata = j.need(root, "strata_def")
    if strata is not MISSING:
        for key, wanted in (("margin_used", "m_set"), ("pair_def", "k_kp1")):
            if j.get(strata, key) != wanted:
                j.bad("pair_definition")
        quantiles = [("boundary_quantile", 0.1), ("interior_quantile", 0.5)]
        for key, wanted in quantiles + [("interior_high_quantile", 0.9)] * j.full:
            found = j.get(strata, key)
            if found is True or found != wanted:
                j.bad("strata_quantiles")
    if j.get(j.need(root, "controls"), "random_e2") is not True:
        j.bad("pair_definition")


def stated_ends(j, root, *path):
    """A published artifact's intervals aren't compared, but must be intervals."""
    value = j.get(root, *path)
    if not j.full and value is not MISSING:
        j.ends(value)


def chart_compatibility(j, root):
    chart_definition(j, root)
    arrays, overlap = chart_arrays(j, root)
    if not j.sound():
        return
    for layer in j.required:
        if not overlap[layer] and any(
                set(difference(arrays[a][layer], arrays[b][layer])) == {None}
                for _, a, b in DELTAS[:2]):
            j.bad("layer_defined")
    if not j.sound():
        return
    below, zs, fails = {}, [], False
    for layer in j.layers:
        path = ["summary", "per_layer", str(layer)]
        holds = {}
        for member, a, b in DELTAS:
            if not j.full and member not in PUBLISHED_DELTAS:
                continue
            if b not in arrays:
                j.claims.append((path + [member], "absent", 0, "summary_exact"))
                continue
            stated_ends(j, root, *path, member, "ci95")
            x = difference(arrays[a][layer], arrays[b][layer])
            j.delta_block(path + [member], x)
            ends = j.ci(x)
            holds[member] = ends is not None and ends[1] < 0
            below[layer, member] = x
        c1, c2 = holds["kappa_hidden"], holds["random_e2_delta_hidden_boundary"]
        if layer in j.required:
            fails = fails or not (c1 and c2)
            zs += [j.distance(below[layer, m], 0, -1)
                   for m in ("kappa_hidden", "random_e2_delta_hidden_boundary")]
        if not j.full:
            continue
        for member, delta in (("c1", "kappa_hidden"), ("c2", "random_e2_delta_hidden_boundary"),
                              ("c2_unselected",) * 2, ("c1_matched",) * 2, ("c2_draws",) * 2,
                              ("c2_unselected_draws",) * 2):
            if delta not in holds:
                continue
            j.claims.exact(path + [member, "holds"], holds[delta])
            j.claims.mean(path + [member, "probability"], j.probability(below[layer, delta]))
        for flag, delta in (("c1", "kappa_target"), ("c2", "random_e2_delta_target_boundary"),
                            ("c1_matched", "kappa_target_matched")):
            j.claims.exact(path + ["kappa_target_flags", flag], holds[delta])
        j.claims.exact(path + ["failure_type"], "neither" if c1 and c2 else "C2_only" if c1 else
                       "C1_only" if c2 else "both")
        for member, name in MEANS:
            j.mean_block(path + [member], arrays[name][layer])
        j.mean_block(path + ["kappa_excess"],
                     difference(arrays["boundary.kappa_hidden_mean"][layer],
                                arrays["boundary.kappa_orth_mean"][layer]))
        j.claims.exact(["summary", "overlapping_strata", str(layer)], overlap[layer])
    degenerate = [layer for layer in j.layers if overlap[layer]]
    if j.full:
        j.claims.listed(["summary", "degenerate_layers"], degenerate)
    label = ("DEGENERATE" if set(degenerate) & set(j.required) else "FAIL" if fails else "PASS")
    j.convergence(root, least(zs), label)
    j.verdict = j.conclude(label)


def on_grid(j, values, positions, unit):
    for layer, windows in values.items():
        for value, n in zip(windows, positions[layer]):
            count = (value or 0.0) * (unit * n)
            if abs(count - math.floor(count + 0.5)) > 1e-6:
                j.bad("integer_grid")
                break


def defined_positions(j, undefined):
    return {layer: [j.seq - 1 - lost for lost in windows] for layer, windows in undefined.items()}


def terminal_ovk_scan(j, root):
    if len(j.layers) < 2:
        j.bad("terminal_layer")
        return
    per_window = j.need(root, "per_window")
    undefined = {layer: [0.0] * j.n for layer in j.layers}
    if j.full:
        undefined = j.layered(j.need(per_window, "n_undefined"), (0, j.seq - 1), True)
    series = {}
    for name, bounds in SERIES if j.full else SERIES[:2]:
        value = j.need(per_window, name)
        if value is not MISSING:
            series[name] = j.layered(value, bounds)
    if not j.sound():
        return
    overlap, other = series["ovk_cf_mean"], series.get("ovk_cf_other")
    positions = defined_positions(j, undefined)
    on_grid(j, overlap, positions, j.k)
    on_grid(j, series["swap_k_mean"], positions, 1)
    if j.full:
        on_grid(j, other, positions, j.k)
    for name, of in series.items():
        fewest = 2 if name == "ovk_cf_other" else 1
        if any((value is not None) != (n > 0 and j.seq - 1 >= fewest)
               for layer in j.layers for value, n in zip(of[layer], positions[layer])):
            j.bad("null_pattern")
    if j.full:
        counts = expert_counts(j, root, positions)
    if any(set(overlap[layer]) == {None} for layer in j.layers):
        j.bad("layer_defined")
    if j.full:
        overlap_nulls(j, root, counts)
    if not j.sound():
        return
    claims = j.claims
    for layer in j.layers:
        for name, stem in STEMS if j.full else STEMS[:1]:
            stated_ends(j, root, "summary", "per_layer", str(layer), stem + "_ci95")
            path = ["summary", "per_layer", str(layer)]
            claims.mean(path + [stem + "_mean"], mean(series[name][layer]))
            claims.interval(path + [stem + "_ci95"], j.ci(series[name][layer]))
    pairs = list(zip(j.layers, j.layers[1:]))
    names = ["%d->%d" % pair for pair in pairs]
    jumps = [difference(overlap[b], overlap[a]) for a, b in pairs]
    for i, jump in enumerate(jumps) if j.full else ():
        path = ["summary", "adjacent_jumps", i]
        claims.exact(path + ["pair"], names[i])
        claims.mean(path + ["delta_mean"], mean(jump))
        claims.interval(path + ["ci95"], j.ci(jump))
    if j.full:
        claims.append((["summary", "adjacent_jumps", len(jumps)], "absent", 0, "summary_exact"))
    replicates = list(zip(*(core.bootstrap_means(x, *j.draws) for x in jumps)))
    defined = [i for i, x in enumerate(jumps) if mean(x) is not None]
    if defined:
        lowest = min(defined, key=lambda i: mean(jumps[i]))
        claims.exact(["summary", "max_jump", "pair"], names[lowest])
        claims.mean(["summary", "max_jump", "delta_mean"], mean(jumps[lowest]))
        claims.interval(["summary", "max_jump", "ci95"],
                        interval([min(r) for r in replicates if None not in r]))
    wins = ties = 0
    for r in replicates:
        if None in r or any(v < r[-1] for v in r[:-1]):
            continue
        ties += any(v == r[-1] for v in r[:-1])
        wins += all(v > r[-1] for v in r[:-1])
    dominance = wins / j.draws[0]
    if j.full:
        terminal_claims(j, names[-1], jumps[-1], overlap, other)
        claims.mean(["summary", "dominance_probability"], dominance)
        claims.exact(["summary", "argmin_ties"], ties)
    else:
        stated = j.get(root, "summary", "terminal_jump", "ci95")
        share = j.get(root, "summary", "dominance_probability")
        if stated is not MISSING and stated is not None and share is not MISSING:
            j.ends(stated)
            j.number(share, (0, 1))
    ends = j.ci(jumps[-1])
    passes = ends is not None and ends[1] < 0 and dominance >= 0.95
    label = "DEGENERATE" if len(jumps) < 2 else "PASS" if passes else "FAIL"
    zs = [j.distance(jumps[-1], 0, -1)]
    zs += [j.distance(difference(x, jumps[-1]), 0, 1) for x in jumps[:-1]]
    j.convergence(root, least(zs), label)
    j.verdict = j.conclude(label)


def expert_counts(j, root, positions):
    """Selections of each expert by layer, held against the defined positions."""
    at, found = j.need(root, "expert_counts"), {}
    if not j.kind(at, dict):
        return found
    if any(layer_key(key) not in j.layers for key in at):
        j.bad("layer_arrays")
    for layer in j.layers:
        if str(layer) not in at:
            j.bad("layer_arrays")
            continue
        defined = int(sum(positions[layer]))
        counts = j.counts(at[str(layer)], j.e, defined)
        if len(counts) == j.e:
            if sum(counts) != j.k * defined:
                j.bad("count_total")
            found[layer] = counts
    return found


def overlap_nulls(j, root, counts):
    """summary.null: the overlap of sets that have nothing to do with each other."""
    j.string(j.need(j.need(j.need(root, "summary"), "null"), "kind"))
    for layer, of_experts in counts.items():
        path = ["summary", "null", "per_layer", str(layer)]
        n = sum(of_experts) / j.k
        j.claims.mean(path + ["uniform"], j.k / j.e)
        j.claims.mean(path + ["popularity"],
                      sum(c * c for c in of_experts) / j.k / n ** 2 if n else None)
        if j.groups > 1:
            j.claims.mean(path + ["uniform_same_groups"],
                          j.k / (j.groups_kept * (j.e // j.groups)))
        else:
            j.claims.append((path + ["uniform_same_groups"], "absent", 0, "summary_exact"))


def terminal_claims(j, name, jump, overlap, other):
    terminal, last = ["summary", "terminal_jump"], j.layers[-1]
    j.claims.exact(terminal + ["pair"], name)
    j.claims.mean(terminal + ["delta_mean"], mean(jump))
    j.claims.interval(terminal + ["ci95"], j.ci(jump))
    j.claims.mean(terminal + ["probability"], j.probability(jump))
    j.siblings(terminal, jump)
    j.mean_block(["summary", "size_share"], [None if v is None else 1 - v for v in other[last]])
    j.mean_block(["summary", "direction_share"], difference(other[last], overlap[last]))


def table(j, value, rows, columns, most):
    if not j.kind(value, list):
        return []
    if len(value) != rows:
        j.bad("array_length")
        return []
    result = []
    for row in value:
        result.append(j.counts(row, columns, most))
        if len(result[-1]) != columns:
            return []
    return result


def load_of(counts, tokens, k):
    entropy = 0.0
    for c in counts:
        if c:
            entropy -= c / (k * tokens) * math.log(c / (k * tokens))
    return (sum(100 * c < tokens for c in counts), entropy, max(counts) * len(counts) / (k * tokens))


def load_layer(j, root, layer, first):
    key, e, k, tokens = str(layer), j.e, j.k, j.n * j.seq
    windows = table(j, j.need(j.need(j.need(root, "per_window"), "count"), key), j.n, e, j.seq)
    if any(sum(row) != k * j.seq for row in windows):
        j.bad("count_total")
    experts = [sum(column) for column in zip(*windows)] if windows else [0] * e
    pairs = table(j, j.need(j.need(root, "pairs"), key), e, e, tokens)
    stated = j.get(root, "summary", "per_layer", key)
    choice = j.need(stated, "first_choice")
    choice = [] if choice is MISSING else j.counts(choice, e, tokens)
    moves = [] if first else table(j, j.need(j.need(root, "transitions"), key), e, e, tokens)
    if not j.sound():
        raise Stop
    symmetric = all(pairs[a][b] == pairs[b][a] for a in range(e) for b in range(a))
    if not symmetric or any(pairs[a][a] != experts[a] or sum(pairs[a]) != k * experts[a]
                            for a in range(e)):
        j.bad("count_total")
    if sum(choice) != tokens or not first and [sum(c) for c in zip(*moves)] != choice:
        j.bad("count_total")
    listed = j.need(j.need(root, "tokens_by_expert"), key)
    if j.kind(listed, dict):
        listed_tokens(j, listed, experts)
    special = j.need(stated, "vocabulary_specialisation")
    values = j.windows(special, e, (0, 1))
    if isinstance(special, list) and len(special) == e:
        if any((special[i] is None) != (experts[i] == 0) for i in range(e)):
            j.bad("value_kind")
    del values
    return windows, experts, pairs, choice, moves


def listed_tokens(j, listed, experts):
    for name, entries in listed.items():
        expert = layer_key(name)
        if expert is None or expert >= len(experts):
            j.bad("ranked_list")
            return
        if not j.kind(entries, list):
            return
        left, before = experts[expert], None
        for i, entry in enumerate(entries):
            pair = j.counts(entry, 2, core.MAX_INT)
            if len(pair) != 2:
                return
            left -= pair[1]
            ordered = before is None or (-pair[1], pair[0]) > (-before[1], before[0])
            if not ordered or pair[1] == 0 or left < 0 or i >= 20:
                j.bad("ranked_list")
                return
            before = pair


def expert_load(j, root):
    if not j.e:
        j.bad("gate_semantics")
        return
    per_window = j.need(root, "per_window")
    top1 = j.layered(j.need(per_window, "repeat_top1"), (0, j.seq - 1), True)
    met = j.layered(j.need(per_window, "repeat_any"), (0, j.seq - 1), True)
    j.layered(j.need(per_window, "n_nan"), (0, j.seq), True)
    layers = {}
    for layer in j.layers:
        layers[layer] = load_layer(j, root, layer, layer == j.layers[0])
        if not j.sound():
            return
        if any(a > b for a, b in zip(top1[layer], met[layer])):
            j.bad("count_total")
            return
    for before, layer in zip(j.layers, j.layers[1:]):
        if [sum(row) for row in layers[layer][4]] != layers[before][3]:
            j.bad("count_total")
            return
    for layer, parts in layers.items():
        load_claims(j, root, layer, parts, top1[layer], met[layer])
    j.verdict = "REPORTED"


def load_claims(j, root, layer, parts, top1, met):
    windows, experts, pairs, choice, moves = parts
    tokens, k, e, claims = j.n * j.seq, j.k, j.e, j.claims
    path = ["summary", "per_layer", str(layer)]
    for i, count in enumerate(experts):
        claims.mean(path + ["share", i], count / tokens)
    claims.append((path + ["share", e], "absent", 0, "summary_exact"))
    _, entropy, peak = load_of(experts, tokens, k)
    claims.near(path + ["entropy"], entropy)
    claims.mean(path + ["max_over_mean"], peak)
    claims.listed(path + ["cold"], [i for i, c in enumerate(experts) if 100 * c < tokens])
    claims.listed(path + ["workhorses"],
                  [i for i, c in enumerate(experts) if e * c >= 2 * k * tokens])
    sizes, i = [m for m in (1, 2, 5, 10, 20) if m < j.n], 0
    while (m := math.floor(50 * 2 ** (i / 2) + 0.5)) < j.n:
        sizes.append(m)
        i += 1
    sizes.append(j.n)
    key = (j.n, j.seed)
    order = _orders.get(key) or _orders.setdefault(key, core.subset(j.n, j.n, j.seed, 7, 0))
    so_far, added = [0] * e, 0
    for row, m in enumerate(sizes):
        for w in order[added:m]:
            so_far = [a + b for a, b in zip(so_far, windows[w])]
        added = m
        cold, entropy, peak = load_of(so_far, m * j.seq, k)
        at = path + ["convergence", row]
        claims.exact(at + ["windows"], m)
        claims.exact(at + ["cold"], cold)
        claims.near(at + ["entropy"], entropy)
        claims.mean(at + ["max_over_mean"], peak)
    claims.append((path + ["convergence", len(sizes)], "absent", 0, "summary_exact"))
    for name, values in (("repeat_top1", top1), ("repeat_any", met)):
        j.mean_block(path + [name], [v / (j.seq - 1) for v in values])
    claims.mean(path + ["repeat_top1", "null_uniform"], 1 / e)
    none = math.comb(max(e - k, 0), k) / math.comb(e, k)
    claims.near(path + ["repeat_any", "null_uniform"], 1 - none)
    claims.near(path + ["repeat_top1", "null_popularity"],
                left_to_right((c / tokens) * (c / tokens) for c in choice))
    lifts = {(a, b): pairs[a][b] * float(tokens) / (float(experts[a]) * experts[b])
             for a in range(e) for b in range(a + 1, e) if pairs[a][b]}
    lift = path + ["coactivation_lift"]
    if lifts:
        best = max(lifts.values())
        claims.mean(lift + ["value"], best)
        named = j.get(root, *path, "coactivation_lift", "experts")
        pair = next(p for p in lifts if lifts[p] == best)
        if isinstance(named, list) and all(map(is_int, named)):
            if abs(lifts.get(tuple(named), 0) - best) <= 1e-12 * best:
                pair = tuple(named)
        claims.listed(lift + ["experts"], list(pair))
    else:
        claims.mean(lift, None)
    information = None
    if moves:
        rows, columns = [sum(r) for r in moves], [sum(c) for c in zip(*moves)]
        total = sum(rows)
        information = left_to_right(
            c / total * math.log(c * total / (rows[a] * columns[b]))
            for a, row in enumerate(moves) for b, c in enumerate(row) if c)
    claims.near(path + ["transition_mi"], information)


_orders = {}
