#include "readout/mlp.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"
#include "kernels/adam.h"
#include "readout/split.h"

namespace rg::readout {
namespace {

constexpr float kMeanDecay = 0.9f, kSquareDecay = 0.999f, kAdamEpsilon = 1e-8f;
constexpr size_t kAdamChunk = 16384;

class Adam {
 public:
  Adam(size_t size, int threads) : mean_(size, 0.0f), square_(size, 0.0f), threads_(threads) {}

  void step(float rate, std::span<const float> gradient, std::span<float> weights) {
    mean_left_ *= static_cast<double>(kMeanDecay);
    square_left_ *= static_cast<double>(kSquareDecay);
    const kernels::AdamRates rates{
        .mean_decay = kMeanDecay,
        .square_decay = kSquareDecay,
        .step = static_cast<float>(rate * std::sqrt(1 - square_left_) / (1 - mean_left_)),
        .epsilon = kAdamEpsilon};
    parallel_for((weights.size() + kAdamChunk - 1) / kAdamChunk, threads_, [&](size_t chunk, int) {
      const size_t begin = chunk * kAdamChunk;
      kernels::adam_step(rates, gradient.data() + begin,
                         std::min(kAdamChunk, weights.size() - begin), mean_.data() + begin,
                         square_.data() + begin, weights.data() + begin);
    });
  }

 private:
  std::vector<float> mean_, square_;
  int threads_;
  double mean_left_ = 1, square_left_ = 1;  // powers of the decays
};

ReadInput reader_of(const FeatureRows& features, const Standardiser& inputs, uint32_t width) {
  return [&features, &inputs, width](uint32_t row, float* to) {
    inputs.apply(features.row(row), to);
    std::fill(to + features.width, to + width, 0.0f);
  };
}

std::vector<float> first_weights(const MlpLayout& layout, const Routes& routes,
                                 std::span<const uint32_t> train, const MlpOptions& options) {
  std::vector<float> weights(layout.size(), 0.0f);
  const double deviation = std::sqrt(2.0 / layout.features);
  parallel_for(layout.hidden, options.threads, [&](size_t h, int) {
    for (uint32_t j = 0; j < layout.features; ++j) {
      const auto index = static_cast<uint32_t>(h * layout.features + j);
      weights[h * layout.width() + j] = static_cast<float>(
          deviation * normal_draw(options.source, Draw::weights, index, options.number));
    }
  });
  for (uint32_t e = 0; e < layout.outputs; ++e) {
    double sum = 0;
    for (const uint32_t n : train) sum += static_cast<double>(routes.logits_of(n)[e]);
    weights[layout.out_bias() + e] = static_cast<float>(sum / static_cast<double>(train.size()));
  }
  return weights;
}

double mean_loss(const MlpLayout& layout, std::span<const float> weights, const ReadInput& read,
                 const MlpTargets& targets, std::span<const uint32_t> rows,
                 const MlpOptions& options) {
  const std::vector<float> logits = mlp_outputs(layout, weights, read, rows, options.threads);
  double sum = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    sum += row_loss(targets, rows[i], logits.data() + i * layout.outputs, options.ranking_weight);
  }
  return sum / static_cast<double>(rows.size());
}

}  // namespace

MlpFit train_mlp(const FeatureRows& features, const Standardiser& inputs, const MlpTargets& targets,
                 const Routes& routes, std::span<const uint32_t> train,
                 std::span<const uint32_t> validation, std::span<const uint32_t> document_of_row,
                 const MlpOptions& options) {
  check_internal(!train.empty() && !validation.empty(), "rows to fit on and to stop by");
  check_internal(apart(train, validation, document_of_row), "documents on one side each");
  const MlpLayout layout{
      .features = features.width, .hidden = options.hidden, .outputs = targets.experts};
  const ReadInput read = reader_of(features, inputs, layout.width());
  std::vector<float> weights = first_weights(layout, routes, train, options);
  std::vector<float> gradient(weights.size()), best = weights;
  std::vector<uint32_t> shuffled_rows(train.size());
  MlpGradient network(layout, options.batch, options.threads);
  Adam adam(weights.size(), options.threads);
  std::vector<double> losses = {mean_loss(layout, weights, read, targets, validation, options)};
  uint32_t best_epoch = 0;
  float rate = options.rate;
  for (uint32_t epoch = 1; epoch <= options.epochs; ++epoch) {
    const std::vector<uint32_t> order =
        shuffled(options.source, Draw::order, static_cast<uint32_t>(train.size()),
                 options.number << 16 | epoch);
    for (size_t i = 0; i < order.size(); ++i) shuffled_rows[i] = train[order[i]];
    for (size_t at = 0; at < shuffled_rows.size(); at += options.batch) {
      const size_t count = std::min<size_t>(options.batch, shuffled_rows.size() - at);
      network.run(weights, read, targets, std::span(shuffled_rows).subspan(at, count),
                  options.ranking_weight, gradient);
      adam.step(rate, gradient, weights);
    }
    losses.push_back(mean_loss(layout, weights, read, targets, validation, options));
    if (losses.back() < losses[best_epoch]) {
      best_epoch = epoch;
      best = weights;
    } else {
      rate /= 2;
      if (epoch - best_epoch >= options.patience || !std::isfinite(losses.back())) break;
    }
  }
  return {.mlp = {.inputs = inputs, .layout = layout, .weights = std::move(best)},
          .validation_loss = std::move(losses),
          .best_epoch = best_epoch};
}

size_t training_bytes(const MlpLayout& layout, uint32_t batch, size_t train_rows) {
  return 5 * layout.size() * sizeof(float) + MlpGradient::bytes(layout, batch) +
         2 * train_rows * sizeof(uint32_t);
}

std::vector<float> predict(const Mlp& mlp, const FeatureRows& features,
                           std::span<const uint32_t> rows, int threads) {
  check_internal(mlp.layout.features == features.width, "as many features as fitted on");
  return mlp_outputs(mlp.layout, mlp.weights, reader_of(features, mlp.inputs, mlp.layout.width()),
                     rows, threads);
}

}  // namespace rg::readout
