"""5,000 mutated artifacts, judged by the C++ verifier and by the Python one: they must agree on
the verdict and on the checks that rejected it.

usage: second_implementation_test.py JUDGE_MANY [COUNT]"""

import collections
import json
import multiprocessing
import random
import subprocess
import sys

import second_audit
import second_core as core
import second_distortion
import second_distortion_variants
import second_edges
import second_family
import second_intervention
import second_keys
import second_router
import second_router_keys
import second_router_keys_variants
import second_slack
import second_tests
import second_variants
from second_verifier import Judge

JUDGES = {"chart_compatibility": second_tests.chart_compatibility,
          "terminal_ovk_scan": second_tests.terminal_ovk_scan,
          "attention_router": second_router.attention_router,
          "expert_load": second_tests.expert_load,
          "boundary_amplification": second_edges.boundary_amplification,
          "behavior_compression": second_edges.behavior_compression,
          "audit": second_audit.audit, "intervention": second_intervention.intervention,
          "kv_gauge": second_keys.kv_gauge,
          "kv_distortion": second_distortion.kv_distortion,
          "theorem_slack": second_slack.theorem_slack,
          "key_only_router": second_router_keys.key_only_router,
          **second_family.JUDGES}
# (test, what is made of the fixture first, how often). Small ones more often: the time goes into
# the large ones.
BASES = (("chart_compatibility", None, 3), ("chart_compatibility", second_variants.one_draw, 1),
         ("chart_compatibility", second_variants.overlapping, 2),
         ("chart_compatibility", second_variants.published, 2),
         ("terminal_ovk_scan", None, 14), ("terminal_ovk_scan", second_variants.published, 4),
         ("terminal_ovk_scan", second_variants.grouped, 2),
         ("terminal_ovk_scan", second_variants.sparse, 3),
         ("attention_router", None, 4), ("attention_router", second_variants.biased, 2),
         ("expert_load", None, 15),
         ("boundary_amplification", None, 3), ("boundary_amplification", second_variants.tied, 3),
         ("boundary_amplification", second_variants.published_edge, 3),
         ("behavior_compression", None, 3), ("behavior_compression", second_variants.tied, 3),
         ("behavior_compression", second_variants.published_edge, 3),
         ("audit", None, 2), ("audit", second_variants.undefined_layer, 1),
         ("audit_equal_gates", None, 1), ("audit_equal_gates", second_variants.stored_keys, 1),
         ("audit_stored_keys", None, 1), ("audit_stored_keys", second_variants.stored_latents, 1),
         ("audit_groups", None, 1), ("audit_identical", None, 1), ("audit_one_document", None, 1),
         ("audit_one_compute", None, 1),
         ("intervention", None, 6), ("intervention", second_variants.nothing_listed, 2),
         ("intervention", second_variants.last_layer, 2),
         ("intervention", second_variants.imposed, 3),
         ("kv_gauge", None, 4), ("kv_gauge", second_variants.unlearned, 1),
         ("kv_gauge", second_variants.one_document, 1), ("kv_gauge", second_variants.keyless, 1),
         ("kv_gauge", second_variants.before_rope, 2),
         ("kv_distortion", None, 2), ("kv_distortion_plain", None, 2),
         ("kv_distortion_all", None, 1), ("kv_distortion_refused", None, 1),
         ("kv_distortion_one_head", None, 1), ("kv_distortion_no_sinks", None, 1),
         ("kv_distortion_unfitted", None, 1), ("kv_distortion_one_bit", None, 1),
         ("kv_distortion_without_keys", None, 1),
         ("kv_distortion_plain", second_distortion_variants.broken, 1),
         ("kv_distortion_plain", second_distortion_variants.alone, 1),
         ("kv_distortion_plain", second_distortion_variants.two_documents, 1),
         ("theorem_slack", None, 2), ("theorem_slack_broken", None, 1),
         ("theorem_slack_empty", None, 1), ("theorem_slack_zero_keys", None, 1),
         ("key_only_router", None, 2), ("key_only_router_plain", None, 2),
         ("key_only_router_latent", None, 1), ("key_only_router_refused", None, 1),
         ("key_only_router_unsound", None, 1), ("key_only_router_unmeasured", None, 1),
         ("key_only_router_plain", second_router_keys_variants.mixers, 1),
         ("key_only_router_plain", second_router_keys_variants.two_documents, 1),
         ("key_only_router_plain", second_router_keys_variants.unreadable, 1),
         ("key_only_router_plain", second_router_keys_variants.without_oracle, 1),
         ("kl_edge_dominance", None, 8), ("kl_edge_dominance", second_variants.published_family, 3),
         ("entropy_collapse", None, 4), ("kl_bounded_adaptation", None, 3),
         ("terminal_tracking", None, 3),
         ("terminal_tracking", second_variants.published_bundle, 1),
         ("terminal_compatibility", None, 1))
PARTS = ("chart", "scan", "scans")
WORKERS = 2


def paths(value, at=()):
    """Every place in the tree, as the list of steps to it."""
    yield at
    if isinstance(value, dict):
        for key in value:
            yield from paths(value[key], at + (key,))
    elif isinstance(value, list):
        for i in range(len(value)):
            yield from paths(value[i], at + (i,))


def walk(root, path):
    for step in path:
        root = root[step]
    return root


def put(root, path, change):
    """The tree with `change` applied at the parent of a place; what isn't on the way is shared."""
    if len(path) == 1:
        copy = root.copy()
        change(copy, path[0])
        return copy
    copy = root.copy()
    copy[path[0]] = put(root[path[0]], path[1:], change)
    return copy


def place(root, path, kind, value):
    """Writes one claim into the summary."""
    node = root
    for i, step in enumerate(path):
        last = i + 1 == len(path)
        if isinstance(step, int) and not isinstance(node, list):
            raise TypeError(path)
        if kind == "absent" and last:
            if isinstance(node, list):
                del node[step:]
            return
        if last:
            if isinstance(node, list) and len(node) <= step:
                node.extend([None] * (step + 1 - len(node)))
            node[step] = value[0] if kind == "bca" else value
            return
        inside = [] if isinstance(path[i + 1], int) else {}
        if isinstance(node, list):
            while len(node) <= step:
                node.append(None)
            if not isinstance(node[step], (dict, list)):
                node[step] = inside
        elif not isinstance(node.get(step), type(inside)):
            node[step] = inside
        node = node[step]


def complete(artifact):
    """The same arrays with the summary that they give, in bundled artifacts too."""
    artifact = json.loads(json.dumps(artifact))
    for name in PARTS:
        if isinstance(artifact.get(name), list):
            artifact[name] = [sealed(complete(part)) for part in artifact[name]]
        elif name in artifact:
            artifact[name] = sealed(complete(artifact[name]))
    judge = Judge(json.dumps(artifact))
    judge.run(JUDGES)
    for path, kind, value, _ in judge.claims:
        place(artifact, path, kind, value)
    if judge.full and any(walk(artifact["summary"], p) is None for p in paths(artifact["summary"])
                          if not p or p[-1] != "degenerate"):
        artifact.setdefault("null_reasons", {})["summary"] = "undefined"
    return artifact


def sealed(artifact):
    if not isinstance(artifact, dict) or "body_sha256" not in artifact:
        return artifact
    return dict(artifact, body_sha256=core.digest(core.read(json.dumps(artifact))))


class Mutator:
    def __init__(self, base, rng):
        self.base, self.rng = base, rng
        self.places = {}
        for place_ in paths(base):
            if place_:
                groups = ("per_window", "summary", "y_ref_A", "y_ref_B", "intervention", "heads",
                          "architecture", "geometry", "truth", "predictors", "ceiling", "split")
                group = ("key_change" if "key_change" in place_ else
                         place_[0] if place_[0] in groups else "rest")
                self.places.setdefault(group, []).append(place_)
        leaves = {group: [p for p in places if not isinstance(walk(base, p), (dict, list))]
                  for group, places in self.places.items()}
        self.leaves = {group: found for group, found in leaves.items() if found}

    def leaf(self):
        return self.rng.choice(self.leaves[self.rng.choice(list(self.leaves))])

    def place(self):
        # Deep places outnumber the rest; go up a random number of steps.
        path = self.rng.choice(self.places[self.rng.choice(list(self.places))])
        return path[:self.rng.randint(1, len(path))]

    def nudged(self, value):
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            return value + self.rng.choice((-1, 1, 7, 10**6, -2 * value or 1))
        if isinstance(value, float):
            return self.rng.choice((
                value + 10 ** -self.rng.randint(1, 15), value * (1 + 2 ** -self.rng.randint(1, 52)),
                -value, value + 1, 0.5, 1e30, 1e200))
        if isinstance(value, str):
            return self.rng.choice((value + "x", "", "\u00e9\n\"\\", "none"))
        return self.rng.choice((0, 0.5, "null"))

    def odd(self):
        return self.rng.choice((None, True, "text", [], {}, -1, 2**53 + 1, 2**63, 10**30, 0.1,
                                1e300, [1, 2], {"mean": 1}))

    def nudge(self):
        path = self.leaf()
        return put(self.base, path, lambda node, key: node.__setitem__(key, self.nudged(node[key])))

    def replace(self):
        return put(self.base, self.place(), lambda node, key: node.__setitem__(key, self.odd()))

    def drop(self):
        return put(self.base, self.place(), lambda node, key: node.pop(key))

    def insert(self):
        def change(node, key):
            if isinstance(node, dict):
                node[self.rng.choice(("extra", "4", "null_reasons", "edge",
                                      "key_change"))] = self.odd()
            else:
                node.insert(key, self.rng.choice((node[key], self.odd())))
        return put(self.base, self.place(), change)

    def swap(self):
        """Two members or two windows exchange their values."""
        def change(node, key):
            other = self.rng.choice(list(node) if isinstance(node, dict) else range(len(node)))
            node[key], node[other] = node[other], node[key]
        return put(self.base, self.place(), change)

    def shift_disagreement(self, artifact, layer):
        """None of it, none of it near the boundary, or a rise in the last decile."""
        of = (artifact["y_ref_A"] or artifact["y_ref_B"])["per_layer"][layer]
        shares = of["compression_F_per_window"]
        nowhere = {q: [v if v is None else 0 for v in values] for q, values in shares.items()}
        choice = self.rng.choice(("none", "far", "rise"))
        if "mass_per_window" not in of:  # published
            if choice == "far":
                of["compression_F_per_window"] = nowhere
            for row in of["deciles"] if choice == "none" else of["deciles"][-1:]:
                row["ov_mean"] = 1 if choice == "none" else 0.25
            return
        sums = of["decile_sums_per_window"]
        if choice == "rise":
            for w, (low, high, tokens) in enumerate(zip(sums["mass"][0], sums["mass"][9],
                                                        sums["tokens"][9])):
                if max(low, high) <= min(tokens, sums["tokens"][0][w]):
                    sums["mass"][0][w], sums["mass"][9][w] = high, low
            return
        of["compression_F_per_window"] = nowhere
        of["mass_le_per_window"] = {q: [0] * len(v) for q, v in of["mass_le_per_window"].items()}
        if choice == "none":
            of["mass_per_window"] = [0] * len(of["mass_per_window"])
            sums["mass"] = [[0] * len(row) for row in sums["mass"]]

    def shift_change(self, artifact, layer):
        """No change at all, or all of it near the boundary."""
        per_window, none = artifact["per_window"], self.rng.random() < 0.5
        for name in ("mass_beh_le", "F_beh") if "mass_beh" in per_window else ("F_beh",):
            for q, values in per_window[name][layer].items():
                top = per_window["mass_beh"][layer] if name == "mass_beh_le" else [1] * len(values)
                per_window[name][layer][q] = [v if v is None else 0 if none else t
                                              for v, t in zip(values, top)]
        if none and "mass_beh" in per_window:
            per_window["mass_beh"][layer] = [0] * len(per_window["mass_beh"][layer])

    def shift_audit(self, p, layer):
        """No gain or loss, the checkpoints exchanged, a gate that is innocent, forecasts of few
        levels or of two that foresee everything."""
        kind = self.rng.choice(("equal", "exchange", "innocent") +
                               (("few", "oracle") if p["forecasts"] else ()))
        sums = p["flipped_layers"]["loss_delta_sum"]
        if kind == "equal":
            p["loss_b"] = p["loss_a"]
            p["flipped_layers"]["loss_delta_sum"] = [[0] * len(row) for row in sums]
        elif kind == "exchange":
            p["loss_a"], p["loss_b"] = p["loss_b"], p["loss_a"]
            p["loss_ab"], p["loss_ba"] = p["loss_ba"], p["loss_ab"]
            p["flipped_layers"]["loss_delta_sum"] = [[0 - v for v in row] for row in sums]
        elif kind == "innocent":
            p["mass"]["local"][layer] = [0] * len(p["kl"])
            for name in ("inherited", "through_a"):
                p["mass"][name][layer] = p["mass"]["total"][layer]
        else:
            for w, window in enumerate(p["forecasts"]["F4"][layer]):
                decisions, flips = (sum(triple[i] for triple in window) for i in (1, 2))
                rows = ([[self.rng.choice((16, 17)), decisions, flips]] if kind == "few" else
                        [[3, decisions - flips, 0], [60, flips, flips]])
                p["forecasts"]["F4"][layer][w] = [row for row in rows if row[1]]

    def shift_keys(self, artifact):
        """Learned gauges as good as random ones, better, worse, or now this, now that; another
        centring in the published range."""
        kind = self.rng.choice((0, 0.004, 0.02, -0.02, 0.1, "both"))
        own, other = artifact["keys"]["centring"], self.rng.choice(second_keys.CENTRINGS)
        for width, _, head in second_variants.heads_of(artifact):
            chosen = [g["cosines"] for g in head["gauges"]
                      if g["kind"] in second_keys.RANDOM and "refused" not in g]
            for gauge in head["gauges"]:
                if gauge["kind"] == "itq_cosine" and "refused" not in gauge:
                    gauge["cosines"] = head["centring"][own]["cosines"] = [
                        n * self.moved(sum(values) / len(values) / n, kind, width) if n else 0
                        for n, *values in zip(head["keys"], *chosen)]
                    gauge["held_out"]["cosines"] = core.left_to_right(gauge["cosines"])
            if other != own and head["centring"][other]:
                level = self.rng.choice((0.93, 0.95, 0.97))
                head["centring"][other]["cosines"] = [
                    level * n for n in head["centring"][other]["keys"]]

    def shift_distortion(self, artifact):
        """Forecasts of some codes that are too small or too large."""
        for c in range(len(artifact["codes"])):
            second_distortion_variants.forecasts_scaled(artifact, c,
                                                        self.rng.choice((0.5, 0.8, 1, 1, 1.3)))

    def shift_predictors(self, artifact):
        """Keys that tell as much as the residual stream, or more, at some layers or at all; a
        router that can't be told from what it reads."""
        kind = self.rng.choice(("alike", "exchange", "exchange one", "pipeline"))
        for layer in list(artifact["predictors"])[:1 if kind == "exchange one" else None]:
            if kind == "pipeline":
                second_router_keys_variants.copy_counts(artifact, layer, "none", "gate_input")
            elif kind == "alike":
                second_router_keys_variants.copy_counts(artifact, layer, "keys", "residual")
            else:
                second_router_keys_variants.exchange_counts(artifact, layer, "keys", "residual")

    def moved(self, cosine, kind, width):
        step = self.rng.choice((-0.06, 0.06)) if kind == "both" else kind
        step += self.rng.uniform(-0.001, 0.001)
        return min(1.0, max(width ** -0.5, cosine + step))

    def shifted(self):
        """Other numbers with the summary they deserve: verdicts of every kind."""
        artifact = json.loads(json.dumps(self.base))
        test = artifact["test"]
        if test in second_family.JUDGES:
            return self.shifted_family(artifact)
        layer = str(self.rng.choice(artifact["layers"]))
        if test == "chart_compatibility":
            array = artifact["per_window"]["boundary"]["kappa_hidden_median"]
            shift = self.rng.choice((0.04, 0.05, 0.06, 0.08, 0.12))
            array[layer] = [v if v is None else min(1.0, v + shift) for v in array[layer]]
        elif test == "terminal_ovk_scan":
            if self.rng.random() < 0.5:
                for array in artifact["per_window"].values():
                    array["5"] = array["3"][::-1]
                if "expert_counts" in artifact:
                    artifact["expert_counts"]["5"] = artifact["expert_counts"]["3"]
            else:
                artifact["layers"] = artifact["verification"]["required_layers"] = [3, 5]
                for member in artifact["per_window"].values():
                    member.pop("1")
                artifact.get("expert_counts", {}).pop("1", None)
                blocks = {"bootstrap": artifact["summary"]["bootstrap"]}
                if "null" in artifact["summary"]:
                    blocks["null"] = {"kind": artifact["summary"]["null"]["kind"]}
                if "convergence" in artifact["summary"]:
                    blocks["convergence"] = {"grid": [{"agreement": 1}] * 5}
                artifact["summary"] = blocks
        elif test == "attention_router":
            whole = artifact["gate_semantics"]["topk"] * (artifact["data"]["seq_len"] - 1)
            move = round(self.rng.choice((0.1, 0.15, 0.2, -0.1, -0.2)) * whole) / whole
            for subset in ("attention", "embedding+attention", "attention+experts"):
                array = artifact["per_window"]["val"][subset]
                array[layer] = [v if v is None else min(1.0, max(0.0, v + move))
                                for v in array[layer]]
        elif test == "boundary_amplification":
            self.shift_disagreement(artifact, layer)
        elif test == "behavior_compression":
            self.shift_change(artifact, layer)
        elif test == "audit":
            self.shift_audit(artifact["per_window"], layer)
        elif test == "kv_gauge":
            self.shift_keys(artifact)
        elif test == "kv_distortion":
            self.shift_distortion(artifact)
        elif test == "key_only_router":
            self.shift_predictors(artifact)
        elif test == "intervention":
            arrays = artifact["per_window"]
            if self.rng.random() < 0.5:
                arrays["mass"][layer] = arrays["changed"][layer] = [0] * artifact["data"]["n_windows"]
            elif artifact["intervention"]["interventions"]:
                arrays["loss"], arrays["loss_plain"] = arrays["loss_plain"], arrays["loss"]
        if self.rng.random() < 0.2:
            artifact["summary"]["bootstrap"]["B"] = 199
        return complete(artifact)

    def shifted_family(self, artifact):
        test = artifact["test"]
        if test == "kl_edge_dominance":
            arrays = artifact["per_window"]["code"]
            kind = self.rng.choice(("equal", "less", "more"))
            for name in arrays:
                tuned, aligned = (arrays[name][c] for c in ("tuned", "aligned"))
                if kind == "equal":
                    arrays[name]["aligned"] = tuned[:]
                elif kind == "less":
                    arrays[name]["tuned"], arrays[name]["aligned"] = aligned, tuned
        elif test == "kl_bounded_adaptation":
            self.shift_runs(artifact)
        elif test == "entropy_collapse":
            for of in artifact["per_window"]["prose"].values():
                of["tuned"], of["aligned"] = of["aligned"], of["tuned"]
        else:
            part = artifact["scans"][1] if "scans" in artifact else artifact["scan"]
            last = str(part["layers"][-1])
            if self.rng.random() < 0.5:
                for array in part["per_window"].values():
                    array[last] = array["3"][::-1]
                part["expert_counts"][last] = part["expert_counts"]["3"]
            else:
                part["summary"]["bootstrap"]["B"] = 199
        return complete(artifact)

    def shift_runs(self, artifact):
        """Other bounds, runs that drift alike, or drift of some runs exchanged."""
        drift = artifact["per_window"]["eval"]["D"]
        kind = self.rng.choice(("bounds", "alike", "exchange"))
        names = [run["ckpt"] for run in artifact["runs"] + artifact["baseline"]["runs"]]
        if kind == "bounds":
            artifact["thresholds"][self.rng.choice(("D_max", "L_max"))] = self.rng.choice((0.01, 1))
        elif kind == "alike":
            drift.update({name: drift[names[0]] for name in names})
        else:
            one, other = self.rng.sample(names, 2)
            drift[one], drift[other] = drift[other], drift[one]

    def resealed(self, artifact):
        """Mostly with the digest of what was made of it, and of what it bundles."""
        artifact = dict(artifact)
        for name in PARTS:
            part = artifact.get(name)
            if isinstance(part, list):
                artifact[name] = [self.maybe_sealed(p) for p in part]
            elif name in artifact:
                artifact[name] = self.maybe_sealed(part)
        return self.maybe_sealed(artifact)

    def maybe_sealed(self, artifact):
        return sealed(artifact) if self.rng.random() < 0.98 else artifact

    def made(self):
        """(text, what was done)."""
        kind = self.rng.choices(("nudge", "replace", "drop", "insert", "swap", "shifted", "text",
                                 "none"), (40, 12, 12, 10, 14, 4, 6, 2))[0]
        if kind == "text":
            text = json.dumps(self.base)
            old, new = self.rng.choice((
                ('"alpha": 0.05', '"alpha": NaN'), ('"alpha": 0.05', '"alpha": -Infinity'),
                ('"alpha": 0.05', '"alpha": 1e999'), ('"alpha": 0.05', '"alpha": 0.05,'),
                ('"domain"', '"test": "x", "domain"'), ('"domain"', "'domain'"),
                ('"seq_len": 64', '"seq_len": -0'), ('"version": 1', '"version": -0.0'),
                ('"seed": 7', '"seed": 0x7'), ('{', '\ufeff{'), ('"seed": 7', '"seed": +7')))
            return text.replace(old, new, 1), kind
        artifact = self.base if kind == "none" else getattr(self, kind)()
        return json.dumps(self.resealed(artifact)), kind


def work(settings):
    judge_many, worker, count = settings
    rng = random.Random(20260101 + worker)
    bases = []
    for test, change, _ in BASES:
        made = subprocess.run([judge_many, "--make", test], stdout=subprocess.PIPE, check=True)
        artifact = json.loads(made.stdout)
        bases.append(Mutator(complete(change(artifact)) if change else artifact, rng))
    seen, accepted, wrong = collections.Counter(), collections.Counter(), []
    with subprocess.Popen([judge_many], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        for _ in range(count):
            base = rng.choices(range(len(BASES)), [often for _, _, often in BASES])[0]
            text, kind = bases[base].made()
            test = "%s/%s" % (BASES[base][0], getattr(BASES[base][1], "__name__", "ours"))
            other.stdin.write(text.encode() + b"\n")
            other.stdin.flush()
            verdict, fired = Judge(text).run(JUDGES)
            theirs = other.stdout.readline().decode().rstrip("\n").split(" ")
            ours = [verdict, "".join(check + "," for check in sorted(fired))]
            seen[kind, verdict] += 1
            accepted[test] += verdict != "INVALID"
            if ours != theirs:
                wrong.append((test, kind, ours, theirs, text))
        other.stdin.close()
    return seen, accepted, wrong


def check_undefined_pairs(judge_many):
    """A replicate in which some pair is undefined is neither win nor tie, and counts among B."""
    made = subprocess.run([judge_many, "--make", "terminal_ovk_scan"], stdout=subprocess.PIPE,
                          check=True)
    artifact = complete(second_variants.sparse(json.loads(made.stdout)))
    overlap, settings = artifact["per_window"]["ovk_cf_mean"], artifact["summary"]["bootstrap"]
    first, last = (core.difference(overlap[b], overlap[a]) for a, b in (("1", "3"), ("3", "5")))
    wins = undefined = 0
    for counts in core.count_table(len(first), settings["B"], settings["seed"]):
        drawn = [(c, v) for c, v in zip(counts, first) if c and v is not None]
        if not drawn:
            undefined += 1
            continue
        other = sum(c * v for c, v in drawn) / sum(c for c, _ in drawn)
        wins += sum(c * v for c, v in zip(counts, last)) / len(last) < other
    share = artifact["summary"]["dominance_probability"]
    assert 0 < undefined < settings["B"] and share == wins / settings["B"], (undefined, wins, share)
    for stated, wanted in ((share, "FAIL "), (wins / (settings["B"] - undefined),
                                              "INVALID summary_mean,"),
                           ((wins + undefined) / settings["B"], "INVALID summary_mean,")):
        artifact["summary"]["dominance_probability"] = stated
        artifact["body_sha256"] = core.digest(core.read(json.dumps(artifact)))
        text = json.dumps(artifact)
        verdict, fired = Judge(text).run(JUDGES)
        theirs = subprocess.run([judge_many], input=text + "\n", stdout=subprocess.PIPE, check=True,
                                text=True).stdout.rstrip("\n")
        ours = verdict + " " + "".join(check + "," for check in sorted(fired))
        assert ours == theirs == wanted, (stated, ours, theirs, wanted)


def main():
    judge_many = sys.argv[1]
    check_undefined_pairs(judge_many)
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    with multiprocessing.Pool(WORKERS) as pool:
        results = pool.map(work, [(judge_many, w, count // WORKERS) for w in range(WORKERS)])
    seen = sum((s for s, _, _ in results), collections.Counter())
    accepted = sum((a for _, a, _ in results), collections.Counter())
    wrong = [w for _, _, ws in results for w in ws]
    for test, number in sorted(accepted.items()):
        print("accepted %-36s %d" % (test, number))
    for (kind, verdict), number in sorted(seen.items()):
        print("%-8s %-12s %d" % (kind, verdict, number))
    for test, kind, ours, theirs, _ in wrong[:20]:
        print("DISAGREE", test, kind, "python:", ours, "c++:", theirs)
    if len(sys.argv) > 3 and wrong:
        with open(sys.argv[3], "w", encoding="utf-8") as file:
            file.writelines(text + "\n" for *_, text in wrong)
    judged = sum(seen.values())
    verdicts = {verdict for _, verdict in seen}
    missing = {"PASS", "FAIL", "HOLDS", "BROKEN", "REPORTED", "DEGENERATE", "INSUFFICIENT",
               "INVALID"} - verdicts
    print(judged, "judged,", len(wrong), "disagreements")
    if count >= 5000 and (missing or len(accepted) < len(BASES)):
        sys.exit("verdicts or kinds never seen: %s, %d" % (sorted(missing), len(accepted)))
    if wrong or judged != count:
        sys.exit(1)


if __name__ == "__main__":
    main()
