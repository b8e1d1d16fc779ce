"""What artifacts on keys have alike in the second verifier: readers of counts, words and sums, the
halves of the documents, the layers that have keys and the heads that they have, the sampled
positions of every window."""

import second_core as core
from second_verifier import MISSING, POSITIVE, UNBOUNDED, layer_key

MOST_UNITS = 128
LARGEST = 1 << 24
STEPS = ("scored", "normed")
NORMS = ("none", "full_width", "per_head", "per_head_rotated")


def one_of(j, value, names):
    text = j.string(value)
    if isinstance(value, str) and text not in names:
        j.bad("value_range")
    return text


def filled(j, value, length, bounds=POSITIVE):
    """Numbers, none of them null."""
    found = j.windows(value, length, bounds) if value is not MISSING else []
    if isinstance(value, list) and None in value:
        j.bad("null_pattern")
    return found


def numbers(j, value, bounds):
    """As many numbers as there are."""
    if j.kind(value, list):
        filled(j, value, len(value), bounds)


def counts(j, value, length):
    found = j.counts(value, length, core.MAX_INT) if value is not MISSING else []
    return found if len(found) == length else [0] * length


def count(j, parent, name, lo=0, hi=core.MAX_INT):
    found = j.integer(j.need(parent, name), lo, hi)
    return lo if found is None else found


def part(j, parent, name):
    """A member that is an object, else MISSING."""
    value = j.need(parent, name)
    return value if j.kind(value, dict) else MISSING


def given(j, value, due):
    """Whether there is an object to read; `due`: whether there has to be one, None if the artifact
    doesn't say."""
    if value is MISSING:
        return False
    if due is not None and (value is not None) != due:
        j.bad("null_pattern")
    return value is not None and due is not False and j.kind(value, dict)


def stated(j, value, names, bounds=UNBOUNDED):
    """An object of numbers that nothing here gives, each null where it is undefined."""
    if value is not MISSING and value is not None and j.kind(value, dict):
        for name in names:
            j.maybe(j.need(value, name), bounds)


def of_layers(j, value, layers):
    """{layer: member} of an object with a member for each of these layers and for no other."""
    if not j.kind(value, dict):
        return {}
    found = {layer_key(key): member for key, member in value.items()}
    if set(found) != set(layers):
        j.bad("layer_arrays")
    return {layer: found[layer] for layer in layers if layer in found}


def sums_of(j, value, names):
    """Sums by name, None where one of them is none."""
    found = {name: j.number(j.need(value, name), POSITIVE) for name in names}
    return None if None in found.values() else found


class Sampled:
    """Where keys are taken from. A test of keys adds its own parameters, which give `positions`
    and `sink_positions`, and what it says of a layer's attention and heads."""

    def units(self, j, at):
        """Documents with an odd number, dealt out in turn."""
        self.fitted_documents = (j.n_documents + 1) // 2
        self.count = min(MOST_UNITS, j.n_documents // 2)
        self.unit = [document // 2 % MOST_UNITS if document % 2 else -1
                     for document in j.documents]
        number, listed = j.integer(j.need(at, "count"), 0, MOST_UNITS), j.need(at, "of_window")
        if number is not None and number != self.count:
            j.bad("document_ids")
        if not j.kind(listed, list):
            return
        if len(listed) != j.n:
            j.bad("array_length")
            return
        for value, unit in zip(listed, self.unit):
            if j.integer(value, -1, MOST_UNITS - 1) is None:
                return
            if value != unit:
                j.bad("document_ids")
                return

    def missing_layers(self, j, value):
        """The other layers are the required ones."""
        self.layers = j.required
        if not j.kind(value, dict):
            return
        for reason in value.values():
            if j.kind(reason, str) and not reason:
                j.bad("value_range")
        without = {layer_key(key) for key in value}
        self.layers = [layer for layer in j.layers if layer not in without]
        if not without <= set(j.layers):
            j.bad("layer_arrays")
        elif j.required != self.layers:
            j.bad("required_layers")

    def layers_of(self, j, root):
        """The layers that have keys, with their heads as they are stored."""
        self.attention = {layer: self.attention_of(j, at) for layer, at in
                          of_layers(j, j.need(root, "attention"), self.layers).items()}
        self.heads = of_layers(j, j.need(root, "heads"), self.layers)

    def read_heads(self, j, read):
        """Of every layer what read(attention, head) makes of its heads."""
        found = {}
        for layer, listed in self.heads.items():
            found[layer] = []
            if not j.kind(listed, list):
                continue
            attention = self.attention[layer]
            if len(listed) != attention["kv_heads"]:
                j.bad("array_length")
                continue
            for at in listed:
                if j.kind(at, dict):
                    found[layer].append(read(attention, at))
                if not j.sound():
                    return found
        return found

    def windows_of(self, j, per_window):
        self.keys, self.sinks = (counts(j, j.need(per_window, name), j.n)
                                 for name in ("keys", "sinks"))
        most = min(self.positions, j.seq)
        if j.sound() and any(keys + sinks != most or sinks > self.sink_positions
                             for keys, sinks in zip(self.keys, self.sinks)):
            j.bad("count_total")

    def attention_of(self, j, at):
        at = at if j.kind(at, dict) else MISSING
        j.string(j.need(at, "mixer"))
        found = {name: count(j, at, name, 1, LARGEST) for name in ("heads", "kv_heads", "width")}
        most = found["width"] if j.sound() else LARGEST
        found["rotated_columns"] = count(j, at, "rotated_columns", 0, most)
        one_of(j, j.need(at, "norm"), NORMS)
        j.kind(j.need(at, "values_are_keys"), bool)
        found.update({name: count(j, at, name, 0, LARGEST) for name in ("latent_width", "window")})
        return found

    def summed(self, values):
        """By unit, and last over the windows that are fitted on."""
        sums = [0] * (self.count + 1)
        for unit, value in zip(self.unit, values):
            sums[unit] += value
        return sums
