// Forecasts of flips: draws, laws, the quick test of sets, and calibration where it must hold.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "experiments/audit/calibration.h"
#include "experiments/audit/change_law.h"
#include "experiments/audit/set_test.h"
#include "experiments/forecast_fixture.h"

namespace rg::experiments::testing {
namespace {

// Mixtures of small and large changes, all experts pushed apart from the first.
AuditLayer::Change ragged_change(uint64_t seed) {
  return [=](uint32_t row, std::span<float> change) {
    const double scale = normal(seed, 0, row, 9) > 1 ? 0.6 : 0.03;
    for (uint32_t e = 0; e < change.size(); ++e) {
      change[e] = static_cast<float>(scale * normal(seed, e, row, 3) + 0.01 * e);
    }
  };
}

struct Sums {
  uint64_t decisions = 0, flips = 0;
  double p = 0;
};
Sums sums_of(const DrawCounts& counts) {
  Sums sums;
  for (const auto& window : counts.of_window) {
    for (const auto& row : window) {
      sums.decisions += row[1];
      sums.flips += row[2];
      sums.p += row[1] * (row[0] / 64.0);
    }
  }
  return sums;
}

// Random logits on a grid of `step`, so that ties are frequent; step 0: no grid.
float on_grid(double value, double step) {
  return static_cast<float>(step == 0 ? value : std::round(value / step) * step);
}

// Of every row, one by one, and of all at once.
void expect_gates_answer(const gate::GateSpec& spec, double scale, double step, double changes) {
  const uint32_t experts = spec.experts;
  const std::vector<float> bias =
      spec.selection_bias ? audit_normals(5, experts, 0.3) : std::vector<float>();
  FlipBank bank(200, experts);
  for (uint32_t i = 0; i < bank.rows(); ++i) {
    for (uint32_t e = 0; e < experts; ++e) {
      bank.row(i)[e] = on_grid(changes * normal(6, e, i, 1), step);
    }
  }
  SetTest test(spec, bias);
  uint32_t changed = 0, asked = 0;
  for (uint32_t decision = 0; decision < 60; ++decision) {
    std::vector<float> logits(experts), sum(experts);
    for (uint32_t e = 0; e < experts; ++e) {
      logits[e] = on_grid(scale * normal(7, e, decision, 2), step);
    }
    test.decide(logits);
    uint32_t of_gate = 0;
    std::vector<uint32_t> all;
    for (uint32_t i = 0; i < bank.rows(); ++i) {
      for (uint32_t e = 0; e < experts; ++e) sum[e] = logits[e] + bank.row(i)[e];
      const bool expected = chooses_otherwise(spec, bias, logits, sum);
      ASSERT_EQ(test.changes(bank, std::array{i}), expected ? 1u : 0u) << decision << ' ' << i;
      of_gate += expected ? 1u : 0u;
      all.push_back(i);
    }
    ASSERT_EQ(test.changes(bank, all), of_gate);
    changed += of_gate;
    asked += static_cast<uint32_t>(all.size());
  }
  EXPECT_GT(changed, asked / 100);
  EXPECT_LT(changed, asked);
}

TEST(AuditSetTest, GivesTheAnswerOfTheGate) {
  using gate::GroupScore, gate::Score;
  for (const auto& [experts, k] : {std::pair{16u, 4u}, {20u, 1u}, {64u, 8u}, {5u, 4u}}) {
    for (const Score score : {Score::softmax, Score::logits, Score::sigmoid}) {
      const gate::GateSpec spec = audit_gate(experts, k, score);
      expect_gates_answer(spec, 1, 0, 0.2);
      expect_gates_answer(spec, 1, 0.5, 0.5);    // ties
      expect_gates_answer(spec, 3e-7, 0, 3e-7);  // scores tie, logits do not
      expect_gates_answer(spec, 60, 0, 20);      // softmax scores are 0 and 1
      expect_gates_answer(biased(spec), 1, 0.25, 0.3);
    }
  }
  expect_gates_answer(grouped(audit_gate(16, 4, Score::softmax), 4, 2, GroupScore::max), 1, 0.25,
                      0.3);
  expect_gates_answer(
      grouped(biased(audit_gate(16, 4, Score::sigmoid)), 4, 2, GroupScore::top2_sum), 1, 0, 0.3);
}

TEST(AuditSetTest, LogitsThatAreNotFiniteGoThroughTheGate) {
  const gate::GateSpec spec = audit_gate(6, 2, gate::Score::softmax);
  FlipBank bank(1, 6);
  bank.row(0)[4] = 1;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float beyond = std::numeric_limits<float>::infinity();
  const std::vector<std::vector<float>> cases = {{nan, 1, 2, 0, 0.5f, 0},
                                                 {nan, 1, 2, 0, -1, 0},
                                                 {beyond, 1, 2, 0, 1.5f, 0},
                                                 {-beyond, 1, 2, 0, 0.5f, 0}};
  for (const std::vector<float>& logits : cases) {
    std::vector<float> sum = logits;
    sum[4] += 1;
    SetTest test(spec, {});
    test.decide(logits);
    EXPECT_EQ(test.changes(bank, std::array{0u}),
              chooses_otherwise(spec, {}, logits, sum) ? 1u : 0u);
  }
}

TEST(AuditForecast, DrawsChangesOfTheOtherFoldByTheirCounters) {
  const AuditLayer layer(audit_gate(8, 2, gate::Score::softmax), 6, 9, 31, ragged_change(2));
  const LayerForecast forecast = forecast_layer(layer.view());
  for (uint32_t w = 0; w < layer.windows; ++w) {
    std::array<std::array<uint32_t, 2>, 65> expected{};
    for (uint32_t t = 0; t < layer.positions; ++t) {
      uint32_t flips = 0;
      for (uint32_t s = 0; s < 64; ++s) {
        const uint32_t drawn = draw_below(3 * 9, 31, Purpose::audit, {t + (s << 20), w, 5});
        // Three windows of the other parity, nine positions each.
        const uint32_t row = (2 * (drawn / 9) + 1 - w % 2) * 9 + drawn % 9;
        std::vector<float> sum(8);
        double mean = 0;
        for (uint32_t e = 0; e < 8; ++e) {
          mean += (double{layer.logits_b[row * 8 + e]} - double{layer.logits_a[row * 8 + e]}) / 8;
        }
        for (uint32_t e = 0; e < 8; ++e) {
          const double change =
              double{layer.logits_b[row * 8 + e]} - double{layer.logits_a[row * 8 + e]} - mean;
          sum[e] = layer.logits_a[(w * 9 + t) * 8 + e] + static_cast<float>(change);
        }
        const auto logits = std::span(layer.logits_a).subspan((w * 9 + t) * 8, 8);
        flips += chooses_otherwise(layer.spec, {}, logits, sum) ? 1u : 0u;
      }
      ++expected[flips][0];
      expected[flips][1] += layer.flipped[w * 9 + t];
    }
    std::vector<std::array<uint32_t, 3>> rows;
    for (uint32_t s = 0; s <= 64; ++s) {
      if (expected[s][0] > 0) rows.push_back({s, expected[s][0], expected[s][1]});
    }
    EXPECT_EQ(forecast.f4.of_window[w], rows) << w;
  }
}

TEST(AuditForecast, LeavesUndefinedDecisionsOut) {
  AuditLayer layer(audit_gate(8, 2, gate::Score::softmax), 4, 10, 3, ragged_change(4));
  const uint64_t flips = sums_of(forecast_layer(layer.view()).f4).flips;
  const LayerForecast before = forecast_layer(layer.view());
  // The flips of window 0; its changes leave the bank of the other fold.
  uint32_t left_out = 0;
  for (uint32_t t = 0; t < 10; t += 2) {
    layer.defined[t] = 0;
    left_out += layer.flipped[t];
  }
  const LayerForecast after = forecast_layer(layer.view());
  EXPECT_EQ(sums_of(after.f4).decisions, 35u);
  EXPECT_EQ(sums_of(after.f4).flips, flips - left_out);
  EXPECT_EQ(sums_of(after.f2).decisions, 35u);
  EXPECT_NE(after.f4.of_window[1], before.f4.of_window[1]);
  EXPECT_EQ(after.f4.of_window[2], before.f4.of_window[2]);  // same fold: same bank
  EXPECT_EQ(after.bounds->lower[2], before.bounds->lower[2]);
  EXPECT_LT(after.bounds->lower[0], before.bounds->lower[0]);
}

TEST(AuditForecast, WithNothingToDrawFromNoDrawFlips) {
  AuditLayer layer(audit_gate(8, 2, gate::Score::softmax), 4, 10, 3, ragged_change(4));
  std::fill(layer.fold.begin(), layer.fold.end(), uint8_t{1});
  const LayerForecast forecast = forecast_layer(layer.view());
  for (const DrawCounts* const counts : {&forecast.f2, &forecast.f3, &forecast.f4}) {
    for (uint32_t w = 0; w < 4; ++w) {
      ASSERT_EQ(counts->of_window[w].size(), 1u);
      EXPECT_EQ(counts->of_window[w][0][0], 0u);
      EXPECT_EQ(counts->of_window[w][0][1], 10u);
    }
  }
  EXPECT_EQ(forecast.bounds->upper, std::vector<double>(4, 0.0));
}

TEST(AuditForecast, IsTheSameForAnyNumberOfThreads) {
  for (const gate::Score score : {gate::Score::softmax, gate::Score::sigmoid}) {
    const AuditLayer layer(audit_gate(24, 3, score), 9, 70, 8, ragged_change(1));
    const LayerForecast one = forecast_layer(layer.view(1)), three = forecast_layer(layer.view(3));
    EXPECT_EQ(one.f2.of_window, three.f2.of_window);
    EXPECT_EQ(one.f3.of_window, three.f3.of_window);
    EXPECT_EQ(one.f4.of_window, three.f4.of_window);
    EXPECT_EQ(one.bounds->lower, three.bounds->lower);
    EXPECT_EQ(one.bounds->upper, three.bounds->upper);
    EXPECT_EQ(one.bounds->pair, three.bounds->pair);
    EXPECT_NE(one.f2.of_window, one.f4.of_window);
    EXPECT_NE(one.f3.of_window, one.f4.of_window);
  }
}

TEST(AuditForecast, BoundsNeedRanksByLogits) {
  const auto bounded = [](const gate::GateSpec& spec) {
    AuditLayer layer(spec, 2, 5, 3, [](uint32_t, std::span<float>) {});
    layer.bias.assign(spec.experts, 0.1f);
    return forecast_layer(layer.view()).bounds.has_value();
  };
  const gate::GateSpec sigmoid = audit_gate(8, 2, gate::Score::sigmoid);
  EXPECT_TRUE(bounded(sigmoid));
  EXPECT_TRUE(bounded(audit_gate(8, 2, gate::Score::logits)));
}

Json score_of(const DrawCounts& counts, const AuditLayer& layer) {
  std::vector<uint32_t> documents(layer.windows);
  for (uint32_t w = 0; w < layer.windows; ++w) documents[w] = w;
  const Statistician statistician(documents, 400, 1);
  Nulls nulls;
  return score_json(levels_of(counts), true, nullptr, nullptr, true, statistician, nulls, "s");
}

// Changes that don't depend on the logits: F4 is right whatever their law, F3 only if it is normal.
TEST(AuditForecast, IsCalibratedWhereChangesDoNotDependOnLogits) {
  const AuditLayer layer(audit_gate(16, 4, gate::Score::softmax), 40, 100, 17, ragged_change(12));
  const LayerForecast forecast = forecast_layer(layer.view(2));
  const Json f4 = score_of(forecast.f4, layer);
  EXPECT_GT(f4.at("flips").get<int>(), 500);
  EXPECT_NEAR(f4.at("ratio").at("rate").get<double>(), 1, 0.06);
  EXPECT_NEAR(f4.at("slope").at("value").get<double>(), 1, 0.12);
  EXPECT_EQ(f4.at("calibration"), "CALIBRATED");
  const Json f3 = score_of(forecast.f3, layer);
  EXPECT_GT(f3.at("ratio").at("rate").get<double>(), 1.3);
  EXPECT_EQ(f3.at("calibration"), "NOT_CALIBRATED");
}

// Noise in the gate's input: F2, F3 and F4 are all right, and F3's bounds hold.
TEST(AuditForecast, NormalForecastsAreCalibratedWhereTheirLawHolds) {
  constexpr double kSpread = 0.1;
  AuditLayer layer(audit_gate(16, 4, gate::Score::logits), 40, 100, 23,
                   [](uint32_t, std::span<float>) {});
  for (uint32_t row = 0; row < 4000; ++row) {
    for (uint32_t e = 0; e < 16; ++e) {
      double change = 0;
      for (uint32_t c = 0; c < AuditLayer::kWidth; ++c) {
        change += layer.gate[e * AuditLayer::kWidth + c] * kSpread * normal(4, c, row, 6);
      }
      layer.logits_b[row * 16 + e] += static_cast<float>(change);
    }
    layer.flipped[row] =
        chooses_otherwise(layer.spec, {}, std::span(layer.logits_a).subspan(row * 16, 16),
                          std::span(layer.logits_b).subspan(row * 16, 16))
            ? 1
            : 0;
  }
  layer.input_variance = {kSpread * kSpread, kSpread * kSpread};
  const LayerForecast forecast = forecast_layer(layer.view(2));
  for (const DrawCounts* const counts : {&forecast.f2, &forecast.f3, &forecast.f4}) {
    const Json score = score_of(*counts, layer);
    EXPECT_NEAR(score.at("ratio").at("rate").get<double>(), 1, 0.05);
    EXPECT_EQ(score.at("calibration"), "CALIBRATED");
  }
  double lower = 0, upper = 0, pair = 0;
  for (uint32_t w = 0; w < layer.windows; ++w) {
    EXPECT_LE(forecast.bounds->pair[w], forecast.bounds->lower[w]);
    EXPECT_LE(forecast.bounds->lower[w], forecast.bounds->upper[w]);
    lower += forecast.bounds->lower[w];
    upper += forecast.bounds->upper[w];
    pair += forecast.bounds->pair[w];
  }
  const double p = sums_of(forecast.f3).p;
  EXPECT_LT(lower, p);
  EXPECT_GT(upper, p);
  EXPECT_GT(lower, 0.5 * p);
  EXPECT_GT(pair, 0.2 * p);
}

TEST(AuditChangeLaw, IsTheMeanAndCovarianceOfTheChangesSeen) {
  FlipBank bank(3, 2);
  const float rows[3][2] = {{1, 0}, {2, 4}, {6, 2}};
  for (size_t i = 0; i < 3; ++i) std::copy_n(rows[i], 2, bank.row(i));
  const ChangeLaw law = fitted_law(bank, 2);
  EXPECT_DOUBLE_EQ(law.mean(0), 3);
  EXPECT_DOUBLE_EQ(law.mean(1), 2);
  EXPECT_DOUBLE_EQ(law.covariance(0, 0), 14.0 / 3);
  EXPECT_DOUBLE_EQ(law.covariance(1, 0), 2.0 / 3);
  EXPECT_DOUBLE_EQ(law.covariance(1, 1), 8.0 / 3);
}

TEST(AuditChangeLaw, IsotropicNoiseHasTheRoutersCovariance) {
  for (const gate::Score score : {gate::Score::softmax, gate::Score::sigmoid}) {
    const AuditLayer layer(audit_gate(5, 2, score), 2, 2, 3, [](uint32_t, std::span<float>) {});
    const ChangeLaw law = isotropic_law(layer.view(), 0.25);
    const bool centred = score == gate::Score::softmax;
    const auto entry = [&](uint32_t e, uint32_t c) {
      double mean = 0;
      for (uint32_t o = 0; o < 5; ++o) mean += layer.gate[o * AuditLayer::kWidth + c] / 5.0;
      return layer.gate[e * AuditLayer::kWidth + c] - (centred ? mean : 0.0);
    };
    for (uint32_t i = 0; i < 5; ++i) {
      EXPECT_EQ(law.mean(i), 0);
      for (uint32_t j = 0; j <= i; ++j) {
        double sum = 0;
        for (uint32_t c = 0; c < AuditLayer::kWidth; ++c) sum += entry(i, c) * entry(j, c);
        EXPECT_NEAR(law.covariance(i, j), 0.25 * sum, 1e-6);
      }
    }
  }
}

TEST(AuditChangeLaw, DrawnChangesFollowIt) {
  const AuditLayer layer(audit_gate(6, 2, gate::Score::sigmoid), 2, 2, 3,
                         [](uint32_t, std::span<float>) {});
  // Of rank 2: the covariance is singular.
  ChangeLaw law{.mean = linear::Column::LinSpaced(6, -1, 1),
                .covariance = linear::Matrix::Zero(6, 6)};
  linear::Matrix factor(6, 2);
  for (Eigen::Index e = 0; e < 6; ++e) {
    factor(e, 0) = 1 + static_cast<double>(e);
    factor(e, 1) = e % 2 == 0 ? 1 : -1;
  }
  law.covariance = factor * factor.transpose();
  const ChangeLaw constant{.mean = law.mean, .covariance = linear::Matrix::Zero(6, 6)};
  const std::array<FlipBank, 2> banks = normal_changes({&law, &constant}, 20000, layer.view(2), 1);
  const ChangeLaw found = fitted_law(banks[0], 6);
  for (Eigen::Index i = 0; i < 6; ++i) {
    EXPECT_NEAR(found.mean(i), law.mean(i), 4 * std::sqrt(law.covariance(i, i) / 20000));
    EXPECT_EQ(banks[1].row(19999)[i], static_cast<float>(law.mean(i)));
    for (Eigen::Index j = 0; j <= i; ++j) {
      const double size = std::sqrt(law.covariance(i, i) * law.covariance(j, j));
      EXPECT_NEAR(found.covariance(i, j), law.covariance(i, j), 0.06 * size);
    }
  }
  const std::array<FlipBank, 2> other = normal_changes({&law, &constant}, 10, layer.view(), 0);
  EXPECT_NE(other[0].row(0)[0], banks[0].row(0)[0]);
}

}  // namespace
}  // namespace rg::experiments::testing
