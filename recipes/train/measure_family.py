"""Measures checkpoints against their base on a split of the corpora: loss, and KL(p_theta || p_base), per domain.

Prints a JSON object {folder: {domain: {"windows", "loss", "kl"}}}, nats per token, the base first. The windows and
predictions are those of evaluate.py; fp32 arithmetic on the stored weights. Checkpoints must share the base's tokenizer."""

import argparse
import json
import os

import torch
from tokenizers import Tokenizer
from torch.nn import functional as F
from transformers import OlmoeForCausalLM

import settings
from data import windows
from evaluate import BATCH, WINDOWS


def log_probabilities(model, rows):
    return model(rows).logits[:, :-1].log_softmax(dim=-1)


def measure(folders, rows):
    """[(loss, kl)] of every folder, the base first."""
    models = [OlmoeForCausalLM.from_pretrained(folder, dtype=torch.float32).eval() for folder in folders]
    sums = torch.zeros(len(models), 2, dtype=torch.float64)
    for part in rows.split(BATCH):
        with torch.no_grad():
            base = log_probabilities(models[0], part)
            for model, total in zip(models, sums):
                ours = base if model is models[0] else log_probabilities(model, part)
                total[0] += F.nll_loss(ours.flatten(0, 1), part[:, 1:].flatten(), reduction="sum")
                total[1] += (ours.exp() * (ours - base)).sum()
    return (sums / rows[:, 1:].numel()).tolist()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("base")
    parser.add_argument("folders", nargs="*")
    parser.add_argument("--split", default="valid")
    parser.add_argument("--windows", type=int, default=WINDOWS, help="per domain, evenly spaced over the split")
    options = parser.parse_args()
    torch.set_num_threads(settings.THREADS)
    folders = [options.base, *options.folders]
    tokenizer = Tokenizer.from_file(os.path.join(options.base, "tokenizer.json"))
    report = {folder: {} for folder in folders}
    for domain in settings.DOMAINS:
        rows = windows(tokenizer, options.split, domain)
        rows = rows[torch.linspace(0, len(rows) - 1, min(options.windows, len(rows))).long()]
        for folder, (loss, kl) in zip(folders, measure(folders, rows)):
            report[folder][domain] = {"windows": len(rows), "loss": loss, "kl": kl}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
