from tiny import gates
from tiny.family import LLAMA3, YARN, Family, Shape, renamed

FAMILY = Family(
    "qwen3_moe", "Qwen3MoeForCausalLM", gates.softmax, hub=lambda config: renamed(config, {"num_local_experts": "num_experts"}),
    shapes=(
        Shape("first-dense-f32", 111, dict(
            vocab_size=64, hidden_size=32, intermediate_size=20, num_hidden_layers=3, num_attention_heads=3,
            num_key_value_heads=1, head_dim=12, num_experts=6, num_experts_per_tok=3, moe_intermediate_size=10,
            norm_topk_prob=False, attention_bias=True, mlp_only_layers=[0], rms_norm_eps=3e-3,
            rope_parameters=dict(rope_type="default", rope_theta=400.0)), "v5", "f32"),
        Shape("step-window-v4", 112, dict(
            vocab_size=72, hidden_size=36, intermediate_size=28, num_hidden_layers=4, num_attention_heads=4,
            num_key_value_heads=2, head_dim=8, num_experts=8, num_experts_per_tok=2, moe_intermediate_size=12,
            norm_topk_prob=True, decoder_sparse_step=2, rms_norm_eps=2e-3, use_sliding_window=True, sliding_window=5,
            rope_parameters=dict(rope_type="default", rope_theta=90.0)), "v4"),
        Shape("yarn-fused-tied", 113, dict(
            vocab_size=64, hidden_size=36, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=16, num_experts=9, num_experts_per_tok=4, moe_intermediate_size=10,
            norm_topk_prob=True, tie_word_embeddings=True, rms_norm_eps=3e-3, rope_parameters=dict(
                **YARN, rope_theta=90.0, factor=3.0, attention_factor=1.4)), "fused"),
        Shape("wide-heads-v4", 114, dict(
            vocab_size=64, hidden_size=32, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=4, head_dim=16, num_experts=12, num_experts_per_tok=3, moe_intermediate_size=8,
            norm_topk_prob=False, rms_norm_eps=3e-3, rope_parameters=dict(**LLAMA3, rope_theta=90.0, factor=3.0)),
            "v4", hub=dict(max_window_layers=2)),
    ))
