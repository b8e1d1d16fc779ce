#!/bin/sh
# router_logits[i] is not layer i's router.
# Guess:    the tuple has one entry per layer, as hidden_states and attentions do, or at least the
#           i-th entry belongs to the i-th layer.
# Happens:  layers without experts are left out, so with a dense first layer entry 0 is layer 1.
#           JetMoE routes its attention heads too: two entries per layer, the attention's first.
#           Nothing in the output says which is which, and every shape fits.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  layer-wise statistics from a saved tuple are shifted, or mix two kinds of router. A log
#           has to carry the layer's number and the module's name.
# Source:   transformers/utils/output_capturing.py (entries in order of calls); the record of the
#           router's class in models/deepseek_v3 and models/jetmoe.
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from finding import Finding
from tiny import LATENT, build, tokens

f = Finding("router_logits[i] belongs to layer i", "transformers", "torch")


def record(model, router_class, index):
    """The tuple of the model's output, and what each router gave, by module name."""
    by_name = {}
    for name, module in model.named_modules():
        if type(module).__name__ == router_class:
            module.register_forward_hook(
                lambda m, i, out, n=name: by_name.__setitem__(n, out[index]))
    with torch.no_grad():
        return model(tokens(), output_router_logits=True).router_logits, by_name


def names(entries, by_name):
    return [next(n for n, z in by_name.items() if torch.equal(z.view(e.shape), e))
            for e in entries]


deepseek = build("DeepseekV3", num_hidden_layers=4, first_k_dense_replace=2, n_routed_experts=8,
                 n_group=1, topk_group=1, **LATENT)
found = names(*record(deepseek, "DeepseekV3TopkRouter", 0))
f.seen("DeepSeek-V3 with two dense layers: entries 0 and 1 are layers 2 and 3",
       found == ["model.layers.2.mlp.gate", "model.layers.3.mlp.gate"], found)
jetmoe = build("JetMoe", num_key_value_heads=2, kv_channels=8, num_local_experts=4)
found = names(*record(jetmoe, "JetMoeTopKGating", 4))
f.seen("JetMoE with two layers: four entries, attention and MLP in turn",
       len(found) == 4 and ["attention" in n for n in found] == [True, False, True, False], found)
f.end()
PY
