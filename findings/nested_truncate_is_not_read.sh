#!/bin/sh
# YaRN's truncate: false has no effect where RoPE is given for each kind of layer.
# Guess:    all keys of one entry of rope_parameters belong together: truncate: false keeps the ends
#           of YaRN's ramp unrounded, as it does in GPT-OSS.
# Happens:  with entries for full_attention and sliding_attention every key is read from the entry
#           but truncate, which is read from the dictionary around them. The ends are rounded and
#           some frequencies are others. Written around the entries it counts, for all of them.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  frequencies differ from those of an engine that reads the entry. Of the MoE families
#           Laguna, Mellum and MiMo-V2-Flash have such entries, outside MoE Gemma 3 and OLMo 3.
# Source:   transformers/modeling_rope_utils.py (_compute_yarn_parameters: rope_parameters_dict for
#           all keys, config.rope_parameters for truncate).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from finding import Finding
from tiny import build

f = Finding("truncate false counts where the other keys of YaRN do", "transformers", "torch")
YARN = dict(rope_type="yarn", rope_theta=150000.0, factor=32.0,
            original_max_position_embeddings=4096)
FAMILIES = {"Laguna": dict(num_experts=4), "Mellum": dict(num_local_experts=4),
            "MiMoV2Flash": dict(n_routed_experts=4)}


def frequencies(family, rope, **fields):
    rotary = build(family, head_dim=64, num_key_value_heads=2, rope_parameters=rope,
                   pad_token_id=0, **fields).model.rotary_emb
    return getattr(rotary, "full_attention_inv_freq", getattr(rotary, "inv_freq", None))


def nested(full, **around):
    return dict(full_attention=full, sliding_attention=dict(rope_type="default", rope_theta=1e4),
                **around)


def number(rope):
    return f"frequency 9 is {float(rope[9]):.6e}"


rounded, exact = (frequencies("GptOss", dict(YARN, truncate=t), num_local_experts=4)
                  for t in (True, False))
f.seen("GPT-OSS, one entry: true and false differ", not torch.equal(rounded, exact),
       number(rounded), number(exact))
for family, fields in FAMILIES.items():
    fields = dict(fields, layer_types=["full_attention", "sliding_attention"])
    inside = [frequencies(family, nested(dict(YARN, truncate=t)), **fields) for t in (True, False)]
    f.seen(f"{family}, nested: both give GPT-OSS's of true",
           all(torch.equal(rope, rounded) for rope in inside), number(inside[1]))
    outside = frequencies(family, nested(dict(YARN), truncate=False), **fields)
    f.seen(f"{family}, false around the entries: those of false", torch.equal(outside, exact),
           number(outside))
f.end()
PY
