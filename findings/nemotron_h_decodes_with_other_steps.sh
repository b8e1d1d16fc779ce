#!/bin/sh
# Nemotron-H's Mamba layers limit the time step in a whole pass, not when decoding token by token.
# Guess:    the config's time_step_limit bounds the time step, (0, infinity) being no bound, and a
#           pass over a text gives the logits that decoding it with a cache gives.
# Happens:  the mixer takes (time_step_min, infinity) instead, a key that says how to initialise
#           dt_bias; time_step_limit has no effect. Of one token with a cache the step has no bound
#           at all. Where a head's step lies below time_step_min, 0.001, both ways disagree, here by
#           2e-3 of the largest logit; with the mixer's limit set to the config's by 1e-6.
# Versions: transformers 5.24.0, torch 2.13.0
# Matters:  routes and losses of a text depend on how it was run, and a whole pass isn't the
#           published model. The mixer's attribute time_step_limit has to be set by hand.
# Source:   transformers/models/nemotron_h/modeling_nemotron_h.py (NemotronHMamba2Mixer: __init__,
#           mamba2_chunk_scan is given the limit, mamba2_selective_state_update isn't).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import torch
from transformers import NemotronHConfig, NemotronHForCausalLM
from finding import Finding
from tiny import tokens

f = Finding("decoding gives the logits of a whole pass", "transformers", "torch")
SHAPE = dict(vocab_size=64, hidden_size=32, num_attention_heads=4, num_key_value_heads=2,
             layers_block_type=["linear_attention", "moe", "full_attention", "moe"],
             head_dim=8, mamba_num_heads=4, mamba_head_dim=8, ssm_state_size=8, n_groups=2,
             conv_kernel=4, chunk_size=16, n_routed_experts=8, num_experts_per_tok=2,
             moe_intermediate_size=16, moe_shared_expert_intermediate_size=16, n_group=1,
             topk_group=1, pad_token_id=0, bos_token_id=1, eos_token_id=2, initializer_range=0.3)
LENGTH, PROMPT = 24, 8


def model(obey=False, **fields):
    torch.manual_seed(0)
    made = NemotronHForCausalLM(NemotronHConfig(**SHAPE, **fields)).eval()
    mixer = made.model.layers[0].mixer
    mixer.dt_bias.data = torch.tensor([-9.0, -8.0, -1.0, 0.0])
    if obey:
        mixer.time_step_limit = tuple(made.config.time_step_limit)
    return made


def whole(made):
    with torch.no_grad():
        return made(tokens(length=LENGTH)).logits


def decoded(made, limit=None):
    """Logits from PROMPT on, one token at a time; `limit` is set once the cache has the prompt."""
    ids = tokens(length=LENGTH)
    with torch.no_grad():
        cache = made(ids[:, :PROMPT], use_cache=True).cache
        if limit:
            made.model.layers[0].mixer.time_step_limit = limit
        return torch.cat([made(ids[:, t:t + 1], cache=cache, use_cache=True).logits
                          for t in range(PROMPT, LENGTH)], 1)


def apart(a, b):
    return float((a - b).abs().max() / b.abs().max())


published, obeying = model(), model(obey=True)
limit = published.model.layers[0].mixer.time_step_limit
f.seen("config says (0, inf), the mixer takes (0.001, inf)",
       tuple(published.config.time_step_limit) == (0, float("inf"))
       and limit == (0.001, float("inf")), limit)
f.seen("time_step_limit [0, 0.01] and [0.5, 1]: the same bits", torch.equal(
    whole(model(time_step_limit=[0.0, 0.01])), whole(model(time_step_limit=[0.5, 1.0]))))
f.seen("time_step_min 0.5: others", apart(whole(model(time_step_min=0.5)), whole(published)) > 1e-3)
gap = apart(decoded(published), whole(published)[:, PROMPT:])
f.seen("decoding and a whole pass differ", gap > 5e-4, f"by {gap:.1e} of the largest logit")
gap = apart(decoded(obeying), whole(obeying)[:, PROMPT:])
f.seen("with the config's limit they agree", gap < 1e-5, f"{gap:.1e}")
f.seen("a limit set after the prompt changes no bit of what is decoded",
       torch.equal(decoded(model(), limit=(0.5, 1.0)), decoded(published)))
gap = apart(whole(published), whole(obeying))
f.seen("the whole pass is the one that the limit changes", gap > 5e-4, f"by {gap:.1e}")
f.end()
PY
