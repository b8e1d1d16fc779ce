#!/usr/bin/python3
"""Makes the family of checkpoints around models/routegauge-tiny-olmoe; the numbers are in train/family_settings.py.

  family.py                      everything below, in this order
  family.py sibling              build/family/sibling: another depth, from scratch
  family.py descendants          build/family/t1, t2, t3: each tuned from the one before, t1 from the base
  family.py figures              build/family/figures.json: their losses and KL to the base on the valid split
  family.py frozen               build/family/frozen/: runs with frozen layers, their comparison, their registration
  family.py frozen-figures       build/family/frozen.json: losses and KL of the runs on the registered texts

What is complete is kept, so a stopped call continues; remove build/family to start over. Standard library only: the
parts run in build/venv."""

import argparse
import glob
import os
import subprocess
import sys

RECIPES = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(RECIPES)
PYTHON = os.path.join("build", "venv", "bin", "python")
BASE = os.path.join("models", "routegauge-tiny-olmoe")
WORK = os.path.join("build", "family")

sys.path.append(os.path.join(RECIPES, "train"))
import family_settings  # noqa: E402

# Token files and training states of train/ go to WORK. The rest is about speed only: see train.sh.
ENVIRONMENT = {
    **os.environ,
    "TRAIN_WORK": os.path.join(ROOT, WORK),
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_TOP_PAD_": "268435456",
    "OMP_WAIT_POLICY": "passive",
}


def call(*command, **options):
    subprocess.run(list(map(str, command)), cwd=ROOT, env=ENVIRONMENT, check=True, **options)


def folder_once(name, *command):
    """Lets the command, which takes the folder as its last argument, make build/family/<name>, unless it is there.
    A stopped command leaves no folder of that name."""
    folder = os.path.join(WORK, name)
    if not os.path.isdir(os.path.join(ROOT, folder)):
        call(*command, folder + ".new")
        os.rename(os.path.join(ROOT, folder + ".new"), os.path.join(ROOT, folder))
    return folder


def setup():
    call(os.path.join("recipes", "setup.sh"))
    call("/usr/bin/python3", "recipes/corpora/extract.py", "--split", "train", "--split", "valid", "--split", "demo")
    tokenizer = os.path.join(ROOT, WORK, "tokenizer")
    os.makedirs(tokenizer, exist_ok=True)
    call("cp", *(os.path.join(BASE, name) for name in ("tokenizer.json", "tokenizer_config.json")), tokenizer)


def sibling():
    call(PYTHON, "recipes/train/train.py", "--name", "sibling", "--layers", family_settings.SIBLING_LAYERS,
         "--steps", family_settings.SIBLING_STEPS, "--seed", family_settings.SIBLING_SEED)
    folder_once("sibling", PYTHON, "recipes/train/export.py", os.path.join(WORK, "sibling.pt"))


def descendants():
    base = BASE
    for name, seed in family_settings.DESCENDANTS.items():
        base = folder_once(name, PYTHON, "recipes/train/descend.py", "--seed", seed, base)


def frozen():
    numbers = family_settings
    call(PYTHON, "recipes/finetune_frozen.py", BASE, os.path.join(WORK, "frozen"),
         "--text", numbers.FROZEN_TEXT, "--eval-text", numbers.FROZEN_EVAL_TEXT, "--base-text", numbers.FROZEN_BASE_TEXT,
         "--freeze", *numbers.FROZEN_LAYERS, "--seeds", *numbers.FROZEN_SEEDS,
         "--comparison-freeze", *numbers.COMPARISON_LAYERS, "--comparison-seeds", *numbers.COMPARISON_SEEDS,
         "--d-max", numbers.D_MAX, "--l-max", numbers.L_MAX, "--steps", numbers.FROZEN_STEPS,
         "--learning-rate", numbers.FROZEN_LEARNING_RATE, "--windows", numbers.FROZEN_WINDOWS,
         "--window", numbers.FROZEN_WINDOW)


def measure(name, folders, *options):
    with open(os.path.join(ROOT, WORK, name), "w", encoding="utf-8") as file:
        call(PYTHON, "recipes/train/measure_family.py", *options, BASE,
             *(os.path.join(WORK, folder) for folder in folders), stdout=file)


def figures():
    names = ["sibling", *family_settings.DESCENDANTS]
    measure("figures.json", names)
    call("sha256sum", *(os.path.join(WORK, name, "model.safetensors") for name in names),
         *sorted(glob.glob("models/*/model.safetensors", root_dir=ROOT)))


def frozen_figures():
    runs = [f"frozen/frozen-{seed}" for seed in family_settings.FROZEN_SEEDS]
    runs += [f"frozen/comparison-{seed}" for seed in family_settings.COMPARISON_SEEDS]
    measure("frozen.json", runs, "--split", "demo", "--windows", family_settings.FROZEN_FIGURE_WINDOWS)


PARTS = {"sibling": sibling, "descendants": descendants, "figures": figures, "frozen": frozen,
         "frozen-figures": frozen_figures}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="default: all")
    parts = parser.parse_args().parts
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    try:
        setup()
        for part in parts or PARTS:
            PARTS[part]()
    except subprocess.CalledProcessError as problem:
        sys.exit(f"error: {' '.join(problem.cmd[:3])} ... ended with {problem.returncode}")


if __name__ == "__main__":
    main()
