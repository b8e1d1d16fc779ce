"""What a family of models is, and one tiny checkpoint of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

# Config values of every shape that doesn't say otherwise.
COMMON = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "max_position_embeddings": 64}


@dataclass(frozen=True)
class Shape:
    name: str
    seed: int
    config: dict  # arguments of the family's config class, of the text part if there are others
    spelling: str  # "v5": what save_pretrained writes; "v4": the hub's before transformers 5; "fused": names in memory
    storage: str = "bf16"  # of all tensors but those of Family.keep_f32
    lengths: tuple[int, ...] = (17, 24)  # tokens of each sequence
    hub: dict = field(default_factory=dict)  # "v4": further keys of config.json
    inert: tuple[str, ...] = ()  # switches of sensitivity.py without effect here
    rules: tuple[tuple[str, Callable], ...] = ()  # as Family.rules, before them
    quantise: Callable | None = None  # see quantised.py


@dataclass(frozen=True)
class Family:
    model_type: str
    model: str  # class in transformers
    gate: Callable  # what the gate ranks, see gates.py
    shapes: tuple[Shape, ...]
    rules: tuple[tuple[str, Callable], ...] = ()  # how tensors are drawn, before the common rules of fill.py
    keep_f32: str = r"(e_score_correction_bias|expert_bias)$"  # names stored as F32 whatever the storage is
    computed: tuple[str, ...] = ("layer_types", "mlp_layer_types")  # config keys that only transformers 5 writes
    rope_type: str = "rope_type"  # what "v4" calls it: older checkpoints say "type"
    hub: Callable[[dict], dict] | None = None  # "v4": changes config.json further
    hub_tensors: Callable[[dict], dict] | None = None  # "v4": the same for tensors
    wrapper: dict | None = None  # arguments of the config class next to text_config, for models of text and images
    router: str | None = None  # module of a layer that computes the raw logits, if its name doesn't tell
    prepare: Callable | None = None  # called on every model before it runs
    inert: tuple[str, ...] = ()  # switches of sensitivity.py without effect in this family
    inert_tensors: str = r"(?!)"  # names of tensors without effect
    automatic: bool = False  # the class is another family's: config.json's model_type chooses it when it is loaded
    own_error: float = 5e-6  # of fp32 against fp64, relative to the largest entry

# YaRN that acts on 17 positions: with a base of about 90 for a rotated width of 16, 20 for one of 8.
YARN = {"rope_type": "yarn", "beta_fast": 1.0, "beta_slow": 0.25, "original_max_position_embeddings": 16}

# The same for Llama 3's scaling and a base of about 90.
LLAMA3 = {"rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 3.0, "original_max_position_embeddings": 16}


def mrope(sections: list[int], **rope) -> dict:
    """RoPE of a model of text and images; text takes the same position on all axes."""
    return {"rope_type": "default", "mrope_section": sections, "mrope_interleaved": True} | rope


def renamed(config: dict, names: dict[str, str]) -> dict:
    """The same values under other keys."""
    return {names.get(key, key): value for key, value in config.items()}
