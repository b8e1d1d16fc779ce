from tiny import gates
from tiny.family import Family, Shape
from tiny.shapes.gemma4_text import ROUTER, RULES, hub, rope

FAMILY = Family(
    "gemma4", "Gemma4ForConditionalGeneration", gates.softmax, rules=RULES, router=ROUTER, computed=(), hub=hub,
    wrapper=dict(vision_config=None, audio_config=None), shapes=(
        Shape("no-cap-f32", 351, dict(
            vocab_size=64, hidden_size=32, intermediate_size=14, moe_intermediate_size=8, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1, head_dim=12, global_head_dim=8, num_experts=6,
            top_k_experts=3, enable_moe_block=True, attention_k_eq_v=False, sliding_window=5,
            hidden_size_per_layer_input=0, layer_types=["sliding_attention", "full_attention"], rms_norm_eps=3e-3,
            tie_word_embeddings=True, rope_parameters=rope(90.0, 400.0, 1.0)), "v5", "f32", lengths=(17, 19)),
        Shape("published-v4", 1352, dict(
            vocab_size=64, hidden_size=36, intermediate_size=20, moe_intermediate_size=8, num_hidden_layers=3,
            num_attention_heads=4, num_key_value_heads=2, head_dim=8, global_head_dim=16, num_global_key_value_heads=1,
            num_experts=9, top_k_experts=3, enable_moe_block=True, attention_k_eq_v=True, sliding_window=5,
            hidden_size_per_layer_input=0, layer_types=["sliding_attention", "sliding_attention", "full_attention"],
            final_logit_softcapping=2.0, use_bidirectional_attention="vision", rms_norm_eps=3e-3,
            tie_word_embeddings=True, rope_parameters=rope(90.0, 400.0, 0.25)), "v4"),
        Shape("untied", 1353, dict(
            vocab_size=64, hidden_size=40, intermediate_size=24, moe_intermediate_size=10, num_hidden_layers=2,
            num_attention_heads=3, num_key_value_heads=3, head_dim=8, global_head_dim=16, num_global_key_value_heads=3,
            num_experts=8, top_k_experts=2, enable_moe_block=True, attention_k_eq_v=True, sliding_window=6,
            hidden_size_per_layer_input=0, layer_types=["sliding_attention", "full_attention"],
            final_logit_softcapping=4.0, rms_norm_eps=3e-3, tie_word_embeddings=False,
            rope_parameters=rope(400.0, 90.0, 0.5)), "v5"),
    ))
