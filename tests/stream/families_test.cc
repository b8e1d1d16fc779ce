// Every family against transformers 5.24, in every layout and spelling of the golden checkpoints.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <map>

#include "family_golden.h"
#include "model/blocks/block.h"
#include "support/caught.h"

namespace rg::stream {
namespace {

class Family : public testing::TestWithParam<FamilyShape> {};

TEST_P(Family, ComputesWhatTransformersDoes) {
  if (GetParam().has_several_gates()) {
    const auto id =
        test::caught([&] { model::bind_model(open_golden(GetParam().folder() / "model")); }).id;
    EXPECT_EQ(id, ErrorId::CF018);
    return;
  }
  if (!is_known(GetParam().family)) {
    const auto id =
        test::caught([&] { model::bind_model(open_golden(GetParam().folder() / "model")); }).id;
    EXPECT_EQ(id, ErrorId::CF001);
    return;
  }
  const FamilyGolden golden(GetParam());
  const Record record = golden.run(golden.model(), {});
  EXPECT_TRUE(golden.violations(record).empty())
      << fmt::format("{}", fmt::join(golden.violations(record), "\n"));
}

TEST_P(Family, ComputesTheSameBitsForAnyThreadsAndBlocks) {
  if (!is_known(GetParam().family) || GetParam().has_several_gates()) return;
  const FamilyGolden golden(GetParam());
  const Record one = golden.run(golden.model(), {});
  const Record other = golden.run(golden.model(), {.threads = 2, .block_windows = 1});
  EXPECT_EQ(one.logits, other.logits);
}

INSTANTIATE_TEST_SUITE_P(All, Family, testing::ValuesIn(family_shapes()),
                         [](const auto& tested) { return tested.param.identifier(); });

// Nemotron-H's layers M E M * E: what the two mixers in front of the last gate add is shown there
// together, and the residual stream as it was before them.
TEST(Families, AGateIsShownTheMixersOfTheLayersBeforeIt) {
  const FamilyShape shape = {"nemotron_h", "pattern-v4"};
  const FamilyGolden golden(shape);
  const test::SafetensorsFile expected(shape.folder() / "expected.safetensors");
  const std::vector<float> before = expected.floats("layers.1.output");
  const std::vector<float> after = expected.floats("layers.3.output");
  std::vector<float> added = after;
  for (size_t i = 0; i < added.size(); ++i) added[i] -= before[i];
  for (const How& how : {How{}, How{.threads = 2, .block_windows = 1}}) {
    const Record record = golden.run(golden.model(), how);
    const LayerRecord& gate = record.layers[4];
    EXPECT_LE(relative_error(gate.residual_in, before), kParity);
    EXPECT_LE(relative_error(gate.attention_out, added), kParity);
    EXPECT_LE(relative_error(gate.residual_pre, after), kParity);
    EXPECT_LE(relative_error(gate.parts, after), kParity);
  }
}

// Of the bytes that the plan says are held for weights that aren't stored as they are used.
uint64_t held_bytes(const FamilyShape& shape) {
  const FamilyGolden golden(shape);
  tap::SequenceSet set;
  set.lengths = {8};
  set.ids.assign(8, 1);
  const tap::SequenceSet* const sets[] = {&set};
  Settings settings;
  settings.flops_per_s = 1e9;
  const Plan plan = make_plan(golden.model(), sets, {}, settings);
  for (const Plan::Line& line : plan.memory) {
    if (line.what == "scales, and a weight stored in another order") return line.bytes;
  }
  return 0;
}

TEST(Families, ThePlanCountsWhatRearrangingHolds) {
  EXPECT_EQ(held_bytes({"mixtral", "llama3-v4"}), 0u);
  for (const FamilyShape& shape :
       {FamilyShape{"gpt_oss", "yarn-v4"}, {"gpt_oss", "mxfp4"}, {"deepseek_v3", "fp8"}}) {
    const FamilyGolden golden(shape);
    uint64_t transposed = 0, exponents = 0, scales = 0;
    for (const model::Layer& layer : golden.model().layers) {
      model::for_each_weight(layer, [&](const model::Weight& weight) {
        const bool moved = weight.stored != model::Stored::out_in;
        if (moved) {
          transposed =
              std::max(transposed, 4 * (weight.elements() + 16 * uint64_t{weight.columns}));
        }
        if (!weight.scales.tensor) return;
        uint64_t& most = weight.encoding == model::Encoding::mxfp4 ? exponents : scales;
        most = std::max(most, weight.scale_count());
      });
    }
    EXPECT_EQ(held_bytes(shape), transposed + exponents + 4 * scales) << shape.name();
    EXPECT_GT(held_bytes(shape), 0u) << shape.name();
  }
}

// Other names of a family: its text part saved alone, or another release.
std::string family_of(const std::string& model_type) {
  static const std::map<std::string, std::string> kOthers = {
      {"gemma4_text", "gemma4"},           {"glm4v_moe_text", "glm4v_moe"},
      {"kimi_k2", "deepseek_v3"},          {"kimi_k25", "deepseek_v3"},
      {"qwen3_5_moe_text", "qwen3_5_moe"}, {"qwen3_vl_moe_text", "qwen3_vl_moe"}};
  const auto at = kOthers.find(model_type);
  return at == kOthers.end() ? model_type : at->second;
}

TEST(Families, EachHasThreeShapesOrMore) {
  std::map<std::string, int> shapes;
  for (const FamilyShape& shape : family_shapes()) ++shapes[family_of(shape.family)];
  for (const std::string_view type : model::known_families()) {
    if (type == "olmoe") continue;  // tests/data/olmoe
    EXPECT_GE(shapes[family_of(std::string(type))], 3) << type;
  }
}

}  // namespace
}  // namespace rg::stream
