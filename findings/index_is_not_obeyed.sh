#!/bin/sh
# model.safetensors.index.json says which shard holds a tensor; the loader doesn't look there.
# Guess:    weight_map is the authority. A tensor comes from the shard that it names, another copy
#           of it elsewhere is ignored or refused.
# Happens:  the index only gives the list of files. All of their tensors are read in the order of
#           the files' names and the last copy wins, against the index, without a message. And
#           where a model.safetensors lies in the same folder, index and shards aren't used at all.
# Versions: transformers 5.24.0, safetensors 0.8.0, torch 2.13.0
# Matters:  a folder in which an older save was left over, or whose router was patched in one
#           shard, is another model for each reader. Two copies of a tensor have to be an error.
# Source:   transformers/modeling_utils.py (from_pretrained: file resolution, then a merge of all
#           shards); transformers/utils/hub.py (get_checkpoint_shard_files returns names from the
#           index).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import json
import shutil
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM
from finding import Finding
from tiny import build

f = Finding("a tensor is read from the shard that the index names", "transformers", "safetensors",
            "torch")
GATE = "model.layers.0.mlp.gate.weight"
build("Olmoe", num_experts=8).save_pretrained("m", max_shard_size="40KB")
index = json.load(open("m/model.safetensors.index.json"))["weight_map"]
shards = sorted(set(index.values()))
true = load_file("m/" + index[GATE])[GATE]


def with_copy_in(shard):
    shutil.copytree("m", "copy", dirs_exist_ok=True)
    save_file({**load_file("m/" + shard), GATE: torch.full_like(true, 7.0)}, "copy/" + shard,
              {"format": "pt"})
    gate = AutoModelForCausalLM.from_pretrained("copy").model.layers[0].mlp.gate.weight
    shutil.rmtree("copy")
    return float(gate.mean()) == 7.0, torch.equal(gate, true)


place = shards.index(index[GATE])
f.seen("the router is in neither the first nor the last shard", 0 < place < len(shards) - 1,
       f"shard {place + 1} of {len(shards)}")
later, before = with_copy_in(shards[-1]), with_copy_in(shards[0])
f.seen("a copy in a later shard replaces the router that the index names", later == (True, False))
f.seen("a copy in an earlier shard doesn't", before == (False, True))

everything = {k: torch.zeros_like(v) for s in shards for k, v in load_file("m/" + s).items()}
save_file(everything, "m/model.safetensors", {"format": "pt"})
gate = AutoModelForCausalLM.from_pretrained("m").model.layers[0].mlp.gate.weight
f.seen("with a model.safetensors in the folder neither index nor shards count",
       float(gate.abs().sum()) == 0)
f.end()
PY
