#include "readout/mlp_loss.h"

#include <algorithm>
#include <cmath>

#include "gate/score.h"
#include "kernels/elementwise.h"
#include "kernels/logits.h"
#include "stats/pinned_math.h"

namespace rg::readout {
namespace {

// ln(1 + exp(x)).
double soft_plus(double x) {
  const double size = std::min(std::abs(x), 700.0);
  return std::max(x, 0.0) + stats::pinned_log(1 + stats::pinned_exp(-size));
}

float tie_of(const Gate& gate, const Routes& routes, uint32_t row, int32_t i, int32_t j,
             const float* probabilities) {
  if (!gate.spec.selection_bias) return 0;
  const auto slope_of = [&](int32_t e) {
    const float p = probabilities[e];
    return gate.spec.score == gate::Score::logits ? 1.0f : p * (1 - p);
  };
  const float slope = std::max((slope_of(i) + slope_of(j)) / 2, 1e-6f);
  return routes.logit_gaps[row] - routes.margins[row] / slope;
}

}  // namespace

MlpTargets mlp_targets(const Gate& gate, const Routes& routes) {
  const uint32_t experts = routes.experts, k = routes.top_k, rows = routes.rows();
  MlpTargets out{.experts = experts,
                 .sigmoid = gate.spec.score == gate::Score::sigmoid,
                 .probabilities = std::vector<float>(routes.logits.size()),
                 .inside = std::vector<int32_t>(rows, -1),
                 .outside = std::vector<int32_t>(rows, -1),
                 .tie = std::vector<float>(rows, 0.0f)};
  for (uint32_t n = 0; n < rows; ++n) {
    float* const p = out.probabilities.data() + size_t{n} * experts;
    gate::score_logits(out.sigmoid ? gate::Score::sigmoid : gate::Score::softmax,
                       routes.logits_of(n).data(), experts, p);
    const int32_t i = routes.ranked_of(n)[k - 1], j = routes.ranked_of(n)[k];
    if (i < 0 || j < 0 || std::isnan(routes.margins[n])) continue;
    out.inside[n] = i;
    out.outside[n] = j;
    out.tie[n] = tie_of(gate, routes, n, i, j, p);
  }
  return out;
}

double row_loss(const MlpTargets& targets, uint32_t row, const float* logits,
                float ranking_weight) {
  const float* const p = targets.probabilities_of(row);
  const uint32_t experts = targets.experts;
  double loss = 0;
  if (targets.sigmoid) {
    for (uint32_t e = 0; e < experts; ++e) {
      const auto z = static_cast<double>(logits[e]);
      loss += soft_plus(z) - static_cast<double>(p[e]) * z;
    }
  } else {
    const double total = kernels::logit_facts(logits, experts).log_total;
    for (uint32_t e = 0; e < experts; ++e) {
      loss += static_cast<double>(p[e]) * (total - static_cast<double>(logits[e]));
    }
  }
  if (targets.inside[row] < 0) return loss;
  const double gap = static_cast<double>(logits[targets.inside[row]]) -
                     static_cast<double>(logits[targets.outside[row]]) -
                     static_cast<double>(targets.tie[row]);
  return loss + static_cast<double>(ranking_weight) * soft_plus(-gap);
}

void row_gradient(const MlpTargets& targets, uint32_t row, const float* logits,
                  float ranking_weight, float scale, float* gradient) {
  const float* const p = targets.probabilities_of(row);
  if (targets.sigmoid) {
    kernels::sigmoid(logits, targets.experts, gradient);
  } else {
    kernels::softmax(logits, targets.experts, gradient);
  }
  for (uint32_t e = 0; e < targets.experts; ++e) gradient[e] = (gradient[e] - p[e]) * scale;
  const int32_t i = targets.inside[row], j = targets.outside[row];
  if (i < 0) return;
  const float lost = -(logits[i] - logits[j] - targets.tie[row]);
  float share = 0;  // sigmoid of it
  kernels::sigmoid(&lost, 1, &share);
  gradient[i] -= ranking_weight * scale * share;
  gradient[j] += ranking_weight * scale * share;
}

}  // namespace rg::readout
