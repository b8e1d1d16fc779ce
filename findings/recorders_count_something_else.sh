#!/bin/sh
# Two recorders of expert load hook a transformers 5 MoE without complaint and count something
# else.
# Guess:    a tool that finds the MoE layers by itself and reports loads, entropy and dead experts
#           reports those of the model's experts, or says that it can't.
# Happens:  moewatch hooks the whole block of DeepSeek-V3 and takes its output for router logits:
#           the hidden width becomes the number of experts, and "dead experts" are hidden units
#           that are never the largest. For Mixtral it counts first choices only, K or not.
#           plumb-moe says that it attached to both Mixtral layers and records nothing, since the
#           block no longer returns logits; and each count stops at its window of 1000, so any
#           skewed load becomes even with time.
# Versions: moewatch 0.1.0, plumb-moe 0.1.0, transformers 5.24.0, torch 2.13.0
# Matters:  an imported log is to be checked first: number of experts, rows times K, counts of a
#           known text.
# Source:   moewatch/hooks/{detection,router_hook}.py; plumb/hook.py and plumb/counter.py;
#           transformers/models/{deepseek_v3,mixtral}/modeling_*.py (what blocks and routers
#           return).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers" '--no-deps moewatch==0.1.0 plumb-moe==0.1.0'
run <<'PY'
import json
import torch
from moewatch import WatchConfig, audit
from plumb.counter import ActivationCounter
from plumb.hook import ProfilingHooks
from finding import Finding
from tiny import LATENT, build, tokens

f = Finding("a recorder of expert loads counts the experts' tokens", "moewatch", "plumb-moe",
            "transformers", "torch")
mixtral = build("Mixtral", num_local_experts=8)
deepseek = build("DeepseekV3", n_routed_experts=8, n_group=1, topk_group=1,
                 first_k_dense_replace=1, **LATENT)


def moewatch(model):
    report = audit(model, [{"input_ids": tokens()}] * 12, steps=12, verbose=False,
                   config=WatchConfig(sample_every=1))
    return report, json.loads(report.to_json())["metadata"]


_, said = moewatch(deepseek)
f.seen("moewatch: DeepSeek-V3 with 8 experts in one MoE layer has 32, the hidden width",
       said["n_experts_total"] == deepseek.config.hidden_size, said["router_module_names"])
f.seen("and dead ones among them", said["n_dead"] > 0 and said["overall_health"] == "CRITICAL",
       said["n_dead"], said["overall_health"])
report, said = moewatch(mixtral)
f.seen("moewatch: Mixtral's 8 experts in each of two layers are found",
       said["n_experts_total"] == 16)
counted = [int(report.layer_stats(n).expert_counts.sum()) for n in said["router_module_names"]]
f.seen("but only one choice per token is counted, of two", counted == [12 * 32] * 2, counted)


def plumb(model):
    counter = ActivationCounter()
    hooks = ProfilingHooks(counter)
    layers = hooks.attach(model, top_k=2)
    with torch.no_grad():
        model(tokens())
    hooks.detach()
    return layers, sum(counter.snapshot().values())


layers, records = plumb(mixtral)
f.seen("plumb-moe: attached to two Mixtral layers, recorded nothing", (layers, records) == (2, 0))
counter = ActivationCounter()
for token in range(20000):  # expert 0 gets nine tokens of ten
    counter.record(0, 0 if token % 10 else 1)
loads = counter.snapshot()
f.seen("plumb-moe: loads of 18,000 and 2,000 tokens are 1000 each",
       loads == {(0, 0): 1000, (0, 1): 1000}, loads)
f.end()
PY
