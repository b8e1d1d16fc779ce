#!/bin/sh
# Ling 3 (bailing_hybrid) saved by transformers 5 states two RoPE bases that may disagree.
# Guess:    a saved config.json has one RoPE base, in rope_parameters, as those of other families
#           have since version 5; if a base is given there, 6,000,000 appears nowhere.
# Happens:  rope_theta is a field of this class too. It is written at the top level, with the class
#           default 6,000,000 when the base was given in rope_parameters. The one inside wins; the
#           one at the top counts only where the other is missing. Changing the base at the top of a
#           saved config changes nothing.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  readers that know the published key, rope_theta, run the saved checkpoint with another
#           base. One that refuses a contradiction refuses what transformers writes.
# Source:   transformers/models/bailing_hybrid/configuration_bailing_hybrid.py (the field, and
#           __post_init__); transformers/modeling_rope_utils.py (convert_rope_params_to_dict).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import json
import torch
from transformers import AutoModelForCausalLM
from finding import Finding
from tiny import LATENT, build, tokens

f = Finding("a saved config has one RoPE base", "transformers", "torch")
COMMON = dict(LATENT, n_group=1, topk_group=1, pad_token_id=0, first_k_dense_replace=0,
              rope_parameters=dict(rope_type="default", rope_theta=400.0))


def saved(family, **fields):
    build(family, **COMMON, **fields).save_pretrained("m")
    return json.load(open("m/config.json"))


config = saved("DeepseekV3", n_routed_experts=4)
f.seen("DeepSeek-V3 with base 400: no rope_theta at the top", "rope_theta" not in config
       and config["rope_parameters"]["rope_theta"] == 400, config["rope_parameters"])
config = saved("BailingHybrid", num_local_experts=4, head_dim=8, layer_group_size=2)
f.seen("bailing_hybrid with base 400: 6,000,000 at the top, 400 inside",
       (config["rope_theta"], config["rope_parameters"]["rope_theta"]) == (6e6, 400),
       f"rope_theta {config['rope_theta']}", config["rope_parameters"])


def logits(**keys):
    """Of the saved weights with other keys in config.json; a key None is left out."""
    changed = {k: v for k, v in {**config, **keys}.items() if v is not None}
    json.dump(changed, open("m/config.json", "w"))
    with torch.no_grad():
        return AutoModelForCausalLM.from_pretrained("m")(tokens()).logits


def inside(**rope):
    return dict(rope_type="default", **rope)


want = logits()
f.seen("without the one at the top: the same bits", torch.equal(logits(rope_theta=None), want))
f.seen("400 at the top, as a hub config has it: the same bits",
       torch.equal(logits(rope_theta=400.0, rope_parameters=None), want))
f.seen("20 at the top: still the same bits", torch.equal(logits(rope_theta=20.0), want))
other = logits(rope_parameters=inside(rope_theta=20.0))
f.seen("20 inside: others", not torch.equal(other, want),
       f"largest difference {float((other - want).abs().max()):.1e}")
f.seen("20 at the top, none inside: those of 20",
       torch.equal(logits(rope_theta=20.0, rope_parameters=inside()), other))
f.end()
PY
