"""The second verifier's judge of audit: where the choices of a changed copy of a checkpoint part
from its reference's, what that costs, and how well forecasts of it do."""

import second_core as core
import second_forecasts
import second_key_change
from second_core import difference
from second_edges import BINS, by_layer, decile_counts
from second_forecasts import DRAWS, merged, score
from second_intervention import defined_means, rate, summed, window_counts
from second_verifier import MISSING, POSITIVE, UNBOUNDED

COMPUTE = ("f32", "bf16")
MASSES = ("total", "local", "inherited", "through_a")
PLACES = ("neighbour", "middle", "far")
FLIPPED = ((0, 0), (1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, None))
LOSSES = ("loss_a", "loss_b", "loss_ab", "loss_ba")
LIMITS = ("lower", "upper", "pair")
DRAWN = ("F2", "F3", "F4")
SLACK = 1e-9


# ---- reading


def floats(j, value, bounds):
    """{layer: n numbers}, none of them null."""
    found = j.layered(value, bounds)
    if isinstance(value, dict) and any(isinstance(value.get(str(layer)), list) and
                                       None in value[str(layer)] for layer in j.layers):
        j.bad("null_pattern")
    return found


def layered_counts(j, value, most):
    """{layer: n counts}, zeros where there are none."""
    return {layer: [0 if v is None else int(v) for v in values]
            for layer, values in j.layered(value, (0, most), True).items()}


def bins_of(j, value, read):
    """One array of windows for each bin of flipped layers."""
    if j.kind(value, list):
        if len(value) == len(FLIPPED):
            return [read(row) for row in value]
        j.bad("array_length")
    return [[0] * j.n for _ in FLIPPED]


def null_iff(j, value, due):
    """Whether there is something to read. `due`: it has to be null; None: the artifact doesn't
    say."""
    if value is MISSING or due is None:
        return False
    if (value is None) != due:
        j.bad("null_pattern")
    return not due and value is not None


def ascending(j, value, bounds):
    if not j.kind(value, list):
        return None
    if len(value) != BINS + 1:
        j.bad("array_length")
        return None
    for i, v in enumerate(value):
        if not j.element(v, bounds):
            return None
        if i and v < value[i - 1]:
            j.bad("ranked_list")
            return None
    return [float(v) for v in value]


def margin_names(j):
    return ("set", "logit", "group") if j.groups > 1 else ("set", "logit")


class Audit:
    """The arrays of an artifact, by name and layer."""

    def __init__(self, j, root):
        self.t, self.most = j.seq - 1, j.k * (j.seq - 1)
        self.settings(j, root)
        self.fold(j, root)
        per_window = j.need(root, "per_window")
        self.decisions_of(j, per_window)
        self.tokens_of(j, per_window)
        self.deciles_of(j, root, per_window)
        self.guarantee(j, per_window)
        self.limits(j, root, per_window)
        self.forecasts_of(j, per_window)
        self.floor_of(j, per_window)

    def layers(self, j, parent, name, most):
        return layered_counts(j, j.need(parent, name), most)

    def settings(self, j, root):
        self.gates_equal = j.need(root, "gates_equal")
        j.kind(self.gates_equal, bool)
        at = j.need(root, "audit")
        if not j.kind(at, dict):
            self.other_compute = MISSING
            return
        own, self.other_compute = j.need(at, "compute"), j.need(at, "other_compute")
        for value in (own, self.other_compute):
            if value is not None and j.kind(value, str) and value not in COMPUTE:
                j.bad("value_range")
        if own is None:
            j.bad("value_kind")
        if own == self.other_compute and own is not MISSING:
            j.bad("value_range")
        draws, reweigh = j.need(at, "draws"), j.need(at, "reweigh")
        j.integer(draws, DRAWS, DRAWS)
        if j.kind(reweigh, str) and reweigh != "own":
            j.bad("value_range")

    def fold(self, j, root):
        listed, self.folds = j.need(root, "folds"), None
        self.forecast = j.n_documents > 1
        if null_iff(j, listed, not self.forecast):
            self.folds = window_counts(j, listed, 1)
            if j.sound() and self.folds != [document % 2 for document in j.documents]:
                j.bad("document_ids")

    def decisions_of(self, j, per_window):
        lost = self.layers(j, per_window, "n_undefined", self.t)
        self.decisions = {layer: [self.t - n for n in lost[layer]]
                          for layer in j.layers}
        mass = j.need(per_window, "mass")
        self.mass = {name: self.layers(j, mass, name, self.most) for name in MASSES}
        for name in ("flips", "reordered", "reweighted"):
            setattr(self, name, self.layers(j, per_window, name, self.t))
        distance = j.need(per_window, "distance")
        self.distance = {name: self.layers(j, distance, name, self.t) for name in PLACES}
        self.depth_sum = floats(j, j.need(per_window, "depth_sum"), POSITIVE)
        self.depth_n = self.layers(j, per_window, "depth_n", self.most)

    def tokens_of(self, j, per_window):
        self.onset = self.layers(j, per_window, "onset", self.t)
        at = j.need(per_window, "flipped_layers")
        self.tokens = bins_of(j, j.need(at, "tokens"), lambda row: window_counts(j, row, self.t))
        self.kl_sum = bins_of(j, j.need(at, "kl_sum"), lambda row: defined_means(j, row, POSITIVE))
        self.loss_sum = bins_of(j, j.need(at, "loss_delta_sum"),
                                lambda row: defined_means(j, row, UNBOUNDED))
        self.kl = defined_means(j, j.need(per_window, "kl"), POSITIVE)
        self.loss = {name: defined_means(j, j.need(per_window, name), POSITIVE)
                     for name in LOSSES}
        self.top1 = window_counts(j, j.need(per_window, "top1_equal"), self.t)

    def deciles_of(self, j, root, per_window):
        edges, sums = j.need(root, "decile_edges"), j.need(per_window, "deciles")
        self.edges, self.deciles = {}, {}
        if j.groups == 1 and any(j.get(at, "group") is not MISSING for at in (edges, sums)):
            j.bad("null_pattern")
        for name in margin_names(j):
            self.edges[name], self.deciles[name] = {}, {}
            listed = by_layer(j, j.need(edges, name))
            for layer, value in by_layer(j, j.need(sums, name)).items():
                if layer in listed:
                    self.deciles_of_layer(j, name, layer, listed[layer], value)

    def deciles_of_layer(self, j, name, layer, listed, value):
        if listed is not None and not any(self.decisions[layer]):
            j.bad("null_pattern")
        edges = found = None
        if null_iff(j, value, listed is None):
            edges = ascending(j, listed, UNBOUNDED if name == "logit" else POSITIVE)
            if edges and edges[0] == edges[-1]:
                j.bad("null_pattern")
            found = {kind: decile_counts(j, j.need(value, kind), most)
                     for kind, most in (("decisions", self.t), ("flips", self.t),
                                        ("mass", self.most))}
        self.edges[name][layer], self.deciles[name][layer] = edges, found

    def guarantee(self, j, per_window):
        self.guaranteed = self.broken = None
        for attribute, name in (("guaranteed", "guaranteed"), ("broken", "guaranteed_flips")):
            value = j.need(per_window, name)
            if null_iff(j, value, self.gates_equal is not True):
                setattr(self, attribute, layered_counts(j, value, self.t))

    def limits(self, j, root, per_window):
        value, self.bounds = j.need(per_window, "bounds"), None
        biased = j.get(root, "gate_semantics", "selection_bias") is True
        if null_iff(j, value, j.groups > 1 or biased or not self.forecast):
            self.bounds = {name: floats(j, j.need(value, name), (0, self.t * (1 + SLACK)))
                           for name in LIMITS}

    def forecasts_of(self, j, per_window):
        value, self.drawn = j.need(per_window, "forecasts"), None
        if not null_iff(j, value, not self.forecast):
            return
        self.drawn = {}
        for name in DRAWN:
            self.drawn[name] = {layer: self.windows_of_triples(j, at)
                                for layer, at in by_layer(j, j.need(value, name)).items()}

    def windows_of_triples(self, j, value):
        if not j.kind(value, list):
            return [[] for _ in range(j.n)]
        if len(value) != j.n:
            j.bad("array_length")
            return [[] for _ in range(j.n)]
        return [self.triples(j, window) for window in value]

    def triples(self, j, value):
        """[s, decisions, flips] of one window, up to a defect."""
        found = []
        for row in value if j.kind(value, list) else ():
            if not j.kind(row, list):
                break
            if len(row) != 3:
                j.bad("array_length")
                break
            s, decisions = j.integer(row[0], 0, DRAWS), j.integer(row[1], 1, self.t)
            flips = None if None in (s, decisions) else j.integer(row[2], 0, decisions)
            if flips is None:
                break
            if found and s <= found[-1][0]:
                j.bad("ranked_list")
                break
            found.append((s, decisions, flips))
        return found

    def floor_of(self, j, per_window):
        at, self.gates, self.again = j.need(per_window, "floor"), {}, None
        gates, again = j.need(at, "gates"), j.need(at, "pass")
        for name, most in (("flips", self.t), ("mass", self.most), ("ties", self.t)):
            self.gates[name] = self.layers(j, gates, name, most)
        known = self.other_compute is not MISSING
        if null_iff(j, again, self.other_compute is None if known else None):
            self.again = {name: self.layers(j, again, name, most) for name, most in
                          (("n_undefined", self.t), ("flips", self.t), ("mass", self.most))}


# ---- relations between the arrays


def check_layer(j, a, layer):
    for w, defined in enumerate(a.decisions[layer]):
        flips = a.flips[layer][w]
        total, local, inherited, through = (a.mass[name][layer][w] for name in MASSES)
        places = sum(a.distance[name][layer][w] for name in PLACES)
        equal = defined - flips
        fits = (flips <= total <= j.k * flips and places == flips and
                max(local, inherited, through) <= j.k * defined and
                2 * max(total, local, inherited) <= total + local + inherited and
                flips + a.reordered[layer][w] <= defined and a.reweighted[layer][w] <= equal and
                a.depth_n[layer][w] <= total)
        if a.depth_sum[layer][w] and not a.depth_n[layer][w]:
            j.bad("share_total")
        gates = a.gates
        fits = fits and (max(gates["flips"][layer][w], gates["ties"][layer][w]) <= defined and
                         gates["flips"][layer][w] <= gates["mass"][layer][w] <=
                         j.k * gates["flips"][layer][w])
        if a.again:
            own, lost, mass = (a.again[name][layer][w] for name in ("flips", "n_undefined", "mass"))
            fits = fits and own <= a.t - lost and own <= mass <= j.k * own
        if a.gates_equal:
            fits = fits and (local == 0 and through == total and
                             a.guaranteed[layer][w] <= defined)
            fits = fits and not a.broken[layer][w]
        if not fits:
            j.bad("count_total")


def check_deciles(j, a, layer):
    for name, of in a.deciles.items():
        edges, found = a.edges[name][layer], of[layer]
        if edges is None:
            continue
        for kind, whole in (("decisions", a.decisions[layer]), ("flips", a.flips[layer]),
                            ("mass", a.mass["total"][layer])):
            if summed(found[kind]) != list(whole):
                j.bad("count_total")
        for decisions, flips, mass in zip(*(found[kind] for kind in ("decisions", "flips",
                                                                    "mass"))):
            if any(f > n or not f <= m <= j.k * f for n, f, m in zip(decisions, flips, mass)):
                j.bad("count_total")


def check_tokens(j, a):
    for w in range(j.n):
        begun = 0
        for layer in j.layers:
            begun += a.onset[layer][w]
            if not a.onset[layer][w] <= a.flips[layer][w] <= begun:
                j.bad("count_total")
        if any(not row[w] and (kl[w] or loss[w])
               for row, kl, loss in zip(a.tokens, a.kl_sum, a.loss_sum)):
            j.bad("share_total")
        if begun > a.t or a.tokens[0][w] != a.t - begun or sum(row[w] for row in a.tokens) != a.t:
            j.bad("count_total")
    deltas = difference(a.loss["loss_b"], a.loss["loss_a"])
    for rows, means in ((a.kl_sum, a.kl), (a.loss_sum, deltas)):
        for w, value in enumerate(means):
            whole = core.left_to_right(row[w] for row in rows)
            if abs(whole - a.t * value) > SLACK * (1 + abs(a.t * value)):
                j.bad("share_total")


def check_forecasts(j, a, layer):
    if a.bounds:
        for w, defined in enumerate(a.decisions[layer]):
            lower, upper, pair = (a.bounds[name][layer][w] for name in LIMITS)
            if any(one > other + SLACK * (1 + abs(other)) for one, other in
                   ((pair, lower), (lower, upper), (upper, defined))):
                j.bad("value_range")
    for of in (a.drawn or {}).values():
        for w, triples in enumerate(of[layer]):
            if (sum(n for _, n, _ in triples) != a.decisions[layer][w] or
                    sum(f for _, _, f in triples) != a.flips[layer][w]):
                j.bad("count_total")


# ---- the summary


def product(k, values):
    return [k * v for v in values]


def half(a, b, c):
    """(a + b - c)/2 by window."""
    return [(x + y - z) / 2 for x, y, z in zip(a, b, c)]


class Sums:
    """The arrays of one layer, or of several added up."""

    def __init__(self, a, layers):
        def of(by_layer_):
            rows = [by_layer_[layer] for layer in layers]
            return list(rows[0]) if len(rows) == 1 else summed(rows)
        self.decisions, self.flips = of(a.decisions), of(a.flips)
        self.mass = {name: of(a.mass[name]) for name in MASSES}
        self.shares = {"reordered": of(a.reordered), "reweighted": of(a.reweighted),
                       **{name: of(a.distance[name]) for name in PLACES}}
        self.depth = of(a.depth_sum), of(a.depth_n)
        self.guaranteed = of(a.guaranteed) if a.guaranteed else None
        self.bounds = a.bounds and {name: of(a.bounds[name]) for name in LIMITS}
        self.gates = {name: of(found) for name, found in a.gates.items()}
        self.again = a.again and {name: of(found) for name, found in a.again.items()}
        self.again_decisions = a.again and [a.t * len(layers) - n
                                            for n in self.again["n_undefined"]]


def claim_split(j, path, sums):
    """Of the whole distance: its three parts, and what gate and input have in it."""
    total, local, inherited, through = (sums.mass[name] for name in MASSES)
    whole = product(j.k, sums.decisions)
    for name, mass in zip(MASSES[:3], (total, local, inherited)):
        rate(j, path + [name], mass, whole)
    gate = half(local, total, through)
    rate(j, path + ["phi_gate"], gate, whole)
    rate(j, path + ["phi_input"], half(through, total, local), whole)
    ends = j.ratio_sums(total, whole)[1]
    if ends is not None and ends[0] > 0:
        rate(j, path + ["share_gate"], gate, total)
    else:
        j.claims.mean(path + ["share_gate"], None)


def claim_floor(j, path, sums):
    gates, whole = path + ["gates"], product(j.k, sums.decisions)
    rate(j, gates + ["flips"], sums.gates["flips"], sums.decisions)
    rate(j, gates + ["d"], sums.gates["mass"], whole)
    rate(j, gates + ["ties"], sums.gates["ties"], sums.decisions)
    if not sums.again:
        j.claims.mean(path + ["pass"], None)
        return
    own = sums.again_decisions
    rate(j, path + ["pass", "flips"], sums.again["flips"], own)
    rate(j, path + ["pass", "d"], sums.again["mass"], product(j.k, own))


def claim_sums(j, path, sums):
    rate(j, path + ["flips"], sums.flips, sums.decisions)
    claim_split(j, path, sums)
    for name, values in sums.shares.items():
        rate(j, path + [name], values, sums.decisions)
    rate(j, path + ["depth"], *sums.depth)
    if sums.guaranteed is None:
        j.claims.mean(path + ["guaranteed"], None)
    else:
        rate(j, path + ["guaranteed"], sums.guaranteed, sums.decisions)
    if sums.bounds is None:
        j.claims.mean(path + ["bounds"], None)
    else:
        for name in LIMITS:
            rate(j, path + ["bounds", name], sums.bounds[name], sums.decisions)
    claim_floor(j, path + ["floor"], sums)


def claim_deciles(j, path, edges, found):
    if edges is None:
        j.claims.exact(path, None)
        return
    row = 0
    for i, (decisions, flips, mass) in enumerate(zip(found["decisions"], found["flips"],
                                                     found["mass"])):
        if not any(decisions):
            continue
        at = path + [row]
        j.claims.exact(at + ["bin"], i)
        j.claims.mean(at + ["m_lo"], edges[i])
        j.claims.mean(at + ["m_hi"], edges[i + 1])
        j.claims.exact(at + ["decisions"], sum(decisions))
        rate(j, at + ["flips"], flips, decisions)
        rate(j, at + ["d"], mass, product(j.k, decisions))
        row += 1
    j.claims.append((path + [row], "absent", 0, "summary_exact"))


def claim_layers(j, a):
    left = [a.t] * j.n
    for layer in j.layers:
        path = ["summary", "per_layer", str(layer)]
        claim_sums(j, path, Sums(a, [layer]))
        rate(j, path + ["hazard"], a.onset[layer], left)
        left = difference(left, a.onset[layer])
        for name, of in a.deciles.items():
            claim_deciles(j, path + ["deciles", name], a.edges[name][layer], of[layer])
    claim_sums(j, ["summary", "pooled"], Sums(a, j.layers))
    rate(j, ["summary", "pooled", "token_flips"], difference([a.t] * j.n, left), [a.t] * j.n)


def claim_damage(j, a):
    path = ["summary", "damage"]
    for name, values in (("kl", a.kl), ("loss_a", a.loss["loss_a"]), ("loss_b", a.loss["loss_b"]),
                         ("loss_delta", difference(a.loss["loss_b"], a.loss["loss_a"]))):
        j.mean_block(path + [name], values)
    rate(j, path + ["top1"], a.top1, [a.t] * j.n)
    row = 0
    for (first, last), tokens, kl, loss in zip(FLIPPED, a.tokens, a.kl_sum, a.loss_sum):
        if not any(tokens):
            continue
        at = path + ["by_flipped_layers", row]
        j.claims.exact(at + ["from"], first)
        if last is None:
            j.claims.append((at + ["to"], "absent", 0, "summary_exact"))
        else:
            j.claims.exact(at + ["to"], last)
        j.claims.exact(at + ["tokens"], sum(tokens))
        rate(j, at + ["kl"], kl, tokens)
        rate(j, at + ["loss_delta"], loss, tokens)
        row += 1
    j.claims.append((path + ["by_flipped_layers", row], "absent", 0, "summary_exact"))


def claim_two_by_two(j, a):
    path, four = ["summary", "two_by_two"], list(zip(*(a.loss[name] for name in LOSSES)))
    whole = [bb - aa for aa, bb, _, _ in four]
    routes = [((ab - aa) + (bb - ba)) / 2 for aa, bb, ab, ba in four]
    weights = [((ba - aa) + (bb - ab)) / 2 for aa, bb, ab, ba in four]
    for name, values in (("D", whole), ("phi_R", routes), ("phi_W", weights),
                         ("I", [bb - ba - ab + aa for aa, bb, ab, ba in four])):
        j.mean_block(path + [name], values)
    ends = j.ci(whole)
    for name, part in (("share_R", routes), ("share_W", weights)):
        if ends is not None and (ends[0] > 0 or ends[1] < 0):
            rate(j, path + [name], part, whole)
        else:
            j.claims.mean(path + [name], None)


def fold_levels(a, layer, fold):
    """Levels of F0 and F1 of one layer's decisions in a fold, fitted on the other one."""
    n = len(a.folds)

    def fitted(decisions, flips):
        pairs = [(d, f) for g, d, f in zip(a.folds, decisions, flips) if g != fold]
        whole = sum(d for d, _ in pairs)
        return sum(f for _, f in pairs) / whole if whole else None

    def level(p, decisions, flips):
        return p, [(w, int(decisions[w]), int(flips[w])) for w in range(n)
                   if a.folds[w] == fold and decisions[w]]

    rate_ = fitted(a.decisions[layer], a.flips[layer]) or 0.0
    f0 = [level(rate_, a.decisions[layer], a.flips[layer])]
    found = a.deciles["set"][layer]
    if found is None:
        return f0, f0
    f1 = []
    for decisions, flips in zip(found["decisions"], found["flips"]):
        p = fitted(decisions, flips)
        f1.append(level(rate_ if p is None else p, decisions, flips))
    return f0, f1


def layer_levels(a, layer):
    both = [fold_levels(a, layer, fold) for fold in (0, 1)]
    levels = {name: merged(pair[i] for pair in both) for i, name in enumerate(("F0", "F1"))}
    for name in DRAWN:
        levels[name] = merged([(s / DRAWS, [(w, n, f)])] for w, triples in
                              enumerate(a.drawn[name][layer]) for s, n, f in triples)
    return {name: tuple(level for level in found if level[1]) for name, found in levels.items()}


def claim_forecasts(j, a):
    if a.drawn is None:
        j.claims.mean(["summary", "forecasts"], None)
        return
    by_place = {("per_layer", str(layer)): layer_levels(a, layer) for layer in j.layers}
    by_place["pooled",] = {name: merged(of[name] for of in by_place.values())
                           for name in ("F0", "F1") + DRAWN}
    for place, levels in by_place.items():
        scores = {name: score(found, name in DRAWN, name != "F0", j.n, j.draws)
                  for name, found in levels.items()}
        for name, own in scores.items():
            second_forecasts.claim_score(
                j, ["summary", "forecasts", name, *place], own,
                None if name == "F0" else scores["F0"], scores["F1"] if name in DRAWN else None)


def identical(j, a):
    still = [of[layer] for layer in j.layers for of in (*a.mass.values(), a.flips, a.reordered,
                                                        a.reweighted)]
    return (not any(map(any, still)) and not any(a.kl) and
            all(a.loss[name] == a.loss["loss_a"] for name in LOSSES) and a.top1 == [a.t] * j.n)


def audit(j, root):
    if root["edge"]["direction"] != "AtoB":
        j.bad("edge_direction")
    a = Audit(j, root)
    lowest = second_key_change.lowest_layer(j, root)
    if not j.sound():
        return
    second_key_change.check_below(j, lowest, (a.mass["total"], a.reordered, a.reweighted))
    for layer in j.layers:
        check_layer(j, a, layer)
        check_deciles(j, a, layer)
        check_forecasts(j, a, layer)
    check_tokens(j, a)
    if not j.sound():
        return
    j.claims.exact(["summary", "outcome"], "IDENTICAL" if identical(j, a) else "CHANGED")
    claim_layers(j, a)
    claim_damage(j, a)
    claim_two_by_two(j, a)
    claim_forecasts(j, a)
    j.claims.exact(["summary", "verdict"], "REPORTED")
    j.verdict = "REPORTED"
