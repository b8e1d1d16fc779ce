"""What settings.key_change of an audit has to say in the second verifier: keys stored in few bits
(docs/artifacts.md section 15.2)."""

import second_core as core
from second_verifier import MISSING, is_int

CHECK = "key_change_stated"
MEMBERS = {"name", "description", "step", "layers"}
DESCRIBED = {"bits", "scale", "rule", "values", "fit"}
FITTED = {"documents", "positions", "sink_positions"}
STEPS, SCALES = ("normed", "scored", "latent"), ("key", "channel", "head")
RULES, DOCUMENTS = ("least_squares", "norm", "unbiased"), ("even", "all")


def has_members(value, names):
    return isinstance(value, dict) and set(value) == names


def is_word(value, names):
    return isinstance(value, str) and value in names


def is_count(value):
    return is_int(value) and 0 <= value <= core.MAX_INT


def is_fit(fit, length):
    if not has_members(fit, FITTED) or not is_word(fit["documents"], DOCUMENTS):
        return False
    positions, sinks = fit["positions"], fit["sink_positions"]
    return is_count(positions) and is_count(sinks) and sinks < min(positions, length)


def is_description(value, step, length):
    if not has_members(value, DESCRIBED):
        return False
    bits, values, fit = value["bits"], value["values"], value["fit"]
    if not is_word(value["scale"], SCALES) or not is_word(value["rule"], RULES):
        return False
    fits = fit is None if value["scale"] == "key" else is_fit(fit, length)
    return (fits and is_int(bits) and 1 <= bits <= 4 and isinstance(values, bool) and
            (values or step != "latent"))


def are_layers(value):
    return (isinstance(value, list) and bool(value) and all(map(is_count, value)) and
            all(one < other for one, other in zip(value, value[1:])))


def is_key_change(value, length):
    return (has_members(value, MEMBERS) and isinstance(value["name"], str) and
            value["name"] != "" and is_word(value["step"], STEPS) and
            are_layers(value["layers"]) and
            is_description(value["description"], value["step"], length))


def one_checkpoint(root):
    return all(core.canonical(root[name]) == core.canonical(root["other"][name])
               for name in ("inputs", "tensors"))


def lowest_layer(j, root):
    """The lowest layer whose keys are changed, None where none are."""
    stated = j.get(root, "settings", "key_change")
    if stated is MISSING:
        return None
    if not is_key_change(stated, j.seq):
        j.bad(CHECK)
        return None
    edge = root["edge"]
    if edge["ckpt_b"] != "%s (%s)" % (edge["ckpt_a"], stated["name"]):
        j.bad(CHECK)
    if not one_checkpoint(root) or root.get("gates_equal") is False:
        j.bad(CHECK)
    return int(stated["layers"][0])


def check_below(j, lowest, arrays):
    """`arrays`: {layer: counts}, which a change from the lowest layer on leaves 0 below it."""
    if lowest is not None and any(any(of[layer]) for of in arrays for layer in j.layers
                                  if layer < lowest):
        j.bad(CHECK)
