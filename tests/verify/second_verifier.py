"""A second verifier, in plain Python, written from docs/artifacts.md. It answers with the verdict
and the names of the checks that rejected the artifact; tests hold it against the C++ one."""

import math

import second_core as core
from second_core import difference, interval, mean

MISSING = object()
UNBOUNDED = (-1e100, 1e100)
POSITIVE = (0.0, 1e100)
SHARE = (0.0, 1 + 1e-9)
NEAR = 1e-9
ITERATED = 1e-6  # how far apart two solutions of one equation may be
COMMON = {"schema_version", "test", "model", "edge", "domain", "data", "layers", "per_window",
          "verification", "gate_semantics", "summary", "null_reasons", "settings", "inputs",
          "numeric_profile", "tensors", "notes", "manifest", "body_sha256", "program_version",
          "family", "other"}


# Members that describe the run: their nulls speak for themselves. Bundled artifacts give reasons of
# their own.
OUTSIDE = (COMMON - {"layers", "per_window", "verification", "summary"} |
           {"domains", "checkpoints", "chart", "scan", "scans"})

# Tests of keys: any number of layers may have none.
OF_KEYS = ("kv_gauge", "kv_distortion", "key_only_router")

# What no artifact of the published contract holds: at the root, in per_window, in one of its
# strata, in summary, in one layer of it.
OURS = {"body_sha256", "expert_counts", "family", "inputs", "notes", "null_reasons",
        "numeric_profile", "other", "program_version", "random_draws", "settings", "tensors"}
OUR_ARRAYS = {"boundary_unselected_e2", "c1_matched_interior", "c1_matched_interior_target",
              "exact_random", "interior_unselected_e2", "interior_q90", "margins", "n_undefined",
              "ovk_cf_other", "random_draws", "update_ratio"}
OUR_METRICS = {"cos_mean", "jump_hidden_median", "kappa_hidden_mean", "kappa_orth_mean",
               "log_r_mean", "tokens"}
OUR_SUMMARY = {"adjacent_jumps", "argmin_ties", "convergence", "degenerate_layers",
               "direction_share", "null", "overlapping_strata", "size_share"}
OUR_LAYER = {"c1", "c1_matched", "c2", "c2_draws", "c2_unselected", "c2_unselected_draws",
             "cos_boundary", "cos_interior", "exact_random", "kappa_excess", "log_r_boundary",
             "log_r_interior", "ovk_cf_other_mean", "update_ratio_mean"}
# The tests of an edge, and what of theirs is ours: in a layer of a reference, in per_window, in
# summary.
EDGES = ("boundary_amplification", "behavior_compression")
OUR_REFERENCE = {"decile_edges", "decile_sums_per_window", "m_thr_per_window", "mass_le_per_window",
                 "mass_per_window", "n_le_per_window", "n_undefined"}
OUR_CHANGES = {"mass_beh", "mass_beh_le", "n_undefined"}
OUR_EDGE_SUMMARY = {"convergence", "holm_p", "null", "per_layer", "verdict_published"}
PROFILE = ("profile", "version", "logit_bias", "score", "score_space", "selection_bias",
           "group_score", "group_mask", "weights", "normalise", "epsilon", "scaling",
           "shared_experts", "nan_rule")
# The verifier's own bootstrap, by which it judges published artifacts (tests ask for 200).
OWN = (200, 0x5EED0FA11)


class Stop(Exception):
    """Nothing more can be said."""


def is_int(v):
    return isinstance(v, int) and not isinstance(v, bool) and v < (1 << 63)


def is_number(v):
    return isinstance(v, (int, float)) and not isinstance(v, bool)


def layer_key(key):
    return int(key) if key.isascii() and key.isdigit() and str(int(key)) == key else None


def holds(value, names):
    return isinstance(value, dict) and not names.isdisjoint(value)


def member_holds(value, names):
    return isinstance(value, dict) and any(holds(v, names) for v in value.values())


# Null where routes are imposed and their weights are not.
GATE_WEIGHS = "intervention.interventions.action.impose.weights_sha256"
OUR_FAMILY = {"body_sha256", "checkpoints", "inputs", "notes", "null_reasons", "numeric_profile",
              "program_version", "settings", "tensors"}
OUR_EDGE = {"D_delta", "L_delta", "D_p", "L_p", "D_p_holm", "L_p_holm", "holds"}
OUR_TRACKING = {"body_sha256", "family", "notes", "null_reasons", "program_version"}


def is_ours(root, test):
    if test == "terminal_tracking":
        return (holds(root, OUR_TRACKING) or
                holds(root.get("summary"), {"convergence", "effect"}))
    if test == "kl_edge_dominance":
        summary = root.get("summary")
        edges = summary.get("edges") if isinstance(summary, dict) else None
        return (holds(root, OUR_FAMILY) or holds(root.get("family"), {"sha256"}) or
                member_holds(root.get("per_window"), {"loss"}) or
                holds(summary, {"convergence", "null", "verdict"}) or
                isinstance(edges, dict) and any(member_holds(of, OUR_EDGE)
                                                for of in edges.values()))
    if test not in ("chart_compatibility", "terminal_ovk_scan") + EDGES:
        return True
    per_window, summary = root.get("per_window"), root.get("summary")
    if test in EDGES:
        references = [r["per_layer"] for r in (root.get("y_ref_A"), root.get("y_ref_B"))
                      if isinstance(r, dict) and "per_layer" in r]
        return (holds(root, OURS) or holds(root.get("model"), {"moe_layers"}) or
                any(member_holds(r, OUR_REFERENCE) for r in references) or
                holds(per_window, OUR_CHANGES) or holds(summary, OUR_EDGE_SUMMARY))
    layers = summary.get("per_layer") if isinstance(summary, dict) else None
    return (holds(root, OURS) or holds(root.get("model"), {"moe_layers"}) or
            holds(per_window, OUR_ARRAYS) or member_holds(per_window, OUR_METRICS) or
            holds(summary, OUR_SUMMARY) or member_holds(layers, OUR_LAYER))


class Claims(list):
    """(path, kind, value, check): the summary as the arrays give it."""

    def add(self, path, kind, value, check="summary_exact"):
        self.append((path, "null" if value is None else kind, value, check))

    def mean(self, path, value, check="summary_mean"):
        self.add(path, "mean", value, check)

    def near(self, path, value, check="summary_mean"):
        self.add(path, "near", value, check)

    def interval(self, path, value):
        self.add(path, "interval", value, "summary_interval")

    def exact(self, path, value, check="summary_exact"):
        self.add(path, "exact", value, check)

    def listed(self, path, values):
        for i, value in enumerate(values):
            self.exact(path + [i], value)
        self.append((path + [len(values)], "absent", 0, "summary_exact"))


class Judge:
    def __init__(self, text):
        self.text, self.fired, self.claims, self.verdict = text, set(), Claims(), None

    # ---- collecting defects

    def bad(self, check):
        self.fired.add(check)

    def sound(self):
        return not self.fired

    def need(self, parent, key):
        if parent is MISSING:
            return MISSING
        value = parent.get(key, MISSING) if isinstance(parent, dict) else MISSING
        if value is MISSING:
            self.bad("member_present")
        return value

    def get(self, parent, *keys):
        for key in keys:
            parent = parent.get(key, MISSING) if isinstance(parent, dict) else MISSING
        return parent

    def kind(self, value, kind):
        if value is MISSING:
            return False
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            self.bad("value_kind")
            return False
        return True

    def integer(self, value, lo, hi):
        if value is MISSING:
            return None
        if not is_int(value):
            self.bad("value_kind")
        elif not lo <= value <= hi:
            self.bad("value_range")
        else:
            return int(value)
        return None

    def element(self, value, bounds):
        if not is_number(value):
            self.bad("value_kind")
        elif isinstance(value, (core.MinusZero, core.MinusZeroInt)):
            self.bad("plain_number")
        elif isinstance(value, int) and abs(value) > core.MAX_INT:
            self.bad("plain_number")
        elif not bounds[0] <= value <= bounds[1]:
            self.bad("value_range")
        else:
            return True
        return False

    def number(self, value, bounds):
        if value is MISSING or not self.element(value, bounds):
            return None
        return float(value)

    def maybe(self, value, bounds):
        return None if value is MISSING or value is None else self.number(value, bounds)

    def string(self, value):
        return value if self.kind(value, str) else ""

    def ends(self, value):
        if not self.kind(value, list):
            return None
        if len(value) != 2:
            self.bad("value_kind")
        elif all(self.element(v, UNBOUNDED) for v in value):
            if value[0] <= value[1]:
                return [float(v) for v in value]
            self.bad("interval_order")
        return None

    def windows(self, value, length, bounds):
        result = [None] * length
        if not self.kind(value, list):
            return result
        if len(value) != length:
            self.bad("array_length")
            return result
        for w, v in enumerate(value):
            if v is None:
                continue
            if not self.element(v, bounds):
                break
            result[w] = float(v)
        return result

    def layered(self, value, bounds, whole=False):
        result = {layer: [None] * self.n for layer in self.layers}
        if not self.kind(value, dict):
            return result
        if any(layer_key(key) not in result for key in value):
            self.bad("layer_arrays")
        for layer in self.layers:
            array = value.get(str(layer), MISSING)
            if array is MISSING:
                self.bad("layer_arrays")
                continue
            result[layer] = self.windows(array, self.n, bounds)
            if whole and isinstance(array, list):
                first = next((v for v in array if not is_int(v)), 0)
                if first is None or (is_number(first) and not is_int(first)):
                    self.bad("value_kind")
        return result

    def counts(self, value, length, most):
        if not self.kind(value, list):
            return []
        if len(value) != length:
            self.bad("array_length")
            return []
        for v in value:
            if self.integer(v, 0, most) is None:
                return []
        return [int(v) for v in value]

    # ---- the common part

    def nulls(self, value, path, explained, reasons):
        if value is None:
            if not explained:
                self.bad("null_reason")
            return True
        if isinstance(value, list):
            if None in value and not explained:
                self.bad("null_reason")
            found = None in value
            return found | any([self.nulls(v, path, explained, reasons) for v in value
                                if isinstance(v, (list, dict))])
        if isinstance(value, dict):
            found = False
            for key, v in value.items():
                if not path and (key in OUTSIDE or v is None and key in ("y_ref_A", "y_ref_B")):
                    continue
                below = path + "." + key if path else key
                if v is None and below == GATE_WEIGHS:
                    continue
                if (v is None and below.startswith("summary.per_layer.") and
                        below.endswith(".degenerate")):
                    continue
                if v is None and below == "summary.verdict.degenerate":
                    continue
                found |= self.nulls(v, below, explained or below in reasons, reasons)
            return found
        return False

    def layer_list(self, value):
        layers = []
        if self.kind(value, list):
            for v in value:
                if not is_int(v) or not 0 <= v <= 100000 or (layers and v <= layers[-1]):
                    self.bad("layer_list")
                    break
                layers.append(int(v))
        return layers

    def version(self, root):
        version = self.need(root, "schema_version")
        if version is not MISSING and version not in ("1", "1.0", 1) or version is True:
            self.bad("schema_version")
        if isinstance(version, float):
            self.bad("schema_version")

    def family_reference(self, family):
        if self.kind(family, dict):
            self.sha256(self.need(family, "sha256"))
            self.string(self.need(family, "family_name"))

    def header(self, root, test):
        router, terminal_measured = test == "attention_router", test == "terminal_ovk_scan"
        self.full = is_ours(root, test)
        self.version(root)
        self.string(self.need(root, "domain"))
        listed = self.need(root, "layers")
        self.layers, self.moe_layers = self.layer_list(listed), []
        if listed == []:
            self.bad("layer_list")
        if not self.sound():
            raise Stop
        is_edge = test in EDGES + ("audit",)
        self.subject(root, terminal_measured, is_edge)
        self.gate(root)
        self.data(self.need(root, "data"))
        self.required_list(root, router, test in OF_KEYS)
        self.bootstrap(root)
        self.draws = (self.B, self.seed) if self.full else OWN
        if self.full:
            self.provenance(root)
            if is_edge:
                self.other(root)
            self.need(root, "body_sha256")
            self.null_reasons(root)

    def null_reasons(self, root):
        reasons = root.get("null_reasons", MISSING)
        if reasons is MISSING or self.kind(reasons, dict):
            listed = {} if reasons is MISSING else reasons
            if not all(isinstance(v, str) and v for v in listed.values()):
                self.bad("null_reason")
            found = self.nulls(root, "", False, listed)
            if reasons is not MISSING and not found:
                self.bad("null_reason")

    def sha256(self, value):
        if self.kind(value, str) and (len(value) != 64 or set(value) - set("0123456789abcdef")):
            self.bad("value_kind")

    def rows(self, listed):
        if not self.kind(listed, list):
            return
        if not listed:
            self.bad("member_present")
        for row in listed:
            if self.kind(row, dict):
                yield row

    def provenance(self, root):
        profile = self.need(root, "numeric_profile")
        for key in ("isa", "compute", "onednn"):
            self.string(self.need(profile, key))
        self.kind(self.need(root, "settings"), dict)
        self.program(root)
        self.sources(root)
        if "family" in root:
            self.family_reference(root["family"])

    def program(self, root):
        self.string(self.need(root, "program_version"))
        self.string(self.need(self.need(root, "manifest"), "created_utc"))
        notes = self.need(root, "notes")
        for note in notes if self.kind(notes, list) else ():
            self.string(note)

    def sources(self, checkpoint):
        for row in self.rows(self.need(checkpoint, "inputs")):
            self.string(self.need(row, "name"))
            self.sha256(self.need(row, "sha256"))
        for row in self.rows(self.need(checkpoint, "tensors")):
            for key in ("name", "dtype", "shard"):
                self.string(self.need(row, key))
            self.sha256(self.need(row, "sha256"))
            shape = self.need(row, "shape")
            if self.kind(shape, list):
                self.counts(shape, len(shape), core.MAX_INT)

    def other(self, root):
        other = self.need(root, "other")
        if self.kind(other, dict):
            self.string(self.need(other, "ckpt"))
            self.sources(other)

    def ends_of_edge(self, root, edge):
        """Two different checkpoints; `model` is the reference, a for AtoB, `other` the other."""
        ends = [edge["ckpt_a"], edge["ckpt_b"]]
        if ends[0] == ends[1]:
            self.bad("edge_direction")
        if not self.full:
            return
        self.string(self.need(edge, "edge_name"))
        for member, end in zip(("model", "other"),
                               ends if edge["direction"] == "AtoB" else ends[::-1]):
            found = self.get(root, member, "ckpt")
            if isinstance(found, str) and found != end:
                self.bad("edge_direction")

    def subject(self, root, terminal_measured, is_edge):
        edge, model = root.get("edge", MISSING), root.get("model", MISSING)
        if is_edge:
            self.need(root, "edge")
        if edge is not MISSING:
            if not self.kind(edge, dict):
                return
            if not all(isinstance(edge.get(k), str) and edge[k]
                       for k in ("ckpt_a", "ckpt_b", "direction")):
                self.bad("edge_direction")
                return
            if edge["direction"] not in ("AtoB", "BtoA"):
                self.bad("edge_direction")
            elif is_edge:
                self.ends_of_edge(root, edge)
            if model is MISSING:
                if self.full:
                    self.bad("member_present")
                return
        elif model is MISSING:
            self.bad("member_present")
            return
        if not self.kind(model, dict):
            return
        self.string(self.need(model, "ckpt"))
        last = self.integer(self.need(model, "terminal_moe_layer"), 0, 100000)
        if last is None:
            return
        every = self.need(model, "moe_layers") if self.full else MISSING
        if every is not MISSING:
            self.moe_layers = self.layer_list(every)
            if self.sound():
                if not self.moe_layers or self.moe_layers[-1] != last:
                    self.bad("terminal_layer")
                elif not set(self.layers) <= set(self.moe_layers):
                    self.bad("layer_list")
        if self.layers[-1] > last or terminal_measured and self.layers[-1] != last:
            self.bad("terminal_layer")

    def gate(self, root):
        gate = self.need(root, "gate_semantics")
        self.k = self.e = 0
        self.groups = self.groups_kept = 1
        if gate is MISSING:
            return
        if not isinstance(gate, dict):
            self.bad("gate_semantics")
            return
        topk, experts = gate.get("topk", MISSING), gate.get("experts", MISSING)
        if not is_int(topk) or not 1 <= topk <= 1 << 20:
            self.bad("gate_semantics")
        else:
            self.k = int(topk)
        if gate.get("scores_dtype") != "fp32":
            self.bad("gate_semantics")
        if experts is MISSING and not self.full:
            return
        if not is_int(experts) or not self.k <= experts <= 1 << 20:
            self.bad("gate_semantics")
        else:
            self.e = int(experts)
            if self.full:
                self.profile(gate)

    def profile(self, gate):
        for key in PROFILE:
            self.need(gate, key)
        groups = self.integer(self.need(gate, "groups"), 1, self.e)
        if groups is not None:
            self.groups = groups
            if self.e % groups:
                self.bad("gate_semantics")
        kept = self.integer(self.need(gate, "groups_kept"), 1, self.groups)
        if kept is not None:
            self.groups_kept = kept
        ties = self.need(gate, "tie_rule")
        if ties is not MISSING and self.string(ties) != "lower index":
            self.bad("gate_semantics")
        eligible = self.need(gate, "shared_experts_eligible")
        if self.kind(eligible, bool) and eligible:
            self.bad("gate_semantics")

    def data(self, data):
        self.n = self.seq = 0
        self.documents, self.n_documents = [], 0
        if not self.kind(data, dict):
            return
        self.n = self.integer(self.need(data, "n_windows"), 1, 10**7) or 0
        self.seq = self.integer(self.need(data, "seq_len"), 2, 1 << 24) or 0
        if self.full:
            self.string(self.need(data, "source"))
            self.string(self.need(data, "tokenizer"))
            seed = self.need(data, "seed")
            if not (isinstance(seed, int) and not isinstance(seed, bool) and seed >= 1 << 63):
                self.integer(seed, 0, (1 << 63) - 1)
        ids = self.need(data, "doc_ids") if self.full else data.get("doc_ids", MISSING)
        if ids is MISSING or not self.kind(ids, list):
            return
        if len(ids) != self.n or not all(isinstance(i, str) or is_int(i) for i in ids):
            self.bad("document_ids")
            return
        numbers = {}
        for i in ids:
            self.documents.append(numbers.setdefault(i, len(numbers)))
        self.n_documents = len(numbers)

    def required_list(self, root, router, keys):
        """`keys`: a test of keys, which some layers, or all of them, don't have."""
        listed = self.need(self.need(root, "verification"), "required_layers")
        self.required = []
        if not self.kind(listed, list):
            return
        if (not all(is_int(v) for v in listed) or not (listed or router or keys) or
                len(set(listed)) < len(listed) or not set(listed) <= set(self.layers)):
            self.bad("required_layers")
            return
        self.required = sorted(int(v) for v in listed)
        if router and self.moe_layers:
            if self.required != [v for v in self.layers if v != self.moe_layers[0]]:
                self.bad("required_layers")

    def bootstrap(self, root):
        block = self.need(self.need(root, "summary"), "bootstrap")
        self.B = self.seed = None
        if not self.kind(block, dict):
            return
        B, seed = block.get("B", MISSING), block.get("seed", MISSING)
        if not is_int(B) or B < 1:
            self.bad("bootstrap_settings")
        else:
            self.B = int(B)
            if self.B > 10**6 or self.n * self.B > 1 << 29:
                raise OverflowError
        if isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0:
            self.seed = int(seed)
        else:
            self.bad("bootstrap_settings")
        if block.get("ci_type") != "percentile":
            self.bad("bootstrap_settings")

    # ---- statistics

    def means(self, x):
        return [m for m in core.bootstrap_means(x, *self.draws) if m is not None]

    def ci(self, x):
        return interval(core.bootstrap_means(x, *self.draws))

    def error(self, x):
        means = self.means(x)
        if len(means) < 2:
            return None
        center = core.left_to_right(means) / len(means)
        return math.sqrt(core.left_to_right((m - center) * (m - center) for m in means) /
                         (len(means) - 1))

    def distance(self, x, threshold, side):
        estimate, error = mean(x), self.error(x)
        if estimate is None or not error:
            return None
        z = side * (estimate - threshold) / error
        return z if math.isfinite(z) else None

    def probability(self, x):
        means = self.means(x)
        return sum(m < 0 for m in means) / len(means) if means else None

    def mean_block(self, path, x):
        self.claims.mean(path + ["mean"], mean(x))
        self.claims.interval(path + ["ci95"], self.ci(x))

    def delta_block(self, path, x):
        self.claims.mean(path + ["delta"], mean(x))
        self.claims.interval(path + ["ci95"], self.ci(x))
        self.siblings(path, x)

    def siblings(self, path, x):
        if not self.full:
            return
        settings = self.draws
        self.claims.add(path + ["ci95_bca"], "bca", core.bca_ends(x, *settings), "summary_interval")
        self.claims.add(path + ["ci95_t"], "loose", core.t_interval(x, *settings),
                        "summary_interval")
        if 2 <= self.n_documents < self.n:
            documents = core.document_interval(x, self.documents, self.n_documents, *settings)
            self.claims.add(path + ["ci95_doc"], "loose", documents, "summary_interval")

    def ratio_sums(self, top, bottom):
        both = [(a, b) if a is not None and b is not None else (None, None)
                for a, b in zip(top, bottom)]
        top, bottom = [a for a, _ in both], [b for _, b in both]
        tops = core.bootstrap_sums(top, *self.draws)[0]
        bottoms = core.bootstrap_sums(bottom, *self.draws)[0]
        whole = core.left_to_right(b for b in bottom if b is not None)
        value = core.left_to_right(a for a in top if a is not None) / whole if whole else None
        return value, interval([a / b for a, b in zip(tops, bottoms) if b])

    def ratio_block(self, path, top, bottom, names=("mean", "ci95")):
        value, ends = self.ratio_sums(top, bottom)
        self.claims.mean(path + [names[0]], value)
        self.claims.interval(path + [names[1]], ends)

    def conclude(self, judge):
        if self.n < 200 or self.B < 200:
            return "INSUFFICIENT"
        return judge

    def convergence(self, root, z, label):
        if not self.full:
            return
        check, path = "convergence_numbers", ["summary", "convergence"]
        self.claims.exact(path + ["verdict"], label)
        self.claims.near(path + ["z"], z, check)
        phi = None if z is None else core.NORMAL.cdf(z - 1.96)
        self.claims.near(path + ["replication"], phi, check)
        needed = None
        if z is not None and z > 0:
            ratio = 3.242 / z
            product = self.n * (ratio * ratio)
            needed = math.ceil(product) if product < 9e15 else None
        self.claims.exact(path + ["n_for_90"], needed, check)
        grid, i = [], 0
        while (m := math.floor(50 * 2 ** (i / 2) + 0.5)) <= self.n:
            grid.append(m)
            self.claims.exact(path + ["grid", i, "windows"], m)
            i += 1
        self.claims.append((path + ["grid", len(grid)], "absent", 0, "summary_exact"))
        stated = self.get(root, "summary", "convergence", "grid")
        if not isinstance(stated, list):
            return
        agreement = [0.0] * len(grid)
        for g, point in enumerate(stated[:len(grid)]):
            value = self.number(self.need(point, "agreement"), (0, 1))
            if value is None:
                return
            agreement[g] = value
        settled = None
        for g in reversed(range(len(grid))):
            if agreement[g] < 0.95:
                break
            settled = grid[g]
        self.claims.exact(path + ["settled_at"], settled, check)
        self.claims.exact(path + ["settled"], settled is not None and 2 * settled <= self.n, check)

    # ---- comparing the claims with the summary

    def compare(self, root):
        for path, kind, wanted, check in self.claims:
            if check == "summary_interval" and not self.full:
                continue
            value = root
            for key in path:
                if isinstance(value, list):
                    index = int(key) if str(key).isdigit() else len(value)
                    value = value[index] if index < len(value) else MISSING
                else:
                    value = self.get(value, str(key))
            if value is MISSING:
                optional = path[-1] in ("ci95_bca", "ci95_t", "ci95_doc")
                if not optional and kind != "absent":
                    self.bad("member_present")
            elif kind == "absent" or (kind == "null") != (value is None):
                if kind in ("exact",) and value is None:
                    self.bad("value_kind")
                else:
                    self.bad(check)
            elif kind in ("mean", "near", "iterated"):
                found = self.number(value, UNBOUNDED)
                if found is None:
                    continue
                scale = max(abs(found), abs(wanted))
                limit = (max(1e-12 * scale, 1e-300) if kind == "mean" else
                         (NEAR if kind == "near" else ITERATED) * max(1.0, scale))
                if abs(found - wanted) > limit:
                    self.bad(check)
            elif kind == "exact":
                same = (isinstance(value, bool) if isinstance(wanted, bool) else
                        is_int(value) if isinstance(wanted, int) else isinstance(value, str))
                if not same:
                    self.bad("value_kind")
                elif value != wanted:
                    self.bad(check)
            elif kind in ("interval", "bca", "loose", "near_ends", "iterated_ends"):
                found = self.ends(value)
                if found is None:
                    continue
                if kind == "interval":
                    same = found == wanted
                elif kind.endswith("_ends"):
                    limit = NEAR if kind == "near_ends" else ITERATED
                    same = all(abs(f - a) <= limit * max(1.0, abs(f), abs(a))
                               for f, a in zip(found, wanted))
                else:
                    one, other = wanted if kind == "bca" else (wanted, wanted)
                    limit = 1e-9 * max(one[1] - one[0], abs(one[0]), abs(one[1]))
                    same = all(min(abs(f - a), abs(f - b)) <= limit
                               for f, a, b in zip(found, one, other))
                if not same:
                    self.bad(check)

    def run(self, judges):
        """(verdict, names of checks)."""
        try:
            self.inspect(judges)
        except Stop:
            pass
        except OverflowError:
            if self.sound():
                return "OVER_BUDGET", set()
        return (self.verdict if self.sound() and self.verdict else "INVALID"), self.fired

    def inspect(self, judges):
        try:
            root = core.read(self.text)
        except core.NotJson:
            self.bad("strict_json")
            raise Stop from None
        if core.has_duplicates(root):
            self.bad("duplicate_key")
            raise Stop
        self.judge(root, judges)

    def judge(self, root, judges):
        """A tree: a whole file or an artifact inside another one."""
        self.root, self.judges = root, judges
        try:
            self.arithmetic(root, judges)
        except Stop:
            pass
        if isinstance(root, dict) and isinstance(root.get("body_sha256"), str):
            if root["body_sha256"] != core.digest(root):
                self.bad("body_digest")
        elif isinstance(root, dict) and "body_sha256" in root:
            self.bad("value_kind")

    def arithmetic(self, root, judges):
        if not self.kind(root, dict):
            raise Stop
        test = self.string(self.need(root, "test"))
        if not self.sound():
            raise Stop
        if test not in judges:
            self.bad("known_test")
            raise Stop
        if test != "intervention" and self.get(root, "settings", "intervention") is not MISSING:
            self.bad("intervention_stated")
        if test != "audit" and self.get(root, "settings", "key_change") is not MISSING:
            self.bad("key_change_stated")
        getattr(judges[test], "header", Judge.header)(self, root, test)
        if not self.sound():
            raise Stop
        judges[test](self, root)
        if not self.sound():
            raise Stop
        self.compare(root)
