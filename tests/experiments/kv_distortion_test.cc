// The observer of coded keys, on hand-made queries, keys and values.
#include "experiments/kv_distortion.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "experiments/fake_engine.h"
#include "experiments/live_bytes.h"

namespace rg::experiments::testing {
namespace {

constexpr uint32_t kDistortWindows = 24, kDistortLength = 20, kDistortWidth = 8, kDistortValue = 5,
                   kQueryHeads = 4, kKeyHeads = 2;

// (rows, heads * width) of a layer: one number per kind, row and column.
std::vector<float> rows_of(int layer, uint32_t kind, size_t rows, uint32_t columns, double size) {
  std::vector<float> out;
  for (size_t row = 0; row < rows; ++row) {
    for (uint32_t j = 0; j < columns; ++j) {
      out.push_back(static_cast<float>(size * normal(3, static_cast<uint32_t>(row), kind * 100 + j,
                                                     static_cast<uint32_t>(layer) + 70)));
    }
  }
  return out;
}

struct DistortModel {
  tap::SequenceSet windows;
  std::vector<float> queries, keys, values;  // of one layer
  tap::KeyView view{};

  explicit DistortModel(int layer = 0) {
    windows.name = "windows";
    windows.lengths.assign(kDistortWindows, kDistortLength);
    windows.ids.assign(size_t{kDistortWindows} * kDistortLength, 0);
    const size_t rows = windows.rows();
    queries = rows_of(layer, 1, rows, kQueryHeads * kDistortWidth, 2);
    keys = rows_of(layer, 2, rows, kKeyHeads * kDistortWidth, 1);
    values = rows_of(layer, 3, rows, kKeyHeads * kDistortValue, 1);
    view.layer = layer;
    view.mixer = "attention";
    view.heads = kQueryHeads;
    view.kv_heads = kKeyHeads;
    view.key_width = kDistortWidth;
    view.value_width = kDistortValue;
    view.scale = 0.4f;
    view.threads = 1;
  }

  Setting setting() const {
    Setting out{.seed = 5,
                .moe_layers = {0, 1},
                .layers = {0, 1},
                .spec = softmax_spec(8, 2),
                .width = 16,
                .parameters = {},
                .windows = &windows,
                .seq_len = kDistortLength,
                .window_document = {},
                .prompts = {}};
    for (uint32_t w = 0; w < kDistortWindows; ++w) out.window_document.push_back(w / 2);
    return out;
  }

  void show(tap::Observer& observer, size_t block, int threads) const {
    tap::KeyView own = view;
    own.threads = threads;
    observer.begin_keys(own);
    const size_t blocks = (kDistortWindows + block - 1) / block;
    parallel_for(blocks, threads, [&](size_t i, int worker) {
      tap::KeyBlock shown{};
      shown.set = &windows;
      shown.first_sequence = (blocks - 1 - i) * block;
      shown.sequences = std::min(block, kDistortWindows - shown.first_sequence);
      shown.first_row = shown.first_sequence * kDistortLength;
      shown.rows = shown.sequences * kDistortLength;
      shown.worker = worker;
      const float* const q = queries.data() + shown.first_row * kQueryHeads * kDistortWidth;
      const float* const k = keys.data() + shown.first_row * kKeyHeads * kDistortWidth;
      shown.queries = {nullptr, nullptr, nullptr, q};
      shown.keys = {nullptr, nullptr, nullptr, k};
      shown.values = values.data() + shown.first_row * kKeyHeads * kDistortValue;
      observer.on_keys(own, shown);
    });
    observer.end_keys(own);
  }
};

constexpr KvDistortionOptions kSmall{
    .windows = 5, .queries = 3, .fit_positions = 15, .sink_positions = 2};

KvDistortionObserver observed(const DistortModel& model, size_t block = 3, int threads = 1,
                              const KvDistortionOptions& options = kSmall) {
  KvDistortionObserver observer(model.setting(), options);
  model.show(observer, block, threads);
  return observer;
}

size_t code_at(const std::vector<KvCode>& codes, uint32_t bits, size_t change) {
  size_t seen = 0;
  for (size_t c = 0; c < codes.size(); ++c) {
    if (codes[c].spec.bits == bits && seen++ == change) return c;
  }
  ADD_FAILURE() << "no such code";
  return 0;
}

TEST(KvDistortion, MeasuresHeldOutWindowsOnly) {
  const DistortModel model;
  const KvUnits units(model.setting().window_document);
  const std::vector<uint32_t> all = kv_measured_windows(units, 100);
  EXPECT_EQ(all, (std::vector<uint32_t>{2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23}));
  EXPECT_EQ(kv_measured_windows(units, 4), (std::vector<uint32_t>{2, 7, 14, 19}));
  EXPECT_TRUE(kv_measured_windows(units, 0).empty());
}

TEST(KvDistortion, EveryHeadIsWhatItsOwnRowsGive) {
  const DistortModel model;
  const KvDistortionObserver observer = observed(model);
  ASSERT_EQ(observer.layers().size(), 1u);
  const std::vector<KvCode>& codes = observer.codes();
  EXPECT_EQ(codes.size(), 36u);
  const size_t plain = code_at(codes, 2, 0);
  const keys::KeySet none{.width = kDistortWidth, .values = {}, .documents = {}};
  const keys::KeyScales scales = keys::fit_scales(none, codes[plain].spec);
  for (uint32_t h = 0; h < kKeyHeads; ++h) {
    keys::DistortionRecord record(5 * 3 * 2);
    size_t slot = 0;
    for (const auto& context : observer.contexts().contexts()) {
      std::vector<float> k, v;
      const size_t first = size_t{context.window} * kDistortLength;
      for (size_t row = first; row < first + kDistortLength; ++row) {
        const float* const key = model.keys.data() + (row * kKeyHeads + h) * kDistortWidth;
        k.insert(k.end(), key, key + kDistortWidth);
        const float* const value = model.values.data() + (row * kKeyHeads + h) * kDistortValue;
        v.insert(v.end(), value, value + kDistortValue);
      }
      std::vector<float> read = k;
      keys::quantise(scales, read.data(), kDistortLength, kDistortWidth);
      const keys::HeadRows exact{
          .keys = k, .values = v, .key_width = kDistortWidth, .value_width = kDistortValue};
      keys::HeadRows coded = exact;
      coded.keys = read;
      for (const uint32_t position : context.positions) {
        for (uint32_t g = 0; g < 2; ++g) {
          const auto query =
              std::span(model.queries)
                  .subspan(((first + position) * kQueryHeads + 2 * h + g) * kDistortWidth,
                           kDistortWidth);
          const keys::ExactAttention attention(exact, query, position,
                                               {.scale = static_cast<double>(0.4f)});
          record.set(slot++, attention.distortion(coded, 0));
        }
      }
    }
    const keys::DistortionSummary expected = record.summary();
    const keys::DistortionSummary& found = observer.layers()[0].heads[h][plain].all;
    EXPECT_EQ(found.cases, 30u);
    EXPECT_EQ(found.median_error, expected.median_error);
    EXPECT_EQ(found.slope, expected.slope);
    EXPECT_EQ(found.mean_divergence, expected.mean_divergence);
    EXPECT_EQ(found.bounds[keys::kTanh].p95_tightness, expected.bounds[keys::kTanh].p95_tightness);
  }
}

TEST(KvDistortion, CodesDifferAsTheirNamesSay) {
  const DistortModel model;
  const KvDistortionObserver observer = observed(model);
  const auto& head = observer.layers()[0].heads[0];
  std::vector<double> errors;
  for (const KvCodeResult& code : head) {
    EXPECT_EQ(code.refused, "");
    for (const keys::BoundSummary& bound : code.all.bounds) {
      EXPECT_LE(bound.largest_excess, 1e-12);
    }
    EXPECT_NE(code.all.mean_variation, code.sinks_exact.mean_variation);
    EXPECT_TRUE(code.windows.empty());
    errors.push_back(code.all.median_error + code.all.mean_variation);
  }
  std::sort(errors.begin(), errors.end());
  EXPECT_EQ(std::adjacent_find(errors.begin(), errors.end()), errors.end());
  for (uint32_t bits = 2; bits <= 4; ++bits) {
    EXPECT_LT(head[code_at(observer.codes(), bits, 0)].all.mean_divergence,
              head[code_at(observer.codes(), bits - 1, 0)].all.mean_divergence);
  }
}

TEST(KvDistortion, SumsOfWindowsAreOverAllHeads) {
  const DistortModel model;
  const KvDistortionObserver observer = observed(model);
  const KvDistortionLayer& layer = observer.layers()[0];
  for (size_t c = 0; c < observer.codes().size(); ++c) {
    double cases = 0, variation = 0, expected = 0;
    ASSERT_EQ(layer.windows[c].size(), 5u);
    for (const keys::DistortionSums& window : layer.windows[c]) {
      cases += window.cases + window.trivial;
      variation += window.variation;
    }
    for (const auto& head : layer.heads) {
      const auto& all = head[c].all;
      expected += all.mean_variation * static_cast<double>(all.cases - all.trivial);
    }
    EXPECT_EQ(cases, 5 * 3 * kQueryHeads);
    EXPECT_NEAR(variation, expected, 1e-12 * expected);
  }
}

TEST(KvDistortion, DoesNotDependOnBlocksOrThreads) {
  const DistortModel model;
  const KvDistortionObserver first = observed(model, 1, 1), second = observed(model, 7, 2);
  for (uint32_t h = 0; h < kKeyHeads; ++h) {
    for (size_t c = 0; c < first.codes().size(); ++c) {
      const KvCodeResult &a = first.layers()[0].heads[h][c], &b = second.layers()[0].heads[h][c];
      EXPECT_EQ(a.all.median_error, b.all.median_error);
      EXPECT_EQ(a.all.mean_divergence, b.all.mean_divergence);
      EXPECT_EQ(a.sinks_exact.slope, b.sinks_exact.slope);
      EXPECT_EQ(first.layers()[0].windows[c][2].error, second.layers()[0].windows[c][2].error);
    }
  }
}

TEST(KvDistortion, FitsOnOtherDocumentsAndNotOnSinks) {
  const DistortModel model;
  DistortModel other, sinks, fitted;
  for (size_t row = 0; row < model.windows.rows(); ++row) {
    const bool held_out = row / kDistortLength / 2 % 2 == 1;
    const bool sink = row % kDistortLength < kSmall.sink_positions;
    for (size_t j = 0; j < kKeyHeads * kDistortWidth; ++j) {
      const size_t at = row * kKeyHeads * kDistortWidth + j;
      if (!held_out && sink) sinks.keys[at] *= 50;
      if (!held_out && !sink) fitted.keys[at] *= j % 2 == 0 ? 5.0f : 0.2f;
    }
  }
  const KvDistortionObserver plain = observed(model);
  const size_t channels = code_at(plain.codes(), 2, 1);
  const auto error = [&](const DistortModel& of, size_t code) {
    return observed(of).layers()[0].heads[0][code].all.mean_variation;
  };
  EXPECT_EQ(error(sinks, channels), error(model, channels));
  EXPECT_GT(error(fitted, channels), error(model, channels));
  EXPECT_EQ(error(fitted, code_at(plain.codes(), 2, 0)),
            error(model, code_at(plain.codes(), 2, 0)));  // a key's own scale needs no fit
}

TEST(KvDistortion, KeysBeforeAWindowDoNotMatter) {
  DistortModel all, model, changed;
  model.view.window = changed.view.window = 3;
  KvDistortionOptions one = kSmall;
  one.queries = 1;
  const KvDistortionObserver plain = observed(model, 3, 1, one);
  for (const auto& context : plain.contexts().contexts()) {
    const size_t first = size_t{context.window} * kDistortLength;
    for (size_t row = first; row + 2 < first + context.positions[0]; ++row) {
      changed.keys[row * kKeyHeads * kDistortWidth] += 3;
    }
  }
  const auto divergence = [&](const DistortModel& of) {
    return observed(of, 3, 1, one).layers()[0].heads[0][0].all.mean_divergence;
  };
  EXPECT_EQ(divergence(changed), divergence(model));
  EXPECT_NE(divergence(all), divergence(model));
}

TEST(KvDistortion, NamesWhatItCannotMeasure) {
  DistortModel model;
  KvDistortionObserver observer(model.setting(), kSmall);
  observer.on_no_keys(0, "Mamba-2");
  observer.on_no_keys(7, "Mamba-2");  // not measured
  DistortModel sink(1);
  sink.view.sinks = true;
  sink.show(observer, 4, 1);
  EXPECT_TRUE(observer.layers().empty());
  EXPECT_EQ(observer.without_keys().size(), 2u);
  EXPECT_EQ(observer.without_keys().at(0), "Mamba-2");
  EXPECT_EQ(observer.without_keys().at(1), "attention with a sink, whose logit is not shown");
  model.values[2 * kDistortLength * kKeyHeads * kDistortValue] = std::nanf("");
  KvDistortionObserver broken = observed(model);
  EXPECT_TRUE(broken.layers().empty());
  EXPECT_EQ(broken.without_keys().count(0), 1u);
  Setting one_document = model.setting();
  std::fill(one_document.window_document.begin(), one_document.window_document.end(), 0);
  KvDistortionObserver none(one_document, kSmall);
  model.show(none, 4, 1);
  EXPECT_EQ(none.without_keys().at(0), "no window of a held-out document");
}

TEST(KvDistortion, NeedsAreItsRows) {
  const DistortModel model;
  const KvDistortionObserver observer(model.setting(), kSmall);
  const tap::Needs needs = observer.needs();
  EXPECT_TRUE(needs.keys);
  EXPECT_EQ(needs.held_query_rows, 15u);
  size_t rows = 0;
  for (const auto& context : observer.contexts().contexts()) {
    rows += context.positions.back() + 1;
  }
  EXPECT_EQ(needs.held_value_rows, rows);
  EXPECT_GE(needs.held_key_rows, rows + 15 * kDistortWindows);
}

// What is left of a layer when its keys are gone, against what the plan is told of it.
TEST(KvDistortion, KeepsOfALayerWhatItTells) {
  const DistortModel model, second(1);
  observed(model);  // what is made once for the whole program
  KvDistortionObserver observer(model.setting(), kSmall);
  const tap::Needs needs = observer.needs();
  const size_t before = live_bytes();
  model.show(observer, 4, 1);
  second.show(observer, 4, 1);
  const size_t live = live_bytes() - before;
  const size_t sample = 15 * kDistortWindows + needs.held_value_rows;
  const size_t told_rows = (needs.held_key_rows - sample) * kKeyHeads * 32 * sizeof(float);
  const size_t sums = 2 * 36 * 5 * sizeof(keys::DistortionSums);
  EXPECT_LE(live, told_rows + sums + 16'000);
  EXPECT_GE(2 * live, told_rows + sums);
  EXPECT_GE(needs.held_bytes, sums + kv_distortion_bytes(36, 15, kDistortLength, kDistortWidth));
}

}  // namespace
}  // namespace rg::experiments::testing
