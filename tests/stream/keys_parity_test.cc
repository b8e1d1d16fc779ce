// Queries, keys and values step by step against transformers, and what the view says of them.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "key_record.h"

namespace rg::stream {
namespace {

class KeyParity : public testing::TestWithParam<std::string> {};

TEST_P(KeyParity, EveryStepIsWhatTransformersComputes) {
  const KeyGolden golden(GetParam());
  const std::vector<std::string> wrong = key_violations(golden.run(golden.model), golden.expected);
  EXPECT_TRUE(wrong.empty()) << fmt::format("{}", fmt::join(wrong, "\n"));
  EXPECT_GE(golden.expected.names().size(), 12u);
}

// The comparison tells every step from the next one.
TEST_P(KeyParity, NoTwoStepsCanBeSwapped) {
  const KeyGolden golden(GetParam());
  const KeyRecord record = golden.run(golden.model);
  size_t swapped = 0;
  for (const auto& [layer, kept] : record.layers) {
    for (const std::string what : {"queries", "keys"}) {
      for (const std::string a : {".projected", ".normed", ".rotated"}) {
        for (const std::string b : {".normed", ".rotated", ".scored"}) {
          if (a == b || !kept.rows.contains(what + a) || !kept.rows.contains(what + b)) continue;
          KeyRecord wrong = record;
          auto& rows = wrong.layers.at(layer).rows;
          std::swap(rows.at(what + a), rows.at(what + b));
          EXPECT_EQ(key_violations(wrong, golden.expected).size(), 2u) << layer << what << a << b;
          ++swapped;
        }
      }
    }
  }
  EXPECT_GT(swapped, 0u);
}

// What the model states of norm, clip, rotation and bias is seen at the step where it acts.
TEST_P(KeyParity, AModelThatSaysOtherwiseIsNoticed) {
  const KeyGolden golden(GetParam());
  size_t tried = 0;
  const auto expect_noticed = [&](const char* what, const auto& change) {
    model::Model wrong = golden.model;
    bool applies = false;
    for (model::Layer& layer : wrong.layers) applies = change(layer.mixer) || applies;
    if (!applies) return;
    ++tried;
    EXPECT_FALSE(key_violations(golden.run(wrong), golden.expected).empty()) << what;
  };
  const auto in_attention = [](const auto& change) {
    return [change](model::Mixer& mixer) {
      auto* attention = std::get_if<model::Attention>(&mixer);
      return attention != nullptr && change(*attention);
    };
  };
  expect_noticed("no norm", in_attention([](model::Attention& a) {
                   return std::exchange(a.spec.qk_norm, model::QkNorm::none) != model::QkNorm::none;
                 }));
  expect_noticed("norm on the other side of the rotation", in_attention([](model::Attention& a) {
                   const bool heads = a.spec.qk_norm == model::QkNorm::per_head;
                   if (!heads && a.spec.qk_norm != model::QkNorm::per_head_rotated) return false;
                   a.spec.qk_norm =
                       heads ? model::QkNorm::per_head_rotated : model::QkNorm::per_head;
                   return true;
                 }));
  expect_noticed("no clip", in_attention([](model::Attention& a) {
                   return std::exchange(a.spec.clip_qkv, std::nullopt).has_value();
                 }));
  expect_noticed("no bias", in_attention([](model::Attention& a) {
                   if (!a.q_bias) return false;
                   a.q_bias = a.k_bias = a.v_bias = {};
                   return true;
                 }));
  expect_noticed("no rotation", [](model::Mixer& mixer) {
    return std::visit(
        [](auto& data) {
          if constexpr (requires { data.spec.rope; }) {
            return std::exchange(data.spec.rope, std::nullopt).has_value();
          }
          return false;
        },
        mixer);
  });
  EXPECT_GT(tried, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    All, KeyParity,
    testing::Values("olmoe/mha", "olmoe/gqa-clip", "olmoe/bias-yarn",
                    "families/qwen3_moe/wide-heads-v4", "families/glm4_moe/qk-norm-f32",
                    "families/gpt_oss/yarn-v4", "families/mimo_v2_flash/groups-f32",
                    "families/hunyuan_v1_moe/linear-bias-f32", "families/qwen3_next/interval-v4",
                    "families/gemma4_text/k-is-v-f32", "families/phimoe/longrope-f32",
                    "families/deepseek_v2/lite-v4", "families/deepseek_v2/triples-v4"),
    [](const auto& tested) {
      std::string name = tested.param;
      std::replace_if(
          name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
      return name;
    });

TEST(Keys, TheResidualIsTheOneThatEntersTheLayer) {
  const KeyGolden golden("olmoe/mha");
  const test::SafetensorsFile expected(golden.folder / "expected.safetensors");
  const KeyRecord record = golden.run(golden.model);
  ASSERT_EQ(record.layers.size(), golden.model.layers.size());
  for (const auto& [layer, kept] : record.layers) {
    EXPECT_LE(relative_error(kept.rows.at("residual_in"),
                             expected.floats(fmt::format("layers.{}.residual_in", layer))),
              kParity);
  }
}

TEST(Keys, TheViewSaysWhatTheAttentionIs) {
  const KeyRecord olmoe = [] {
    const KeyGolden golden("olmoe/gqa-clip");
    return golden.run(golden.model);
  }();
  const tap::KeyView& clipped = olmoe.layers.at(0).view;
  EXPECT_EQ(clipped.mixer, "attention");
  EXPECT_EQ(clipped.width, 60u);
  EXPECT_EQ(clipped.heads, 6u);
  EXPECT_EQ(clipped.kv_heads, 2u);
  EXPECT_EQ(clipped.key_width, 10u);
  EXPECT_EQ(clipped.norm, tap::KeyNorm::full_width);
  EXPECT_TRUE(clipped.norm_is_rms);
  EXPECT_FLOAT_EQ(clipped.norm_epsilon, 2e-3f);
  EXPECT_FLOAT_EQ(clipped.clip.value(), 0.7f);
  EXPECT_FLOAT_EQ(clipped.scale, 1 / std::sqrt(10.0f));
  EXPECT_FALSE(clipped.query_bias || clipped.key_bias || clipped.value_bias);
  EXPECT_EQ(clipped.rotation->columns, 10u);

  const KeyGolden oss("families/gpt_oss/yarn-v4");
  const KeyRecord record = oss.run(oss.model);
  const tap::KeyView &first = record.layers.at(0).view, &second = record.layers.at(1).view;
  EXPECT_NE(first.window.has_value(), second.window.has_value());
  EXPECT_EQ(first.window ? *first.window : *second.window, 5u);
  EXPECT_TRUE(first.sinks && first.query_bias && first.key_bias && first.value_bias);
  EXPECT_EQ(first.norm, tap::KeyNorm::none);
  EXPECT_GT(first.rotation->factor, 1.1f);  // 0.1 ln 8 + 1

  const KeyGolden mimo("families/mimo_v2_flash/groups-f32");
  const KeyRecord wide = mimo.run(mimo.model);
  EXPECT_EQ(wide.layers.at(0).view.key_width, 12u);
  EXPECT_EQ(wide.layers.at(0).view.value_width, 8u);

  const KeyGolden gemma("families/gemma4_text/k-is-v-f32");
  size_t same = 0;
  for (const auto& [layer, kept] : gemma.run(gemma.model).layers) same += kept.view.values_are_keys;
  EXPECT_GT(same, 0u);

  const KeyGolden deepseek("families/deepseek_v2/lite-v4");
  const KeyRecord latent = deepseek.run(deepseek.model);
  const tap::KeyView& view = latent.layers.at(0).view;
  EXPECT_EQ(view.mixer, "latent attention");
  EXPECT_EQ(view.latent_width, 16u);
  EXPECT_EQ(view.shared_width, 8u);
  EXPECT_EQ(view.rotation->first_column, 8u);
  EXPECT_EQ(view.rotation->columns, 8u);
  EXPECT_EQ(view.rotation->planes, tap::Planes::interleaved);
}

}  // namespace
}  // namespace rg::stream
