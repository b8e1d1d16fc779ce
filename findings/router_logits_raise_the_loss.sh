#!/bin/sh
# Asking for router logits changes the loss that the model returns.
# Guess:    output_router_logits=True only adds an output. In evaluation mode `loss` is the mean
#           negative log-likelihood, with it or without.
# Happens:  `loss` silently becomes likelihood plus router_aux_loss_coef times the balance term,
#           also in eval() and under no_grad(). Its perplexity is too high by exp(coef * aux), and
#           aux is at least K, not 1: two percent at OLMoE's own coefficient and K = 2.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  routing statistics and perplexity taken from one pass give a perplexity of another
#           quantity than a pass without router logits, or than routegauge's.
# Source:   transformers/models/{olmoe,mixtral,qwen3_moe}/modeling_*.py, forward of the causal
#           model: the addition asks for labels, not for training.
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from finding import Finding
from tiny import build, tokens

f = Finding("recording router logits leaves the evaluation loss alone", "transformers", "torch")
for name, fields in {"Olmoe": dict(num_experts=8), "Mixtral": dict(num_local_experts=8),
                     "Qwen3Moe": dict(num_experts=8, moe_intermediate_size=16,
                                      head_dim=8)}.items():
    model, ids = build(name, **fields), tokens(2)
    with torch.no_grad():
        plain = model(ids, labels=ids)
        asked = model(ids, labels=ids, output_router_logits=True)
    coefficient = model.config.router_aux_loss_coef
    gap = float(asked.loss - plain.loss)
    f.seen(f"{name}: same logits", torch.equal(plain.logits, asked.logits))
    f.seen(f"{name}: the loss grows by coefficient times balance term",
           gap > 1e-3 and abs(gap - coefficient * float(asked.aux_loss)) < 1e-5,
           f"{plain.loss:.4f} without", f"{asked.loss:.4f} with", f"coefficient {coefficient}")
f.end()
PY
