#!/bin/sh
# The number in "experts.4" is not the expert's number: transformers 5 takes the place in sorted
# order.
# Guess:    experts.4.down_proj.weight becomes expert 4, the one that row 4 of the router chooses;
#           a file without experts.3 is refused for a missing tensor.
# Happens:  the loader stacks whatever matches, in order of its number. A file with experts 0-2,
#           4-7 and 9 loads as eight experts, nothing missing, nothing unexpected: expert 3 is the
#           stored 4, and so on, while the router's rows stay. Only another count of experts is an
#           error.
# Versions: transformers 5.24.0, safetensors 0.8.0, torch 2.13.0
# Matters:  a pruned or merged checkpoint whose experts weren't renumbered runs with experts and
#           router rows paired wrongly. A reader has to want every number from 0 to E-1, as
#           routegauge does.
# Source:   transformers/core_model_loading.py (names are sorted by dot_natural_key,
#           MergeModulelist stacks them); transformers/conversion_mapping.py (the patterns
#           "experts.*").
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM
from finding import Finding
from tiny import build

f = Finding("the number in an expert's name is its index", "transformers", "safetensors", "torch")
model = build("Olmoe", num_experts=8)
model.save_pretrained("m")
stored = load_file("m/model.safetensors")
name = "model.layers.0.mlp.experts.{}.{}.weight".format
matrices = ("gate_proj", "up_proj", "down_proj")
f.seen("the file has one tensor for each expert", all(name(3, m) in stored for m in matrices))
moved = dict(stored)
for matrix in matrices:
    moved[name(9, matrix)] = moved.pop(name(3, matrix))
save_file(moved, "m/model.safetensors", {"format": "pt"})
loaded, said = AutoModelForCausalLM.from_pretrained("m", output_loading_info=True)
f.seen("without expert 3 and with 9 it loads, nothing missing, unexpected or mismatched",
       not any(said.values()), dict((k, list(v)) for k, v in said.items()))
down = loaded.model.layers[0].mlp.experts.down_proj
same = [next(i for i in (0, 1, 2, 4, 5, 6, 7, 9)
             if torch.equal(down[e], moved[name(i, "down_proj")])) for e in range(8)]
f.seen("loaded experts 0 to 7 are the stored", same == [0, 1, 2, 4, 5, 6, 7, 9], same)
f.seen("the router's rows have stayed", torch.equal(
    loaded.model.layers[0].mlp.gate.weight, stored["model.layers.0.mlp.gate.weight"]))
f.end()
PY
