"""Small models with random weights, made from configs; nothing is downloaded."""

import torch
import transformers

SHAPE = dict(vocab_size=64, hidden_size=32, intermediate_size=32, num_hidden_layers=2,
             num_attention_heads=4, num_key_value_heads=4, num_experts_per_tok=2)
LATENT = dict(moe_intermediate_size=16, q_lora_rank=8, kv_lora_rank=8, qk_rope_head_dim=4,
              qk_nope_head_dim=4, v_head_dim=8)


def build(family, seed=0, **fields):
    """The causal model of a family's config class prefix ("Olmoe"), with 32 wide states."""
    torch.manual_seed(seed)
    config = getattr(transformers, family + "Config")(**{**SHAPE, **fields})
    return getattr(transformers, family + "ForCausalLM")(config).eval()


def tokens(rows=1, length=32, seed=1):
    return torch.randint(2, 64, (rows, length), generator=torch.Generator().manual_seed(seed))
