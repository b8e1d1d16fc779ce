#include "readout/routes.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace rg::readout {

Routes routes_of(const Gate& gate, std::span<const float> logits) {
  const uint32_t experts = gate.experts(), k = gate.top_k();
  check_internal(!gate.spec.ids_from_table, "a gate that ranks");
  check_internal(logits.size() % experts == 0, "rows of logits");
  check_internal(
      std::all_of(logits.begin(), logits.end(), [](float x) { return std::isfinite(x); }),
      "logits are finite");
  const size_t rows = logits.size() / experts;
  Routes out{.experts = experts,
             .top_k = k,
             .logits = logits,
             .ranked = std::vector<int32_t>(rows * (k + 1)),
             .weights = std::vector<float>(rows * k),
             .margins = std::vector<float>(rows),
             .logit_gaps = std::vector<float>(rows)};
  std::vector<float> scores(experts);
  for (size_t n = 0; n < rows; ++n) {
    gate::DecisionView view{.scores = scores,
                            .ranked = std::span(out.ranked).subspan(n * (k + 1), k + 1),
                            .weights = std::span(out.weights).subspan(n * k, k),
                            .margin = 0,
                            .margin_logit = 0,
                            .margin_group = 0,
                            .eligible = 0};
    gate::decide(gate.spec, logits.subspan(n * experts, experts), gate.selection_bias, view);
    if (gate.spec.per_expert_scale) {
      gate::scale_by_expert(gate.scale_per_expert, view.ranked.first(k), view.weights);
    }
    out.margins[n] = view.margin;
    out.logit_gaps[n] = view.margin_logit;
  }
  return out;
}

std::vector<double> popularity(const Routes& routes, std::span<const uint32_t> rows) {
  std::vector<double> out(routes.experts, 0.0);
  for (const uint32_t n : rows) {
    for (const int32_t e : routes.set_of(n)) out[static_cast<size_t>(e)] += 1;
  }
  for (double& share : out) share /= static_cast<double>(rows.size());
  return out;
}

double chance_overlap(std::span<const double> pi, std::span<const double> rho, uint32_t top_k) {
  double sum = 0;
  for (size_t e = 0; e < pi.size(); ++e) sum += pi[e] * rho[e];
  return sum / top_k;
}

std::vector<int32_t> by_popularity(std::span<const double> popularity) {
  std::vector<int32_t> order(popularity.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return popularity[static_cast<size_t>(a)] > popularity[static_cast<size_t>(b)];
  });
  return order;
}

}  // namespace rg::readout
