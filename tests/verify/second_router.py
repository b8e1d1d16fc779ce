"""attention_router in the second verifier (docs/artifacts.md section 5)."""

import math

import second_core as core
from second_core import interval, left_to_right, mean
from second_tests import defined_positions, on_grid
from second_verifier import MISSING, POSITIVE, SHARE, UNBOUNDED, layer_key

PARTS = ["embedding", "attention", "experts"]
SUBSETS = PARTS + ["embedding+attention", "embedding+experts", "attention+experts"]
STUDENT = 2.093024054408263
BIG = (1 << 31) - 1


def near(a, b):
    return abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))


def read_parts(j, value, names, bounds):
    if not j.kind(value, dict):
        return {}
    found = {}
    for name in names:
        member = j.need(value, name)
        if member is not MISSING:
            found[name] = j.layered(member, bounds)
    return found


def add_up(j, parts, totals):
    for layer in j.layers if j.sound() else ():
        for w in range(j.n):
            values = [windows[layer][w] for windows in parts.values()]
            wanted = 1.0 if totals is None else totals[layer][w]
            if wanted is None or None in values:
                continue
            scale = sum(map(abs, values)) + (totals is None)
            if abs(left_to_right(values) - wanted) > 1e-5 * scale:
                j.bad("share_total")
                break


def reading(j, at):
    """(convention, layer, top) of a prompt or probe, or None."""
    if not j.kind(at, dict):
        return None
    convention = j.string(j.need(at, "convention"))
    layer = j.integer(j.need(at, "layer"), 0, BIG)
    top = j.integer(j.need(at, "top"), 0, j.e - 1)
    if layer is None or top is None or not j.sound():
        return None
    if convention not in ("exact", "published"):
        j.bad("value_range")
        return None
    if layer not in j.layers:
        j.bad("layer_arrays")
        return None
    return convention, layer, top


def prompts_of(j, root):
    found, listed = [], j.need(root, "prompts")
    for at in listed if j.kind(listed, list) else ():
        common = reading(j, at)
        if common is None:
            break
        text = j.string(j.need(at, "text"))
        j.integer(j.need(at, "position"), 0, BIG)
        norms = [j.number(j.need(at, key), POSITIVE) for key in ("embed_norm", "attention_norm")]
        tops = [j.integer(j.need(at, key), 0, j.e - 1) for key in ("embed_top", "attention_top")]
        ratio = j.maybe(j.need(at, "attention_ratio"), SHARE)
        if not j.sound():
            break
        if common[0] == "published":
            expected = norms[1] / sum(norms) if sum(norms) > 0 else 0.5
            if ratio is None or abs(ratio - expected) > 1e-5:
                j.bad("share_total")
                break
        found.append((common[0], common[1], ratio, tops[0] == tops[1], text))
    complete(j, [(f[0], f[1], f[4]) for f in found])
    return [f[:4] for f in found]


def complete(j, entries):
    """Every text under both conventions at every measured layer, in that order."""
    if not j.sound():
        return
    block = [(convention, layer) for convention in ("exact", "published") for layer in j.layers]
    wanted = [pair + entries[i - i % len(block)][2:]
              for i, pair in ((i, block[i % len(block)]) for i in range(len(entries)))]
    if entries != wanted or len(entries) % len(block):
        j.bad("ranked_list")


def probes_of(j, root):
    found, listed = [], j.need(root, "probes")
    for at in listed if j.kind(listed, list) else ():
        common = reading(j, at)
        if common is None:
            break
        target = j.string(j.need(at, "target"))
        context = j.string(j.need(at, "context"))
        j.integer(j.need(at, "token_id"), 0, BIG)
        if not j.sound():
            break
        found.append(common + (target, context))
    complete(j, [f[:2] + f[3:] for f in found])
    return [f[:4] for f in found]


def jackknife(j, at, bounds):
    if not j.kind(at, dict):
        return
    left = j.need(at, "leave_one_out")
    left = [None] * 20 if left is MISSING else j.windows(left, 20, bounds)
    value = j.maybe(j.need(at, "value"), bounds)
    ends = j.need(at, "ci95")
    if ends is MISSING or not j.sound():
        return
    complete = value is not None and j.n >= 20 and None not in left
    if ends is None:
        if complete:
            j.bad("jackknife_interval")
        return
    ends = j.ends(ends)
    if ends is None:
        return
    if complete:
        center = left_to_right(left) / 20
        half = STUDENT * math.sqrt(19 / 20 * left_to_right((x - center) ** 2 for x in left))
    if not complete or not (near(ends[0], value - half) and near(ends[1], value + half)):
        j.bad("jackknife_interval")


def information(j, at):
    if not j.kind(at, dict):
        return
    block = j.need(at, "difference")
    value, shuffled = (j.maybe(j.need(at, key), (-1e-9, 1e100)) for key in ("value", "shuffled"))
    jackknife(j, block, UNBOUNDED)
    stated = j.maybe(j.get(block, "value"), UNBOUNDED)
    if j.sound() and value is not None and shuffled is not None:
        if stated is None or not near(stated, value - shuffled):
            j.bad("summary_mean")


def by_layer(j, root, name):
    at = j.need(root, name)
    if not j.kind(at, dict):
        return
    if any(layer_key(key) not in j.layers for key in at):
        j.bad("layer_arrays")
        return
    for layer in j.layers:
        if str(layer) in at:
            yield layer, at[str(layer)]
        else:
            j.bad("layer_arrays")


def extras(j, root):
    for _, at in by_layer(j, root, "token_id"):
        ids, seen = (j.integer(j.need(at, key), 0, core.MAX_INT) for key in ("ids", "occurrences"))
        if ids is not None and seen is not None and seen < 20 * ids:
            j.bad("count_total")
        for name in ("within", "between", "predictor"):
            block = j.need(at, name)
            if block is not MISSING and block is not None:
                jackknife(j, block, (-1e-9, 1 + 1e-9))
        for name in ("mi_token", "mi_position"):
            block = j.need(at, name)
            if block is not MISSING and block is not None:
                information(j, block)
    for _, at in by_layer(j, root, "gate_geometry"):
        geometry(j, at)
    for _, at in by_layer(j, root, "decomposition_check"):
        j.number(j.need(at, "max_error"), POSITIVE)
        j.number(j.need(at, "scale"), POSITIVE)
        ratio, holds = j.number(j.need(at, "ratio"), POSITIVE), j.need(at, "holds")
        if j.kind(holds, bool) and ratio is not None:
            if holds != (ratio <= 1e-5):
                j.bad("summary_exact")
            elif not holds:
                j.bad("share_total")
    sampled = j.integer(j.need(root, "source_positions"), 1, j.seq - 1)
    sampled = core.MAX_INT if sampled is None else sampled * j.n
    for layer, at in by_layer(j, root, "source_table"):
        j.maybe(j.need(at, "embedding"), UNBOUNDED)
        j.integer(j.need(at, "positions"), 0, sampled)
        for name, length in (("attention", layer + 1), ("experts", layer)):
            row = j.need(at, name)
            if row is not MISSING:
                j.windows(row, length, UNBOUNDED)


def geometry(j, at):
    listed = j.need(at, "singular_values")
    if not j.kind(listed, list):
        return
    values = j.windows(listed, len(listed), POSITIVE)
    cosine = j.need(at, "cosine")
    if cosine is not MISSING:
        limits = (-1 - 1e-6, 1 + 1e-6)
        lo, hi, middle = (j.maybe(j.need(cosine, key), limits) for key in ("min", "max", "mean"))
        j.maybe(j.need(cosine, "mean_abs"), (0, 1 + 1e-6))
        if None not in (lo, hi, middle) and not lo - 1e-9 <= middle <= hi + 1e-9:
            j.bad("value_range")
    rank = j.maybe(j.need(at, "entropy_rank"), POSITIVE)
    rank95 = j.integer(j.need(at, "rank95"), 0, core.MAX_INT)
    share = j.maybe(j.need(at, "rank95_share"), (0, 1))
    if not j.sound() or not values:
        return
    if None in values or any(b > a for a, b in zip(values, values[1:])):
        j.bad("ranked_list")
        return
    energy = left_to_right(v * v for v in values)
    if energy <= 0:
        return
    p = [v * v / energy for v in values]
    if rank is None or not near(rank, math.exp(-left_to_right(x * math.log(x) for x in p if x))):
        j.bad("summary_mean")
    sums = [left_to_right(p[:i + 1]) for i in range(len(p))]
    ranks = [next((i + 1 for i, s in enumerate(sums) if s >= 0.95 + d), len(p))
             for d in (-1e-9, 1e-9)]
    if not ranks[0] <= rank95 <= ranks[1]:
        j.bad("summary_exact")
    elif share is None or not near(share, rank95 / len(values)):
        j.bad("summary_mean")


def similarity(j, root):
    """expert_similarity: lists, thresholds and verdict follow, ranks and cosines have bounds."""
    at = j.get(root, "expert_similarity")
    if at is MISSING or not j.kind(at, dict):
        return
    experts = sorted(core.subset(j.e, min(j.e, 8), j.seed, 11, 0))
    every, means = j.moe_layers, []
    layers = sorted({every[0], every[len(every) // 2], every[-1]})
    per_layer = j.need(at, "per_layer")
    if j.kind(per_layer, dict):
        if any(layer_key(key) not in layers for key in per_layer):
            j.bad("layer_arrays")
        for layer in map(str, layers):
            if layer not in per_layer:
                j.bad("layer_arrays")
                continue
            for name in ("gate", "up", "down"):
                projection = j.need(per_layer[layer], name)
                if projection is not MISSING:
                    ranks(j, projection, len(experts))
                    means.append(cosines(j, projection))
    path = ["expert_similarity"]
    j.claims.listed(path + ["experts"], experts)
    j.claims.listed(path + ["layers"], layers)
    j.claims.mean(path + ["thresholds", "upcycled"], 0.5)
    j.claims.mean(path + ["thresholds", "trained_from_scratch"], 0.1)
    if None not in means:
        j.claims.exact(path + ["verdict"], "upcycled" if all(m >= 0.5 for m in means) else
                       "trained from scratch" if all(abs(m) <= 0.1 for m in means) else "unclear")


def ranks(j, at, experts):
    found = j.need(at, "rank95")
    found = [] if found is MISSING else j.counts(found, experts, BIG)
    share = j.number(j.need(at, "rank95_share"), (0, 1))
    if share is None or len(found) != experts or sum(found) == share == 0:
        return
    side = sum(found) / experts / share if share else 0.0
    if not 1 - 1e-6 <= side <= BIG or abs(side - round(side)) > 1e-6:
        j.bad("summary_mean")
    elif max(found) > round(side):
        j.bad("value_range")


def cosines(j, at):
    middle, lo, hi = (j.number(j.need(at, "cosine_" + key), (-1 - 1e-9, 1 + 1e-9))
                      for key in ("mean", "min", "max"))
    if None in (middle, lo, hi):
        return None
    if not lo - 1e-9 <= middle <= hi + 1e-9:
        j.bad("value_range")
    return middle


def label_of(intervals):
    if intervals and None not in intervals:
        if all(lo > 0.85 for lo, _ in intervals):
            return "H1"
        if all(lo >= 0.5 and hi <= 0.8 for lo, hi in intervals):
            return "H2"
        if all(hi < 0.5 for _, hi in intervals):
            return "H3"
    return "inconclusive"


def shapley(val, layer, w, g, none):
    a, b = (i for i in range(3) if i != g)

    def at(*members):
        return val["+".join(PARTS[i] for i in sorted(members))][layer][w]

    values = [at(g), at(g, a), at(a), at(g, b), at(b), at(a, b)]
    if none is None or None in values:
        return None
    own, with_a, alone_a, with_b, alone_b, others = values
    return (own - none) / 3 + (with_a - alone_a) / 6 + (with_b - alone_b) / 6 + (1 - others) / 3


def val_grid(j, val, layer, positions, empty):
    """val * k * T_def is kept experts plus k val_empty for every position without the parts."""
    step = j.k * empty
    for windows in val.values():
        for value, n in zip(windows[layer], positions[layer]):
            if value is None:
                continue
            total = value * j.k * n

            def fits(dropped):
                kept = total - dropped * step
                return abs(kept - math.floor(kept + 0.5)) <= 1e-6 and \
                    -1e-6 <= kept <= j.k * (n - dropped) + 1e-6

            if not (fits(0.0) or fits(n) or n > 1 << 14 or any(map(fits, range(1, int(n))))):
                j.bad("integer_grid")
                break


def patterns(j, parts, flat, positions, compared):
    """Undefined exactly where the window has no position that defines the value."""
    def check(values, allowed):
        for layer in j.layers if j.sound() else ():
            if not all(allowed(layer, w, v is not None) for w, v in enumerate(values[layer])):
                j.bad("null_pattern")

    def measured(layer, w, there):
        return there == (positions[layer][w] > 0)

    def zero(field):
        return lambda layer, w: flat[field][layer][w] == 0.0

    def agrees(layer, w, there):
        return there == (compared[layer][w] > 0)

    def sampled(layer, w, there):
        return positions[layer][w] > 0 if there else positions[layer][w] < j.seq - 1

    for field in ("signed_num", "signed_num_varying", "margin_part", "val", "val_mean_replaced"):
        for values in parts[field].values():
            check(values, measured)
    for field in ("signed_den", "signed_den_varying", "margin_total"):
        check(flat[field], measured)
    nothing, no_null = zero("signed_den"), zero("null_signed_den")
    for values in parts["norm_share"].values():
        check(values, lambda layer, w, there: measured(layer, w, there) or
              not there and nothing(layer, w))
    check(flat["agreement_top1"], agrees)
    check(flat["agreement_topk"], agrees)
    check(flat["null_signed_num"], sampled)
    check(flat["null_signed_den"], sampled)
    check(flat["null_share"], lambda layer, w, there: sampled(layer, w, there) or
          not there and no_null(layer, w))
    check(flat["published_ratio"], lambda layer, w, there: there)


def popularity(j, root, layer, experts):
    tokens = sum(experts) / j.k
    empty = left_to_right(float(c) * c for c in experts) / (j.k * tokens * tokens) if tokens else 0.0
    stated = j.get(root, "summary", "per_layer", str(layer), "val_empty")
    known = isinstance(stated, float) or isinstance(stated, int) and not isinstance(stated, bool)
    return float(stated) if known and abs(stated - empty) <= 1e-12 * empty else empty


def counts_of(j, root, layer, undefined, compared):
    positions = j.n * (j.seq - 1)
    at = j.need(j.need(root, "expert_counts"), str(layer))
    experts = [] if at is MISSING else j.counts(at, j.e, positions)
    agreement, found = j.need(j.need(root, "agreement_counts"), str(layer)), []
    for name in ("embedding_top1", "rest_top1", "embedding_topk", "rest_topk"):
        at = j.need(agreement, name)
        found.append([] if at is MISSING else j.counts(at, j.e, positions))
    if j.sound():
        defined = positions - int(sum(undefined[layer]))
        if sum(experts) != j.k * defined:
            j.bad("count_total")
        n = sum(found[0])
        if sum(compared[layer]) != n:
            j.bad("count_total")
        if n > defined or [sum(c) for c in found[1:]] != [n, j.k * n, j.k * n]:
            j.bad("count_total")
    return experts, found


def attention_router(j, root):
    convention = j.string(j.need(root, "convention"))
    if j.sound() and convention not in ("exact", "published"):
        j.bad("value_range")
    per_window = j.need(root, "per_window")
    names = PARTS + (["bias"] if j.get(per_window, "norm_share", "bias") is not MISSING else [])
    parts = {}
    for field, keys, bounds in (("norm_share", names, SHARE), ("signed_num", names, UNBOUNDED),
                                ("signed_num_varying", names, UNBOUNDED),
                                ("margin_part", names, UNBOUNDED), ("val", SUBSETS, SHARE),
                                ("val_mean_replaced", SUBSETS + ["none"], SHARE)):
        parts[field] = read_parts(j, j.need(per_window, field), keys, bounds)
    flat = {}
    for field, bounds in (("signed_den", POSITIVE), ("signed_den_varying", POSITIVE),
                          ("margin_total", UNBOUNDED), ("agreement_top1", SHARE),
                          ("agreement_topk", SHARE), ("null_share", SHARE),
                          ("null_signed_num", UNBOUNDED), ("null_signed_den", POSITIVE),
                          ("published_ratio", SHARE)):
        flat[field] = j.layered(j.need(per_window, field), bounds)
    undefined = j.layered(j.need(per_window, "n_undefined"), (0, j.seq - 1), True)
    positions = None
    compared = j.layered(j.need(per_window, "agreement_positions"), (0, j.seq - 1), True)
    if j.sound():
        positions = defined_positions(j, undefined)
        if any(c > n for layer in j.layers for c, n in
                                        zip(compared[layer], positions[layer])):
            j.bad("count_total")
    add_up(j, parts["norm_share"], None)
    add_up(j, parts["signed_num"], flat["signed_den"])
    add_up(j, parts["signed_num_varying"], flat["signed_den_varying"])
    add_up(j, parts["margin_part"], flat["margin_total"])
    if j.sound():
        patterns(j, parts, flat, positions, compared)
    if j.sound():
        on_grid(j, flat["agreement_top1"], compared, 1)
        on_grid(j, flat["agreement_topk"], compared, j.k)
        for values in parts["val_mean_replaced"].values():
            on_grid(j, values, positions, j.k)
    prompts, probes = prompts_of(j, root), probes_of(j, root)
    extras(j, root)
    similarity(j, root)
    if not j.sound():
        return
    counts = {layer: counts_of(j, root, layer, undefined, compared) for layer in j.layers}
    if not j.sound():
        return
    empties = {layer: popularity(j, root, layer, counts[layer][0]) for layer in j.layers}
    for layer in j.layers:
        val_grid(j, parts["val"], layer, positions, empties[layer])
    if not j.sound():
        return
    shares = {"norm_share": [], "signed_share": [], "published_ratio": []}
    attention = {}
    for layer in j.layers:
        attention[layer] = layer_claims(j, layer, names, parts, flat, counts[layer], empties[layer])
        if layer in j.required:
            shares["norm_share"].append(j.ci(parts["norm_share"]["attention"][layer]))
            shares["signed_share"].append(j.ratio_sums(
                parts["signed_num"]["attention"][layer], flat["signed_den"][layer])[1])
            shares["published_ratio"].append(j.ci(flat["published_ratio"][layer]))
    headline = [attention[layer] for layer in j.required]
    exact = label_of([j.ci(x) for x in headline])
    j.claims.exact(["summary", "verdict", "exact"], exact)
    for name, intervals in shares.items():
        j.claims.exact(["summary", "verdict", name], label_of(intervals))
    published(j, root, prompts, probes)

    def z_of(*tests):
        zs = [j.distance(x, threshold, side) for x in headline for threshold, side in tests]
        return None if not zs or None in zs else min(zs)

    zs = {"H1": z_of((0.85, 1)), "H2": z_of((0.5, 1), (0.8, -1)), "H3": z_of((0.5, -1))}
    known = [z for z in zs.values() if z is not None]
    z = zs[exact] if exact in zs else max(known) if known else None
    j.convergence(root, z, exact)
    j.verdict = "REPORTED"


def layer_claims(j, layer, names, parts, flat, counts, empty):
    claims, path = j.claims, ["summary", "per_layer", str(layer)]
    _, (embedding1, rest1, embeddingk, restk) = counts
    for name in names:
        j.mean_block(path + ["norm_share", name], parts["norm_share"][name][layer])
        j.ratio_block(path + ["signed_share", name], parts["signed_num"][name][layer],
                      flat["signed_den"][layer])
        j.ratio_block(path + ["signed_share_varying", name],
                      parts["signed_num_varying"][name][layer], flat["signed_den_varying"][layer])
        j.mean_block(path + ["margin_share", name], parts["margin_part"][name][layer])
        j.ratio_block(path + ["margin_share", name], parts["margin_part"][name][layer],
                      flat["margin_total"][layer], ("ratio", "ratio_ci95"))
    j.mean_block(path + ["margin_total"], flat["margin_total"][layer])
    claims.mean(path + ["val_empty"], empty)
    none = parts["val_mean_replaced"]["none"][layer]
    headline = None
    for g, name in enumerate(PARTS):
        phi = [shapley(parts["val"], layer, w, g, empty) for w in range(j.n)]
        share = [None if p is None or empty == 1 else p / (1 - empty) for p in phi]
        j.mean_block(path + ["shapley", name], share)
        if name == "attention":
            headline = share
            j.siblings(path + ["shapley", name], share)
        replaced = [shapley(parts["val_mean_replaced"], layer, w, g, none[w]) for w in range(j.n)]
        j.ratio_block(path + ["shapley_mean_replaced", name], replaced,
                      [None if v is None else 1 - v for v in none])
    n = float(sum(embedding1))
    for name, a, b, divisor in (("top1", embedding1, rest1, n * n),
                                ("topk", embeddingk, restk, j.k * (n * n))):
        j.mean_block(path + ["agreement", name], flat["agreement_" + name][layer])
        claims.mean(path + ["agreement", name, "chance"],
                    left_to_right(float(x) * y for x, y in zip(a, b)) / divisor if n else None)
    j.mean_block(path + ["null_share", "attention"], flat["null_share"][layer])
    j.ratio_block(path + ["null_signed_share", "attention"], flat["null_signed_num"][layer],
                  flat["null_signed_den"][layer])
    j.mean_block(path + ["published_ratio", "attention"], flat["published_ratio"][layer])
    return headline


def published(j, root, prompts, probes):
    claims, path = j.claims, ["summary", "verdict", "published"]
    layers = j.layers
    if layers == j.moe_layers:
        layers = sorted({layers[0], layers[len(layers) // 2], layers[-1]})
    claims.listed(path + ["layers"], layers)
    rows = {}
    for layer in j.layers:
        found = [(r, same) for convention, at, r, same in prompts
                 if convention == "published" and at == layer]
        if found:
            center = left_to_right(r for r, _ in found) / len(found)
            spread = left_to_right((r - center) ** 2 for r, _ in found) / len(found)
            rows[layer] = (center, math.sqrt(spread), sum(s for _, s in found) / len(found))
    later = [layer for layer in layers if layer != j.moe_layers[0]]
    for name, chosen in (("all_layers", layers), ("without_first", later)):
        found = [rows[layer][0] for layer in chosen if layer in rows]
        value = left_to_right(found) / len(found) if found else None
        claims.mean(path + [name, "mean"], value)
        claims.exact(path + [name, "label"], label_of([value and (value, value)]))
    for i, layer in enumerate(j.layers):
        at = ["summary", "published_table", i]
        center, spread, agreement = rows.get(layer, (None, None, None))
        claims.exact(at + ["layer"], layer)
        claims.mean(at + ["mean"], center)
        claims.near(at + ["std"], spread)
        claims.mean(at + ["agreement"], agreement)
    claims.append((["summary", "published_table", len(j.layers)], "absent", 0, "summary_exact"))
    for convention in ("exact", "published"):
        context_tests(j, root, probes, layers, convention)


def context_tests(j, root, probes, layers, convention):
    claims, path = j.claims, ["summary", "context_tests", convention]
    claims.listed(path + ["layers"], layers)
    cells = {}
    for found, layer, top, target in probes:
        if found == convention and layer in layers:
            cells.setdefault((target, layer), []).append(top)
    claims.exact(path + ["cells"], len(cells))
    claims.exact(path + ["sensitive"], sum(len(set(tops)) > 1 for tops in cells.values()))
    stated, left = j.get(root, *path, "table"), set(cells)
    for row in range(len(cells)):
        cell = min(left, key=lambda c: (c[0].encode(), c[1]))
        if isinstance(stated, list) and row < len(stated):
            named = (j.get(stated[row], "target"), j.get(stated[row], "layer"))
            if not isinstance(named[0], (list, dict)) and not isinstance(
                    named[1], (list, dict, float, bool)) and named in left:
                cell = named
        left.remove(cell)
        at = path + ["table", row]
        claims.exact(at + ["target"], cell[0])
        claims.exact(at + ["layer"], cell[1])
        claims.listed(at + ["tops"], cells[cell])
        claims.exact(at + ["distinct"], len(set(cells[cell])))
    claims.append((path + ["table", len(cells)], "absent", 0, "summary_exact"))
