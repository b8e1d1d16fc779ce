#!/bin/sh
# A misspelled or contradicting gate key in config.json is kept, written back, and changes nothing.
# Guess:    a config class refuses a key that it doesn't know, or at least the model follows a key
#           that it carries: scoring_func "softmax" gives softmax scores.
# Happens:  any key becomes an attribute. With "num_experts_per_token" for num_experts_per_tok the
#           model routes with the class default 8 while config.num_experts_per_token says 2.
#           DeepSeek-V3's class reads neither scoring_func nor topk_method: it scores by sigmoid
#           whatever they say.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  two checkpoints whose configs differ in the gate may route alike, and a typing error
#           measures another gate. routegauge refuses what it can't interpret for the same reason.
# Source:   transformers/configuration_utils.py (extra keyword arguments become attributes);
#           transformers/models/deepseek_v3/modeling_deepseek_v3.py (the router's forward).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from transformers import OlmoeConfig
from finding import Finding
from tiny import LATENT, SHAPE, build, tokens

f = Finding("an unknown gate key is refused, a known one is obeyed", "transformers", "torch")
stated = {k: v for k, v in SHAPE.items() if k != "num_experts_per_tok"}
config = OlmoeConfig.from_dict({**stated, "num_experts": 64, "num_experts_per_token": 2})
f.seen("the misspelled K is kept, and the default with it",
       (config.num_experts_per_token, config.num_experts_per_tok) == (2, 8),
       f"num_experts_per_token {config.num_experts_per_token}",
       f"num_experts_per_tok {config.num_experts_per_tok}")
f.seen("and written to config.json", '"num_experts_per_token": 2' in config.to_json_string())

fields = dict(n_routed_experts=8, n_group=1, topk_group=1, first_k_dense_replace=0, **LATENT)
runs = [build("DeepseekV3", **fields, scoring_func=func, topk_method=method)
        for func, method in (("sigmoid", "noaux_tc"), ("softmax", "greedy"), ("nonsense", "none"))]
with torch.no_grad():
    logits = [m(tokens()).logits for m in runs]
f.seen("DeepSeek-V3 with scoring_func sigmoid, softmax and nonsense gives the same bits",
       torch.equal(logits[0], logits[1]) and torch.equal(logits[0], logits[2]),
       [m.config.scoring_func for m in runs])
f.end()
PY
