#!/bin/sh
# transformers' load balancing loss can't see a layer that uses two experts only, if others use
# others.
# Guess:    the value is a mean over layers of E * sum f_i p_i, 1 when balanced, as in the paper on
#           Switch Transformers; one collapsed layer raises it.
# Happens:  rows of all layers are put under each other before the means are taken. Four layers
#           that each send every token to the same two of eight experts, no two layers to the same
#           ones, get exactly the value of perfect balance; each alone gets four times as much. And
#           perfect balance is K, not 1, since shares of the K choices are added.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  an aux_loss from a training log tells nothing of a layer. Expert load has to be taken
#           per layer, and a value is to be divided by K before it is compared with another
#           library's.
# Source:   transformers/models/mixtral/modeling_mixtral.py, load_balancing_loss_func, which other
#           families copy; Fedus et al. 2021 (arXiv 2101.03961), section 2.2, for the layerwise
#           form.
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func as loss
from finding import Finding

EXPERTS, K, TOKENS = 8, 2, 800


def layer(pair_of):  # logits that choose experts 2p and 2p+1 for token t, p = pair_of(t)
    z = torch.full((TOKENS, EXPERTS), -20.0)
    for t in range(TOKENS):
        z[t, 2 * pair_of(t)] = z[t, 2 * pair_of(t) + 1] = 20.0
    return z


f = Finding("one collapsed layer raises the load balancing loss", "transformers", "torch")
balanced = float(loss((layer(lambda t: t % 4),), EXPERTS, K))
collapsed = [layer(lambda t, p=p: p) for p in range(4)]
alone = [float(loss((z,), EXPERTS, K)) for z in collapsed]
together = float(loss(tuple(collapsed), EXPERTS, K))
f.seen("a perfectly balanced layer gets K, not 1", abs(balanced - K) < 1e-5, balanced)
f.seen("a layer on two of eight experts alone gets four times that",
       all(abs(a - 4 * K) < 1e-4 for a in alone), alone)
f.seen("four such layers on different experts get the value of perfect balance",
       abs(together - balanced) < 1e-4, together)
f.end()
PY
