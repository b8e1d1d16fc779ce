"""Artifacts of key_only_router that the fixtures don't show. Each takes a valid one; the summary is
the caller's."""

from second_variants import copied

PER_LAYER = ("architecture", "geometry", "truth", "predictors", "ceiling")
COUNTS = ("choosing_common", "common", "exact", "top1", "hits", "mass", "error", "margin_common")


def of_features(artifact, layer, features):
    return [entry for entry in artifact["predictors"][layer]
            if entry["features"] == features and "refused" not in entry]


def copy_counts(artifact, layer, one, other):
    """In place: what the first model of `one` finds, `other`'s models find."""
    found = of_features(artifact, layer, one)
    for entry in of_features(artifact, layer, other) if found else ():
        entry.update({name: found[0][name] for name in COUNTS})


def exchange_counts(artifact, layer, one, other):
    """In place: what `one` finds, `other` finds, model by model."""
    for a, b in zip(of_features(artifact, layer, one), of_features(artifact, layer, other)):
        for name in COUNTS:
            a[name], b[name] = b[name], a[name]


def refuse(artifact, layer, features, reason):
    for entry in of_features(artifact, layer, features):
        for member in set(entry) - {"features", "model"}:
            entry.pop(member)
        entry["refused"] = reason


def without_layers(artifact, reason):
    artifact["not_measured"] = {str(layer): reason for layer in artifact["layers"]}
    artifact["verification"]["required_layers"] = []
    artifact["summary"]["per_layer"] = {}
    artifact.update({name: {} for name in PER_LAYER})
    artifact.pop("null_reasons", None)


def mixers(artifact):
    """A model none of whose measured layers has keys."""
    a = copied(artifact)
    without_layers(a, "Mamba-2")
    return a


def two_documents(artifact):
    """Too few documents to part them."""
    a = copied(artifact)
    without_layers(a, "fewer than three documents")
    n = a["data"]["n_windows"]
    a["data"]["doc_ids"] = [w % 2 for w in range(n)]
    a["split"] = {**dict.fromkeys(("fitted", "choosing", "tests", "units"), 0), "documents": 2,
                  "of_window": [-2] * n}
    return a


def unreadable(artifact):
    """A layer whose keys predict nothing, and whose weights are of both signs."""
    a = copied(artifact)
    layer = max(a["predictors"], key=int)
    refuse(a, layer, "keys", "the features' correlations are singular")
    for entry in a["predictors"][layer]:
        if "refused" not in entry:
            entry["mass"] = None
    a["ceiling"][layer] = None
    reasons = a.setdefault("null_reasons", {})
    reasons["predictors." + layer] = "negative weights"
    reasons["ceiling." + layer] = "no such predictor"
    return a


def without_oracle(artifact):
    """A layer whose router's own input predicts nothing; its router reads no RMS norm."""
    a = copied(artifact)
    layer = min(a["predictors"], key=int)
    refuse(a, layer, "gate_input", "the features' correlations are singular")
    a["geometry"][layer] = None
    a.setdefault("null_reasons", {})["geometry." + layer] = "no RMS norm"
    return a
