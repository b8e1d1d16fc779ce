// The MLP: its gradient by finite differences, its bits, and what stops it.
#include "readout/mlp.h"

#include <gtest/gtest.h>

#include <cmath>

#include "readout/tables.h"
#include "support/caught.h"

namespace rg::readout {
namespace {

using theorems::Draws;
using theorems::Tensor;

// Mean loss in fp64, written without the code under test.
double loss_in_fp64(const MlpLayout& layout, const std::vector<double>& weights,
                    const Tensor& inputs, const MlpTargets& targets, double ranking_weight) {
  double sum = 0;
  for (Eigen::Index n = 0; n < inputs.rows(); ++n) {
    const auto row = static_cast<size_t>(n);
    std::vector<double> hidden(layout.hidden), z(layout.outputs);
    for (size_t h = 0; h < layout.hidden; ++h) {
      double x = weights[layout.in_bias() + h];
      for (uint32_t j = 0; j < layout.features; ++j) {
        x += weights[h * layout.width() + j] * inputs(n, j);
      }
      hidden[h] = std::max(x, 0.0);
    }
    double total = 0;
    for (size_t e = 0; e < layout.outputs; ++e) {
      z[e] = weights[layout.out_bias() + e];
      for (size_t h = 0; h < layout.hidden; ++h) {
        z[e] += weights[layout.out() + e * layout.hidden + h] * hidden[h];
      }
      total += std::exp(z[e]);
    }
    for (size_t e = 0; e < layout.outputs; ++e) {
      const auto p = static_cast<double>(targets.probabilities[row * layout.outputs + e]);
      sum +=
          targets.sigmoid ? std::log(1 + std::exp(z[e])) - p * z[e] : p * (std::log(total) - z[e]);
    }
    const double gap = z[static_cast<size_t>(targets.inside[row])] -
                       z[static_cast<size_t>(targets.outside[row])] -
                       static_cast<double>(targets.tie[row]);
    sum += ranking_weight * std::log(1 + std::exp(-gap));
  }
  return sum / static_cast<double>(inputs.rows());
}

void expect_gradient(const gate::GateSpec& spec, const std::vector<float>& bias) {
  Draws draws(1, "gradient");
  constexpr Eigen::Index kRows = 150;  // a batch of 256: the rest must not count
  const uint32_t experts = spec.experts;
  const Tensor inputs = draws.normal(kRows, 10);
  const std::vector<float> stored = to_floats(inputs),
                           logits = to_floats(draws.normal(kRows, experts));
  const Gate gate = {.spec = spec, .selection_bias = bias, .scale_per_expert = {}};
  const Routes routes = routes_of(gate, logits);
  const MlpTargets targets = mlp_targets(gate, routes);
  const MlpLayout layout = {.features = 10, .hidden = 64, .outputs = experts};
  std::vector<float> weights(layout.size(), 0.0f);
  for (size_t h = 0; h < 64; ++h) {
    for (size_t j = 0; j < 10; ++j) {
      weights[h * layout.width() + j] = static_cast<float>(0.4 * draws.normal());
    }
  }
  for (size_t i = layout.in_bias(); i < weights.size(); ++i) {
    weights[i] = static_cast<float>(0.3 * draws.normal());
  }
  const ReadInput read = [&](uint32_t row, float* to) {
    std::fill(to, to + layout.width(), 0.0f);
    std::copy_n(stored.data() + size_t{row} * 10, 10, to);
  };
  std::vector<float> gradient(weights.size());
  MlpGradient network(layout, 256, 2);
  network.run(weights, read, targets, all_rows(kRows), 0.7f, gradient);
  std::vector<double> exact(weights.begin(), weights.end());
  Tensor rounded(kRows, 10);
  for (Eigen::Index i = 0; i < rounded.size(); ++i) {
    rounded.data()[i] = static_cast<double>(stored[static_cast<size_t>(i)]);
  }
  std::vector<size_t> probed;
  for (size_t h = 0; h < 64; h += 9) probed.push_back(h * layout.width() + h % 10);
  for (size_t i = layout.in_bias(); i < weights.size(); i += 7) probed.push_back(i);
  double largest = 0;
  for (const size_t i : probed) {
    const double step = 1e-5, before = exact[i];
    exact[i] = before + step;
    const double above = loss_in_fp64(layout, exact, rounded, targets, static_cast<double>(0.7f));
    exact[i] = before - step;
    const double below = loss_in_fp64(layout, exact, rounded, targets, static_cast<double>(0.7f));
    exact[i] = before;
    const double slope = (above - below) / (2 * step);
    EXPECT_NEAR(gradient[i], slope, 2e-4 * std::abs(slope) + 2e-6) << i;
    largest = std::max(largest, std::abs(slope));
  }
  EXPECT_GT(largest, 0.01);
  for (size_t j = 10; j < layout.width(); ++j) EXPECT_EQ(gradient[j], 0);
  // The value of the loss, by the code that the stop rule uses.
  const std::vector<float> z = mlp_outputs(layout, weights, read, all_rows(kRows), 1);
  double loss = 0;
  for (uint32_t n = 0; n < kRows; ++n) {
    loss += row_loss(targets, n, z.data() + size_t{n} * experts, 0.7f) / kRows;
  }
  EXPECT_NEAR(loss, loss_in_fp64(layout, exact, rounded, targets, static_cast<double>(0.7f)), 1e-5);
}

TEST(MlpTest, GradientOfSoftmaxGates) { expect_gradient(gate::olmoe_gate(8, 2), {}); }

TEST(MlpTest, GradientOfSigmoidGatesWithABias) {
  gate::GateSpec spec = gate::olmoe_gate(8, 2);
  spec.score = gate::Score::sigmoid;
  spec.selection_bias = true;
  expect_gradient(spec, {0.3f, 0, -0.2f, 0, 0.1f, 0, 0, 0.05f});
}

TEST(MlpTest, TiesOfABiasedGate) {
  // The tie lies where the scores with bias are equal, to first order.
  gate::GateSpec spec = gate::olmoe_gate(2, 1);
  spec.score = gate::Score::sigmoid;
  spec.selection_bias = true;
  const std::vector<float> bias = {0.1f, 0};
  const Gate gate = {.spec = spec, .selection_bias = bias, .scale_per_expert = {}};
  const std::vector<float> logits = {0.05f, -0.05f};
  const MlpTargets targets = mlp_targets(gate, routes_of(gate, logits));
  EXPECT_EQ(targets.inside[0], 0);
  EXPECT_NEAR(targets.tie[0], -0.4, 1e-3);  // z_0 - z_1 = -0.1 / 0.25
}

Planted planted_table(uint64_t seed) {
  Draws draws(seed, "table");
  const Tensor features = draws.normal(1500, 20);
  const Tensor logits = features * draws.normal(20, 8) * 0.5 + 0.3 * draws.normal(1500, 8);
  return Planted(Table(gate::olmoe_gate(8, 2), features, logits, 30));
}

MlpReport fitted(const Planted& planted, const MlpOptions& options) {
  return evaluate_mlp(planted.experiment(), planted.table.rows(), options);
}

TEST(MlpTest, ThreadsChangeNoBitAndSeedsDo) {
  const Planted planted = planted_table(1);
  MlpOptions options = small_mlp(1);
  options.epochs = 3;
  const MlpFit one = fitted(planted, options).fit;
  options.threads = 2;
  const MlpFit two = fitted(planted, options).fit;
  options.threads = 3;
  const MlpFit three = fitted(planted, options).fit;
  EXPECT_EQ(one.mlp.weights, two.mlp.weights);
  EXPECT_EQ(one.mlp.weights, three.mlp.weights);
  EXPECT_EQ(one.validation_loss, two.validation_loss);
  options.source.seed = 1;
  EXPECT_NE(fitted(planted, options).fit.mlp.weights, three.mlp.weights);
  options.source.seed = 0;
  options.number = 1;
  EXPECT_NE(fitted(planted, options).fit.mlp.weights, three.mlp.weights);
}

TEST(MlpTest, StopsByTheValidationRowsAndReturnsTheBestEpoch) {
  // Few rows of noise: the fitting rows are learned by heart, the others get worse.
  Draws draws(2, "noise");
  const Planted planted(
      Table(gate::olmoe_gate(8, 2), draws.normal(300, 40), 2 * draws.normal(300, 8), 3));
  MlpOptions options = small_mlp();
  options.rate = 1e-2f;
  const MlpFit fit = fitted(planted, options).fit;
  const size_t epochs = fit.validation_loss.size() - 1;
  EXPECT_LT(epochs, options.epochs);
  EXPECT_EQ(epochs, fit.best_epoch + options.patience);
  for (const double loss : fit.validation_loss) {
    EXPECT_GE(loss, fit.validation_loss[fit.best_epoch]);
  }
  options.epochs = fit.best_epoch;
  EXPECT_EQ(fitted(planted, options).fit.mlp.weights, fit.mlp.weights);
  EXPECT_GT(fit.validation_loss.back(), fit.validation_loss[fit.best_epoch]);
}

TEST(MlpTest, RefusesADocumentOnBothSides) {
  const Planted planted = planted_table(3);
  const std::vector<uint32_t> train = {0, 1, 2, 40}, validation = {41, 90};
  const FeatureRows rows = planted.table.rows();
  EXPECT_THROW(
      train_mlp(rows, standardiser_of(rows, train), mlp_targets(planted.gate, planted.routes),
                planted.routes, train, validation, planted.table.documents, small_mlp()),
      Error);
}

}  // namespace
}  // namespace rg::readout
