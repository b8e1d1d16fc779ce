"""Writes a checkpoint folder and loads it."""

import json
import tempfile
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import CONFIG_MAPPING, AutoConfig

from tiny.family import COMMON, Family, Shape
from tiny.fill import fill, stored_as
from tiny.spelling import spell

EAGER = {"attn_implementation": "eager", "experts_implementation": "eager"}
UNCOMPARED = {"architectures", "dtype", "torch_dtype", "transformers_version", "_name_or_path"}


def config_of(family: Family, shape: Shape):
    text = COMMON | shape.config
    if family.wrapper is None:
        return CONFIG_MAPPING[family.model_type](**text)
    tied = {"tie_word_embeddings": text.get("tie_word_embeddings", False)}
    return CONFIG_MAPPING[family.model_type](text_config=text, **tied, **family.wrapper)


def drawn(family: Family, shape: Shape) -> torch.nn.Module:
    model = getattr(transformers, family.model)(config_of(family, shape)).float()
    fill(model, family, shape)
    return model


def untied(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The state, each tensor once."""
    state: dict[int, tuple[str, torch.Tensor]] = {}
    for name, tensor in model.state_dict().items():
        state.setdefault(tensor.data_ptr(), (name, tensor))
    return dict(state.values())


def saved(model: torch.nn.Module) -> tuple[dict, dict[str, torch.Tensor]]:
    """What save_pretrained writes: config and tensors."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        config = json.loads((Path(folder) / "config.json").read_text())
        return config, load_file(Path(folder) / "model.safetensors")


def as_stored(tensors: dict[str, torch.Tensor], family: Family, shape: Shape) -> dict[str, torch.Tensor]:
    stored = {name: tensor.to(stored_as(name, family, shape)).contiguous() for name, tensor in tensors.items()}
    for name, tensor in stored.items():
        if not torch.equal(tensor.float(), tensors[name]):
            raise SystemExit(f"{family.model_type}/{shape.name}: {name} is not representable as it is stored")
    return stored


def load(family: Family, folder: Path, dtype: torch.dtype) -> torch.nn.Module:
    loader = "AutoModelForCausalLM" if family.automatic else family.model
    model, info = getattr(transformers, loader).from_pretrained(
        folder, dtype=dtype, output_loading_info=True, **EAGER)
    if any(info.values()):
        raise SystemExit(f"{folder}: not loaded completely: {info}")
    if family.prepare is not None:
        family.prepare(model)
    return model.eval()


def differing(made: dict, loaded: dict, at: str = "") -> list[str]:
    """Config keys that were lost or changed on the way through config.json."""
    out = []
    for key, value in made.items():
        if key in UNCOMPARED:
            continue
        if isinstance(value, dict) and isinstance(loaded.get(key), dict):
            out += differing(value, loaded[key], f"{at}{key}.")
        elif key not in loaded or loaded[key] != value:
            out.append(f"{at}{key}: {value} became {loaded.get(key)}")
    return out


def write_files(folder: Path, config: dict, tensors: dict[str, torch.Tensor]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(dict(sorted(config.items())), indent=2) + "\n")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def write(family: Family, shape: Shape, folder: Path, plain: Path) -> None:
    """Writes the checkpoint to `folder`, and to `plain` one that transformers loads as the same model: the same folder
    unless the shape is quantised."""
    model = drawn(family, shape)
    config, tensors = saved(model)
    config = spell(family, shape, config)
    if shape.spelling == "fused":
        tensors = untied(model)
    if shape.spelling == "v4" and family.hub_tensors is not None:
        tensors = family.hub_tensors(tensors)
    stored = as_stored(tensors, family, shape)
    if shape.quantise is not None:
        quantised, kept, dequantised = shape.quantise(config, tensors)
        write_files(folder, quantised, {name: stored[name] if tensor is tensors.get(name) else tensor
                                        for name, tensor in kept.items()})
        write_files(plain, config, dequantised)
        return
    write_files(folder, config, stored)
    changed = differing(model.config.to_dict(), AutoConfig.from_pretrained(folder).to_dict())
    if changed:
        raise SystemExit(f"{folder}: the config is read differently: {changed}")
    loaded = load(family, folder, torch.float32).state_dict()
    for name, tensor in model.state_dict().items():
        if not torch.equal(tensor, loaded[name]):
            raise SystemExit(f"{folder}: {name} is read differently")
