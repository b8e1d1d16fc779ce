"""Reading kv_distortion in the second verifier: what keys and values of few bits do to attention
(docs/artifacts.md section 17)."""

import functools

import second_core as core
from second_sampled_keys import (LARGEST, STEPS, Sampled, count, counts, filled, of_layers, one_of,
                                 part)
from second_verifier import MISSING, POSITIVE, UNBOUNDED

POSITIONS = 13  # the purpose of the draws of sampled positions
MOST_BITS, MOST_POSITIONS, MOST_SINKS = 4, 1 << 16, 64
LISTS = ("plain", "scales", "all")
PLAIN = {"scale": "key", "rule": "least_squares", "centring": "raw", "gauge": "identity",
         "values": False}
# In what a code differs from the plain one, and the first of the lists that has it.
CHANGES = (({}, "plain"), ({"scale": "channel"}, "scales"), ({"scale": "head"}, "scales"),
           ({"rule": "norm"}, "scales"), ({"rule": "unbiased"}, "scales"),
           ({"gauge": "signed_hadamard"}, "all"), ({"gauge": "itq_cosine"}, "all"),
           ({"centring": "dataset_mean"}, "all"))
MEASUREMENTS = ("all", "sinks_exact")
SUMS = ("error", "forecast", "product", "forecast_squares", "variation", "divergence",
        "score_squares", "isotropic_squares")
BOUNDS = ("B1", "B2", "B3", "B4", "B5", "B6")
ORDERED = ("median", "p95", "largest")
DECILES = 10


@functools.lru_cache(maxsize=1 << 14)
def sampled(length, number, seed, window):
    """The sampled positions of a window, ascending: the first places of a shuffle."""
    if number >= length:
        return list(range(length))
    moved, chosen = {}, []
    for step in range(number):
        other = step + core.draw_below(length - step, seed, POSITIONS, step, window)
        chosen.append(moved.get(other, other))
        moved[other] = moved.get(step, step)
    return sorted(chosen)


def refusal(j, at):
    """Whether a code is refused."""
    if "refused" not in at:
        return False
    if j.kind(at["refused"], str) and not at["refused"]:
        j.bad("value_range")
    return True


def record_of(j, at, read_sum, read_count):
    """Sums and numbers of vacuous cases by name."""
    vacuous, found = part(j, at, "vacuous"), {}
    for names, parent, read in ((SUMS, at, read_sum), (BOUNDS, vacuous, read_count)):
        found.update({name: read(j.need(parent, name)) for name in names})
    return found


class Distortion(Sampled):
    """What an artifact says as a whole."""

    def __init__(self, j, root):
        self.parameters(j, part(j, root, "keys"))
        self.missing_layers(j, j.need(root, "without_keys"))
        if not j.sound():
            return  # what follows would only repeat it
        self.codes_of(j, j.need(root, "codes"))
        self.data_seed, per_window = root["data"]["seed"], part(j, root, "per_window")
        self.measured_of(j, part(j, root, "measured"))
        self.windows_of(j, per_window)
        if not j.sound():
            return
        self.layers_of(j, root)
        listed = of_layers(j, j.need(per_window, "attention"), self.layers)
        if j.sound():
            self.windows = {layer: Windows(j, self, at) for layer, at in listed.items()}

    def parameters(self, j, at):
        self.step = one_of(j, j.need(at, "step"), STEPS)
        self.list = one_of(j, j.need(at, "codes"), LISTS)
        self.coded_values = j.need(at, "coded_values")
        j.kind(self.coded_values, bool)
        self.fewest_bits = count(j, at, "fewest_bits", 1, MOST_BITS)
        self.most_bits = count(j, at, "most_bits", self.fewest_bits, MOST_BITS)
        self.most_windows, self.queries, self.positions = (
            count(j, at, name, 1, MOST_POSITIONS) for name in ("windows", "queries", "positions"))
        self.sink_positions = count(j, at, "sink_positions", 0, MOST_SINKS)

    def expected_codes(self):
        known = LISTS[:LISTS.index(self.list) + 1]
        changes = [change for change, first in CHANGES if first in known]
        if self.coded_values:
            changes.append({"values": True})
        return [{"bits": bits, **PLAIN, **change} for bits in
                range(self.fewest_bits, self.most_bits + 1) for change in changes]

    def codes_of(self, j, listed):
        self.codes = self.expected_codes()
        if not j.kind(listed, list):
            return
        if len(listed) != len(self.codes):
            j.bad("ranked_list")
            return
        for at, code in zip(listed, self.codes):
            if not j.kind(at, dict):
                return
            stated = {name: j.need(at, name) for name in code}
            if not all(j.kind(stated[name], type(value)) for name, value in code.items()):
                return
            if not 0 <= stated["bits"] <= 2**53:
                j.bad("value_range")
                return
            if stated != code:
                j.bad("ranked_list")
                return

    def measured_of(self, j, at):
        """Held-out windows, evenly spread, and where queries are."""
        held_out = [w for w, document in enumerate(j.documents) if document % 2]
        m = min(self.most_windows, len(held_out))
        self.measured = [held_out[i * len(held_out) // m] for i in range(m)]
        numbers = {}
        self.document = [numbers.setdefault(j.documents[w], len(numbers)) for w in self.measured]
        self.n_documents = len(numbers)
        self.asked = [sampled(j.seq, self.queries, self.data_seed, w) for w in self.measured]
        if self.layers and not m:
            j.bad("required_layers")
        self.fit_keys = j.integer(j.need(at, "fit_keys"), 0, core.MAX_INT)
        for name, wanted in (("windows", self.measured), ("documents", self.document)):
            value = j.need(at, name)
            found = j.counts(value, m, core.MAX_INT) if value is not MISSING else []
            if len(found) == m and found != wanted:
                j.bad("document_ids")
        listed = j.need(at, "positions")
        if not j.kind(listed, list):
            return
        if len(listed) != m:
            j.bad("array_length")
            return
        for stated, wanted in zip(listed, self.asked):
            if not j.kind(stated, list):
                return
            found = [j.integer(v, 0, core.MAX_INT) for v in stated]
            if None not in found and found != wanted:
                j.bad("document_ids")
                return

    def windows_of(self, j, per_window):
        """Of the drawn positions of every window, those that are sinks and the others."""
        drawn = [sampled(j.seq, self.positions, self.data_seed, w) for w in range(j.n)]
        sinks = [sum(position < self.sink_positions for position in of) for of in drawn]
        self.keys = [len(of) - own for of, own in zip(drawn, sinks)]
        for name, wanted in (("keys", self.keys), ("sinks", sinks)):
            value = j.need(per_window, name)
            found = j.counts(value, j.n, core.MAX_INT) if value is not MISSING else []
            if len(found) == j.n and found != wanted:
                j.bad("count_total")
        fitted = sum(n for n, document in zip(self.keys, j.documents) if document % 2 == 0)
        if self.fit_keys is not None and self.fit_keys != fitted:
            j.bad("count_total")

    def attention_of(self, j, at):
        found, at = super().attention_of(j, at), at if isinstance(at, dict) else MISSING
        count(j, at, "value_width", 1, LARGEST)
        scale = j.number(j.need(at, "scale"), POSITIVE)
        if scale == 0 or j.sound() and found["heads"] % found["kv_heads"]:
            j.bad("value_range")
        return found

    def listed_codes(self, j, listed, read):
        """What `read` makes of every entry, None of a refused one."""
        found = []
        if not j.kind(listed, list):
            return found
        if len(listed) != len(self.codes):
            j.bad("ranked_list")
            return found
        for code, at in zip(self.codes, listed):
            if not j.kind(at, dict):
                return found
            found.append(None if refusal(j, at) else read(code, at))
        return found


class Windows:
    """The cases of a layer by measured window."""

    def __init__(self, j, d, at):
        m = len(d.measured)
        at = at if j.kind(at, dict) else MISSING
        self.cases, self.trivial = (counts(j, j.need(at, name), m) for name in ("cases", "trivial"))
        self.codes = d.listed_codes(j, j.need(at, "codes"), lambda _, code: {
            name: record_of(j, part(j, code, name), lambda value: filled(j, value, m),
                            lambda value: counts(j, value, m)) for name in MEASUREMENTS})


class Measurement:
    """A head under one code, measured in one of the two ways."""

    def __init__(self, j, cases, at):
        self.stated = at
        self.record = record_of(j, at, lambda value: j.number(value, POSITIVE) or 0.0,
                                lambda value: j.integer(value, 0, core.MAX_INT) or 0)
        errors, tightness, excess = (part(j, at, name) for name in ("errors", "tightness",
                                                                    "excess"))
        self.errors = {name: self.number(j, j.need(errors, name), POSITIVE, cases)
                       for name in ORDERED}
        relative = j.need(errors, "relative")
        self.number(j, relative, POSITIVE, cases and relative is not None)
        self.tightness = {bound: self.tightness_of(j, j.need(tightness, bound), cases)
                          for bound in BOUNDS}
        self.excess = {bound: self.number(j, j.need(excess, bound), UNBOUNDED, cases)
                       for bound in BOUNDS}
        rank = j.need(at, "rank_correlation")
        self.rank = self.number(j, rank, (-1.0, 1.0), cases and rank is not None)
        deciles = part(j, at, "deciles")
        self.deciles = {name: filled(j, j.need(deciles, name), DECILES)
                        for name in ("forecast", "error")}

    def number(self, j, value, bounds, due):
        """`due`: whether there has to be one."""
        if value is MISSING:
            return None
        if (value is not None) != bool(due):
            j.bad("null_pattern")
            return None
        return None if value is None else j.number(value, bounds)

    def tightness_of(self, j, at, cases):
        if at is MISSING or at is None:
            return None
        if not cases:
            j.bad("null_pattern")
            return None
        if not j.kind(at, dict):
            return None
        found = [j.number(j.need(at, name), (0.0, 1.0)) for name in ("median", "p95")]
        return None if None in found else found


class Head:
    """The numbers of one KV head."""

    def __init__(self, j, d, at):
        self.cases, self.trivial = (count(j, at, name) for name in ("cases", "trivial"))
        self.energy = {name: j.number(j.need(at, name + "_energy"), POSITIVE)
                       for name in ("key", "value")}
        self.codes = d.listed_codes(j, j.need(at, "codes"),
                                    lambda code, of: self.code_of(j, code, of))

    def code_of(self, j, code, at):
        found = {"key": j.number(j.need(at, "key_error"), POSITIVE)}
        if code["values"]:
            found["value"] = j.number(j.need(at, "value_error"), POSITIVE)
        elif j.get(at, "value_error") is not MISSING:
            j.bad("null_pattern")
        found.update({name: Measurement(j, self.cases, part(j, at, name))
                      for name in MEASUREMENTS})
        return found
