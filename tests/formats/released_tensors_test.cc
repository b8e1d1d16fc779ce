// The types that a config.json states for the tensors of its checkpoint.
#include "formats/released_tensors.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "support/caught.h"

namespace rg::formats {
namespace {

ReleasedTensors of(const std::string& config) {
  return released_tensors(parse_json(config, {}, "config.json"));
}

// What is made for a request without a dtype.
DType made(const ReleasedTensors& released, std::string_view name,
           const std::vector<uint64_t>& shape) {
  RequestedTensors tensors(released.rules);
  return tensors.request({.name = name, .shape = shape, .dtype = {}})->dtype;
}

bool has(const ReleasedTensors& released, std::string_view name, bool usual) {
  return RequestedTensors(released.rules).has(name, usual);
}

constexpr std::string_view kQ = "model.layers.3.self_attn.q_proj.weight";

TEST(ReleasedTensors, TypeByDtype) {
  const std::vector<uint64_t> shape = {4, 4};
  EXPECT_EQ(made(of(R"({"dtype":"float32"})"), kQ, shape), DType::f32);
  EXPECT_EQ(made(of(R"({"torch_dtype":"float16"})"), kQ, shape), DType::f16);
  EXPECT_EQ(made(of(R"({"torch_dtype":"torch.float32"})"), kQ, shape), DType::f32);
  EXPECT_EQ(made(of(R"({"dtype":null,"text_config":{"dtype":"float32"}})"), kQ, shape), DType::f32);
  EXPECT_EQ(made(of(R"({"dtype":"float16","text_config":{"dtype":"float32"}})"), kQ, shape),
            DType::f16);
  EXPECT_EQ(made(of("{}"), kQ, shape), DType::bf16);
  EXPECT_EQ(made(of("{}"), "model.layers.3.mlp.gate.e_score_correction_bias", {4}), DType::f32);
  for (const char* config : {R"({"dtype":"int8"})", R"({"torch_dtype":{"x":1}})"}) {
    EXPECT_EQ(test::caught([&] { of(config); }).id, ErrorId::CF002) << config;
  }
}

TEST(ReleasedTensors, Fp8IsOfTheLayersButOfRoutersAndOfWhatIsListed) {
  const ReleasedTensors released = of(R"({"dtype":"bfloat16","quantization_config":{
      "quant_method":"fp8","weight_block_size":[128,128],
      "modules_to_not_convert":["model.layers.1.mlp","o_proj","model.layers.*.linear",null]}})");
  const auto scaled = [&](const std::string& module) {
    return has(released, "model." + module + ".weight_scale_inv", false);
  };
  EXPECT_TRUE(scaled("layers.3.self_attn.q_proj"));
  EXPECT_TRUE(scaled("layers.3.mlp.gate_proj"));
  EXPECT_FALSE(scaled("embed_tokens"));
  EXPECT_FALSE(has(released, "lm_head.weight_scale_inv", true));
  for (const char* router : {"layers.3.mlp.gate", "layers.3.mlp.router", "layers.3.router.proj"}) {
    EXPECT_FALSE(scaled(router)) << router;
  }
  EXPECT_FALSE(scaled("layers.1.mlp.experts.0.up_proj"));
  EXPECT_TRUE(scaled("layers.1.mlp_other.up_proj"));  // a name ends at a dot
  EXPECT_TRUE(scaled("layers.11.mlp.experts.0.up_proj"));
  EXPECT_FALSE(scaled("layers.3.self_attn.o_proj"));
  EXPECT_FALSE(scaled("layers.22.linear.in"));
  EXPECT_TRUE(scaled("layers.22.linear_out.in"));
  EXPECT_EQ(made(released, std::string(kQ) + "_scale_inv", {1, 1}), DType::f32);
  // Asked for as plain numbers, a converted matrix is one byte a value, which binders refuse.
  EXPECT_EQ(made(released, "model.layers.3.mlp.experts.gate_up_proj", {4, 8, 8}), DType::f8_e4m3);
  EXPECT_EQ(made(released, "model.layers.3.mlp.gate.weight", {4, 8}), DType::bf16);
  EXPECT_EQ(made(released, "model.layers.3.conv1d.weight", {8, 1, 4}), DType::bf16);
  EXPECT_EQ(made(released, "model.layers.3.input_layernorm.weight", {8}), DType::bf16);
}

TEST(ReleasedTensors, Mxfp4IsOfExperts) {
  const std::string blocks = "model.layers.3.mlp.experts.gate_up_proj_blocks";
  const auto listed = [](const std::string& names) {
    return of(R"({"quantization_config":{"quant_method":"mxfp4","modules_to_not_convert":[)" +
              names + "]}}");
  };
  EXPECT_TRUE(has(listed(R"("model.layers.*.self_attn","lm_head")"), blocks, false));
  EXPECT_FALSE(has(listed(R"("model.layers.*.mlp.experts")"), blocks, true));
  EXPECT_FALSE(has(listed(R"("model.layers.3")"), blocks, true));
  EXPECT_TRUE(has(listed(R"("model.layers.33")"), blocks, false));
  EXPECT_FALSE(has(of("{}"), blocks, true));
}

TEST(ReleasedTensors, WhereNothingIsSaidTheFamilyDecides) {
  const ReleasedTensors released = of("{}");
  EXPECT_TRUE(has(released, "lm_head.weight", true));
  EXPECT_FALSE(has(released, "lm_head.weight", false));
  EXPECT_FALSE(has(released, "model.language_model.embed_tokens.weight", true));
  EXPECT_TRUE(has(of(R"({"text_config":{}})"), "model.language_model.embed_tokens.weight", false));
}

TEST(ReleasedTensors, MalformedQuantisationsAreNone) {
  for (const char* config :
       {R"({"quantization_config":3})", R"({"quantization_config":{"quant_method":[]}})",
        R"({"quantization_config":{"quant_method":"fp8","modules_to_not_convert":"x"}})"}) {
    EXPECT_FALSE(of(config).assumed.empty()) << config;
  }
}

}  // namespace
}  // namespace rg::formats
