"""Measures a model folder through transformers: loss against a bigram model, expert loads, context dependence.

Prints a JSON object. Losses are in nats per token on windows of the valid split cut as the program cuts them;
a window of 256 tokens gives 255 predictions, and the bigram model makes the same ones."""

import argparse
import json
import os

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional as F
from transformers import OlmoeForCausalLM

import settings
from data import stream, windows

WINDOWS = 400  # per domain, evenly spaced over the valid split
BATCH = 16
MIN_OCCURRENCES = 20  # token ids seen more rarely say little about context


def kneser_ney(tokens):
    """Interpolated Kneser-Ney bigram: log probabilities (previous, next). Absolute discount n1 / (n1 + 2 n2);
    the lower order counts distinct predecessors and is itself discounted towards the uniform distribution."""
    size = settings.VOCAB
    counts = np.bincount(tokens[:-1] * size + tokens[1:], minlength=size * size).reshape(size, size)
    discount = _discount(counts)
    predecessors = (counts > 0).sum(axis=0)
    lower_discount = _discount(predecessors)
    kept = np.maximum(predecessors - lower_discount, 0)
    lower = (kept + (predecessors.sum() - kept.sum()) / size) / predecessors.sum()
    kept = np.maximum(counts - discount, 0)
    total = counts.sum(axis=1, keepdims=True)
    probability = np.where(total > 0, (kept + (total - kept.sum(axis=1, keepdims=True)) * lower) / np.maximum(total, 1),
                           lower)
    return np.log(probability)


def _discount(counts):
    once, twice = (counts == 1).sum(), (counts == 2).sum()
    return once / (once + 2 * twice) if once else 0.0


def run(model, rows):
    """Mean loss of the model and, per layer, the chosen experts (tokens, k) of the rows."""
    losses, chosen = [], [[] for _ in range(model.config.num_hidden_layers)]
    for part in rows.split(BATCH):
        with torch.no_grad():
            out = model(part, output_router_logits=True)
        losses.append(F.cross_entropy(out.logits[:, :-1].flatten(0, 1), part[:, 1:].flatten(), reduction="none"))
        for layer, gate in enumerate(out.router_logits):
            chosen[layer].append(gate.topk(settings.EXPERTS_PER_TOKEN, dim=-1).indices.sort(dim=-1).values)
    return torch.cat(losses).mean().item(), [torch.cat(part) for part in chosen]


def context_dependence(ids, chosen):
    """Over token ids with enough occurrences: the share of ids whose set of experts is not always the same,
    and the share of occurrences outside the id's most frequent set."""
    sets = (2 ** chosen).sum(dim=-1).numpy()
    varying, outside, total, frequent = 0, 0, 0, 0
    for token in np.flatnonzero(np.bincount(ids) >= MIN_OCCURRENCES):
        counts = np.unique(sets[ids == token], return_counts=True)[1]
        frequent += 1
        varying += len(counts) > 1
        outside += counts.sum() - counts.max()
        total += counts.sum()
    return varying / frequent, outside / total


def measure(folder):
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    model = OlmoeForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    streams = {domain: stream(tokenizer, "train", domain) for domain in settings.DOMAINS}
    pooled = kneser_ney(np.concatenate(list(streams.values())))
    report = {"parameters": sum(p.numel() for p in model.parameters()), "domains": {}, "layers": []}
    ids, chosen, loads = [], [], []
    for domain in settings.DOMAINS:
        rows = windows(tokenizer, "valid", domain)
        rows = rows[torch.linspace(0, len(rows) - 1, min(WINDOWS, len(rows))).long()]
        loss, experts = run(model, rows)
        pairs = rows[:, :-1].numpy(), rows[:, 1:].numpy()
        report["domains"][domain] = {
            "windows": len(rows), "train_tokens": len(streams[domain]), "model": loss,
            "bigram_own": -kneser_ney(streams[domain])[pairs].mean(), "bigram_pooled": -pooled[pairs].mean()}
        ids.append(rows.flatten())
        chosen.append(experts)
        loads.append([torch.bincount(e.flatten(), minlength=settings.EXPERTS).double() / len(e) for e in experts])
    ids = torch.cat(ids).numpy()
    for layer in range(model.config.num_hidden_layers):
        load = torch.stack([part[layer] for part in loads])
        varying, outside = context_dependence(ids, torch.cat([part[layer] for part in chosen]))
        report["layers"].append({
            "min_share": load.min(dim=1).values.tolist(), "max_share": load.max(dim=1).values.tolist(),
            "min_over_experts_of_best_domain": load.max(dim=0).values.min().item(),
            "total_variation": ((load[0] - load[1]).abs().sum() / 2 / settings.EXPERTS_PER_TOKEN).item(),
            "ids_varying": varying, "occurrences_outside": outside})
    return report


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    options = parser.parse_args()
    torch.set_num_threads(settings.THREADS)
    print(json.dumps(measure(options.folder), indent=1))


if __name__ == "__main__":
    main()
