#!/bin/sh
# Kimi-Linear and Ling 3 (bailing_hybrid) stay untied when tie_word_embeddings is true.
# Guess:    with tie_word_embeddings true lm_head is the embedding: one tensor in memory and in the
#           file, as in DeepSeek-V3, from which both classes are derived.
# Happens:  they list no tied weights, so the key does nothing. A model built with it has two
#           matrices and saves both. A file without lm_head.weight, which is what a tied checkpoint
#           looks like, gets a new random head at every load; it is reported as missing.
# Versions: transformers 5.24.0, safetensors 0.8.0, torch 2.13.0
# Matters:  both classes default to false, but a small or distilled model often ties. Its logits are
#           random here; its routes are right, since no router reads the head.
# Source:   transformers/models/kimi_linear/modeling_kimi_linear.py and
#           bailing_hybrid/modeling_bailing_hybrid.py (_tied_weights_keys is empty).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM
from finding import Finding
from tiny import LATENT, build, tokens

f = Finding("tie_word_embeddings true makes lm_head the embedding", "transformers", "safetensors",
            "torch")
COMMON = dict(LATENT, n_group=1, topk_group=1, tie_word_embeddings=True, pad_token_id=0)
FAMILIES = {
    "DeepseekV3": dict(n_routed_experts=4, first_k_dense_replace=0),
    "KimiLinear": dict(num_local_experts=4, layer_types=["linear_attention", "full_attention"],
                       linear_head_dim=8, linear_num_heads=4),
    "BailingHybrid": dict(num_local_experts=4, first_k_dense_replace=0, head_dim=8,
                          layer_group_size=2),
}


def shares(model):
    return model.lm_head.weight is model.get_input_embeddings().weight


for family, fields in FAMILIES.items():
    ties = family == "DeepseekV3"
    model = build(family, **COMMON, **fields)
    model.save_pretrained("m")
    stored = load_file("m/model.safetensors")
    f.seen(f"{family}: {'one matrix' if ties else 'two matrices'} in memory and in the file",
           model.config.tie_word_embeddings and shares(model) == ties
           and ("lm_head.weight" not in stored) == ties)
    stored.pop("lm_head.weight", None)
    save_file(stored, "m/model.safetensors", {"format": "pt"})
    loads = [AutoModelForCausalLM.from_pretrained("m", output_loading_info=True) for _ in range(2)]
    missing = sorted(loads[0][1]["missing_keys"])
    with torch.no_grad():
        logits = [loaded(tokens()).logits for loaded, _ in loads]
        states = [loaded.model(tokens()).last_hidden_state for loaded, _ in loads]
    same = torch.equal(*logits)
    f.seen(f"{family} without lm_head.weight in the file: two loads give "
           f"{'the same' if ties else 'different'} logits, the same last states",
           same == ties and torch.equal(*states)
           and missing == ([] if ties else ["lm_head.weight"]), f"missing {missing}")
f.end()
PY
