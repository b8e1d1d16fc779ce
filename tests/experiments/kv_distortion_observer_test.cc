// The observer of coded keys, on hand-made queries, keys and values.
#include "experiments/kv_distortion_observer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "experiments/fake_engine.h"
#include "experiments/live_bytes.h"

namespace rg::experiments::testing {
namespace {

constexpr uint32_t kDistortWindows = 24, kDistortLength = 20, kDistortWidth = 8, kDistortValue = 5,
                   kQueryHeads = 4, kDistortHeads = 2;

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
  std::vector<float> normed;                 // keys before RoPE, empty: not shown
  tap::KeyView view{};

  explicit DistortModel(int layer = 0) {
    windows.name = "windows";
    windows.lengths.assign(kDistortWindows, kDistortLength);
    windows.ids.assign(size_t{kDistortWindows} * kDistortLength, 0);
    const size_t rows = windows.rows();
    queries = rows_of(layer, 1, rows, kQueryHeads * kDistortWidth, 2);
    keys = rows_of(layer, 2, rows, kDistortHeads * kDistortWidth, 1);
    values = rows_of(layer, 3, rows, kDistortHeads * kDistortValue, 1);
    view.layer = layer;
    view.mixer = "attention";
    view.heads = kQueryHeads;
    view.kv_heads = kDistortHeads;
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
      const float* const k = keys.data() + shown.first_row * kDistortHeads * kDistortWidth;
      shown.queries = {nullptr, nullptr, nullptr, q};
      shown.keys = {nullptr, nullptr, nullptr, k};
      if (!normed.empty()) {
        shown.keys.normed = normed.data() + shown.first_row * kDistortHeads * kDistortWidth;
      }
      shown.values = values.data() + shown.first_row * kDistortHeads * kDistortValue;
      observer.on_keys(own, shown);
    });
    observer.end_keys(own);
  }
};

constexpr float kNoTurn[] = {0};

constexpr KvDistortionOptions kSmall{.step = &tap::KeySteps::scored,
                                     .codes = {KvCodeChoice::all, true, 1, 4},
                                     .windows = 5,
                                     .queries = 3,
                                     .fit_positions = 15,
                                     .sink_positions = 2};

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
  for (uint32_t h = 0; h < kDistortHeads; ++h) {
    keys::DistortionRecord record(5 * 3 * 2);
    size_t slot = 0;
    for (const auto& context : observer.contexts().contexts()) {
      std::vector<float> k, v;
      const size_t first = size_t{context.window} * kDistortLength;
      for (size_t row = first; row < first + kDistortLength; ++row) {
        const float* const key = model.keys.data() + (row * kDistortHeads + h) * kDistortWidth;
        k.insert(k.end(), key, key + kDistortWidth);
        const float* const value = model.values.data() + (row * kDistortHeads + h) * kDistortValue;
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
    const KvMeasured& found = observer.layers()[0].heads[h].codes[plain].measured.all;
    const keys::DistortionSums sums = record.sums(0, slot);
    EXPECT_EQ(found.sums.cases + found.sums.trivial, 30u);
    EXPECT_EQ(found.sums.trivial, sums.trivial);
    EXPECT_EQ(found.sums.product, sums.product);
    EXPECT_EQ(found.sums.divergence, sums.divergence);
    EXPECT_EQ(found.summary.median_error, record.summary().median_error);
    EXPECT_EQ(found.summary.bounds[keys::kTanh].p95_tightness,
              record.summary().bounds[keys::kTanh].p95_tightness);
  }
}

double mean_variation(const KvCodeResult& code) {
  const keys::DistortionSums& sums = code.measured.all.sums;
  return sums.variation / static_cast<double>(sums.cases);
}

TEST(KvDistortion, CodesDifferAsTheirNamesSay) {
  const DistortModel model;
  const KvDistortionObserver observer = observed(model);
  const KvHeadResult& head = observer.layers()[0].heads[0];
  std::vector<double> errors;
  for (const KvCodeResult& code : head.codes) {
    EXPECT_EQ(code.refused, "");
    for (const keys::BoundSummary& bound : code.measured.all.summary.bounds) {
      EXPECT_LE(bound.largest_excess, 1e-12);
    }
    EXPECT_NE(code.measured.all.sums.variation, code.measured.sinks_exact.sums.variation);
    EXPECT_TRUE(code.windows.empty());
    errors.push_back(code.measured.all.summary.median_error + mean_variation(code));
  }
  std::sort(errors.begin(), errors.end());
  EXPECT_EQ(std::adjacent_find(errors.begin(), errors.end()), errors.end());
  for (uint32_t bits = 2; bits <= 4; ++bits) {
    const KvCodeResult& more = head.codes[code_at(observer.codes(), bits, 0)];
    const KvCodeResult& fewer = head.codes[code_at(observer.codes(), bits - 1, 0)];
    EXPECT_LT(more.measured.all.sums.divergence, fewer.measured.all.sums.divergence);
    EXPECT_LT(more.key_error, fewer.key_error);
    EXPECT_EQ(more.value_error, 0);
    EXPECT_GT(head.codes[code_at(observer.codes(), bits, 8)].value_error, 0);
  }
  EXPECT_LT(head.codes[0].key_error, 0.5 * head.key_energy);
  EXPECT_GT(head.value_energy, 0);
}

TEST(KvDistortion, CodesAreThoseThatWereChosen) {
  EXPECT_EQ(kv_codes({KvCodeChoice::plain, false, 2, 3}).size(), 2u);
  const std::vector<KvCode> plain = kv_codes({KvCodeChoice::plain, true, 3, 3});
  ASSERT_EQ(plain.size(), 2u);
  EXPECT_TRUE(plain[0].plain());
  EXPECT_TRUE(plain[1].values);
  EXPECT_FALSE(plain[1].plain());
  const std::vector<KvCode> scales = kv_codes({KvCodeChoice::scales, true, 1, 4});
  ASSERT_EQ(scales.size(), 24u);
  for (size_t c = 0; c < scales.size(); ++c) {
    EXPECT_EQ(scales[c].spec.bits, c / 6 + 1);
    EXPECT_EQ(scales[c].plain(), c % 6 == 0);
    EXPECT_EQ(scales[c].needs_fit(), c % 6 == 1 || c % 6 == 2);
  }
  size_t fitted = 0;
  for (const KvCode& code : kv_codes({KvCodeChoice::all, false, 1, 1})) fitted += code.needs_fit();
  EXPECT_EQ(fitted, 4u);
}

TEST(KvDistortion, SumsOfWindowsAreOverAllHeads) {
  const DistortModel model;
  const KvDistortionObserver observer = observed(model);
  const KvDistortionLayer& layer = observer.layers()[0];
  for (size_t c = 0; c < observer.codes().size(); ++c) {
    for (const bool exact : {false, true}) {
      keys::DistortionSums windows, heads;
      ASSERT_EQ(layer.windows[c].size(), 5u);
      for (const auto& window : layer.windows[c])
        windows.add(exact ? window.sinks_exact : window.all);
      for (const KvHeadResult& head : layer.heads) {
        const auto& measured = head.codes[c].measured;
        heads.add(exact ? measured.sinks_exact.sums : measured.all.sums);
      }
      EXPECT_EQ(windows.cases + windows.trivial, 5 * 3 * kQueryHeads);
      EXPECT_EQ(windows.cases, heads.cases);
      EXPECT_EQ(windows.vacuous, heads.vacuous);
      EXPECT_NEAR(windows.variation, heads.variation, 1e-12 * heads.variation);
      EXPECT_NEAR(windows.product, heads.product, 1e-12 * heads.product);
    }
  }
}

TEST(KvDistortion, DoesNotDependOnBlocksOrThreads) {
  const DistortModel model;
  const KvDistortionObserver first = observed(model, 1, 1), second = observed(model, 7, 2);
  for (uint32_t h = 0; h < kDistortHeads; ++h) {
    for (size_t c = 0; c < first.codes().size(); ++c) {
      const KvBoth<KvMeasured>& a = first.layers()[0].heads[h].codes[c].measured;
      const KvBoth<KvMeasured>& b = second.layers()[0].heads[h].codes[c].measured;
      EXPECT_EQ(a.all.summary.median_error, b.all.summary.median_error);
      EXPECT_EQ(a.all.sums.divergence, b.all.sums.divergence);
      EXPECT_EQ(a.sinks_exact.sums.product, b.sinks_exact.sums.product);
      EXPECT_EQ(first.layers()[0].windows[c][2].all.error,
                second.layers()[0].windows[c][2].all.error);
    }
  }
}

TEST(KvDistortion, FitsOnOtherDocumentsAndNotOnSinks) {
  const DistortModel model;
  DistortModel other, sinks, fitted;
  for (size_t row = 0; row < model.windows.rows(); ++row) {
    const bool held_out = row / kDistortLength / 2 % 2 == 1;
    const bool sink = row % kDistortLength < kSmall.sink_positions;
    for (size_t j = 0; j < kDistortHeads * kDistortWidth; ++j) {
      const size_t at = row * kDistortHeads * kDistortWidth + j;
      if (!held_out && sink) sinks.keys[at] *= 50;
      if (!held_out && !sink) fitted.keys[at] *= j % 2 == 0 ? 5.0f : 0.2f;
    }
  }
  const KvDistortionObserver plain = observed(model);
  const size_t channels = code_at(plain.codes(), 2, 1);
  const auto error = [&](const DistortModel& of, size_t code) {
    return mean_variation(observed(of).layers()[0].heads[0].codes[code]);
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
      changed.keys[row * kDistortHeads * kDistortWidth] += 3;
    }
  }
  const auto divergence = [&](const DistortModel& of) {
    return observed(of, 3, 1, one).layers()[0].heads[0].codes[0].measured.all.sums.divergence;
  };
  EXPECT_EQ(divergence(changed), divergence(model));
  EXPECT_NE(divergence(all), divergence(model));
}

// Zero keys to learn from in one head only: no rotation is learned there, so at the layer neither.
TEST(KvDistortion, ACodeThatOneHeadRefusesIsRefusedAtTheLayer) {
  DistortModel model;
  for (size_t row = 0; row < model.windows.rows(); ++row) {
    float* const key = model.keys.data() + (row * kDistortHeads + 1) * kDistortWidth;
    if (row / kDistortLength / 2 % 2 == 0) std::fill_n(key, kDistortWidth, 0.0f);
  }
  const KvDistortionObserver observer = observed(model);
  const KvDistortionLayer& layer = observer.layers()[0];
  for (size_t c = 0; c < observer.codes().size(); ++c) {
    const bool learned = observer.codes()[c].gauge == keys::GaugeKind::itq_cosine;
    for (const KvHeadResult& head : layer.heads) {
      EXPECT_EQ(head.codes[c].refused.empty(), !learned);
      EXPECT_EQ(head.codes[c].measured.all.sums.cases > 0, !learned);
    }
    EXPECT_EQ(layer.windows[c].empty(), learned);
  }
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
  DistortModel rotated(1);
  rotated.view.norm = tap::KeyNorm::per_head_rotated;
  KvDistortionOptions before = kSmall;
  before.step = &tap::KeySteps::normed;
  KvDistortionObserver earlier(model.setting(), before);
  rotated.show(earlier, 4, 1);
  EXPECT_EQ(earlier.without_keys().at(1), "a norm after RoPE, whose gains are not shown");
  rotated.view.latent_width = 4;
  KvDistortionObserver latent(model.setting(), before);
  rotated.show(latent, 4, 1);
  EXPECT_EQ(latent.without_keys().at(1), "latent attention, which has no keys before RoPE");
  model.values[2 * kDistortLength * kDistortHeads * kDistortValue] = std::nanf("");
  KvDistortionObserver broken = observed(model);
  EXPECT_TRUE(broken.layers().empty());
  EXPECT_EQ(broken.without_keys().count(0), 1u);
  Setting one_document = model.setting();
  std::fill(one_document.window_document.begin(), one_document.window_document.end(), 0);
  KvDistortionObserver none(one_document, kSmall);
  model.show(none, 4, 1);
  EXPECT_EQ(none.without_keys().at(0), "no window of a held-out document");
}

// (x, y) becomes (-y, x) `quarters` times, then twice that.
void turn_quarters(size_t quarters, float* pair) {
  for (size_t turn = 0; turn < quarters; ++turn) {
    const float x = pair[0];
    pair[0] = -pair[1];
    pair[1] = x;
  }
  pair[0] *= 2;
  pair[1] *= 2;
}

// RoPE that turns the first two columns by a quarter per position, at factor 2.
TEST(KvDistortion, ErrorsOfKeysStoredBeforeRopeAreTurned) {
  DistortModel model;
  const std::vector<float> frequencies = {1.57079637f};
  model.view.rotation = tap::RotationView{.first_column = 0,
                                          .columns = 2,
                                          .planes = tap::Planes::half_split,
                                          .frequencies = frequencies,
                                          .factor = 2,
                                          .long_from = {},
                                          .long_frequencies = {},
                                          .long_factor = 1};
  model.normed = model.keys;
  KvDistortionOptions before = kSmall;
  before.step = &tap::KeySteps::normed;
  const KvDistortionObserver observer = observed(model, 3, 1, before);
  const size_t plain = code_at(observer.codes(), 1, 0);
  const keys::KeySet none{.width = kDistortWidth, .values = {}, .documents = {}};
  const keys::KeyScales scales = keys::fit_scales(none, observer.codes()[plain].spec);
  double expected = 0;
  for (const auto& context : observer.contexts().contexts()) {
    for (size_t row = 0; row < context.rows; ++row) {
      const float* const stored =
          model.normed.data() +
          ((size_t{context.window} * kDistortLength + row) * kDistortHeads + 1) * kDistortWidth;
      std::vector<float> read(stored, stored + kDistortWidth);
      keys::quantise(scales, read.data(), 1, kDistortWidth);
      for (size_t j = 0; j < kDistortWidth; ++j) read[j] -= stored[j];
      turn_quarters(row % 4, read.data());
      for (const float change : read) expected += double{change} * double{change};
    }
  }
  EXPECT_NEAR(observer.layers()[0].heads[1].codes[plain].key_error, expected, 1e-5 * expected);
  // Errors where keys are scored are what attention feels: without the turn it feels others.
  DistortModel still = model;
  still.view.rotation->factor = 1;
  still.view.rotation->frequencies = std::span(kNoTurn);
  const auto divergence = [&](const DistortModel& of) {
    return observed(of, 3, 1, before)
        .layers()[0]
        .heads[1]
        .codes[plain]
        .measured.all.sums.divergence;
  };
  EXPECT_NE(divergence(still), divergence(model));
  EXPECT_EQ(divergence(still),
            observed(still).layers()[0].heads[1].codes[plain].measured.all.sums.divergence);
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
  DistortModel model;
  observed(model);  // what is made once for the whole program
  KvDistortionObserver observer(model.setting(), kSmall);
  const tap::Needs needs = observer.needs();
  const size_t before = live_bytes();
  model.show(observer, 4, 1);
  model.view.layer = 1;
  model.show(observer, 4, 1);
  ASSERT_EQ(observer.layers().size(), 2u);
  const size_t live = live_bytes() - before;
  const size_t sample = 15 * kDistortWindows + needs.held_value_rows;
  const size_t told_rows = (needs.held_key_rows - sample) * kDistortHeads * 32 * sizeof(float);
  const size_t sums = 2 * 36 * 5 * sizeof(KvBoth<keys::DistortionSums>);
  EXPECT_LE(live, told_rows + sums + 16'000);
  EXPECT_GE(2 * live, told_rows + sums);
  EXPECT_GE(needs.held_bytes, sums + kv_distortion_bytes(36, 15, kDistortLength, kDistortWidth));
}

}  // namespace
}  // namespace rg::experiments::testing
