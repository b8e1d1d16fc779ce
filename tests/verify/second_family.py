"""The second verifier's tests of families (several checkpoints, several domains) and of bundles
(whole artifacts inside)."""

import itertools
import math
import operator

import second_core as core
from second_core import difference, mean
from second_tests import stated_ends
from second_verifier import MISSING, OWN, POSITIVE, UNBOUNDED, Judge, Stop, is_ours, layer_key


# ---- families: header and arrays


def names_of(j, listed):
    names = []
    for name in listed if j.kind(listed, list) else ():
        if not j.kind(name, str):
            break
        if not name or name in names:
            j.bad("family_list")
            break
        names.append(name)
    return names


def members(j, family):
    j.string(j.need(family, "family_name"))
    base = j.string(j.need(family, "base_ckpt"))
    names = names_of(j, j.need(family, "ckpts"))
    if not j.sound():
        raise Stop
    if not j.full:  # it may list the descendants alone
        names = [base] + [name for name in names if name != base]
    elif names[:1] != [base]:
        j.bad("family_list")
    if len(names) < 2:
        j.bad("family_list")
    j.checkpoints = names


def domains(j, root):
    names = names_of(j, j.need(root, "domains"))
    data = j.need(root, "data")
    if not j.sound() or not j.kind(data, dict):
        return
    if not names or not set(data) <= set(names):
        if not names:
            j.bad("family_list")
        if set(data) - set(names):
            j.bad("family_arrays")
    for name in names:
        j.data(j.need(data, name))
        j.domains[name] = (j.n, j.documents, j.n_documents)


def edges(j, root):
    listed = j.need(root, "edges")
    if not j.kind(listed, list):
        return
    if not listed:
        j.bad("family_list")
    for edge in listed:
        if not j.kind(edge, dict):
            return
        pair = j.string(j.need(edge, "from")), j.string(j.need(edge, "to"))
        if not j.sound():
            return
        if pair[0] == pair[1] or not set(pair) <= set(j.checkpoints):
            j.bad("family_list")
        elif "__to__".join(pair) in ["__to__".join(other) for other in j.edges]:
            j.bad("family_list")
        j.edges.append(pair)


def nothing_measured(j, root):
    for listed, check in ((j.need(root, "layers"), "layer_list"),
                          (j.need(j.need(root, "verification"), "required_layers"),
                           "required_layers")):
        if j.kind(listed, list) and listed:
            j.bad(check)


def other_checkpoints(j, root):
    listed = j.need(root, "checkpoints")
    if not j.kind(listed, list):
        return
    if len(listed) + 1 != len(j.checkpoints):
        j.bad("family_list")
        return
    for row, expected in zip(listed, j.checkpoints[1:]):
        if not j.kind(row, dict):
            return
        name = j.need(row, "ckpt")
        if name is not MISSING and j.string(name) != expected:
            j.bad("family_list")
        j.sources(row)


def family_header(j, root, test):
    j.full = is_ours(root, test)
    j.version(root)
    j.domains, j.edges, j.layers = {}, [], []
    family = j.need(root, "family")
    if not j.kind(family, dict):
        raise Stop
    members(j, family)
    if not j.sound():
        raise Stop
    domains(j, root)
    if test != "kl_bounded_adaptation":
        edges(j, root)
    if j.full or "gate_semantics" in root:
        j.gate(root)
    sizes = [n for n, _, _ in j.domains.values()]
    j.n = sum(sizes)  # the limit on work counts all
    j.bootstrap(root)
    j.n = min(sizes, default=0)
    j.draws = (j.B, j.seed) if j.full else OWN
    if j.full:
        nothing_measured(j, root)
        j.provenance(root)
        other_checkpoints(j, root)
        j.need(root, "body_sha256")
        j.null_reasons(root)


def check_domains(j, root):
    per_window = j.need(root, "per_window")
    if j.kind(per_window, dict) and set(per_window) != set(j.domains):
        j.bad("family_arrays")


def by_checkpoint(j, root, domain, name, bounds):
    """{checkpoint: n values}, none of them null."""
    n = j.domains[domain][0]
    result = {checkpoint: [0.0] * n for checkpoint in j.checkpoints}
    arrays = j.need(j.get(root, "per_window", domain), name)
    if not j.kind(arrays, dict):
        return result
    if not set(arrays) <= set(result):
        j.bad("family_arrays")
    for checkpoint in result:
        array = arrays.get(checkpoint, MISSING)
        if array is MISSING:
            if j.full or checkpoint != j.checkpoints[0]:
                j.bad("family_arrays")
            continue
        result[checkpoint] = j.windows(array, n, bounds)
        if isinstance(array, list) and any(v is None for v in array):
            j.bad("null_pattern")
    return result


def check_difference(j, values, minuend, subtrahend):
    for value, a, b in zip(values, minuend, subtrahend):
        if abs(value - (a - b)) > 1e-12 * max(1.0, abs(a), abs(b)):
            j.bad("share_total")
            return


def enter(j, domain):
    """Statistics from here on are over the windows of this domain."""
    j.n, j.documents, j.n_documents = j.domains[domain]


def leave(j):
    j.n = min(n for n, _, _ in j.domains.values())


# ---- tests of families


def drift(j, root, domain):
    divergence = by_checkpoint(j, root, domain, "D", POSITIVE)
    forgetting = by_checkpoint(j, root, domain, "L_forget", UNBOUNDED)
    losses = by_checkpoint(j, root, domain, "loss", POSITIVE) if j.full else {}
    if j.sound():
        base = j.checkpoints[0]
        if any(divergence[base]) or any(forgetting[base]):
            j.bad("value_range")
        for checkpoint, loss in losses.items():
            check_difference(j, forgetting[checkpoint], loss, losses[base])
    return divergence, forgetting


def holm(p):
    order = sorted(range(len(p)), key=lambda i: p[i])
    adjusted, so_far = [0.0] * len(p), 0.0
    for place, i in enumerate(order):
        so_far = max(so_far, (len(p) - place) * p[i])
        adjusted[i] = min(1.0, so_far)
    return adjusted


def claim_drift(j, root, domain, arrays):
    base = j.checkpoints[0]
    nested = (not j.full and "D" not in j.checkpoints and
              j.get(root, "summary", "per_domain", domain, "D") is not MISSING)
    for checkpoint in j.checkpoints:
        path = ["summary", "per_domain", domain] + ["D"] * nested + [checkpoint]
        for name, of in zip(("D_hat", "L_forget_hat"), arrays):
            at = path + [name]
            stated_ends(j, root, *at, "ci95")
            if j.full or checkpoint != base or j.get(root, *at, "mean") is not MISSING:
                j.claims.mean(at + ["mean"], mean(of[checkpoint]))
            j.claims.interval(at + ["ci95"], j.ci(of[checkpoint]))


def kl_edge_dominance(j, root):
    direction = j.need(root, "kl_direction") if j.full else root.get("kl_direction", MISSING)
    if j.kind(direction, str) and direction != "theta||base":
        j.bad("value_range")
    check_domains(j, root)
    if j.full:
        j.string(j.need(j.need(root["summary"], "null"), "kind"))
    arrays = {domain: drift(j, root, domain) for domain in j.domains}
    if not j.sound():
        return
    p, places, zs, holds, degenerate = [], [], [], True, False
    for domain, pair in arrays.items():
        enter(j, domain)
        claim_drift(j, root, domain, pair)
        for start, end in j.edges:
            at = ["summary", "edges", domain, start + "__to__" + end]
            both, changes = True, []
            for letter, of in zip("DL", pair):
                x = difference(of[end], of[start])
                changes += x
                means, ends = j.means(x), j.ci(x)
                p.append((1 + sum(m <= 0 for m in means)) / (len(means) + 1))
                places.append(at + [letter + "_p_holm"])
                zs.append(j.distance(x, 0, 1))
                both = both and ends[0] > 0
                stated_ends(j, root, *at, letter + "_delta_ci95")
                j.claims.interval(at + [letter + "_delta_ci95"], ends)
                if j.full:
                    j.delta_block(at + [letter + "_delta"], x)
                    j.claims.mean(at + [letter + "_p"], p[-1])
            if j.full:
                j.claims.exact(at + ["holds"], both)
            holds = holds and both
            degenerate = degenerate or not any(changes)
    leave(j)
    verdict = "DEGENERATE" if degenerate else "PASS" if holds else "FAIL"
    if j.full:
        for place, value in zip(places, holm(p)):
            j.claims.mean(place, value)
        j.claims.exact(["summary", "verdict"], verdict)
    j.convergence(root, None if None in zs else min(zs), verdict)
    j.verdict = j.conclude(verdict)


kl_edge_dominance.header = family_header


ENTROPIES = (("H", POSITIVE), ("V", POSITIVE), ("H2", POSITIVE), ("loss", POSITIVE),
             ("gap", UNBOUNDED))


def entropies(j, root, domain):
    arrays = {name: by_checkpoint(j, root, domain, name, bounds) for name, bounds in ENTROPIES}
    for checkpoint in j.checkpoints if j.sound() else ():
        shannon = arrays["H"][checkpoint]
        check_difference(j, arrays["gap"][checkpoint], arrays["loss"][checkpoint], shannon)
        if any(h2 > h + 1e-9 for h2, h in zip(arrays["H2"][checkpoint], shannon)):
            j.bad("value_range")
    return arrays


def entropy_collapse(j, root):
    check_domains(j, root)
    arrays = {domain: entropies(j, root, domain) for domain in j.domains}
    if not j.sound():
        return
    for domain, of in arrays.items():
        enter(j, domain)
        for name, values in of.items():
            for checkpoint in j.checkpoints:
                j.mean_block(["summary", "per_domain", domain, checkpoint, name],
                             values[checkpoint])
            for start, end in j.edges:
                j.delta_block(["summary", "edges", domain, start + "__to__" + end, name],
                              difference(values[end], values[start]))
    leave(j)
    j.verdict = "REPORTED"


entropy_collapse.header = family_header


# ---- adaptations with frozen layers


def run_names(j, listed):
    names = []
    if j.kind(listed, list):
        if not listed:
            j.bad("family_list")
        for row in listed:
            if not j.kind(row, dict):
                break
            names.append(j.string(j.need(row, "ckpt")))
    return names


def statement(j, root):
    """What was registered: bounds, frozen layers, names of the runs of both recipes."""
    if list(j.domains) != ["eval", "base"]:
        j.bad("family_list")
    j.string(j.need(j.need(root["summary"], "null"), "kind"))
    registration, thresholds = j.need(root, "registration"), j.need(root, "thresholds")
    j.sha256(j.need(registration, "sha256"))
    j.string(j.need(registration, "registered_utc"))
    bounds = [j.number(j.need(thresholds, name), (5e-324, 1e100)) for name in ("D_max", "L_max")]
    baseline = j.need(root, "baseline")
    recipes = [run_names(j, j.need(root, "runs")), run_names(j, j.need(baseline, "runs"))]
    base = j.need(root, "base")
    if base is not MISSING and j.string(base) != j.checkpoints[0]:
        j.bad("family_list")
    if j.sound() and j.checkpoints != [base] + recipes[0] + recipes[1]:
        j.bad("family_list")
    frozen = [j.layer_list(j.need(of, "frozen_set")) for of in (root, baseline)]
    if j.sound() and not set(frozen[1]) < set(frozen[0]):
        j.bad("frozen_layers")
    if j.sound():
        layer_hashes(j, j.need(root, "layer_hashes"), recipes, frozen)
    return bounds, recipes


def hashes_of(j, listed):
    hashes = {}
    for key, value in listed.items() if j.kind(listed, dict) else ():
        if layer_key(key) is None:
            j.bad("layer_arrays")
            continue
        j.sha256(value)
        hashes[int(key)] = value
    return hashes


def layer_hashes(j, listed, recipes, frozen):
    if not j.kind(listed, dict):
        return
    if set(listed) != set(j.checkpoints):
        j.bad("family_arrays")
    hashes = {name: hashes_of(j, listed[name]) for name in j.checkpoints if name in listed}
    if not j.sound():
        return
    base = hashes[j.checkpoints[0]]
    if not set(frozen[0]) <= set(base) or any(set(of) != set(base) for of in hashes.values()):
        j.bad("layer_arrays")
        return
    for names, layers in zip(recipes, frozen):
        for name in names:
            changed = {layer for layer in base if hashes[name][layer] != base[layer]}
            if changed & set(layers) or not changed - set(layers):
                j.bad("frozen_layers")
    runs = [name for names in recipes for name in names]
    if any(hashes[a] == hashes[b] for a, b in itertools.combinations(runs, 2)):
        j.bad("frozen_layers")


def spearman(x, y):
    """Pearson's correlation of doubled, centred ranks; None where either has none."""
    a, b = ([2 * sum(u < v for u in of) + of.count(v) - len(of) for v in of] for of in (x, y))
    sums = [sum(map(operator.mul, *pair)) for pair in ((a, a), (b, b), (a, b))]
    spread = float(sums[0]) * float(sums[1])
    return sums[2] / math.sqrt(spread) if spread else None


def permutation_share(x, y):
    observed = spearman(x, y)
    if observed is None or len(x) > 9:
        return None
    a, b = ([2 * sum(u < v for u in of) + of.count(v) - len(of) for v in of] for of in (x, y))
    least = sum(map(operator.mul, a, b))
    found = [sum(map(operator.mul, a, order)) >= least for order in itertools.permutations(b)]
    return sum(found) / len(found)


def over_runs(values):
    return core.left_to_right(values) / len(values)


def resampled_runs(j, drifts, losses):
    """rho of every replicate; None where its ranks are constant."""
    for counts in core.count_table(len(drifts), j.B, j.seed, 2):
        drawn = [i for i, count in enumerate(counts) for _ in range(count)]
        yield spearman([drifts[i] for i in drawn], [losses[i] for i in drawn])


def drawn_means(j, values, layer):
    """The mean over runs in every replicate."""
    return [core.left_to_right(map(operator.mul, counts, values)) / len(values)
            for counts in core.count_table(len(values), j.B, j.seed, layer)]


def claim_intervals_over_runs(j, means, others):
    for name, short, own, other in zip(("D_hat", "L_forget_hat"), "DL", means, others):
        drawn = drawn_means(j, own, 2)
        j.claims.interval(["summary", name + "_mean_ci95"], core.interval(drawn))
        j.claims.interval(["summary", "freeze_advantage", short + "_delta_ci95"],
                          core.interval(difference(drawn_means(j, other, 3), drawn)))


def variance(values):
    center = over_runs(values)
    return core.left_to_right((v - center) * (v - center) for v in values) / (len(values) - 1)


def claim_replication(j, path, n, z):
    check = "convergence_numbers"
    j.claims.near(path + ["z"], z, check)
    j.claims.near(path + ["replication"], None if z is None else core.NORMAL.cdf(z - 1.96), check)
    needed = n * (3.242 / z * (3.242 / z)) if z is not None and z > 0 else 9e15
    j.claims.exact(path + ["n_for_90"], math.ceil(needed) if needed < 9e15 else None, check)


def claim_z_over_runs(j, bounds, means, others, rho, replicates):
    """Smallest distance over standard error of the four conditions; both advantages count."""
    distances = []
    for bound, own, other in zip(bounds, means, others):
        error = variance(own) / len(own) if len(own) > 1 else 0.0
        beside = variance(other) / len(other) if len(other) > 1 else 0.0
        distances += [(bound - over_runs(own), math.sqrt(error)),
                      (over_runs(other) - over_runs(own), math.sqrt(error + beside) if error else 0)]
    defined = [r for r in replicates if r is not None]
    spread = math.sqrt(variance(defined)) if len(defined) > 1 else 0.0
    distances.append((rho, spread))
    known = all(distance is not None and error > 0 for distance, error in distances)
    claim_replication(j, ["summary", "replication"], len(means[0]),
                      min(distance / error for distance, error in distances) if known else None)
    j.claims.exact(["summary", "replication", "unit"], "run")


def claim_runs(j, names, arrays, bounds, rows):
    """The means of D and of L_forget of every run of a recipe."""
    means = [], []
    for i, name in enumerate(names):
        for role, short, long, of, kept in zip(("eval", "base"), "DL", ("D_hat", "L_forget_hat"),
                                               arrays, means):
            enter(j, role)
            kept.append(mean(of[name]))
            j.claims.mean(rows + [i, long], kept[-1])
            j.mean_block(["summary", "per_run", name, short], of[name])
        j.claims.exact(["summary", "per_run", name, "within"],
                       means[0][i] <= bounds[0] and means[1][i] <= bounds[1])
    leave(j)
    return means


def kl_bounded_adaptation(j, root):
    bounds, recipes = statement(j, root)
    if not j.sound():
        return
    check_domains(j, root)
    arrays = [by_checkpoint(j, root, role, name, limits) for role, name, limits in
              (("eval", "D", POSITIVE), ("base", "L_forget", UNBOUNDED))]
    losses = by_checkpoint(j, root, "base", "loss", POSITIVE)
    if not j.sound():
        return
    base = j.checkpoints[0]
    if any(any(of[base]) for of in arrays):
        j.bad("value_range")
    for checkpoint, loss in losses.items():
        check_difference(j, arrays[1][checkpoint], loss, losses[base])
    if not j.sound():
        return
    means = claim_runs(j, recipes[0], arrays, bounds, ["runs"])
    compared = claim_runs(j, recipes[1], arrays, bounds, ["baseline", "runs"])
    others = [over_runs(of) for of in compared]
    own = [over_runs(of) for of in means]
    for name, short, value, other in zip(("D_hat", "L_forget_hat"), "DL", own, others):
        j.claims.mean(["baseline", name], other)
        j.claims.mean(["summary", name + "_mean"], value)
        j.claims.mean(["summary", "freeze_advantage", short + "_delta"], other - value)
    replicates = list(resampled_runs(j, *means))
    rho, ends, at = spearman(*means), core.interval(replicates), ["summary", "correlation"]
    j.claims.mean(at + ["rho"], rho)
    j.claims.interval(at + ["ci95"], ends)
    j.claims.exact(at + ["K"], len(recipes[0]))
    j.claims.exact(at + ["dropped"], replicates.count(None))
    j.claims.mean(at + ["p_exact"], permutation_share(*means))
    claim_intervals_over_runs(j, means, compared)
    claim_z_over_runs(j, bounds, means, compared, rho, replicates)
    conditions = {"drift": own[0] <= bounds[0], "forgetting": own[1] <= bounds[1],
                  "correlation": ends is not None and ends[0] > 0,
                  "advantage": own[0] < others[0] and own[1] < others[1]}
    for name, holds in conditions.items():
        j.claims.exact(["summary", "conditions", name], holds)
    verdict = ("DEGENERATE" if rho is None else "PASS" if all(conditions.values()) else "FAIL")
    j.claims.exact(["summary", "verdict"], verdict)
    enough = j.n >= 1000 and len(recipes[0]) >= 5 and j.B >= 200
    j.verdict = verdict if enough else "INSUFFICIENT"


kl_bounded_adaptation.header = family_header


# ---- bundles


def bundle_header(j, root, test):
    j.full = is_ours(root, test)
    j.version(root)
    j.string(j.need(root, "domain"))
    if "family" in root:
        j.family_reference(root["family"])
    if j.full:
        j.program(root)
        j.need(root, "body_sha256")
        j.null_reasons(root)


def judged(j, part, test, judges):
    """The part's own judge, its defects added to the bundle's; None if it is no artifact of the
    test."""
    if not j.kind(part, dict):
        return None
    if part.get("test") != test or not isinstance(part["test"], str):
        j.bad("bundle_parts")
        return None
    inner = Judge("")
    try:
        inner.judge(part, judges)
    except OverflowError:  # too much work, unless there is a defect already
        if inner.sound():
            raise
    for check in inner.fired:
        j.bad(check)
    return inner


def name_of(artifact):
    edge = artifact.get("edge")
    return edge["ckpt_a"] + "->" + edge["ckpt_b"] if edge else artifact["model"]["ckpt"]


def combined(verdicts, otherwise):
    for unanswered in ("INSUFFICIENT", "DEGENERATE"):
        if unanswered in verdicts:
            return unanswered
    return otherwise


def stated(part, artifact, *path):
    """What a part states, which has been judged; nothing by the published rule."""
    value = part.get(artifact, *path) if part.full else None
    return None if value is MISSING else value


def bundled_convergence(j, deciding):
    """From (part, artifact) of those that decide; the place of the least certain one."""
    check, path = "convergence_numbers", ["summary", "convergence"]
    values = {name: [stated(part, artifact, *path, name) for part, artifact in deciding]
              for name in ("settled_at", "settled", "z", "replication", "n_for_90")}
    at = min(range(len(deciding)), key=lambda i: (-math.inf if values["z"][i] is None
                                                  else values["z"][i]))
    latest = None if None in values["settled_at"] else max(values["settled_at"])
    j.claims.exact(path + ["settled_at"], latest, check)
    j.claims.exact(path + ["settled"], all(values["settled"]), check)
    j.claims.near(path + ["z"], values["z"][at], check)
    j.claims.near(path + ["replication"], values["replication"][at], check)
    j.claims.exact(path + ["n_for_90"], values["n_for_90"][at], check)
    return at


def bundled_effect(j, effects, names, delta):
    """The weakest of these (names, delta, ends): undefined, else the largest; the first."""
    found = max(effects, key=lambda e: math.inf if e[1] is None else e[1])
    for name, value in zip(names, found[0]):
        j.claims.exact(["summary", "effect", name], value)
    j.claims.mean(["summary", "effect", delta], found[1])
    j.claims.interval(["summary", "effect", "ci95"], found[2])


def terminal_tracking(j, root):
    least = j.integer(j.need(j.need(root, "verification"), "min_distinct_terminals"), 2,
                      core.MAX_INT)
    scans = j.need(root, "scans")
    if not j.kind(scans, list):
        return
    if len(scans) < 2:
        j.bad("array_length")
    parts = [judged(j, scan, "terminal_ovk_scan", j.judges) for scan in scans]
    if not j.sound():
        return
    models = []
    for scan in scans:
        j.need(j.need(scan, "model"), "terminal_moe_layer")
        tensors = j.need(scan, "tensors") if j.full else scan.get("tensors", MISSING)
        models.append(name_of(scan) if tensors is MISSING else
                      frozenset(row["sha256"] for row in tensors))
        if scan["domain"] != root["domain"]:
            j.bad("bundle_parts")
    if len(set(models)) < len(models):
        j.bad("bundle_parts")
    if not j.sound():
        return
    layers = [scan["model"]["terminal_moe_layer"] for scan in scans]
    verdicts = [part.verdict for part in parts]
    passes = set(verdicts) == {"PASS"} and len(set(layers)) >= least
    j.verdict = combined(verdicts, "PASS" if passes else "FAIL")
    j.claims.exact(["summary", "n_scans"], len(scans))
    j.claims.listed(["summary", "terminal_moe_layers"], [int(layer) for layer in layers])
    j.claims.exact(["summary", "distinct_terminal_moe_layers"], len(set(layers)))
    if j.full:
        j.claims.exact(["summary", "verdict"], j.verdict)
        deciding = list(zip(parts, scans))
        bundled_convergence(j, deciding)
        at = ("summary", "terminal_jump")
        bundled_effect(j, [((name_of(scan), stated(part, scan, *at, "pair")),
                            stated(part, scan, *at, "delta_mean"), stated(part, scan, *at, "ci95"))
                           for part, scan in deciding], ("ckpt", "pair"), "delta_mean")


terminal_tracking.header = bundle_header


def terminal_compatibility(j, root):
    parts = [judged(j, j.need(root, name), test, j.judges)
             for name, test in (("chart", "chart_compatibility"), ("scan", "terminal_ovk_scan"))]
    if not j.sound():
        return
    chart, scan = root["chart"], root["scan"]
    if ({chart["domain"], scan["domain"]} != {root["domain"]} or
            not all(name in chart and name in scan and
                    core.canonical(chart[name]) == core.canonical(scan[name])
                    for name in ("model", "data", "tensors"))):
        j.bad("bundle_parts")
        return
    last = int(scan["model"]["terminal_moe_layer"])
    if last not in chart["verification"]["required_layers"]:
        j.bad("required_layers")
        return
    charted, scanned = (part.verdict for part in parts)
    compatibility = {"PASS": "safe", "FAIL": "unsafe"}[charted] if (
        scanned == "PASS" and charted in ("PASS", "FAIL")) else "not applicable"
    j.verdict = combined((charted, scanned), {"safe": "PASS", "unsafe": "FAIL"}.get(
        compatibility, "REPORTED"))
    if j.verdict in ("INSUFFICIENT", "DEGENERATE"):
        compatibility = None
    j.claims.exact(["summary", "chart_verdict"], charted)
    j.claims.exact(["summary", "scan_verdict"], scanned)
    j.claims.exact(["summary", "compatibility"], compatibility)
    deciding = [(parts[0], chart), (parts[1], scan)]
    if compatibility == "not applicable":
        del deciding[0]
    least = deciding[bundled_convergence(j, deciding)]
    if least[1] is scan:
        at = ("summary", "terminal_jump")
        effects = [(("scan", "terminal_jump", last), stated(*least, *at, "delta_mean"),
                    stated(*least, *at, "ci95"))]
    else:
        effects = []
        for layer in chart["verification"]["required_layers"]:
            for name, member in (("c1", "kappa_hidden"), ("c2", "random_e2_delta_hidden_boundary")):
                at = ("summary", "per_layer", str(int(layer)), member)
                effects.append((("chart", name, int(layer)), stated(*least, *at, "delta"),
                                stated(*least, *at, "ci95")))
    bundled_effect(j, effects, ("part", "name", "layer"), "delta")
    types = {int(path[2]): value for path, _, value, _ in parts[0].claims
             if path[-1] == "failure_type"}
    up_to = [layer for layer in parts[0].layers if layer <= last]
    for name, layers in (("terminal", up_to[-1:]), ("transition", up_to[-2:]),
                         ("full", parts[0].layers)):
        at = ["summary", "layer_sets", name]
        j.claims.listed(at + ["layers"], layers)
        for layer in layers:
            j.claims.exact(at + ["failure_type", str(layer)], types[layer])


terminal_compatibility.header = bundle_header

JUDGES = {"kl_edge_dominance": kl_edge_dominance, "entropy_collapse": entropy_collapse,
          "kl_bounded_adaptation": kl_bounded_adaptation,
          "terminal_tracking": terminal_tracking,
          "terminal_compatibility": terminal_compatibility}
