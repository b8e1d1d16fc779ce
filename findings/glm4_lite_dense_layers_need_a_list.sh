#!/bin/sh
# GLM-4.7-Flash ignores first_k_dense_replace; only transformers 5's own list counts.
# Guess:    first_k_dense_replace says how many layers come before the first experts, as in GLM-4.5
#           and DeepSeek-V3; published configs of all three carry it.
# Happens:  glm4_moe_lite keeps the key as an attribute and has one dense layer whatever it says.
#           mlp_layer_types alone decides. A checkpoint with two dense layers loads with layer 1's
#           dense matrices unexpected and its router and experts missing, so they are random. Saved
#           again, config.json holds both keys and they disagree.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  the published value, 1, is the default, so the fault shows only in models made from it.
#           A reader of such a config has to refuse keys that disagree.
# Source:   transformers/models/glm4_moe_lite/configuration_glm4_moe_lite.py (__post_init__);
#           glm4_moe/modeling_glm4_moe.py (the decoder layer compares its index with the key).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import json
import torch
from transformers import AutoModelForCausalLM
from finding import Finding
from tiny import LATENT, build, tokens

f = Finding("first_k_dense_replace is the number of dense layers", "transformers", "torch")
COMMON = dict(n_routed_experts=4, n_group=1, topk_group=1, num_hidden_layers=3, pad_token_id=0)
FAMILIES = {"DeepseekV3": LATENT, "Glm4Moe": dict(moe_intermediate_size=16, head_dim=8),
            "Glm4MoeLite": LATENT}


def dense(model):
    return sum(not hasattr(layer.mlp, "experts") for layer in model.model.layers)


for family, fields in FAMILIES.items():
    counts = [dense(build(family, first_k_dense_replace=k, **COMMON, **fields)) for k in range(4)]
    f.seen(f"{family}: dense layers for first_k_dense_replace 0, 1, 2, 3",
           counts == ([1] * 4 if family == "Glm4MoeLite" else [0, 1, 2, 3]), counts)

model = build("Glm4MoeLite", mlp_layer_types=["dense", "dense", "sparse"], **COMMON, **LATENT)
f.seen("Glm4MoeLite obeys mlp_layer_types", dense(model) == 2)
model.save_pretrained("m")
config = json.load(open("m/config.json"))
del config["mlp_layer_types"]
json.dump({**config, "first_k_dense_replace": 2}, open("m/config.json", "w"))
loaded, said = AutoModelForCausalLM.from_pretrained("m", output_loading_info=True)
layer = "model.layers.1.mlp."
f.seen("with first_k_dense_replace 2 instead, layer 1's dense matrices are unexpected",
       said["unexpected_keys"] == {layer + n + "_proj.weight" for n in ("down", "gate", "up")})
missing = said["missing_keys"]
f.seen("its router and experts are missing",
       missing and all(n.startswith(layer) for n in missing)
       and {layer + "gate.weight", layer + "experts.gate_up_proj"} <= missing,
       f"{len(missing)} tensors")
again, _ = AutoModelForCausalLM.from_pretrained("m", output_loading_info=True)
with torch.no_grad():
    logits = [m(tokens()).logits for m in (loaded, again)]
f.seen("and drawn anew at every load", not torch.equal(*logits))
loaded.save_pretrained("again")
config = json.load(open("again/config.json"))
f.seen("config.json holds both keys then",
       (config["first_k_dense_replace"], config["mlp_layer_types"].count("dense")) == (2, 1),
       f"first_k_dense_replace {config['first_k_dense_replace']}", config["mlp_layer_types"])
f.end()
PY
