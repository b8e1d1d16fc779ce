"""Makes the golden fixtures of tests/data/families: tiny random MoE checkpoints and what transformers computes with them.

    build/venv/bin/python recipes/golden/families.py                   # writes tests/data/families
    build/venv/bin/python recipes/golden/families.py mixtral dots1     # only these model types
    build/venv/bin/python recipes/golden/families.py --check [NAME...] # compares with what is there, writes nothing

MODEL_TYPE/SHAPE/model is a checkpoint folder that from_pretrained loads as it is (what is expected of a quantised one is
computed with its dequantised weights, see tiny/quantised.py); MODEL_TYPE/SHAPE/expected.safetensors holds, rows being all tokens of all sequences in order:

    tokens, lengths            int32: the ids, and how many of them each sequence has
    logits                     (rows, vocabulary)
    layers.N.output            (rows, width): the residual stream after layer N, of every layer
    layers.N.router_logits     (rows, experts): with a logit bias, before any score function; this and the rest of MoE layers
    layers.N.topk_ids          (rows, k) int32: best first by the quantity that the gate ranks
    layers.N.topk_weights      (rows, k): what multiplies those experts' outputs, scaled and normalised
    layers.N.margin            (rows): the ranked quantity of number k minus number k+1, NaN if only k can be selected

All of it is one fp32 run with eager attention, eager experts and no cache, one sequence at a time. Weights are random
numbers, exact in the type that they are stored in. A sequence is drawn again if a decision in it is nearer than 1e-4 to a
tie. Every tensor and every switch of the config moves the logits by a thousandth or the script fails (tiny/sensitivity.py),
unless the family's file in tiny/shapes/ says that the reference ignores it.
"""

import argparse
import importlib
import os
import pkgutil
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
from safetensors.torch import load_file, save_file
from transformers.utils import logging

import tiny.shapes
from tiny import checkpoint, sensitivity
from tiny.expected import expected
from tiny.family import Family, Shape

OUT = Path(__file__).resolve().parents[2] / "tests" / "data" / "families"
SAME = 1e-5  # --check: of the tensor's largest entry; another CPU may sum in another order


def family(name: str) -> Family:
    return importlib.import_module(f"tiny.shapes.{name}").FAMILY


def shapes_wanted(name: str, names: list[str]) -> list[Shape]:
    if names and all(wanted.split("/")[0] != name for wanted in names):
        return []
    return [shape for shape in family(name).shapes
            if not names or name in names or f"{name}/{shape.name}" in names]


def make(family: Family, shape: Shape, folder: Path) -> None:
    print(f"{family.model_type}/{shape.name}")
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) if shape.quantise else folder / "model"
        checkpoint.write(family, shape, folder / "model", plain)
        model, exact = (checkpoint.load(family, plain, dtype) for dtype in (torch.float32, torch.float64))
    made = expected(family, shape, model, exact)
    sensitivity.check(family, shape, model, made["tokens"])
    save_file(dict(sorted(made.items())), folder / "expected.safetensors")
    print(f"  {sum(file.stat().st_size for file in folder.rglob('*.*')) / 1000:.0f} kB")


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.dtype == torch.int32 or not torch.equal(a.isnan(), b.isnan()):
        return torch.equal(a, b)
    return float((a - b).nan_to_num().abs().max()) <= SAME * float(b.nan_to_num().abs().max())


def compare(made: Path, there: Path) -> None:
    for file in sorted(made.rglob("*.*")):
        other = there / file.relative_to(made)
        if file.name != "expected.safetensors":
            if file.is_file() and file.read_bytes() != other.read_bytes():
                raise SystemExit(f"{other}: differs from what this recipe writes")
            continue
        a, b = load_file(file), load_file(other)
        if a.keys() != b.keys():
            raise SystemExit(f"{other}: holds other tensors")
        for name in a:
            if not same(a[name], b[name]):
                raise SystemExit(f"{other}: {name} differs from what this recipe computes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="model types, or model_type/shape; all if none is given")
    parser.add_argument("--check", action="store_true", help="compare with tests/data/families, write nothing")
    arguments = parser.parse_args()
    known = sorted(module.name for module in pkgutil.iter_modules(tiny.shapes.__path__))
    chosen = [(name, shape) for name in known for shape in shapes_wanted(name, arguments.names)]
    missed = [name for name in arguments.names if name not in
              [part for name, shape in chosen for part in (name, f"{name}/{shape.name}")]]
    if missed:
        raise SystemExit(f"unknown: {', '.join(missed)}; known model types are {', '.join(known)}")
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) if arguments.check else OUT
        for name, shape in chosen:
            make(family(name), shape, out / name / shape.name)
        if arguments.check:
            compare(out, OUT)
            print("equal to tests/data/families")


if __name__ == "__main__":
    sys.exit(main())
