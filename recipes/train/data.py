"""Documents of the corpora, their tokens, and the batches of a step."""

import os

import numpy as np
import torch

import settings


def documents(split, domain):
    """Texts of a split and domain in byte order of their relative paths."""
    top = os.path.join(settings.CORPORA, split, domain)
    paths = [os.path.relpath(os.path.join(base, name), top) for base, _, names in os.walk(top) for name in names]
    for path in sorted(paths, key=os.fsencode):
        with open(os.path.join(top, path), encoding="utf-8", newline="") as file:
            yield file.read()


def document_tokens(tokenizer, split, domain):
    """One int64 array per document (tokenizers.Tokenizer; no special tokens)."""
    texts = list(documents(split, domain))
    return [np.array(e.ids, dtype=np.int64) for e in tokenizer.encode_batch(texts, add_special_tokens=False)]


def stream(tokenizer, split, domain):
    """All documents of a split and domain in one array, each followed by the end-of-text token. Cached."""
    path = os.path.join(settings.WORK, f"{split}-{domain}.npy")
    if not os.path.exists(path):
        end = np.array([tokenizer.token_to_id(settings.END_OF_TEXT)], dtype=np.int64)
        parts = [part for ids in document_tokens(tokenizer, split, domain) for part in (ids, end)]
        np.save(path, np.concatenate(parts).astype(np.uint16))
    return np.load(path).astype(np.int64)


def windows(tokenizer, split, domain):
    """(windows, WINDOW): every document cut from its start, the rest dropped, as the program does."""
    size = settings.WINDOW
    cut = [ids[: len(ids) // size * size].reshape(-1, size) for ids in document_tokens(tokenizer, split, domain)]
    return torch.from_numpy(np.concatenate(cut))


def batch(streams, step, seed=settings.SEED):
    """(windows, WINDOW + 1) of a step: drawn from a generator keyed by seed and step, so that a resumed run
    sees the same batches."""
    draw = np.random.Generator(np.random.Philox(key=[seed, step]))
    rows = []
    for tokens in streams:
        starts = draw.integers(0, len(tokens) - settings.WINDOW, size=settings.WINDOWS_PER_DOMAIN)
        rows += [tokens[start:start + settings.WINDOW + 1] for start in starts]
    return torch.from_numpy(np.stack(rows))
