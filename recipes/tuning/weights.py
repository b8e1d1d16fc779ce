"""What the safetensors files of a checkpoint folder hold, and a digest per layer. Standard library only.

The digests are taken from the files, not from memory: they are about what others will load."""

import glob
import hashlib
import json
import os
import re
import struct

OUTSIDE = "outside"  # embeddings, final norm, output matrix: whatever belongs to no layer
LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.")


def layer_of(name):
    """The layer that a tensor or parameter belongs to, as decimal text, or OUTSIDE."""
    found = LAYER.search(name)
    return found.group(1) if found else OUTSIDE


def files(folder):
    found = sorted(glob.glob(os.path.join(glob.escape(folder), "*.safetensors")))
    if not found:
        raise ValueError(f"no safetensors file in {folder}")
    return found


def tensors(folder):
    """{name: (dtype, shape, file, first byte, end)}. A file starts with the length of its header (8 bytes, little
    endian) and the header; offsets in the header count from its end."""
    table = {}
    for path in files(folder):
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        for name, entry in header.items():
            if name != "__metadata__":
                first, end = (8 + length + offset for offset in entry["data_offsets"])
                table[name] = entry["dtype"], entry["shape"], path, first, end
    return table


def layout(folder):
    """{name: (dtype, shape)}: equal for two checkpoints that differ in values alone."""
    return {name: entry[:2] for name, entry in tensors(folder).items()}


def layer_digests(folder):
    """{layer or OUTSIDE: SHA-256 of names, dtypes, shapes and bytes of its tensors in name order}."""
    digests = {}
    for name, (dtype, shape, path, first, end) in sorted(tensors(folder).items()):
        digest = digests.setdefault(layer_of(name), hashlib.sha256())
        digest.update(json.dumps([name, dtype, shape]).encode())
        with open(path, "rb") as file:
            file.seek(first)
            digest.update(file.read(end - first))
    return {layer: digest.hexdigest() for layer, digest in digests.items()}


def file_digests(folder):
    """{file name: SHA-256}."""
    digests = {}
    for path in files(folder):
        with open(path, "rb") as file:
            digests[os.path.basename(path)] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def check_frozen(before, after, frozen):
    """Raises unless the frozen layers have the same digests before and after, and every other layer another."""
    moved = [layer for layer in frozen if before[str(layer)] != after[str(layer)]]
    if moved:
        raise ValueError(f"frozen layers have changed: {moved}")
    kept = {str(layer) for layer in frozen}
    still = [layer for layer in before if layer not in kept and before[layer] == after[layer]]
    if still:
        raise ValueError(f"layers that should have been tuned are unchanged: {still}")
