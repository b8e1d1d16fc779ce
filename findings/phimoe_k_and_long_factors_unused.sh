#!/bin/sh
# Phi-3.5-MoE always takes two experts and the short RoPE factors, whatever its config says.
# Guess:    num_experts_per_tok is the number of experts, and past
#           original_max_position_embeddings the long factors replace the short ones, as in Phi-3.
# Happens:  the sparse mixer computes a first and a second choice; num_experts_per_tok reaches only
#           the balance loss. RoPE asks for its frequencies without a length, so it gets those of
#           the short factors at every length: other long factors change no bit. Only long_mscale
#           comes in past the original length, with the short factors.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  beyond 4,096 positions transformers isn't a reference for this family. A study that
#           varies K by the config repeats one model.
# Source:   transformers/models/phimoe/modeling_phimoe.py (sparsemixer's top_k isn't used;
#           PhimoeRotaryEmbedding.forward calls rope_init_fn with the config alone).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from finding import Finding
from tiny import build, tokens

f = Finding("Phi-3.5-MoE obeys num_experts_per_tok and the long factors", "transformers", "torch")


def logits(model, length=32):
    with torch.no_grad():
        return model(tokens(length=length)).logits


def experts(model):
    """How many of eight experts each of 100 states gets."""
    found = model.model.layers[0].mlp.router(torch.randn(1, 100, 32))[-1]
    return found.shape[-1]


models = [build("Phimoe", num_local_experts=8, num_experts_per_tok=k) for k in (1, 2, 4)]
f.seen("num_experts_per_tok 1, 2, 4: two experts each, the same bits",
       [experts(m) for m in models] == [2, 2, 2]
       and all(torch.equal(logits(m), logits(models[0])) for m in models),
       [m.config.num_experts_per_tok for m in models])

ORIGINAL, LONG = 16, 64


def changed(family, first, other, **fields):
    """Whether two settings of RoPE give other logits, up to the original length and past it."""
    base = dict(rope_type="longrope", rope_theta=90.0, short_factor=[1.0] * 4,
                original_max_position_embeddings=ORIGINAL)
    pair = [build(family, max_position_embeddings=128, pad_token_id=0, rope_parameters=base | rope,
                  **fields) for rope in (first, other)]
    return [not torch.equal(*(logits(m, length) for m in pair)) for length in (ORIGINAL, LONG)]


factors = dict(long_factor=[2.0] * 4), dict(long_factor=[16.0] * 4)
found = changed("Phi3", *factors, original_max_position_embeddings=ORIGINAL)
f.seen(f"Phi-3: long factors change {LONG} positions, not {ORIGINAL}", found == [False, True])
scales = dict(short_mscale=1.1, long_mscale=1.1)
found = changed("Phimoe", *(rope | scales for rope in factors), num_local_experts=8)
f.seen("Phi-3.5-MoE: they change neither", found == [False, False])
found = changed("Phimoe", *(factors[0] | scales | dict(long_mscale=m) for m in (1.1, 1.5)),
                num_local_experts=8)
f.seen(f"long_mscale changes {LONG} positions, not {ORIGINAL}", found == [False, True])
f.end()
PY
