// What observers are shown of queries, keys and values: rotated as the view says, in the promised
// order, for any blocks and threads, counted in the plan, without a trace in anything else.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "key_record.h"
#include "stream/key_tap.h"

namespace rg::stream {
namespace {

// `rows` (rows, heads * width), rotated as the view says, in double.
std::vector<float> rotated(const tap::RotationView& rotation, const tap::SequenceSet& set,
                           std::vector<float> rows, size_t width, size_t first_column) {
  const size_t columns = rows.size() / set.rows(), n = rotation.columns;
  size_t row = 0;
  for (const uint32_t length : set.lengths) {
    const bool longer = rotation.long_from && length >= *rotation.long_from;
    const auto frequencies = longer ? rotation.long_frequencies : rotation.frequencies;
    const double factor = longer ? rotation.long_factor : rotation.factor;
    for (uint32_t position = 0; position < length; ++position, ++row) {
      for (size_t at = row * columns; at < (row + 1) * columns; at += width) {
        for (size_t p = 0; p < n / 2; ++p) {
          const bool halves = rotation.planes == tap::Planes::half_split;
          float& a = rows[at + first_column + (halves ? p : 2 * p)];
          float& b = rows[at + first_column + (halves ? p + n / 2 : 2 * p + 1)];
          const double angle = 1.0 * position * double{frequencies[p]};
          const double cos = factor * std::cos(angle), sin = factor * std::sin(angle);
          const double x = a, y = b;
          a = static_cast<float>(x * cos - y * sin);
          b = static_cast<float>(x * sin + y * cos);
        }
      }
    }
  }
  return rows;
}

// The last step up to `step` that has rows of its own.
const std::vector<float>& step_of(const KeyLayer& layer, const std::string& what, int step) {
  static const std::vector<std::string> kSteps = {".projected", ".normed", ".rotated", ".scored"};
  while (!layer.rows.contains(what + kSteps[static_cast<size_t>(step)])) --step;
  return layer.rows.at(what + kSteps[static_cast<size_t>(step)]);
}

class KeyFamily : public testing::TestWithParam<FamilyShape> {};

TEST_P(KeyFamily, LayersHaveKeysOrSayWhyNot) {
  if (!is_known(GetParam().family) || GetParam().has_several_gates()) return;
  const FamilyGolden golden(GetParam());
  const test::SafetensorsFile expected(GetParam().folder() / "expected.safetensors");
  const tap::SequenceSet set = golden_sequences(expected, true);
  const KeyRecord record = record_keys(golden.checkpoint(), golden.model(), set, {});
  EXPECT_EQ(record.layers.size() + record.mixers_without.size(), golden.model().layers.size());
  for (const auto& [layer, kept] : record.layers) {
    for (const auto& [name, rows] : kept.rows) {
      EXPECT_FALSE(std::any_of(rows.begin(), rows.end(), [](float v) { return std::isnan(v); }))
          << layer << name;
    }
    if (!kept.view.rotation) {
      EXPECT_FALSE(kept.rows.contains("queries.rotated"));
      continue;
    }
    const tap::RotationView& rotation = *kept.view.rotation;
    const int index = kept.view.layer;
    const auto expect_rotated = [&](const std::vector<float>& from, const std::vector<float>& to,
                                    size_t width, size_t first) {
      EXPECT_LE(relative_error(to, rotated(rotation, set, from, width, first)), 2e-6) << index;
      EXPECT_GT(relative_error(to, from), 1e-2) << index;
    };
    const size_t width = kept.view.key_width;
    expect_rotated(step_of(kept, "queries", 1), step_of(kept, "queries", 2), width,
                   rotation.first_column);
    if (kept.view.latent_width == 0) {
      expect_rotated(step_of(kept, "keys", 1), step_of(kept, "keys", 2), width,
                     rotation.first_column);
    } else {
      expect_rotated(kept.rows.at("shared"), kept.rows.at("shared_rotated"), kept.view.shared_width,
                     0);
    }
  }
  for (const auto& [layer, mixer] : record.mixers_without) {
    EXPECT_FALSE(mixer.empty()) << layer;
    EXPECT_FALSE(mixer.find("ttention") == 0 || mixer == "latent attention") << mixer;
  }
}

TEST_P(KeyFamily, TheTapChangesNoBitAndDependsOnNoBlock) {
  if (!is_known(GetParam().family) || GetParam().has_several_gates()) return;
  const FamilyGolden golden(GetParam());
  const test::SafetensorsFile expected(GetParam().folder() / "expected.safetensors");
  const tap::SequenceSet set = golden_sequences(expected, true);
  const auto run = [&](const How& how, bool keys) {
    Asks asks;
    asks.keys = keys;
    return record_keys(golden.checkpoint(), golden.model(), set, how, asks);
  };
  const KeyRecord one = run({}, true), plain = run({}, false);
  EXPECT_TRUE(plain.layers.empty());
  EXPECT_TRUE(plain.mixers_without.empty());
  EXPECT_EQ(one.router_logits, plain.router_logits);
  EXPECT_EQ(one.ranked, plain.ranked);
  const KeyRecord other = run({.threads = 2, .block_windows = 1}, true);
  EXPECT_EQ(one.router_logits, other.router_logits);
  ASSERT_EQ(one.layers.size(), other.layers.size());
  for (const auto& [layer, kept] : one.layers) {
    EXPECT_EQ(kept.rows, other.layers.at(layer).rows) << layer;
  }
}

// `to` (rows, columns) is a matrix (columns, d) times `from` (rows, d), up to a bias.
double projection_error(const std::vector<float>& from, size_t width, const float* matrix,
                        const std::vector<float>& to, size_t columns) {
  double worst = 0, largest = 0;
  for (size_t row = 1; row < to.size() / columns; ++row) {
    for (size_t c = 0; c < columns; ++c) {
      double sum = 0;
      for (size_t j = 0; j < width; ++j) {
        const double step = double{from[row * width + j]} - double{from[j]};
        sum += double{matrix[c * width + j]} * step;
      }
      const double found = double{to[row * columns + c]} - double{to[c]};
      worst = std::max(worst, std::abs(found - sum));
      largest = std::max(largest, std::abs(sum));
    }
  }
  return worst / largest;
}

// The projection that is shown makes the keys, and the norm that is told makes its input.
TEST_P(KeyFamily, TheProjectionMakesTheKeys) {
  if (!is_known(GetParam().family) || GetParam().has_several_gates()) return;
  const FamilyGolden golden(GetParam());
  const test::SafetensorsFile expected(GetParam().folder() / "expected.safetensors");
  const tap::SequenceSet set = golden_sequences(expected, true);
  Asks asks;
  EXPECT_TRUE(std::all_of(golden.model().layers.begin(), golden.model().layers.end(),
                          [](const model::Layer& layer) {
                            return (model::key_projection(layer.mixer) != nullptr) ==
                                   model::key_facts(layer.mixer).has_value();
                          }));
  const KeyRecord plain = record_keys(golden.checkpoint(), golden.model(), set, {}, asks);
  asks.key_projection = true;
  const KeyRecord record = record_keys(golden.checkpoint(), golden.model(), set, {}, asks);
  EXPECT_EQ(record.plan.peak_bytes > plain.plan.peak_bytes, !record.layers.empty());
  for (const auto& [index, layer] : record.layers) {
    EXPECT_TRUE(plain.layers.at(index).projection.empty());
    const size_t width = layer.view.width;
    const std::vector<float>& input = layer.rows.at("input");
    const std::vector<float>& residual = layer.rows.at("residual_in");
    if (layer.view.latent_width > 0) {
      const float* const last = layer.projection.data() + size_t{layer.view.latent_width} * width;
      EXPECT_LE(
          projection_error(input, width, last, layer.rows.at("shared"), layer.view.shared_width),
          1e-5)
          << index;
    } else {
      EXPECT_LE(
          projection_error(input, width, layer.projection.data(), layer.rows.at("keys.projected"),
                           layer.view.kv_heads * layer.view.key_width),
          1e-5)
          << index;
    }
    if (!layer.view.input_is_rms) continue;
    std::vector<float> normed(input.size());
    for (size_t row = 0; row < input.size() / width; ++row) {
      double square = 0;
      for (size_t j = 0; j < width; ++j) {
        square += double{residual[row * width + j]} * double{residual[row * width + j]};
      }
      const double rms =
          std::sqrt(square / static_cast<double>(width) + double{layer.view.input_epsilon});
      for (size_t j = 0; j < width; ++j) {
        normed[row * width + j] = static_cast<float>(double{residual[row * width + j]} / rms *
                                                     double{layer.input_gain[j]});
      }
    }
    EXPECT_LE(relative_error(normed, input), 1e-5) << index;
  }
}

INSTANTIATE_TEST_SUITE_P(All, KeyFamily, testing::ValuesIn(family_shapes()),
                         [](const auto& tested) { return tested.param.identifier(); });

TEST(Keys, ALayerWithoutThemIsNamed) {
  const auto without = [](const FamilyShape& shape) {
    const FamilyGolden golden(shape);
    const test::SafetensorsFile expected(shape.folder() / "expected.safetensors");
    return record_keys(golden.checkpoint(), golden.model(), golden_sequences(expected, true), {})
        .mixers_without;
  };
  using Named = std::map<int, std::string>;
  EXPECT_EQ(without({"qwen3_next", "interval-v4"}),
            (Named{{0, "gated delta net"}, {2, "gated delta net"}}));
  const Named nemotron = without({"nemotron_h", "pattern-v4"});
  EXPECT_EQ(nemotron.at(0), "Mamba-2");
  EXPECT_EQ(nemotron.at(1), "none");
  EXPECT_FALSE(nemotron.contains(3));
  EXPECT_EQ(without({"kimi_linear", "published-v4"}).begin()->second, "Kimi delta attention");
  EXPECT_EQ(without({"lfm2_moe", "tied-v4"}).begin()->second, "short convolution");
  EXPECT_TRUE(without({"deepseek_v2", "lite-v4"}).empty());  // its dense layer has keys too
}

// Windows that share a call of the mixer, one after another, the last as if it were alone.
TEST(Keys, JoinedWindowsChangeNoBit) {
  constexpr size_t kWindows = 13, kTokens = 40;
  for (const FamilyShape& shape :
       {FamilyShape{"qwen3_moe", "wide-heads-v4"}, FamilyShape{"deepseek_v2", "triples-v4"},
        FamilyShape{"hunyuan_v1_moe", "linear-bias-f32"}}) {
    const FamilyGolden golden(shape);
    tap::SequenceSet all = {.name = "windows",
                            .lengths = std::vector<uint32_t>(kWindows, kTokens),
                            .ids = {},
                            .causal = true};
    for (size_t i = 0; i < kWindows * kTokens; ++i) {
      all.ids.push_back(static_cast<int32_t>((i * 7 + i / kTokens) % golden.model().vocabulary));
    }
    tap::SequenceSet last = all;
    last.lengths.resize(1);
    last.ids.assign(all.ids.end() - kTokens, all.ids.end());
    const KeyRecord together = record_keys(golden.checkpoint(), golden.model(), all, {});
    const KeyRecord alone = record_keys(golden.checkpoint(), golden.model(), last, {});
    for (const auto& [layer, kept] : alone.layers) {
      for (const auto& [name, rows] : kept.rows) {
        const std::vector<float>& shared = together.layers.at(layer).rows.at(name);
        EXPECT_TRUE(std::equal(rows.begin(), rows.end(),
                               shared.end() - static_cast<ptrdiff_t>(rows.size())))
            << shape.name() << layer << name;
        EXPECT_FALSE(std::equal(rows.begin(), rows.end(), shared.begin())) << name;
      }
    }
  }
}

// What the products read is rounded to bf16, what is shown isn't.
TEST(Keys, AreShownInFp32WhateverIsComputedWith) {
  const KeyGolden golden("olmoe/mha");
  const KeyRecord wide = golden.run(golden.model);
  for (const Compute compute : {Compute::f32, Compute::bf16}) {
    if (compute == Compute::bf16 && !kernels::cpu_has_bf16()) continue;
    Asks none;
    none.keys = false;
    const How how = {.compute = compute};
    const KeyRecord with = golden.run(golden.model, how);
    EXPECT_EQ(with.router_logits, golden.run(golden.model, how, none).router_logits);
    EXPECT_EQ(with.layers.at(0).rows.at("input"), wide.layers.at(0).rows.at("input"));
    EXPECT_EQ(with.router_logits == wide.router_logits, compute == Compute::f32);
  }
}

TEST(Keys, ComeInTheOrderThatIsPromised) {
  const FamilyShape shape = {"deepseek_v2", "lite-v4"};  // a dense layer, then one with a gate
  const FamilyGolden golden(shape);
  const test::SafetensorsFile expected(shape.folder() / "expected.safetensors");
  const tap::SequenceSet set = golden_sequences(expected, true);
  const KeyRecord record =
      record_keys(golden.checkpoint(), golden.model(), set, {.threads = 2, .block_windows = 1});
  const auto at = [&](const std::string& call) {
    const auto found = std::find(record.calls.begin(), record.calls.end(), call);
    EXPECT_NE(found, record.calls.end()) << call;
    EXPECT_EQ(std::find(found + 1, record.calls.end(), call), record.calls.end()) << call;
    return found - record.calls.begin();
  };
  EXPECT_EQ(at("begin_keys 0"), 0);
  EXPECT_EQ(at("end_keys 0") + 1, at("begin_layer 1"));
  EXPECT_EQ(at("begin_layer 1") + 1, at("begin_keys 1"));
  EXPECT_EQ(at("end_keys 1") + 1, at("on_gates_done 1"));
  for (size_t row = 0; row < set.rows(); ++row) {
    EXPECT_LT(at(fmt::format("on_keys 1 row {}", row)), at(fmt::format("on_gate 1 row {}", row)));
    EXPECT_LT(at("begin_keys 0"), at(fmt::format("on_keys 0 row {}", row)));
    EXPECT_LT(at(fmt::format("on_keys 0 row {}", row)), at("end_keys 0"));
    EXPECT_LT(at(fmt::format("on_gate 1 row {}", row)), at("end_keys 1"));
  }
}

TEST(Keys, AreShownOfWatchedSetsOnly) {
  const KeyGolden golden("olmoe/mha");
  tap::SequenceSet other = golden.set;
  other.name = "other";
  std::reverse(other.ids.begin(), other.ids.end());
  const KeyRecord alone = golden.run(golden.model);
  const KeyRecord both = record_keys(golden.checkpoint, golden.model, golden.set, {}, {}, {&other});
  EXPECT_EQ(std::count_if(both.calls.begin(), both.calls.end(),
                          [](const auto& call) { return call.starts_with("on_keys 0"); }),
            static_cast<ptrdiff_t>(golden.set.rows()));
  EXPECT_EQ(both.layers.at(1).rows, alone.layers.at(1).rows);
}

uint64_t planned(const Plan& plan, const std::string& what) {
  for (const Plan::Line& line : plan.memory) {
    if (line.what.starts_with(what)) return line.bytes;
  }
  return 0;
}

TEST(Keys, ThePlanCountsBuffersAndWhatObserversHold) {
  const KeyGolden golden("olmoe/gqa-clip");
  // Input; three steps of queries and keys; values: 8 arrays, each rounded up to 64 bytes.
  const uint64_t row = 60 + 3 * (60 + 20) + 20;
  EXPECT_GE(KeyTap::worker_bytes(golden.model, 100), 100 * row * 4);
  EXPECT_LE(KeyTap::worker_bytes(golden.model, 100), 100 * row * 4 + 8 * 64);
  for (const int threads : {1, 2}) {
    const auto plan = [&](const Asks& asks) {
      return golden.run(golden.model, {.threads = threads}, asks).plan;
    };
    Asks none;
    none.keys = false;
    const std::string buffers = fmt::format("buffers of {} thread", threads);
    const Plan with = plan({}), without = plan(none);
    const uint64_t bytes = planned(with, buffers) - planned(without, buffers);
    EXPECT_EQ(with.peak_bytes - without.peak_bytes, bytes);
    // Of the rows of the largest call: at least those of the longest sequence.
    uint32_t rows = 33;
    const auto of_rows = [&] {
      return static_cast<uint64_t>(threads) * KeyTap::worker_bytes(golden.model, rows);
    };
    while (of_rows() < bytes) ++rows;
    EXPECT_EQ(of_rows(), bytes);
    Asks held;
    held.held_key_rows = 5;
    held.held_query_rows = 3;
    held.held_value_rows = 2;
    EXPECT_EQ(planned(plan(held), "experiments' own records"), 4u * (5 * 20 + 3 * 60 + 2 * 20));
  }
}

}  // namespace
}  // namespace rg::stream
