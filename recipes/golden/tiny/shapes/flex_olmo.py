from tiny import gates
from tiny.family import YARN, Family, Shape
from tiny.fill import matrix, router

# The router reads the residual stream itself. The experts' sum is normalised, so the size of the weights counts only by the
# norm's epsilon: small experts let it.
RULES = ((r"gate\.weight$", router(0.9)), (r"experts\.down_proj$", matrix(0.2)))

FAMILY = Family(
    "flex_olmo", "FlexOlmoForCausalLM", gates.softmax, rules=RULES, shapes=(
        Shape("bias-f32", 441, dict(
            vocab_size=64, hidden_size=36, intermediate_size=10, num_hidden_layers=2, num_attention_heads=3,
            num_key_value_heads=1, num_experts=6, num_experts_per_tok=3, norm_topk_prob=True, attention_bias=True,
            rms_norm_eps=1e-2, rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=90.0)), "v5", "f32"),
        Shape("published-v4", 442, dict(
            vocab_size=72, hidden_size=40, intermediate_size=12, num_hidden_layers=2, num_attention_heads=5,
            num_key_value_heads=5, num_experts=7, num_experts_per_tok=4, norm_topk_prob=False, rms_norm_eps=1e-2,
            rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v4"),
        Shape("yarn-fused-tied", 443, dict(
            vocab_size=64, hidden_size=32, intermediate_size=14, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, num_experts=8, num_experts_per_tok=2, norm_topk_prob=False, rms_norm_eps=1e-2,
            tie_word_embeddings=True, rope_parameters=dict(**YARN, rope_theta=90.0, factor=4.0)), "fused"),
    ))
