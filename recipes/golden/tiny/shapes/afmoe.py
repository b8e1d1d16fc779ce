from tiny import gates
from tiny.family import YARN, Family, Shape
from tiny.fill import normal

# With mup_enabled the embedding is multiplied by the root of the width.
SMALL = ((r"embed_tokens\.weight$", normal(0.2)),)
HUB = dict(score_func="sigmoid", route_norm=True, n_group=1, topk_group=1, load_balance_coeff=0.001)

FAMILY = Family(
    "afmoe", "AfmoeForCausalLM", gates.sigmoid_bias, router=r"\.router$", shapes=(
        Shape("bias-f32", 461, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, moe_intermediate_size=9, num_hidden_layers=2,
            num_dense_layers=0, num_attention_heads=3, num_key_value_heads=1, head_dim=12, num_experts=6,
            num_experts_per_tok=3, num_shared_experts=1, route_scale=2.5, mup_enabled=False, attention_bias=True,
            sliding_window=5, layer_types=["full_attention", "sliding_attention"], rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=90.0)), "v5", "f32", lengths=(17, 19)),
        Shape("published-v4", 2462, dict(
            vocab_size=64, hidden_size=36, intermediate_size=28, moe_intermediate_size=8, num_hidden_layers=3,
            num_dense_layers=1, num_attention_heads=4, num_key_value_heads=2, head_dim=8, num_experts=9,
            num_experts_per_tok=3, num_shared_experts=1, route_scale=1.5, mup_enabled=True, sliding_window=5,
            global_attn_every_n_layers=3, rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v4", rules=SMALL, hub=HUB),
        Shape("yarn-fused-tied", 463, dict(
            vocab_size=64, hidden_size=40, intermediate_size=24, moe_intermediate_size=10, num_hidden_layers=3,
            num_dense_layers=2, num_attention_heads=2, num_key_value_heads=2, head_dim=16, num_experts=8,
            num_experts_per_tok=2, num_shared_experts=2, route_scale=1.0, mup_enabled=True, sliding_window=6,
            global_attn_every_n_layers=2, rms_norm_eps=3e-3, tie_word_embeddings=True,
            rope_parameters=dict(**YARN, rope_theta=90.0, factor=4.0)), "fused", rules=SMALL),
    ))
