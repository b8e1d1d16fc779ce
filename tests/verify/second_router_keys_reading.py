"""Reading key_only_router in the second verifier: what keys tell of a router's choice
(docs/artifacts.md section 20)."""

import functools
import math

import second_core as core
from second_sampled_keys import NORMS, count, counts, filled, of_layers, one_of, part
from second_verifier import MISSING, POSITIVE, layer_key

SPLIT = 15  # the purpose of the shuffle of documents
MOST_UNITS, MOST_WIDTH, MOST_POSITIONS = 128, 1 << 20, 1 << 16
FITTED, CHOOSING = -2, -1
FEATURES = ("previous", "keys", "signs", "keys_values", "residual", "gate_input")
BUDGETS, TENTHS, DRAWS = 3, 10, 64
LAMBDAS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0)
LEVELS = ("exact", "enclosed", "on_manifold", "identical_bytes", "twin_tokens")
ANSWERS = ("inputs", "summary", "answer", "theorem")
ABOVE_ONE, SHARE, RIGHT_ANGLE = (1.0, 1e100), (0.0, 1.0), (0.0, math.pi / 2)
FEWEST_DOCUMENTS = 3


@functools.lru_cache(maxsize=64)
def shuffled(number, seed):
    order = list(range(number))
    for step in range(number):
        other = step + core.draw_below(number - step, seed, SPLIT, step, 0, 1)
        order[step], order[other] = order[other], order[step]
    return order


def null_or(j, value, due, read):
    """What `read` makes of a value that is there exactly if it's due."""
    if value is MISSING:
        return None
    if (value is not None) != due:
        j.bad("null_pattern")
    return None if value is None else read(value)


class Prediction:
    """What an artifact says as a whole."""

    def __init__(self, j, root):
        self.parameters(j, part(j, root, "prediction"))
        self.layers = self.measured(j, j.need(root, "not_measured"))
        if not j.sound():
            return  # what follows would only repeat it
        self.split(j, root["data"]["seed"])
        self.stated_split(j, part(j, root, "split"))
        self.rows_of(j, part(j, root, "per_window"))
        listed = {name: of_layers(j, j.need(root, name), self.layers) for name in
                  ("architecture", "geometry", "truth", "predictors", "ceiling")}
        if not j.sound():
            return
        self.of = {}
        for layer in self.layers:
            self.of[layer] = Layer(j, self, layer, {name: of[layer] for name, of in listed.items()})

    def parameters(self, j, at):
        self.positions = count(j, at, "positions", 1, MOST_POSITIONS)
        self.hidden = count(j, at, "mlp_hidden", 0, MOST_POSITIONS)
        if self.hidden % 64:
            j.bad("value_range")
        self.epochs = count(j, at, "mlp_epochs", 1, MOST_POSITIONS)
        count(j, at, "ceiling_draws", DRAWS, DRAWS)

    def measured(self, j, value):
        if not j.kind(value, dict):
            return j.required
        for reason in value.values():
            if j.kind(reason, str) and not reason:
                j.bad("value_range")
        without = {layer_key(key) for key in value}
        layers = [layer for layer in j.layers if layer not in without]
        if not without <= set(j.layers):
            j.bad("layer_arrays")
        elif j.required != layers or layers and j.n_documents < FEWEST_DOCUMENTS:
            j.bad("required_layers")
        return layers

    def split(self, j, seed):
        number = j.n_documents
        tests = choosing = 0
        order = []
        if number >= FEWEST_DOCUMENTS:
            tests, choosing = max(1, 30 * number // 100), max(1, 10 * number // 100)
            order = shuffled(number, seed)
        place = dict.fromkeys(range(number), FITTED)
        place.update({document: i % MOST_UNITS
                      for i, document in enumerate(sorted(order[:tests]))})
        place.update(dict.fromkeys(order[tests:tests + choosing], CHOOSING))
        self.fitted = len(order) and number - tests - choosing
        self.units = min(MOST_UNITS, tests)
        self.parts = {"documents": number, "fitted": self.fitted, "choosing": choosing,
                      "tests": tests, "units": self.units}
        self.of_window = [place[document] for document in j.documents]

    def stated_split(self, j, at):
        for name, wanted in self.parts.items():
            found = j.integer(j.need(at, name), FITTED, core.MAX_INT)
            if found is not None and found != wanted:
                j.bad("document_ids")
        listed = j.need(at, "of_window")
        if not j.kind(listed, list):
            return
        if len(listed) != j.n:
            j.bad("array_length")
            return
        found = [j.integer(value, FITTED, core.MAX_INT) for value in listed]
        if None not in found and found != self.of_window:
            j.bad("document_ids")

    def rows_of(self, j, at):
        each = min(self.positions, j.seq)
        value = j.need(at, "rows")
        found = j.counts(value, j.n, core.MAX_INT) if value is not MISSING else []
        if len(found) == j.n and any(rows != each for rows in found):
            j.bad("count_total")
        self.rows = [each * self.of_window.count(unit) for unit in range(self.units)]
        self.tested = sum(self.rows)
        self.fitted_rows, self.choosing_rows = (each * self.of_window.count(role)
                                                for role in (FITTED, CHOOSING))


class Layer:
    """What is said of a layer."""

    def __init__(self, j, p, number, at):
        self.number, self.path = number, str(number)
        self.architecture_of(j, at["architecture"])
        if not j.sound():
            return
        self.table_of(j, at["architecture"])
        self.geometry = self.geometry_of(j, p, at["geometry"])
        self.truth_of(j, p, at["truth"])
        self.entries = self.entries_of(j, p, at["predictors"])
        if not j.sound():
            return
        self.ceiling = null_or(j, at["ceiling"], self.find("keys", "ridge") is not None,
                               lambda value: self.ceiling_of(j, p, value))

    def architecture_of(self, j, at):
        at = at if j.kind(at, dict) else MISSING
        j.string(j.need(at, "mixer"))
        for lo, names in ((1, ("residual_width", "heads", "kv_heads", "key_width", "value_width")),
                          (0, ("latent_width", "shared_width"))):
            for name in names:
                setattr(self, name, count(j, at, name, lo, MOST_WIDTH))
        self.norm = one_of(j, j.need(at, "norm"), NORMS)
        one_of(j, j.need(at, "router_reads"), ("after_attention",))
        for name in ("key_bias", "clipped", "linear_at_first", "router_bias", "plain_top_k",
                     "first_layer"):
            setattr(self, name, j.need(at, name))
            j.kind(getattr(self, name), bool)
        self.epsilon = j.number(j.need(at, "epsilon"), POSITIVE)
        self.first = self.number == 0
        j.claims.exact(["architecture", self.path, "first_layer"], self.first)
        self.dimensions = (self.latent_width + self.shared_width if self.latent_width else
                           self.kv_heads * self.key_width)

    def answers(self):
        fewer = self.dimensions < self.residual_width
        if fewer:
            second = ("generically_no", "KR-6 (d)")
        elif self.epsilon == 0 or self.norm != "none":
            second = ("if_scale_matters_no", "KR-6 (b)")
        else:
            second = ("yes", "KR-1")
        reachable = ("if_context_matters_no", "KR-7 (b)") if self.first else ("yes", "KR-7 (e)")
        return [("open_set", "own_keys", "if_context_matters_no", "KR-6 (a)"),
                ("first_position", "own_keys", *second),
                *([] if fewer else [("open_set", "keys_of_all_positions", *second)]),
                ("reachable", "own_keys", *reachable),
                ("reachable", "layer0_keys_of_all_positions", "yes", "KR-7 (d)")]

    def table_of(self, j, at):
        listed, wanted = j.need(at, "table"), self.answers()
        if not j.kind(listed, list):
            return
        if len(listed) != len(wanted):
            j.bad("array_length")
            return
        for row, answer in zip(listed, wanted):
            if not j.kind(row, dict):
                return
            stated = tuple(j.string(j.need(row, name)) for name in ANSWERS)
            if j.sound() and stated != answer:
                j.bad("ranked_list")
            for name in ("condition", "reservation"):
                j.string(j.need(row, name))
            self.levels_of(j, j.need(row, "levels"))

    def levels_of(self, j, listed):
        if not j.kind(listed, list):
            return
        words = [one_of(j, word, LEVELS) for word in listed]
        places = [LEVELS.index(word) for word in words if word in LEVELS]
        if len(places) == len(words) and any(a >= b for a, b in zip(places, places[1:])):
            j.bad("ranked_list")

    def geometry_of(self, j, p, at):
        if at is None or not j.kind(at, dict):
            return None
        d = self.residual_width
        found = {"rank": count(j, at, "rank", 0, min(self.dimensions, d)),
                 "directions": count(j, at, "directions", 0, min(j.e, d))}
        if not j.sound():
            return None  # what follows would only repeat it
        for name, bounds, due in (("condition", ABOVE_ONE, found["rank"] > 0),
                                  ("eta", SHARE, found["directions"] > 0)):
            found[name] = null_or(j, j.need(at, name), due,
                                  lambda value, bounds=bounds: j.number(value, bounds))
        j.maybe(j.need(at, "eta_sigma"), SHARE)
        j.claims.mean(["geometry", self.path, "eta_null"], 1 - found["rank"] / d)
        value = j.need(at, "angles")
        found["angles"] = [] if value is MISSING else filled(
            j, value, min(found["directions"], found["rank"]), RIGHT_ANGLE)
        self.boundary_of(j, p, part(j, at, "boundary"))
        null_or(j, j.need(at, "determined"), self.plain_top_k and not self.router_bias,
                lambda value: self.determined_of(j, p, value))
        return found

    def boundary_of(self, j, p, at):
        rows, seen, undefined = (count(j, at, name) for name in ("rows", "seen", "undefined"))
        if not j.sound():
            return
        if (rows != p.tested or seen + undefined > rows or
                j.e == j.k and undefined != rows):
            j.bad("count_total")
        null_or(j, j.need(at, "median"), rows - seen - undefined != 0,
                lambda value: j.number(value, ABOVE_ONE))

    def determined_of(self, j, p, at):
        at = at if j.kind(at, dict) else MISSING
        rows, determined = (count(j, at, name) for name in ("rows", "determined"))
        if j.sound() and (rows != min(p.tested, 512) or determined > rows):
            j.bad("count_total")

    def truth_of(self, j, p, at):
        at = at if j.kind(at, dict) else MISSING
        self.energy = filled(j, j.need(at, "energy"), p.units)
        self.fitted_chosen, self.test_chosen = (counts(j, j.need(at, name), j.e)
                                                for name in ("fitted_chosen", "test_chosen"))
        self.margin_rows = counts(j, j.need(at, "margin_rows"), TENTHS)

    def expected(self, p):
        models = ("closed_form", "ridge") + (("mlp",) if p.hidden else ())
        return [("none", "best_set"), ("token", "mean"),
                *((features, model) for features in FEATURES for model in models)]

    def entries_of(self, j, p, listed):
        found, wanted = [], self.expected(p)
        if not j.kind(listed, list):
            return found
        if len(listed) != len(wanted):
            j.bad("array_length")
            return found
        for i, (at, names) in enumerate(zip(listed, wanted)):
            if not j.kind(at, dict):
                return found
            stated = tuple(j.string(j.need(at, name)) for name in ("features", "model"))
            if not j.sound():
                return found
            if stated != names:
                j.bad("ranked_list")
                return found
            found.append(Entry(j, p, ["predictors", self.path, i], names, at))
            if found[i].refused is not None and i < 2:
                j.bad("null_pattern")
        return found

    def find(self, features, model):
        """An entry, None of a refused one."""
        return next((of for of in self.entries if of.names == (features, model) and
                     of.refused is None), None)

    def of_features(self, features):
        return [of for of in self.entries if of.names[0] == features]

    def ceiling_of(self, j, p, at):
        at = at if j.kind(at, dict) else MISSING
        return {name: filled(j, j.need(at, name), p.units) for name in ("lower", "upper")}


class Entry:
    """A predictor of a layer."""

    def __init__(self, j, p, path, names, at):
        self.names, self.path, self.refused = names, path, None
        if "refused" in at:
            self.refused = j.string(at["refused"])
            if isinstance(at["refused"], str) and not at["refused"]:
                j.bad("value_range")
            return
        self.width, self.choosing_common = (count(j, at, name)
                                            for name in ("width", "choosing_common"))
        self.common, self.exact, self.top1 = (counts(j, j.need(at, name), p.units)
                                              for name in ("common", "exact", "top1"))
        self.hits = self.hits_of(j, p, j.need(at, "hits"))
        mass = j.need(at, "mass")
        self.mass = None if mass is None else filled(j, mass, p.units)
        self.error = filled(j, j.need(at, "error"), p.units)
        self.margin_common = counts(j, j.need(at, "margin_common"), TENTHS)
        if names[1] == "ridge":
            self.ridge_of(j, at)
        elif names[1] == "mlp":
            self.mlp_of(j, p, at)

    def hits_of(self, j, p, listed):
        if not j.kind(listed, list):
            return []
        if len(listed) != BUDGETS:
            j.bad("array_length")
            return []
        return [counts(j, values, p.units) for values in listed]

    def ridge_of(self, j, at):
        listed, errors = j.need(at, "grid"), []
        j.number(j.need(at, "lambda"), POSITIVE)
        if not j.kind(listed, list):
            return
        if len(listed) != len(LAMBDAS):
            j.bad("array_length")
            return
        for row, wanted in zip(listed, LAMBDAS):
            if not j.kind(row, dict):
                return
            found = j.number(j.need(row, "lambda"), POSITIVE)
            if found is not None and found != wanted:
                j.bad("ranked_list")
            errors.append(j.maybe(j.need(row, "error"), POSITIVE))
        solved = [error for error in errors if error is not None]
        if not solved:
            j.bad("null_pattern")
            return
        j.claims.mean(self.path + ["lambda"], LAMBDAS[errors.index(min(solved))])

    def mlp_of(self, j, p, at):
        path = j.need(at, "path")
        count(j, at, "best_epoch")
        if not j.kind(path, list):
            return
        if not 1 <= len(path) <= p.epochs + 1:
            j.bad("array_length")
            return
        losses = filled(j, path, len(path))
        if None not in losses:
            j.claims.exact(self.path + ["best_epoch"], losses.index(min(losses)))
