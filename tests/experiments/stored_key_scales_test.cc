// Scales fitted on a plain pass, on hand-made keys, values and latents.
#include "experiments/audit/stored_key_scales.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <tuple>

#include "base/parallel.h"
#include "experiments/fake_engine.h"
#include "experiments/key_sample.h"

namespace rg::experiments::testing {
namespace {

constexpr uint32_t kStoredWindows = 9, kStoredLength = 7, kStoredHeads = 2, kStoredKey = 4,
                   kStoredValue = 3, kStoredLatent = 5, kStoredShared = 2;
constexpr keys::QuantiserSpec kByChannel{.bits = 2,
                                         .scale_of = keys::ScaleOf::channel,
                                         .rule = keys::ScaleRule::norm,
                                         .centring = keys::Centring::raw};

// What one layer's keys are made of, by kind.
enum class StoredKind : uint32_t { normed, scored, values, latent, shared };

struct StoredModel {
  tap::SequenceSet windows;
  std::vector<std::vector<float>> rows;  // (kinds) of all heads

  StoredModel() {
    windows.name = "windows";
    windows.lengths.assign(kStoredWindows, kStoredLength);
    windows.ids.assign(size_t{kStoredWindows} * kStoredLength, 0);
    for (uint32_t kind = 0; kind < 5; ++kind) {
      std::vector<float>& of = rows.emplace_back();
      for (uint32_t i = 0; i < windows.rows() * columns(static_cast<StoredKind>(kind)); ++i) {
        of.push_back(static_cast<float>(normal(3, i, kind, 70)));
      }
    }
  }

  static uint32_t width(StoredKind kind) {
    constexpr uint32_t kWidths[] = {kStoredKey, kStoredKey, kStoredValue, kStoredLatent,
                                    kStoredShared};
    return kWidths[static_cast<size_t>(kind)];
  }
  static uint32_t columns(StoredKind kind) {
    return width(kind) * (kind < StoredKind::latent ? kStoredHeads : 1);
  }
  std::vector<float>& of(StoredKind kind) { return rows[static_cast<size_t>(kind)]; }
  const std::vector<float>& of(StoredKind kind) const { return rows[static_cast<size_t>(kind)]; }

  // Windows 0 and 1 are of document 0, 2 and 3 of document 1, ...
  Setting setting() const {
    Setting out{.seed = 5,
                .moe_layers = {0, 1},
                .layers = {0, 1},
                .spec = softmax_spec(8, 2),
                .width = 16,
                .parameters = {},
                .windows = &windows,
                .seq_len = kStoredLength,
                .window_document = {},
                .prompts = {}};
    for (uint32_t w = 0; w < kStoredWindows; ++w) out.window_document.push_back(40 - w / 2);
    return out;
  }

  void show(StoredKeyScales& scales, int layer, size_t block, int threads) const {
    tap::KeyView view{};
    view.layer = layer;
    view.kv_heads = kStoredHeads;
    view.key_width = kStoredKey;
    view.value_width = kStoredValue;
    view.latent_width = kStoredLatent;
    view.shared_width = kStoredShared;
    view.threads = threads;
    scales.begin_keys(view);
    const size_t blocks = (kStoredWindows + block - 1) / block;
    parallel_for(blocks, threads, [&](size_t i, int worker) {
      tap::KeyBlock shown{};
      shown.set = &windows;
      shown.first_sequence = (blocks - 1 - i) * block;
      shown.sequences = std::min(block, kStoredWindows - shown.first_sequence);
      shown.first_row = shown.first_sequence * kStoredLength;
      shown.rows = shown.sequences * kStoredLength;
      shown.worker = worker;
      const auto from = [&](StoredKind kind) {
        return of(kind).data() + shown.first_row * columns(kind);
      };
      shown.keys = {nullptr, from(StoredKind::normed), nullptr, from(StoredKind::scored)};
      shown.values = from(StoredKind::values);
      shown.latent = from(StoredKind::latent);
      shown.shared_rotated = from(StoredKind::shared);
      scales.on_keys(view, shown);
    });
    scales.end_keys(view);
  }

  // The scales of one head, from rows chosen here.
  keys::KeyScales expected(StoredKind kind, uint32_t head, const StoredKeyFit& fit,
                           const keys::QuantiserSpec& spec) const {
    keys::KeySet set{.width = width(kind), .values = {}, .documents = {}};
    for (uint32_t w = 0; w < kStoredWindows; ++w) {
      if (!fit.all_documents && w / 2 % 2 == 1) continue;
      for (const uint32_t t : sampled_key_positions(5, 0, w, kStoredLength, fit.positions)) {
        if (t < fit.sink_positions) continue;
        const size_t row = size_t{w} * kStoredLength + t;
        const float* const at = of(kind).data() + row * columns(kind) + head * set.width;
        set.values.insert(set.values.end(), at, at + set.width);
      }
    }
    return keys::fit_scales(set, spec);
  }
};

void expect_equal(const keys::KeyScales& found, const keys::KeyScales& expected) {
  EXPECT_EQ(found.width, expected.width);
  EXPECT_EQ(found.spread, expected.spread);
  EXPECT_EQ(found.scale, expected.scale);
  EXPECT_FALSE(found.scale.empty());
}

TEST(StoredKeyScales, AreFittedOnSampledRowsOfTheDocuments) {
  const StoredModel model;
  for (const StoredKeyFit& fit :
       {StoredKeyFit{.all_documents = false, .positions = 4, .sink_positions = 1},
        StoredKeyFit{.all_documents = true, .positions = 100, .sink_positions = 6},
        StoredKeyFit{.all_documents = false, .positions = 100, .sink_positions = 0}}) {
    for (const auto& [step, first, second] :
         {std::tuple{StoredRows::normed, StoredKind::normed, StoredKind::values},
          {StoredRows::scored, StoredKind::scored, StoredKind::values},
          {StoredRows::latent, StoredKind::latent, StoredKind::shared}}) {
      StoredKeyScales scales(model.setting(), kByChannel, fit, step, true, {1});
      model.show(scales, 0, 2, 1);  // not asked for
      model.show(scales, 1, 2, 2);
      for (uint32_t head = 0; head < (step == StoredRows::latent ? 1 : kStoredHeads); ++head) {
        expect_equal(scales.of(1, head).keys, model.expected(first, head, fit, kByChannel));
        expect_equal(scales.of(1, head).values, model.expected(second, head, fit, kByChannel));
      }
      EXPECT_THROW(scales.of(0, 0), std::out_of_range);
    }
  }
}

TEST(StoredKeyScales, LeaveValuesOutUnlessAsked) {
  const StoredModel model;
  const StoredKeyFit fit{.all_documents = true, .positions = 5, .sink_positions = 0};
  StoredKeyScales keys_alone(model.setting(), kByChannel, fit, StoredRows::scored, false, {0});
  model.show(keys_alone, 0, 9, 1);
  EXPECT_EQ(keys_alone.of(0, 1).values.width, 0u);
  EXPECT_EQ(keys_alone.needs().held_value_rows, 0u);
  const StoredKeyScales both(model.setting(), kByChannel, fit, StoredRows::scored, true, {0});
  EXPECT_GE(both.needs().held_value_rows, 45u);
  EXPECT_TRUE(both.needs().keys);
}

TEST(StoredKeyScales, DependOnNeitherThreadsNorBlocks) {
  const StoredModel model;
  const StoredKeyFit fit{.all_documents = false, .positions = 3, .sink_positions = 1};
  keys::QuantiserSpec by_head = kByChannel;
  by_head.scale_of = keys::ScaleOf::head;
  std::set<std::vector<double>> found;
  for (const auto& [block, threads] : {std::pair<size_t, int>{1, 1}, {4, 2}, {9, 3}}) {
    StoredKeyScales scales(model.setting(), by_head, fit, StoredRows::scored, false, {0});
    model.show(scales, 0, block, threads);
    found.insert(scales.of(0, 1).keys.scale);
  }
  EXPECT_EQ(found.size(), 1u);
}

TEST(StoredKeyScales, OfRowsOutOfReachSpoilWhatIsStored) {
  const StoredKeyFit fit{.all_documents = false, .positions = 100, .sink_positions = 0};
  for (const float bad : {std::nanf(""), INFINITY, -1e31f}) {
    StoredModel model;
    model.of(StoredKind::scored)[1] = bad;  // head 0 of the first row
    StoredKeyScales scales(model.setting(), kByChannel, fit, StoredRows::scored, false, {0});
    model.show(scales, 0, 2, 1);
    std::vector<float> key(kStoredKey, 0.5f);
    keys::quantise(scales.of(0, 0).keys, key.data(), 1, kStoredKey);
    EXPECT_TRUE(std::all_of(key.begin(), key.end(), [](float v) { return std::isnan(v); }));
    key.assign(kStoredKey, 0.5f);
    keys::quantise(scales.of(0, 1).keys, key.data(), 1, kStoredKey);
    EXPECT_TRUE(std::all_of(key.begin(), key.end(), [](float v) { return std::isfinite(v); }));
  }
}

}  // namespace
}  // namespace rg::experiments::testing
