"""Trains the model of settings.py, or one of another depth. Resumes from the last checkpoint in build/train, if there
is one."""

import argparse
import os
import time

import torch
from tokenizers import Tokenizer

import settings
from data import batch, stream
from model import Model


def rate(step, steps):
    """Warm-up, a constant stretch, then a straight line to zero."""
    if step < settings.WARMUP_STEPS:
        return (step + 1) / settings.WARMUP_STEPS
    return min(1.0, (steps - step) / settings.DECAY_STEPS)


def optimizer_of(model):
    """AdamW; weight decay on matrices only, never on norms and embeddings."""
    decayed = [p for n, p in model.named_parameters() if p.dim() > 1 and "embed" not in n]
    plain = [p for n, p in model.named_parameters() if p.dim() == 1 or "embed" in n]
    groups = [{"params": decayed, "weight_decay": settings.WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.LEARNING_RATE, betas=(0.9, 0.95), eps=1e-8, fused=True)


def save(path, state):
    torch.save(state, path + ".new")
    os.replace(path + ".new", path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=settings.STEPS)
    parser.add_argument("--layers", type=int, default=settings.LAYERS)
    parser.add_argument("--seed", type=int, default=settings.SEED)
    parser.add_argument("--name", default="model", help="stem of the files in build/train")
    options = parser.parse_args()
    torch.set_num_threads(settings.THREADS)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs a tenth of the time
    torch.manual_seed(options.seed)

    tokenizer = Tokenizer.from_file(os.path.join(settings.WORK, "tokenizer", "tokenizer.json"))
    streams = [stream(tokenizer, "train", domain) for domain in settings.DOMAINS]
    print("train tokens:", dict(zip(settings.DOMAINS, map(len, streams))), flush=True)

    model = Model(options.layers, options.seed)
    optimizer = optimizer_of(model)
    checkpoint = os.path.join(settings.WORK, f"{options.name}.pt")
    start, spent = 0, 0.0
    if os.path.exists(checkpoint):
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        start, spent = state["step"], state["seconds"]
        print(f"resumed at step {start}", flush=True)

    began = time.monotonic() - spent
    for step in range(start, options.steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.LEARNING_RATE * rate(step, options.steps)
        rows = batch(streams, step, options.seed)
        losses, balance, z = model(rows[:, :-1], rows[:, 1:])
        loss = losses.mean()
        (loss + settings.BALANCE_COEFFICIENT * balance + settings.ROUTER_Z_COEFFICIENT * z).backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        done = step + 1
        if done % 25 == 0 or done == options.steps:
            prose, code = losses.detach().view(2, -1).mean(dim=1).tolist()
            print(f"step {done}/{options.steps} prose {prose:.3f} code {code:.3f} balance {balance:.3f} "
                  f"z {z:.2f} norm {norm:.2f} seconds {time.monotonic() - began:.0f}", flush=True)
        if done % settings.CHECKPOINT_EVERY == 0 or done == options.steps:
            save(checkpoint, {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": done,
                              "seconds": time.monotonic() - began})


if __name__ == "__main__":
    main()
