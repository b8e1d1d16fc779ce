"""Tunes a checkpoint folder of any causal language model of transformers, some layers frozen, and writes a folder of
the same layout: same tensor names, shapes and storage types, same config and tokenizer files."""

import dataclasses
import os
import shutil

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

from tuning import weights

LOG_EVERY = 20

logging.disable_progress_bar()


@dataclasses.dataclass(frozen=True)
class Recipe:
    steps: int
    learning_rate: float  # at its peak: linear warm-up over the first tenth of the steps, then linear to zero
    window: int  # tokens
    windows: tuple  # per step, of each text


def tokens(tokenizer, documents):
    """All documents in one array, each followed by the end-of-text token."""
    parts = []
    for text in documents:
        parts += [tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"], [tokenizer.eos_token_id]]
    return np.concatenate(parts).astype(np.int64)


def batch(texts, recipe, seed, step):
    """(windows, window) drawn from a generator keyed by seed and step, the windows of the first text first."""
    draw = np.random.Generator(np.random.Philox(key=[seed, step]))
    rows = []
    for text, count in zip(texts, recipe.windows, strict=True):
        starts = draw.integers(0, len(text) - recipe.window + 1, size=count)
        rows += [text[start:start + recipe.window] for start in starts]
    return torch.from_numpy(np.stack(rows))


def rate(step, steps):
    """Share of the peak rate."""
    warm = max(1, steps // 10)
    return min((step + 1) / warm, (steps - step) / (steps - warm + 1))


def load(folder):
    """In fp32: small updates would be lost in bf16."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def freeze(model, layers):
    frozen = {str(layer) for layer in layers}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(weights.layer_of(name) not in frozen)


def train(model, texts, recipe, seed, say):
    """Cross-entropy plus the load-balancing loss that the model's config asks for, if any. AdamW without weight decay,
    gradients clipped to norm 1. `say` gets a line of progress now and then. Returns the loss of every step."""
    torch.manual_seed(seed)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=recipe.learning_rate, betas=(0.9, 0.95), weight_decay=0.0)
    options = {"output_router_logits": True} if getattr(model.config, "router_aux_loss_coef", None) else {}
    losses = []
    model.train()
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * rate(step, recipe.steps)
        rows = batch(texts, recipe, seed, step)
        loss = model(input_ids=rows, labels=rows, **options).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if (step + 1) % LOG_EVERY == 0 or step + 1 == recipe.steps:
            say(f"step {step + 1}/{recipe.steps} loss {np.mean(losses[-LOG_EVERY:]):.3f}")
    model.eval()
    return losses


def save(model, base, folder):
    """Rounds the weights to the base's storage type, writes them with the base's config and tokenizer files, and checks
    that transformers loads the folder with nothing missing or left over and computes the same logits."""
    stored = AutoConfig.from_pretrained(base).dtype
    rows = torch.arange(64)[None] % model.config.vocab_size
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.to(stored))
        expected = model(rows).logits
    model.to(stored).save_pretrained(folder)
    for path in weights.files(folder):
        os.chmod(path, 0o644)
    for name in os.listdir(base):
        if os.path.isfile(os.path.join(base, name)) and not name.endswith((".safetensors", ".safetensors.index.json")):
            shutil.copyfile(os.path.join(base, name), os.path.join(folder, name))
    if weights.layout(folder) != weights.layout(base):
        raise ValueError(f"the tensors of {folder} are not named, shaped and stored as those of {base}")
    again, report = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    leftovers = {key: report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if report[key]}
    if leftovers:
        raise ValueError(f"transformers does not load {folder} as it is: {leftovers}")
    with torch.no_grad():
        if not torch.equal(again(rows).logits, expected):
            raise ValueError(f"{folder} does not compute what was trained")
