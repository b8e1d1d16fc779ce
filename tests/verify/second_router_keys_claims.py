"""The summary of key_only_router in the second verifier (docs/artifacts.md section 20.2)."""

import math
import operator

import second_core as core
import second_key_replicates
from second_core import interval, left_to_right
from second_key_claims import claim_replication, spread
from second_key_replicates import claim_block, quotient, undefined
from second_router_keys_reading import FEATURES

UNITS = 6  # the counter's layer of the bootstrap of units
MARGIN, SOUND, PUBLISHED = 0.01, 0.95, [0.93, 0.976]
LEAST_WINDOWS, LEAST_REPLICATES, LEAST_UNITS, LEAST_DOCUMENTS, LEAST_ROWS = 200, 200, 20, 20, 5
GAPS = {"key_gap": ("residual", "keys"), "attention_gap": ("gate_input", "residual"),
        "one_bit_gap": ("keys", "signs"), "value_gap": ("keys_values", "keys"),
        "token_gap": ("keys", "token"), "constant_gap": ("keys", "none")}


def ratio(j, top, bottom):
    return second_key_replicates.ratio(j, top, bottom, UNITS)


def each(of, *statistics):
    """A number made of the statistics' numbers, undefined where one of them is."""
    def made(values):
        return None if None in values else of(*values)
    return (made([estimate for estimate, _ in statistics]),
            list(map(made, zip(*(replicates for _, replicates in statistics)))))


def average(j, statistics):
    """Over those that are defined."""
    if not statistics:
        return undefined(j)
    return (core.mean([estimate for estimate, _ in statistics]),
            list(map(core.mean, zip(*(replicates for _, replicates in statistics)))))


def outcome_of(ends):
    if ends is None:
        return "INCONCLUSIVE"
    low, high = ends
    if -MARGIN < low and high < MARGIN:
        return "EQUIVALENT"
    return "INFERIOR" if low > 0 else "SUPERIOR" if high < 0 else "INCONCLUSIVE"


def sentence_of(outcome, constant_ends):
    if outcome in ("EQUIVALENT", "SUPERIOR"):
        return "as_good_as_residual"
    if outcome != "INFERIOR":
        return "undecided"
    better = constant_ends is not None and constant_ends[0] > 0
    return "worse_than_residual" if better else "no_better_than_constant"


def place_of(ends):
    if ends is None:
        return "undecided"
    low, high = PUBLISHED
    if ends[1] < low:
        return "below"
    if ends[0] > high:
        return "above"
    return "within" if ends[0] >= low and ends[1] <= high else "undecided"


class LayerStatistics:
    """Those of a layer: the overlap by features, the gaps and the ceiling."""

    def __init__(self, j, p, layer):
        self.entries = [self.entry(j, p, layer, of) for of in layer.entries]
        self.chosen, self.overlap = {}, {}
        for features in ("none", "token") + FEATURES:
            there = [(of, own) for of, own in zip(layer.entries, self.entries)
                     if of.names[0] == features and own]
            best = max(there, key=lambda pair: pair[0].choosing_common, default=None)
            self.chosen[features] = best and best[0].names[1]
            self.overlap[features] = best[1]["overlap"] if best else undefined(j)
        self.gaps = {name: each(operator.sub, self.overlap[one], self.overlap[other])
                     for name, (one, other) in GAPS.items()}
        self.ceiling = {name: ratio(j, layer.ceiling[name], p.rows) if layer.ceiling else
                        undefined(j) for name in ("lower", "upper")}
        self.oracle = next((own["overlap"][0] for of, own in zip(layer.entries, self.entries)
                            if own and of.names == ("gate_input", "ridge")), None)
        self.sound = self.oracle is not None and self.oracle >= SOUND
        widest = max(of.width for of in layer.entries if of.refused is None)
        self.rows_per_feature = p.fitted_rows / widest if widest else 0.0

    def entry(self, j, p, layer, of):
        """The blocks of a predictor, None of a refused one."""
        if of.refused is not None:
            return None
        cases = [j.k * rows for rows in p.rows]
        error = ratio(j, of.error, layer.energy)
        return {"overlap": ratio(j, of.common, cases), "exact": ratio(j, of.exact, p.rows),
                "top1": ratio(j, of.top1, p.rows),
                "mass": undefined(j) if of.mass is None else ratio(j, of.mass, p.rows),
                "r2": each(lambda value: 1 - value, error),
                "hits": [ratio(j, hits, cases) for hits in of.hits]}


class ModelStatistics:
    """Means over the layers."""

    def __init__(self, j, layers):
        def of(name, keys):
            return {key: average(j, [getattr(layer, name)[key] for layer in layers])
                    for key in keys}
        self.overlap = of("overlap", ("none", "token") + FEATURES)
        self.gaps, self.ceiling = of("gaps", GAPS), of("ceiling", ("lower", "upper"))
        oracles = [layer.oracle for layer in layers]
        whole = bool(layers) and None not in oracles
        self.oracle = min(oracles) if whole else None
        self.rows_per_feature = min(own.rows_per_feature for own in layers) if whole else None
        self.ends = interval(self.gaps["key_gap"][1])


def claim_length(j, path, number):
    j.claims.append((path + [number], "absent", 0, "summary_exact"))


def claim_entry(j, layer, path, of, own):
    if own is None:
        j.claims.exact(path, None)
        return
    for name in ("overlap", "exact", "top1", "mass", "r2"):
        claim_block(j, path + [name], own[name])
    for b, statistic in enumerate(own["hits"]):
        claim_block(j, path + ["hits", b], statistic)
    claim_length(j, path + ["hits"], len(own["hits"]))
    for i, (common, rows) in enumerate(zip(of.margin_common, layer.margin_rows)):
        j.claims.mean(path + ["by_margin", i], quotient(common, j.k * rows))
    claim_length(j, path + ["by_margin"], len(of.margin_common))


def claim_blocks(j, path, own):
    """What a layer and the model have alike."""
    for name, statistic in own.gaps.items():
        claim_block(j, path + [name], statistic)
    for name, statistic in own.ceiling.items():
        claim_block(j, path + ["ceiling", name], statistic)
    j.claims.mean(path + ["oracle"], own.oracle)
    j.claims.mean(path + ["rows_per_feature"], own.rows_per_feature)


def claim_layer(j, p, layer, own):
    path = ["summary", "per_layer", layer.path]
    tested = [chosen / p.tested for chosen in layer.test_chosen]
    fitted = [chosen / p.fitted_rows for chosen in layer.fitted_chosen]
    for name, other in (("chance", tested), ("chance_from_fitted", fitted)):
        j.claims.mean(path + [name], left_to_right(map(operator.mul, other, tested)) / j.k)
    for i, (of, blocks) in enumerate(zip(layer.entries, own.entries)):
        claim_entry(j, layer, path + ["predictors", i], of, blocks)
    claim_length(j, path + ["predictors"], len(layer.entries))
    for features in FEATURES:
        j.claims.exact(path + ["chosen", features], own.chosen[features])
    claim_blocks(j, path, own)
    outcome = outcome_of(interval(own.gaps["key_gap"][1]))
    j.claims.exact(path + ["key_gap", "outcome"], outcome)
    j.claims.exact(path + ["sentence"],
                   sentence_of(outcome, interval(own.gaps["constant_gap"][1])))
    j.claims.exact(path + ["sound"], own.sound)


def degenerate_of(layers):
    if not layers:
        return "layers"
    if not all(own.sound for own in layers):
        return "pipeline"
    if any(own.gaps[name][0] is None for own in layers for name in ("key_gap", "attention_gap")):
        return "predictors"
    return None


def z_of(outcome, gap):
    estimate, error = gap[0], spread(gap[1])
    if outcome == "DEGENERATE" or estimate is None or not error:
        return None
    of = {"INFERIOR": estimate / error, "SUPERIOR": -estimate / error,
          "EQUIVALENT": min((MARGIN - estimate) / error, (MARGIN + estimate) / error)}
    z = max(of.values()) if outcome == "INCONCLUSIVE" else of[outcome]
    return z if math.isfinite(z) else None


def claim_verdict(j, p, model, degenerate):
    """Claims the verdict and returns its outcome."""
    path = ["summary", "verdict"]
    outcome = outcome_of(model.ends) if degenerate is None else "DEGENERATE"
    j.claims.mean(path + ["margin"], MARGIN)
    j.claims.exact(path + ["outcome"], outcome)
    j.claims.exact(path + ["degenerate"], degenerate)
    j.claims.exact(path + ["sentence"],
                   sentence_of(outcome, interval(model.gaps["constant_gap"][1])))
    for features, statistic in model.overlap.items():
        claim_block(j, path + ["overlap", features], statistic)
    j.claims.exact(path + ["place"], place_of(interval(model.overlap["residual"][1])))
    claim_blocks(j, path, model)
    j.claims.exact(path + ["fitted_documents"], p.fitted)
    claim_replication(j, p.units, z_of(outcome, model.gaps["key_gap"]))
    return outcome


def claim(j, p):
    """Claims the summary and gives the verdict."""
    j.claims.interval(["summary", "anchors", "published_pre_attention"], PUBLISHED)
    layers = []
    for layer in p.of.values():
        layers.append(LayerStatistics(j, p, layer))
        claim_layer(j, p, layer, layers[-1])
    model, degenerate = ModelStatistics(j, layers), degenerate_of(layers)
    outcome = claim_verdict(j, p, model, degenerate)
    enough = (j.n >= LEAST_WINDOWS and j.B >= LEAST_REPLICATES and p.units >= LEAST_UNITS and
              p.fitted >= LEAST_DOCUMENTS and (model.rows_per_feature or 0) >= LEAST_ROWS)
    j.verdict = outcome if enough or degenerate else "INSUFFICIENT"
