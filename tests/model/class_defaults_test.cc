// A key that config.json leaves out has the value that transformers' class gives it, which may be a
// scaling of the positions or a window; null, and keys that the family's code doesn't read, are
// something else.
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "model/golden_config.h"

namespace rg::model {
namespace {

using test::Change;
using test::expect_refusal;
using test::GoldenConfig;

template <typename A, typename B>
bool same_spec(const A& a, const B& b) {
  if constexpr (std::is_same_v<A, NoMixer> && std::is_same_v<B, NoMixer>) {
    return true;
  } else if constexpr (std::is_same_v<A, B>) {
    return a.spec == b.spec;
  } else {
    return false;
  }
}

// What the config decides of the layers: mixers and gates.
void expect_same(const Model& a, const Model& b, const std::string& what) {
  ASSERT_EQ(a.layers.size(), b.layers.size()) << what;
  for (size_t n = 0; n < a.layers.size(); ++n) {
    EXPECT_TRUE(std::visit([](const auto& x, const auto& y) { return same_spec(x, y); },
                           a.layers[n].mixer, b.layers[n].mixer))
        << what << ", layer " << n;
    ASSERT_EQ(a.layers[n].router.has_value(), b.layers[n].router.has_value());
    if (!a.layers[n].router) continue;
    const gate::GateSpec &x = a.layers[n].router->spec, &y = b.layers[n].router->spec;
    EXPECT_EQ(x.groups.value, y.groups.value) << what;
    EXPECT_EQ(x.groups_kept.value, y.groups_kept.value) << what;
  }
}

TEST(ClassDefaults, WhatAMissingKeyMeans) {
  const auto windows = [](uint32_t size) {
    return [size](Json& config) { config["sliding_window"] = size; };
  };
  const auto object = [](const char* key, const Json& value) {
    return [key, value](Json& config) { config[key] = value; };
  };
  const auto without = [](std::vector<std::string> keys) {
    return [keys](Json& config) {
      for (const std::string& key : keys) config.erase(key);
    };
  };
  const Json yarn = {{"rope_type", "yarn"}, {"factor", 32.0},
                     {"beta_fast", 32.0},   {"beta_slow", 1.0},
                     {"truncate", false},   {"original_max_position_embeddings", 4096}};
  struct Case {
    const char* golden;
    Change missing, stated;
  };
  const Case cases[] = {
      {"gpt_oss/yarn-v4", without({"rope_scaling"}), object("rope_scaling", yarn)},
      {"gpt_oss/yarn-v4", object("rope_scaling", nullptr), object("rope_scaling", yarn)},
      {"gpt_oss/yarn-v4", without({"sliding_window"}), windows(128)},
      {"gemma4_text/k-is-v-f32", without({"sliding_window"}), windows(512)},
      {"gemma4_text/k-is-v-f32", without({"rope_parameters"}),
       object(
           "rope_parameters",
           {{"full_attention",
             {{"rope_type", "proportional"}, {"partial_rotary_factor", 0.25}, {"rope_theta", 1e6}}},
            {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 1e4}}}})},
      {"exaone_moe/listed-layers-v4", without({"sliding_window"}), windows(4096)},
      {"mellum/num-experts-v4", without({"sliding_window"}), windows(1024)},
      {"mellum/num-experts-v4", without({"rope_parameters"}),
       object("rope_parameters",
              {{"full_attention", {{"rope_type", "default"}, {"rope_theta", 5e5}}},
               {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 1e4}}}})},
      {"mellum/num-experts-v4", without({"layer_types", "mlp_layer_types"}),
       [](Json& config) {
         config["layer_types"] = {"full_attention", "full_attention"};
         config["mlp_layer_types"] = {"sparse", "sparse"};
       }},
      {"afmoe/published-v4", without({"sliding_window"}), windows(1024)},
      {"afmoe/published-v4", without({"global_attn_every_n_layers"}),
       object("global_attn_every_n_layers", 4)},
      {"afmoe/published-v4",
       object("layer_types", {"sliding_attention", "sliding_attention", "full_attention"}),
       object("global_attn_every_n_layers", 3)},
      {"mimo_v2_flash/published-v4", without({"sliding_window_size"}),
       object("sliding_window_size", 128)},
      {"mimo_v2_flash/published-v4", without({"attention_value_scale"}),
       object("attention_value_scale", 0.707)},
      {"mimo_v2_flash/published-v4", object("routed_scaling_factor", nullptr),
       object("routed_scaling_factor", 1.0)},
      {"mimo_v2_flash/published-v4",
       object("layer_types", {"full_attention", "sliding_attention", "sliding_attention"}),
       object("mlp_layer_types", {"dense", "sparse", "sparse"})},
      {"sarvam_moe/published-v4", without({"use_qk_norm", "n_group", "topk_group"}),
       object("first_k_dense_replace", 1)},
      {"sarvam_moe/published-v4", without({"rope_theta"}), object("rope_theta", 8e6)},
      {"sarvam_mla/published-v4", without({"first_k_dense_replace", "n_group", "topk_group"}),
       object("q_head_dim", 16)},
      {"hunyuan_v1_moe/published-v4", object("moe_topk", 3), object("moe_topk", {3, 3})},
      {"nemotron_h/pattern-v4", without({"time_step_limit"}),
       object("time_step_limit", {0.0, {{"__float__", "Infinity"}}})},
      {"nemotron_h/pattern-v4", without({"n_group", "topk_group", "n_shared_experts"}),
       [](Json& config) { config["n_group"] = config["topk_group"] = 1; }},
      {"nemotron_h/pattern-v4", without({"use_conv_bias"}), object("use_conv_bias", true)},
      {"nemotron_h/pattern-v4", without({"num_hidden_layers"}), object("num_hidden_layers", 5)},
      {"nemotron_h/pattern-v4",
       [](Json& config) {
         config.erase("hybrid_override_pattern");
         config["layers_block_type"] = {"mamba", "moe", "mamba", "attention", "moe"};
       },
       object("hybrid_override_pattern", "MEM*E")},
  };
  for (const Case& c : cases) {
    const GoldenConfig golden = {c.golden, {}};
    expect_same(golden.bound(c.missing), golden.bound(c.stated), c.golden);
  }
}

TEST(ClassDefaults, DeepSeekV3HasEightGroupsOfWhichFourAreKept) {
  const GoldenConfig golden = {"deepseek_v3/groups-f32", {}};
  const auto sized = [](bool stated) {
    return [stated](Json& config) {
      config["n_routed_experts"] = 16;
      for (const auto& [key, value] : {std::pair("n_group", 8), std::pair("topk_group", 4)}) {
        config.erase(key);
        if (stated) config[key] = value;
      }
    };
  };
  expect_same(golden.bound(sized(false)), golden.bound(sized(true)), "groups");
  expect_refusal(golden, ErrorId::CF002, "n_group",
                 [](Json& config) { config["n_group"] = nullptr; });
}

TEST(ClassDefaults, Granite4RotatesOnlyWhereItSaysSo) {
  const GoldenConfig golden = {"granitemoehybrid/rope-bias-f32", {}};
  const auto says = [](const Json& value) {
    return [value](Json& config) { config["position_embedding_type"] = value; };
  };
  const Model none = golden.bound(says("nope"));
  expect_same(golden.bound(says(nullptr)), none, "null");
  expect_same(golden.bound([](Json& config) { config.erase("position_embedding_type"); }), none,
              "missing");
}

TEST(ClassDefaults, NemotronHStatesWhatItsLayersAre) {
  const GoldenConfig golden = {"nemotron_h/pattern-v4", {}};
  const auto set = [](const char* key, const Json& value) {
    return [key, value](Json& config) { config[key] = value; };
  };
  const auto refused = [&](const char* key, const Json& value) {
    expect_refusal(golden, ErrorId::CF002, key, set(key, value));
  };
  refused("hybrid_override_pattern", "MEM*x");
  refused("hybrid_override_pattern", "");
  refused("num_hidden_layers", 4);
  refused("n_shared_experts", 2);
  refused("mlp_hidden_act", "silu");
  refused("mamba_hidden_act", "gelu");
  refused("norm_eps", 1e-5);
  refused("moe_latent_size", 0);
  refused("n_groups", 4);
  expect_refusal(golden, ErrorId::CF002, "hybrid_override_pattern",
                 set("layers_block_type", Json{"mamba", "moe", "mamba", "moe", "moe"}));
  expect_refusal(golden, ErrorId::CF002, "hybrid_override_pattern",
                 [](Json& config) { config.erase("hybrid_override_pattern"); });
  expect_refusal({"nemotron_h/latent-dense-fused-tied", {}}, ErrorId::CF002, "mlp_bias",
                 set("mlp_bias", true));
  for (const auto& [key, value] : {std::pair<const char*, Json>("attention_bias", true),
                                   {"sliding_window", 4},
                                   {"mamba_proj_bias", true}}) {
    expect_refusal(golden, ErrorId::CF004, key, set(key, value));
  }
}

TEST(ClassDefaults, KeysOfTheHubMaySayOnlyWhatIsComputed) {
  const auto set = [](const char* key, const Json& value) {
    return [key, value](Json& config) { config[key] = value; };
  };
  struct Case {
    const char* golden;
    const char* key;
    Json value;
  };
  const Case cases[] = {
      {"afmoe/published-v4", "score_func", "softmax"},
      {"afmoe/published-v4", "route_norm", false},
      {"afmoe/published-v4", "n_group", 2},
      {"afmoe/published-v4", "sliding_window", nullptr},
      {"afmoe/published-v4", "global_attn_every_n_layers", 0},
      {"hunyuan_v1_moe/published-v4", "num_shared_expert", {1, 2}},
      {"hunyuan_v1_moe/published-v4", "moe_intermediate_size", 13},
      {"hunyuan_v1_moe/published-v4", "moe_topk", {3}},
      {"hunyuan_v1_moe/published-v4", "num_experts_per_tok", 2},
      {"hunyuan_v1_moe/published-v4", "use_qk_norm", false},
      {"hunyuan_v1_moe/published-v4", "norm_topk_prob", false},
      {"hunyuan_v1_moe/published-v4", "moe_layer_num_skipped", 1},
      {"mellum/num-experts-v4", "sliding_window", nullptr},
      {"mimo_v2_flash/published-v4", "hybrid_layer_pattern", {0, 0, 1}},
      {"mimo_v2_flash/published-v4", "moe_layer_freq", {1, 1, 1}},
      {"mimo_v2_flash/published-v4", "swa_rope_theta", 20000},
      {"mimo_v2_flash/published-v4", "rope_theta", 20000},
      {"mimo_v2_flash/published-v4", "swa_num_key_value_heads", 2},
      {"mimo_v2_flash/published-v4", "swa_v_head_dim", 24},
      {"mimo_v2_flash/published-v4", "add_full_attention_sink_bias", true},
      {"mimo_v2_flash/published-v4", "layernorm_epsilon", 1e-6},
      {"mimo_v2_flash/published-v4", "sliding_window", 8},
      {"mimo_v2_flash/published-v4", "n_shared_experts", 1},
      {"mimo_v2_flash/published-v4", "num_key_value_heads", 4},
      {"exaone_moe/listed-layers-v4", "first_last_k_dense_replace", 7},
      {"sarvam_moe/published-v4", "n_shared_experts", 2},
      {"sarvam_moe/published-v4", "num_shared_experts", nullptr},
      {"sarvam_moe/published-v4", "attention_bias", true},
      {"sarvam_mla/published-v4", "n_shared_experts", 2},
      {"sarvam_mla/published-v4", "q_head_dim", 24},
  };
  for (const Case& c : cases) {
    expect_refusal({c.golden, {}}, ErrorId::CF002, c.key, set(c.key, c.value));
  }
  expect_refusal(
      {"mellum/yarn-fused-tied", {}}, ErrorId::CF002, "rope_parameters.full_attention.truncate",
      [](Json& config) { config["rope_parameters"]["full_attention"]["truncate"] = false; });
  for (const auto& scaling :
       {Json{{"type", "dynamic"}, {"factor", 2.0}}, Json{{"type", "dynamic"}, {"alpha", 0.0}}}) {
    expect_refusal({"hunyuan_v1_moe/published-v4", {}}, ErrorId::CF002, "rope_scaling.alpha",
                   set("rope_scaling", scaling));
  }
}

TEST(ClassDefaults, WhatTheFamilyDoesNotReadMayNotSayOtherwise) {
  const auto set = [](const char* key, const Json& value) {
    return [key, value](Json& config) { config[key] = value; };
  };
  for (const char* golden : {"mixtral/window-v4", "qwen3_moe/first-dense-f32", "dots1/window-v4"}) {
    expect_refusal({golden, {}}, ErrorId::CF002, "partial_rotary_factor",
                   set("partial_rotary_factor", 0.5));
  }
  expect_refusal({"glm4_moe/air-v4", {}}, ErrorId::CF002, "partial_rotary_factor",
                 set("partial_rotary_factor", nullptr));
  for (const char* golden : {"deepseek_v2/groups-f32", "deepseek_v32/groups-f32"}) {
    expect_refusal({golden, {}}, ErrorId::CF002, "rope_interleave", set("rope_interleave", false));
  }
  expect_refusal({"gpt_oss/yarn-v4", {}}, ErrorId::CF002, "sliding_window",
                 set("sliding_window", nullptr));
  expect_refusal({"exaone_moe/listed-layers-v4", {}}, ErrorId::CF002, "sliding_window",
                 set("sliding_window", nullptr));
  expect_refusal({"mixtral/window-v4", {}}, ErrorId::CF002, "sliding_window",
                 set("sliding_window", 0));
  for (const Json& flat : {Json::object(), Json{{"rope_type", "default"}, {"rope_theta", 1e4}}}) {
    expect_refusal({"gemma4_text/k-is-v-f32", {}}, ErrorId::CF002, "rope_parameters",
                   set("rope_parameters", flat));
  }
}

}  // namespace
}  // namespace rg::model
