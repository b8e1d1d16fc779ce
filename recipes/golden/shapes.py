"""The golden OLMoE checkpoints: one row each, every switch of the architecture set both ways somewhere."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Shape:
    name: str
    seed: int
    width: int  # d = heads * head width
    heads: int
    kv_heads: int
    experts: int
    top_k: int
    expert_width: int
    layers: int
    vocabulary: int
    lengths: tuple[int, ...]  # tokens of each sequence
    clip_qkv: float | None
    norm_topk_prob: bool
    tied: bool
    epsilon: float
    rope_theta: float
    dtypes: dict[str, str] = field(default_factory=dict)  # tensor kind -> storage, "" for the rest
    shards: int = 1
    fused_experts: bool = False  # the layout and config spelling of transformers 5
    biased: bool = False  # attention's projections
    rope_scaling: dict | None = None
    unmasked: bool = False  # also record a run in which every token sees the whole sequence
    most_rows: int = 0  # some expert must get at least as many rows


SHAPES = (
    Shape("mha", 11, 48, 4, 4, 8, 2, 20, 2, 64, (24, 24), None, False, False, 3e-3, 400.0,
          {"": "f32"}, unmasked=True),
    Shape("gqa-clip", 12, 60, 6, 2, 10, 3, 12, 2, 72, (24, 1, 33, 7), 0.7, True, False, 2e-3, 90.0,
          {"": "f32"}),
    Shape("mqa-tied-bf16", 13, 40, 4, 1, 6, 2, 20, 3, 96, (24, 24), None, True, True, 5e-3, 2000.0,
          {"": "bf16"}),
    Shape("clip-f16", 14, 32, 4, 2, 12, 4, 16, 2, 64, (24, 24), 1.1, False, False, 2e-3, 50000.0,
          {"": "f16"}),
    Shape("mixed-sharded", 15, 36, 6, 3, 7, 3, 16, 3, 64, (24, 24), 0.9, True, True, 4e-3, 700.0,
          {"": "bf16", "norm": "f32", "router": "f32", "experts": "f16"}, shards=3),
    Shape("fused", 16, 32, 2, 2, 9, 2, 18, 2, 64, (24, 24), None, True, False, 3e-3, 3000.0,
          {"": "f32"}, fused_experts=True),
    Shape("bias-yarn", 18, 32, 2, 1, 8, 3, 14, 2, 64, (24, 33), 0.9, True, False, 3e-3, 90.0,
          {"": "f32"}, biased=True, rope_scaling={"rope_type": "yarn", "factor": 4.0, "beta_fast": 1.0,
                                                  "beta_slow": 0.25, "original_max_position_embeddings": 16}),
    Shape("tall", 17, 24, 2, 1, 6, 3, 16, 2, 64, (24,) * 16, 0.8, False, False, 2e-3, 300.0,
          {"": "f32"}, most_rows=193),
)
