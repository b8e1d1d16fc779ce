#!/bin/sh
# transformers 5 reads MiMo-V2-Flash's published config without its RoPE bases and norm epsilon.
# Guess:    rope_theta, swa_rope_theta, layernorm_epsilon and hybrid_layer_pattern, keys of the
#           published config.json, set what they name; sliding_window_size is the window's length.
# Happens:  all of them become attributes that nothing reads. Bases, epsilon and the layers' kinds
#           are the class's defaults, equal to the published values, so the published checkpoint is
#           right and every other one isn't: other values change no bit of the logits, the keys of
#           transformers 5 do. Only sliding_window_size is read, and the window is one key longer:
#           the token itself and sliding_window_size before it.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  a checkpoint of this family with a longer context or another layout runs as another
#           model, and comparing with transformers confirms it.
# Source:   transformers/models/mimo_v2_flash/configuration_mimo_v2_flash.py (__post_init__;
#           convert_rope_params_to_dict, which moves old keys elsewhere, does nothing here).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from transformers import MiMoV2FlashConfig, MiMoV2FlashForCausalLM
from finding import Finding
from tiny import SHAPE, tokens

f = Finding("the published keys set bases, epsilon, layers and window", "transformers", "torch")
PUBLISHED = dict(rope_theta=5e6, swa_rope_theta=1e4, layernorm_epsilon=1e-5,
                 hybrid_layer_pattern=[0, 1], moe_layer_freq=[0, 1], sliding_window_size=7)
shape = dict(SHAPE, num_key_value_heads=2, head_dim=12, v_head_dim=8, n_routed_experts=4,
             moe_intermediate_size=16)


def model(**keys):
    torch.manual_seed(0)
    config = MiMoV2FlashConfig.from_dict({**shape, **PUBLISHED, **keys})
    return MiMoV2FlashForCausalLM(config).eval()


def logits(**keys):
    with torch.no_grad():
        return model(**keys)(tokens()).logits


want = logits()
for key, value in (("rope_theta", 100.0), ("swa_rope_theta", 100.0), ("layernorm_epsilon", 0.1),
                   ("hybrid_layer_pattern", [1, 0]), ("moe_layer_freq", [1, 1])):
    other = model(**{key: value})
    with torch.no_grad():
        same = torch.equal(other(tokens()).logits, want)
    f.seen(f"{key} {value} instead of {PUBLISHED[key]}: the same bits",
           same and getattr(other.config, key) == value)


def bases(full, sliding):
    return {kind: dict(rope_type="default", rope_theta=theta, partial_rotary_factor=0.334)
            for kind, theta in (("full_attention", full), ("sliding_attention", sliding))}


for key, value in (("rope_parameters", bases(100.0, 1e4)), ("rope_parameters", bases(5e6, 100.0)),
                   ("rms_norm_eps", 0.1), ("layer_types", ["sliding_attention", "full_attention"])):
    f.seen(f"{key}, as transformers 5 writes it, changes them",
           not torch.equal(logits(**{key: value}), want))

attending = model(layer_types=["sliding_attention"] * 2)
attending.set_attn_implementation("eager")
with torch.no_grad():
    weights = attending(tokens(), output_attentions=True).attentions[0][0, 0, 20]
keys = weights.nonzero().flatten().tolist()
f.seen("sliding_window_size 7: token 20 attends to eight", keys == list(range(13, 21)), keys)
f.end()
PY
