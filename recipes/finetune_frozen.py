#!/usr/bin/env python3
"""Tunes a checkpoint several times with a set of layers frozen, and a few times with fewer frozen, for comparison.

An example to adapt to your own model: any folder that transformers loads as a causal language model will do, if its
layers are called `...layers.N...`. Before anything is trained, OUT/registration.json states what will be frozen and
trained, the thresholds, the texts and the comparison; a later call with other statements is refused. Then each run
writes OUT/frozen-SEED or OUT/comparison-SEED: a checkpoint folder with the base's layout, and in it frozen.json, which
holds a SHA-256 of every layer's tensors in the base's files and in the run's. A run whose frozen layers differ from the
base's, or whose other layers don't, is an error. Runs that are complete are kept: call again after an interruption.

D_max bounds the drift, KL(p_run || p_base) in nats per token on the eval text; L_max the forgetting, loss of the run
minus loss of the base on the base text. Both are measured by `routegauge`, not here."""

import argparse
import hashlib
import json
import os
import shutil
import sys

import torch
import transformers

from tuning import registration, texts, tune, weights


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="checkpoint folder")
    parser.add_argument("out", help="folder of the registration and the runs")
    parser.add_argument("--text", required=True, help="text to tune on: a UTF-8 file, or a folder of them")
    parser.add_argument("--eval-text", required=True, help="text that drift will be measured on")
    parser.add_argument("--base-text", required=True, help="text that forgetting will be measured on")
    parser.add_argument("--freeze", type=int, nargs="+", required=True, metavar="LAYER")
    parser.add_argument("--seeds", type=int, nargs="+", required=True, help="one run each")
    parser.add_argument("--comparison-freeze", type=int, nargs="*", default=[], metavar="LAYER", help="default: none")
    parser.add_argument("--comparison-seeds", type=int, nargs="+", required=True)
    parser.add_argument("--d-max", type=float, required=True)
    parser.add_argument("--l-max", type=float, required=True)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--windows", type=int, default=8, help="per step")
    parser.add_argument("--window", type=int, default=256, help="tokens")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def statement(options, layers):
    """What is registered. The comparison differs in its frozen set and seeds alone."""
    frozen = sorted(options.freeze)
    return {
        "schema_version": 1,
        "base": {"path": options.base, "sha256": weights.file_digests(options.base)},
        "frozen_set": frozen,
        "trainable_set": [layer for layer in range(layers) if layer not in frozen] + [weights.OUTSIDE],
        "thresholds": {"D_max": options.d_max, "L_max": options.l_max},
        "data": {
            "tuning": texts.identity(options.text),
            "eval": texts.identity(options.eval_text),
            "base": texts.identity(options.base_text),
        },
        "recipe": {
            "steps": options.steps,
            "learning_rate": options.learning_rate,
            "windows_per_step": options.windows,
            "window_tokens": options.window,
            "threads": options.threads,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "seeds": options.seeds,
        "comparison": {"frozen_set": sorted(options.comparison_freeze), "seeds": options.comparison_seeds},
    }


def run(options, tokens, frozen, seed, name, registered):
    folder = os.path.join(options.out, name)
    if os.path.isdir(folder):
        print(f"{name}: is complete")
        return
    model = tune.load(options.base)
    tune.freeze(model, frozen)
    recipe = tune.Recipe(options.steps, options.learning_rate, options.window, (options.windows,))
    losses = tune.train(model, [tokens], recipe, seed, lambda line: print(f"{name}: {line}", flush=True))
    unfinished = folder + ".new"
    shutil.rmtree(unfinished, ignore_errors=True)
    tune.save(model, options.base, unfinished)
    before, after = weights.layer_digests(options.base), weights.layer_digests(unfinished)
    weights.check_frozen(before, after, frozen)
    with open(os.path.join(unfinished, "frozen.json"), "w", encoding="utf-8") as file:
        json.dump({"registration_sha256": registered, "seed": seed, "frozen_set": frozen, "base": before, "run": after,
                   "losses": losses}, file, indent=2)
        file.write("\n")
    os.rename(unfinished, folder)


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)
    layers = transformers.AutoConfig.from_pretrained(options.base).num_hidden_layers
    try:
        stated = statement(options, layers)
        registration.check(stated, layers)
        path = registration.write_once(options.out, stated)
        with open(path, "rb") as file:
            registered = hashlib.file_digest(file, "sha256").hexdigest()
        print(f"registration: {path} sha256 {registered}")
        tokenizer = transformers.AutoTokenizer.from_pretrained(options.base)
        tokens = tune.tokens(tokenizer, texts.documents(options.text))
        for seed in stated["seeds"]:
            run(options, tokens, stated["frozen_set"], seed, f"frozen-{seed}", registered)
        for seed in stated["comparison"]["seeds"]:
            run(options, tokens, stated["comparison"]["frozen_set"], seed, f"comparison-{seed}", registered)
    except ValueError as problem:
        sys.exit(f"error: {problem}")


if __name__ == "__main__":
    main()
