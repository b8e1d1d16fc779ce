"""Reading theorem_slack in the second verifier: the sample, what layers are, and their cases
(docs/artifacts.md section 18)."""

import math

import second_core as core
from second_sampled_keys import LARGEST, STEPS, count, filled, of_layers, one_of, part
from second_slack_table import NO_CHECK, TABLE
from second_verifier import MISSING, layer_key

POSITIONS = 13  # the purpose of the draws of sampled windows
BINS, QUANTILES = 20, 11
FINITE = (-math.inf, math.inf)
NUMBERS = ("cases", "skipped", "violated", "without_share")
ROPE = ("DC-2", "RC-1", "RC-2", "RC-4", "RC-7", "RC-8")
BEFORE_ROPE = ("DC-2", "RC-4", "RC-8")


def reasons_of(j, at, wanted):
    """{id: reason} of these ids and no others."""
    if not j.kind(at, dict):
        return
    if set(at) != set(wanted):
        j.bad("theorem_list")
        return
    for reason in at.values():
        if j.kind(reason, str) and not reason:
            j.bad("value_range")


class Slack:
    """What an artifact says of its sample and of its layers."""

    def __init__(self, j, root):
        if j.required != j.layers:
            j.bad("required_layers")
        self.seed, self.gate = root["data"]["seed"], root["gate_semantics"]
        self.experts, self.k = j.e, j.k
        self.sample_of(j, part(j, root, "sample"))
        self.theorems_of(j, j.need(root, "theorems"))
        reasons_of(j, j.need(root, "no_check"), NO_CHECK)
        self.missing_of(j, j.need(root, "without_keys"))
        self.rows_of(j, j.need(part(j, root, "per_window"), "rows"))
        reasons = of_layers(j, j.need(root, "not_applicable"), j.layers)
        if not j.sound():
            return  # what follows would only repeat it
        self.attention = {layer: self.attention_of(j, at) for layer, at in
                          of_layers(j, j.need(root, "attention"), self.with_keys).items()}
        self.gates = {layer: self.gate_of(j, at) for layer, at in
                      of_layers(j, j.need(root, "gates"), j.layers).items()}
        self.lists_of(j, reasons, of_layers(j, j.need(root, "cases"), j.layers))

    def sample_of(self, j, at):
        contexts = count(j, at, "contexts", 1, 64)
        positions = count(j, at, "context_positions", 2, 1024)
        queries = count(j, at, "context_queries", 1, 64)
        self.known = j.sound()  # whether the parameters are
        drawn = core.subset(j.n, min(contexts, j.n), self.seed, POSITIONS, j.n)
        self.windows, self.positions = sorted(drawn), min(positions, j.seq)
        q = min(queries, self.positions - 1)
        self.queries = [self.positions - 1 - i * (self.positions - 1) // q
                        for i in reversed(range(q))]
        self.rows = len(self.windows) * self.positions
        for name, wanted in (("windows", self.windows), ("query_positions", self.queries)):
            self.drawn(j, j.need(at, name), wanted)
        for name, wanted in (("positions", self.positions), ("rows", self.rows)):
            found = j.integer(j.need(at, name), 0, core.MAX_INT)
            if self.known and found is not None and found != wanted:
                j.bad("token_sample")

    def drawn(self, j, value, wanted):
        """Integers that follow from the seed."""
        if not j.kind(value, list):
            return
        if not self.known:
            return
        alike = len(value) == len(wanted)
        found = [j.integer(v, 0, core.MAX_INT) for v in value] if alike else []
        if None not in found and found != wanted:
            j.bad("token_sample")

    def rows_of(self, j, value):
        self.drawn(j, value, [self.positions if w in self.windows else 0 for w in range(j.n)])

    def theorems_of(self, j, at):
        if not j.kind(at, dict):
            return
        if set(at) != set(TABLE):
            j.bad("theorem_list")
            return
        for theorem, quantities in TABLE.items():
            listed = at[theorem]
            if not j.kind(listed, list):
                return
            if len(listed) != len(quantities):
                j.bad("theorem_list")
                return
            for row, quantity in zip(listed, quantities):
                for name in ("name", "relation", "unit") if j.kind(row, dict) else ():
                    value = j.need(row, name)
                    if j.kind(value, str) and value != getattr(quantity, name):
                        j.bad("theorem_list")

    def missing_of(self, j, at):
        self.with_keys = j.layers
        if not j.kind(at, dict):
            return
        for reason in at.values():
            if j.kind(reason, str) and not reason:
                j.bad("value_range")
        without = {layer_key(key) for key in at}
        if not without <= set(j.layers):
            j.bad("layer_arrays")
        self.with_keys = [layer for layer in j.layers if layer not in without]

    def attention_of(self, j, at):
        at = at if j.kind(at, dict) else MISSING
        j.string(j.need(at, "mixer"))
        found = {name: count(j, at, name, 1, LARGEST) for name in ("heads", "kv_heads", "key_width",
                                                                  "value_width")}
        found["planes"] = count(j, at, "planes", 0, LARGEST)
        j.kind(j.need(at, "latent"), bool)
        found["steps"] = one_of(j, j.need(at, "steps"), STEPS)
        if j.sound() and (found["heads"] % found["kv_heads"] or
                          2 * found["planes"] > found["key_width"]):
            j.bad("value_range")
        return found

    def gate_of(self, j, at):
        at = at if j.kind(at, dict) else MISSING
        found = {name: count(j, at, name, 1, LARGEST) for name in ("experts", "topk")}
        for name in ("plain", "full_softmax", "logit_bias", "finite"):
            found[name] = j.need(at, name)
            j.kind(found[name], bool)
        alike = all(found[name] == self.gate[name] for name in ("experts", "topk", "logit_bias"))
        biased = self.gate["selection_bias"] is True
        if j.sound() and (not alike or found["plain"] and (biased or j.groups > 1)):
            j.bad("gate_semantics")
        return found

    def left_out(self, layer):
        """Theorems whose hypotheses a layer doesn't meet."""
        found, gate, attention = set(), self.gates[layer], self.attention.get(layer)
        if attention is None:
            found |= {theorem for theorem in TABLE if not theorem.startswith("RG-")}
        else:
            width, planes = attention["key_width"], attention["planes"]
            found |= set(ROPE if not planes else BEFORE_ROPE if attention["steps"] == "scored"
                         else ())
            found |= {theorem for theorem, missing in
                      (("RC-2", planes == 1), ("IF-6", width < 8), ("KR-9", self.rows <= width + 1))
                      if missing}
        every = gate["topk"] == gate["experts"]
        if not gate["finite"]:
            found |= {theorem for theorem in TABLE if theorem.startswith(("KR-", "RG-"))}
        if not gate["plain"] or every:
            found |= {"RG-5", "RG-6", "RG-7", "RG-9", "RG-11"}
        found |= {"RG-6", "RG-11"} if gate["logit_bias"] else set()
        found |= set() if gate["full_softmax"] else {"RG-9"}
        return found | ({"RG-10"} if every else set())

    def lists_of(self, j, reasons, cases):
        """The theorems that a layer has cases of, and those."""
        if not j.sound():
            return
        self.cases = {}
        for layer in j.layers:
            left_out = self.left_out(layer)
            reasons_of(j, reasons[layer], left_out)
            self.cases[layer] = self.layer_of(j, layer, cases[layer], [
                theorem for theorem in TABLE if theorem not in left_out])

    def layer_of(self, j, layer, at, theorems):
        if not j.kind(at, dict):
            return {}
        if set(at) != set(theorems):
            j.bad("theorem_list")
            return {}
        found = {}
        for theorem in theorems:
            if not j.kind(at[theorem], list):
                return {}
            if len(at[theorem]) != len(TABLE[theorem]):
                j.bad("theorem_list")
                return {}
            found[theorem] = [Cases(j, of, self.sizes(layer, quantity.unit))
                              for quantity, of in zip(TABLE[theorem], at[theorem])]
        return found

    def sizes(self, layer, unit):
        """How many values each number of a place takes."""
        w, q = len(self.windows), len(self.queries)
        of = {"token": (self.rows,), "layer": ()}
        if layer in self.attention:
            attention = self.attention[layer]
            h, g, planes = (attention[name] for name in ("heads", "kv_heads", "planes"))
            of.update({"key": (g, self.rows), "head": (g,), "context": (g, w), "block": (h, w),
                       "query": (h, w, q), "query_head": (h,), "plane": (planes,),
                       "plane_pair": (planes - 1,),
                       "head_plane": (g, attention["key_width"] // 2)})
        return of[unit]

    def candidates(self, layer, unit):
        if unit == "token":
            return len(self.windows) * len(self.queries)
        return math.prod(self.sizes(layer, unit))


class Cases:
    """The cases of one quantity in one layer."""

    def __init__(self, j, at, sizes):
        at = at if j.kind(at, dict) else MISSING
        for name in NUMBERS:
            setattr(self, name, count(j, at, name))
        value = j.need(at, "histogram")
        self.histogram = j.counts(value, BINS, core.MAX_INT) if value is not MISSING else []
        self.shares = sum(self.histogram)
        value = j.need(at, "quantiles")
        self.quantiles = None
        if value is not MISSING and value is not None:
            self.quantiles = filled(j, value, QUANTILES, (0.0, 1.0))
        value = j.need(at, "tightest")
        self.tightest = None
        if value is not MISSING and value is not None and j.kind(value, dict):
            self.tightest = Tightest(j, value, sizes)


class Tightest:
    """A case."""

    def __init__(self, j, at, sizes):
        self.value, self.bound = (j.maybe(j.need(at, name), FINITE)
                                  for name in ("value", "bound"))
        self.allowance = j.number(j.need(at, "allowance"), (0.0, math.inf))
        self.used = j.maybe(j.need(at, "used"), FINITE)
        self.holds, place = j.need(at, "holds"), j.need(at, "place")
        j.kind(self.holds, bool)
        self.place = ()
        if j.kind(place, list) and len(place) != len(sizes):
            j.bad("tightest_case")
        elif isinstance(place, list):
            self.place = tuple(j.integer(v, 0, size - 1) for v, size in zip(place, sizes))

    def share(self, relation):
        """What is used of the slack, None where that is undefined."""
        if self.value is None or self.bound is None:
            return None
        if relation == "=":
            return abs(self.value - self.bound) / self.allowance if self.allowance else None
        room = self.bound + self.allowance
        return self.value / room if self.value >= 0 and room > 0 else None

    def within(self, relation):
        """Whether the numbers are those of a case that holds."""
        if self.value is None or self.bound is None:
            return False
        if relation == "=":
            return abs(self.value - self.bound) <= self.allowance
        return self.value <= self.bound + self.allowance
