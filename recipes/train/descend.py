"""Tunes one checkpoint into its descendant on code-heavy text (family_settings.py) and writes a checkpoint folder."""

import argparse
import os
import sys

import torch
from tokenizers import Tokenizer

import family_settings
import settings
from data import stream

sys.path.append(os.path.join(settings.ROOT, "recipes"))
from tuning import tune, weights  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("base")
    parser.add_argument("folder")
    options = parser.parse_args()
    torch.set_num_threads(settings.THREADS)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # as in train.py
    tokenizer = Tokenizer.from_file(os.path.join(options.base, "tokenizer.json"))
    texts = [stream(tokenizer, "train", domain) for domain in settings.DOMAINS]
    recipe = tune.Recipe(family_settings.DESCENDANT_STEPS, family_settings.DESCENDANT_LEARNING_RATE, settings.WINDOW,
                         family_settings.DESCENDANT_WINDOWS)
    model = tune.load(options.base)
    tune.train(model, texts, recipe, options.seed, lambda line: print(line, flush=True))
    tune.save(model, options.base, options.folder)
    weights.check_frozen(weights.layer_digests(options.base), weights.layer_digests(options.folder), [])


if __name__ == "__main__":
    main()
