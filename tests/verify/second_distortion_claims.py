"""The summary of kv_distortion in the second verifier (docs/artifacts.md section 17.2)."""

import math

from second_core import interval, left_to_right
from second_distortion_reading import BOUNDS, MEASUREMENTS, PLAIN
from second_key_replicates import average, claim_block, quotient, ratio, undefined

ANCHORS = (0.3634, 0.1175, 0.0345, 0.0095)
ALLOWANCE = 1e-9
RANGE = [0.8, 1.25]
LEAST_WINDOWS, LEAST_REPLICATES, LEAST_DOCUMENTS = 200, 200, 20
# A block is the ratio of these two sums.
BLOCKS = {"error": ("error", "cases"), "variation": ("variation", "cases"),
          "divergence": ("divergence", "cases"), "ratio": ("error", "forecast"),
          "slope": ("product", "forecast_squares")}


def mean(values):
    """Over those that are defined."""
    values = [v for v in values if v is not None]
    return left_to_right(values) / len(values) if values else None


def largest(values):
    return max((v for v in values if v is not None), default=None)


def calibration_of(d, of):
    ends = [interval(of[name][1]) for name in ("ratio", "slope")]
    if d.n_documents < LEAST_DOCUMENTS or None in ends:
        return "INSUFFICIENT"
    fits = all(RANGE[0] <= low and high <= RANGE[1] for low, high in ends)
    return "CALIBRATED" if fits else "NOT_CALIBRATED"


class LayerMeasurement:
    """One layer under one code, measured in one of the two ways."""

    def __init__(self, j, d, windows, record, heads):
        sums, cases = {**record, "cases": windows.cases}, sum(windows.cases)
        by_document = {name: self.of_documents(d, sums[name])
                       for pair in BLOCKS.values() for name in pair}
        self.of = {name: ratio(j, *(by_document[part] for part in pair))
                   for name, pair in BLOCKS.items()}
        self.vacuous = {bound: quotient(sum(record[bound]), cases) for bound in BOUNDS}
        squares = quotient(*(left_to_right(record[name]) for name in
                             ("score_squares", "isotropic_squares")))
        self.direction = None if squares is None else math.sqrt(squares)
        self.excess = {bound: largest(head.excess[bound] for head in heads) for bound in BOUNDS}

    def of_documents(self, d, values):
        sums = [0.0] * d.n_documents
        for value, document in zip(values, d.document):
            sums[document] += value
        return sums


class ModelMeasurement:
    """The mean of those of the layers."""

    def __init__(self, j, layers):
        self.of = {name: average(j, [layer.of[name] for layer in layers]) for name in BLOCKS}
        self.vacuous = {bound: mean(layer.vacuous[bound] for layer in layers) for bound in BOUNDS}
        self.direction = mean(layer.direction for layer in layers)
        self.excess = {bound: largest(layer.excess[bound] for layer in layers) for bound in BOUNDS}


class Code:
    """What a layer, or the model, says of a code: relative errors of keys and values, and the two
    measurements."""

    def __init__(self, errors, measured):
        self.errors, self.measured = errors, measured


def layer_code(j, d, layer, c, heads):
    """None of a refused one."""
    windows, code = d.windows[layer], d.codes[c]
    if windows.codes[c] is None:
        return None
    errors = {name: mean(quotient(head.codes[c][name], head.energy[name]) for head in heads)
              for name in (("key", "value") if code["values"] else ("key",))}
    return Code(errors, {name: LayerMeasurement(j, d, windows, windows.codes[c][name],
                                                [head.codes[c][name] for head in heads])
                         for name in MEASUREMENTS})


def model_code(j, layers):
    """Of layers that have it with cases."""
    errors = {name: mean(of.errors[name] for of in layers) for name in layers[0].errors}
    return Code(errors, {name: ModelMeasurement(j, [of.measured[name] for of in layers])
                         for name in MEASUREMENTS})


def claim_code(j, d, path, code):
    for name, value in code.errors.items():
        j.claims.mean(path + [name + "_error"], value)
    if "value" not in code.errors:
        j.claims.append((path + ["value_error"], "absent", 0, "summary_exact"))
    for name, of in code.measured.items():
        at = path + [name]
        for block, statistic in of.of.items():
            claim_block(j, at + [block], statistic)
        j.claims.exact(at + ["calibration"], calibration_of(d, of.of))
        j.claims.mean(at + ["direction"], of.direction)
        for bound in BOUNDS:
            j.claims.mean(at + ["vacuous", bound], of.vacuous[bound])
            j.claims.mean(at + ["excess", bound], of.excess[bound])


def claim_layer(j, d, layer, codes):
    path, windows = ["summary", "per_layer", str(layer)], d.windows[layer]
    j.claims.exact(path + ["cases"], sum(windows.cases))
    j.claims.exact(path + ["trivial"], sum(windows.trivial))
    for c, (code, of) in enumerate(zip(d.codes, codes)):
        at = path + ["codes", c]
        if of is None:
            j.claims.exact(at, None)
            continue
        scale = 16 / d.attention[layer]["width"] if code["scale"] == "key" else 0
        j.claims.mean(at + ["stored_bits"], code["bits"] + scale)
        claim_code(j, d, at, of)
    j.claims.append((path + ["codes", len(codes)], "absent", 0, "summary_exact"))


def claim_model(j, d, by_layer):
    """The codes of the model, None where no layer has one with cases."""
    path, found = ["summary", "codes"], []
    for c in range(len(d.codes)):
        layers = [codes[c] for layer, codes in by_layer.items()
                  if codes[c] and any(d.windows[layer].cases)]
        found.append(model_code(j, layers) if layers else None)
        if found[c] is None:
            j.claims.exact(path + [c], None)
            continue
        j.claims.exact(path + [c, "layers"], len(layers))
        claim_code(j, d, path + [c], found[c])
    j.claims.append((path + [len(found)], "absent", 0, "summary_exact"))
    return found


def claim_forecasts(j, d, path, codes):
    """How well AD-5 forecasts the error under the plain codes, and the fewest bits from which on it
    always does."""
    plain = [(code["bits"], of) for code, of in zip(d.codes, codes)
             if all(code[name] == value for name, value in PLAIN.items())]
    calibrated, begun = [], None
    for i, (bits, code) in enumerate(plain):
        of = code.measured["all"].of if code else {}
        at = path + ["forecast", i]
        j.claims.exact(at + ["bits"], bits)
        for name in ("ratio", "slope"):
            claim_block(j, at + [name], of.get(name, undefined(j)))
        calibrated.append(calibration_of(d, of) if code else "INSUFFICIENT")
        j.claims.exact(at + ["calibration"], calibrated[i])
    j.claims.append((path + ["forecast", len(plain)], "absent", 0, "summary_exact"))
    for (bits, _), word in reversed(list(zip(plain, calibrated))):
        if word != "CALIBRATED":
            break
        begun = bits
    j.claims.exact(path + ["calibrated_from"], begun)


def claim_verdict(j, d, codes, heads):
    """Claims the verdict and returns its outcome."""
    path, every = ["summary", "verdict"], [head for of in heads.values() for head in of]
    excess = largest(value for head in every for code in head.codes if code
                     for name in MEASUREMENTS for value in code[name].excess.values())
    holds = excess is None or excess <= ALLOWANCE
    outcome = "HOLDS" if holds else "BROKEN"
    if holds and (not every or not all(head.cases for head in every)):
        outcome = "DEGENERATE"
    j.claims.mean(path + ["allowance"], ALLOWANCE)
    j.claims.interval(path + ["range"], RANGE)
    j.claims.exact(path + ["outcome"], outcome)
    j.claims.exact(path + ["bounds_hold"], holds)
    j.claims.mean(path + ["largest_excess"], excess)
    claim_forecasts(j, d, path, codes)
    j.claims.exact(path + ["cases"], sum(head.cases for head in every))
    j.claims.exact(path + ["documents"], d.n_documents)
    return outcome


def claim(j, d, heads):
    """Claims the summary and gives the verdict."""
    anchors = ["summary", "anchors", "gaussian_mse"]
    for i, value in enumerate(ANCHORS):
        j.claims.mean(anchors + [i], value)
    j.claims.append((anchors + [len(ANCHORS)], "absent", 0, "summary_exact"))
    by_layer = {}
    for layer, of in heads.items():
        by_layer[layer] = [layer_code(j, d, layer, c, of) for c in range(len(d.codes))]
        claim_layer(j, d, layer, by_layer[layer])
    outcome = claim_verdict(j, d, claim_model(j, d, by_layer), heads)
    enough = (j.n >= LEAST_WINDOWS and j.B >= LEAST_REPLICATES and
              d.n_documents >= LEAST_DOCUMENTS)
    j.verdict = outcome if enough or outcome != "HOLDS" else "INSUFFICIENT"
