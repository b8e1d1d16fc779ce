#!/bin/sh
# safetensors' save_model writes a tied MoE without its embedding, and with other names than a
# checkpoint.
# Guess:    where lm_head and embedding are one tensor the file keeps model.embed_tokens.weight, as
#           save_pretrained does and every reader of tied models expects.
# Happens:  of two names for one tensor the first in the alphabet stays, so the file has
#           lm_head.weight and no embedding; only __metadata__ says {"model.embed_tokens.weight":
#           "lm_head.weight"}. The experts are in there fused. transformers opens the file and ties
#           it again.
# Versions: safetensors 0.8.0, transformers 5.24.0, torch 2.13.0
# Matters:  a valid checkpoint can lack the embedding. A reader that knows the tie in one direction
#           calls it incomplete.
# Source:   safetensors/torch.py (_remove_duplicate_names, save_model); the page "Torch shared
#           tensors" of safetensors' documentation.
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from safetensors import safe_open
from safetensors.torch import save_model
from transformers import AutoModelForCausalLM
from finding import Finding
from tiny import build

f = Finding("a tied model's file holds the embedding", "safetensors", "transformers", "torch")
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"


def contents(path):
    with safe_open(path, "pt") as file:
        return set(file.keys()), file.metadata()


model = build("Olmoe", num_experts=8, tie_word_embeddings=True)
model.save_pretrained("usual")
model.config.save_pretrained("direct")
save_model(model, "direct/model.safetensors", {"format": "pt"})
usual, _ = contents("usual/model.safetensors")
direct, metadata = contents("direct/model.safetensors")
f.seen("save_pretrained keeps the embedding alone", EMBEDDING in usual and HEAD not in usual)
f.seen("save_model keeps the head alone", HEAD in direct and EMBEDDING not in direct)
f.seen("its metadata names the other", metadata.get(EMBEDDING) == HEAD, metadata)
f.seen("its experts are fused, save_pretrained's are not",
       "model.layers.0.mlp.experts.gate_up_proj" in direct
       and "model.layers.0.mlp.experts.0.gate_proj.weight" in usual)
loaded = AutoModelForCausalLM.from_pretrained("direct")
f.seen("transformers reads the embedding from the head",
       torch.equal(loaded.model.embed_tokens.weight, model.model.embed_tokens.weight))
f.end()
PY
