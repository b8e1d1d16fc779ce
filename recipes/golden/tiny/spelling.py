"""The config.json and tensor names of a checkpoint, as transformers 5 writes them or as the hub had them before."""

from tiny.family import Family, Shape

DTYPES = {"f32": "float32", "bf16": "bfloat16"}
VERSION = "4.55.0"  # written into "v4" configs


def text_part(config: dict) -> dict:
    return config.get("text_config", config)


def before_v5(family: Family, shape: Shape, config: dict) -> dict:
    """rope_theta and rope_scaling instead of rope_parameters, torch_dtype instead of dtype, no computed lists."""
    config = dict(config)
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = VERSION
    text = dict(text_part(config))
    text.pop("dtype", None)
    for key in family.computed:
        text.pop(key, None)
    rope = text.pop("rope_parameters", None)
    if rope is not None and "rope_theta" in rope:
        rope = dict(rope)
        text["rope_theta"] = rope.pop("rope_theta")
        if "partial_rotary_factor" in rope:
            text["partial_rotary_factor"] = rope.pop("partial_rotary_factor")
        kind = rope.pop("rope_type")
        text["rope_scaling"] = {family.rope_type: kind, **rope} if rope or kind != "default" else None
    elif rope is not None:
        text["rope_parameters"] = rope  # per layer type: family.hub spells it
    if family.hub is not None:
        text = family.hub(text)
    text |= shape.hub
    return config | {"text_config": text} if "text_config" in config else text


def spell(family: Family, shape: Shape, config: dict) -> dict:
    config = dict(config) | {"dtype": DTYPES[shape.storage]}
    if "text_config" in config:
        config["text_config"] = config["text_config"] | {"dtype": DTYPES[shape.storage]}
    if shape.spelling == "v4":
        config = before_v5(family, shape, config)
    return config
