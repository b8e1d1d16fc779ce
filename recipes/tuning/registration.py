"""The pre-registration of an intervention with frozen layers: written once, before any training, never changed.

Standard library only."""

import datetime
import json
import os

MIN_RUNS = 5  # fewer tuned runs give no verdict


def check(statement, layers):
    """Raises if the statement (see finetune_frozen.py) can't be judged; `layers` is the number of the base's layers."""
    frozen, less = statement["frozen_set"], statement["comparison"]["frozen_set"]
    for chosen in (frozen, less):
        if chosen != sorted(set(chosen)) or any(layer not in range(layers) for layer in chosen):
            raise ValueError(f"layers {chosen} must be ascending, distinct and within 0..{layers - 1}")
    if not frozen:
        raise ValueError("the frozen set is empty")
    if not set(less) < set(frozen):
        raise ValueError(f"the comparison's frozen set {less} must be a strict subset of {frozen}")
    for name, threshold in statement["thresholds"].items():
        if not threshold > 0:
            raise ValueError(f"{name} must be positive, is {threshold}")
    seeds, others = statement["seeds"], statement["comparison"]["seeds"]
    if len(seeds) < MIN_RUNS or not others:
        raise ValueError(f"at least {MIN_RUNS} runs and one comparison are needed")
    if len(set(seeds + others)) < len(seeds + others):
        raise ValueError("every run needs a seed of its own")


def write_once(folder, statement):
    """Writes FOLDER/registration.json with the time of registration, or confirms that the one there states the same.
    A folder with runs but without a registration is refused: it would come too late."""
    path = os.path.join(folder, "registration.json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            registered = json.load(file)
        registered.pop("registered_utc")
        if registered != statement:
            changed = sorted(key for key in {*registered, *statement} if registered.get(key) != statement.get(key))
            raise ValueError(f"{path} registers something else ({', '.join(changed)}); use another folder")
        return path
    if os.path.isdir(folder) and os.listdir(folder):
        raise ValueError(f"{folder} is not empty and has no registration; use another folder")
    os.makedirs(folder, exist_ok=True)
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    with open(path, "x", encoding="utf-8") as file:
        json.dump({"registered_utc": now, **statement}, file, indent=2)
        file.write("\n")
    return path
