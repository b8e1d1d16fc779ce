// Bounds of config.json, each with the error that names it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/golden_config.h"

namespace rg::model {
namespace {

using test::Caught;
using test::expect_refusal;
using test::GoldenConfig;

TEST(ConfigBounds, Layers) {
  for (const char* golden :
       {"mixtral/window-v4", "glm4_moe_lite/flash-v4", "gemma4_text/k-is-v-f32", "lfm2_moe/tied-v4",
        "deepseek_v3/groups-f32"}) {
    expect_refusal({golden, {}}, ErrorId::CF002, "num_hidden_layers",
                   [](Json& config) { config["num_hidden_layers"] = 1025; });
  }
}

// Experts in one tensor are as many as the config says, whatever the file's size: a file may have
// holes.
TEST(ConfigBounds, ExpertsAreCountedBeforeTheyAreBound) {
  for (const char* golden : {"mixtral/window-v4", "phimoe/window-fused"}) {
    expect_refusal({golden, {"gate_up_proj"}}, ErrorId::CF010, "experts",
                   [](Json& config) { config["num_local_experts"] = 1u << 30; });
  }
  expect_refusal({"gpt_oss/mxfp4", {"_blocks"}}, ErrorId::CF010, "experts", [](Json& config) {
    config[config.contains("num_local_experts") ? "num_local_experts" : "num_experts"] = 1025;
  });
}

TEST(ConfigBounds, ProductsFitWhatWeightsCountIn) {
  expect_refusal({"mixtral/window-v4", {}}, ErrorId::CF002, "num_attention_heads*head_dim",
                 [](Json& config) {
                   config["num_attention_heads"] = 1u << 30;
                   config["num_key_value_heads"] = 1;
                   config["head_dim"] = 4;
                 });
  expect_refusal({"deepseek_v3/groups-f32", {}}, ErrorId::CF002,
                 "moe_intermediate_size*shared experts", [](Json& config) {
                   config["n_shared_experts"] = 1u << 30;
                   config["moe_intermediate_size"] = 4;
                 });
}

TEST(ConfigBounds, HeadsOfFullLayers) {
  for (const int kv_heads : {0, 3}) {
    expect_refusal({"gemma4_text/own-v-untied-v4", {}}, ErrorId::CF002,
                   "num_global_key_value_heads", [&](Json& config) {
                     config["attention_k_eq_v"] = true;
                     config["num_global_key_value_heads"] = kv_heads;
                   });
    expect_refusal(
        {"gemma4_text/k-is-v-f32", {}}, ErrorId::CF002, "per_layer_config",
        [&](Json& config) { config["per_layer_config"]["1"]["num_key_value_heads"] = kv_heads; });
  }
}

// What belongs to no layer would be ignored.
TEST(ConfigBounds, OverridesBelongToLayers) {
  for (const char* key : {"2", "01", "-1", "x", "", "4294967297"}) {
    expect_refusal({"gemma4_text/k-is-v-f32", {}}, ErrorId::CF002, "per_layer_config",
                   [&](Json& config) { config["per_layer_config"][key] = Json::object(); });
  }
  expect_refusal({"gemma4_text/k-is-v-f32", {}}, ErrorId::CF002, "per_layer_config",
                 [&](Json& config) { config["per_layer_config"]["0"] = 16; });
}

TEST(ConfigBounds, Mxfp4BlocksAreWhole) {
  const GoldenConfig blocks = {"gpt_oss/mxfp4", {"_blocks"}};
  for (const char* key : {"hidden_size", "intermediate_size"}) {
    expect_refusal(blocks, ErrorId::CF002, key, [&](Json& config) { config[key] = 48; });
  }
}

TEST(ConfigBounds, ALatentOfNoDimensions) {
  expect_refusal({"deepseek_v3/groups-f32", {}}, ErrorId::CF002, "q_lora_rank",
                 [](Json& config) { config["q_lora_rank"] = 0; });
}

TEST(ConfigBounds, Softcap) {
  for (const double cap : {0.0, -30.0, 1e300}) {
    expect_refusal({"gemma4_text/k-is-v-f32", {}}, ErrorId::CF002, "final_logit_softcapping",
                   [&](Json& config) { config["final_logit_softcapping"] = cap; });
  }
}

// Families whose sliding layers have one in any case.
TEST(ConfigBounds, AWindowThatIsNull) {
  for (const char* golden : {"gemma4_text/k-is-v-f32", "gpt_oss/no-scaling-f32"}) {
    expect_refusal({golden, {"_proj"}}, ErrorId::CF002, "sliding_window",
                   [](Json& config) { config["sliding_window"] = nullptr; });
  }
}

TEST(ConfigBounds, LimitsOfTimeSteps) {
  const Json infinity = {{"__float__", "Infinity"}}, nan = {{"__float__", "NaN"}};
  for (const Json& limits :
       {Json::array({1e300, infinity}), Json::array({infinity, infinity}), Json::array({0.5, 0.25}),
        Json::array({nan, 1}), Json::array({0.0}), Json(0.5)}) {
    expect_refusal({"granitemoehybrid/yarn-fused", {}}, ErrorId::CF002, "time_step_limit",
                   [&](Json& config) { config["time_step_limit"] = limits; });
  }
}

TEST(ConfigBounds, Bytes) {
  expect_refusal({"mixtral/window-v4", {}}, ErrorId::CF005, "",
                 [](Json& config) { config["architectures"] = std::string(1u << 20, 'a'); });
}

// A value of any length is cut in a message.
TEST(ConfigBounds, LongValuesAreCut) {
  const GoldenConfig mixtral = {"deepseek_v3/groups-f32", {}};
  for (const char* key : {"mlp_layer_types", "rope_parameters", "hidden_act", "topk_method"}) {
    const Caught error = mixtral.refusal(
        [&](Json& config) { config[key] = Json(std::vector<std::string>(10'000, "dense")); });
    EXPECT_EQ(error.id, ErrorId::CF002) << key;
    EXPECT_LE(error.parts.found.size(), 260u) << key;
  }
}

}  // namespace
}  // namespace rg::model
