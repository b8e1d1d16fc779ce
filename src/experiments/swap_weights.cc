#include "experiments/swap_weights.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "stats/pinned_math.h"

namespace rg::experiments {
namespace {

double sigmoid(double z) {
  constexpr double kFlat = 700;
  return 1 / (1 + stats::pinned_exp(std::clamp(-z, -kFlat, kFlat)));
}

double raw_weight(const GatedToken& token, int32_t expert, double largest_logit) {
  const auto e = static_cast<size_t>(expert);
  const double z = static_cast<double>(token.logits[e]);
  switch (token.spec->weigh.value) {
    case gate::Weigh::scores:
      return static_cast<double>(token.scores[e]) -
             (token.spec->selection_bias ? static_cast<double>(token.selection_bias[e]) : 0.0);
    case gate::Weigh::selected_softmax:
      return stats::pinned_exp(std::max(z - largest_logit, -700.0));
    case gate::Weigh::selected_sigmoid:
      return sigmoid(z);
    case gate::Weigh::sparsemixer:  // sparsemixer_weight()
      break;
  }
  return 0;
}

// What the gate gives `competitor` as its last pick if e_k can't be chosen.
double sparsemixer_weight(const GatedToken& token, int32_t competitor) {
  const std::span<const int32_t> gone(token.ranked, token.spec->top_k);
  const double top = static_cast<double>(token.logits[competitor]);
  const double limit = 2 * static_cast<double>(token.spec->epsilon.value);
  double sum = 1;
  for (int32_t j = 0; j < static_cast<int32_t>(token.spec->experts); ++j) {
    if (j == competitor || std::find(gone.begin(), gone.end(), j) != gone.end()) continue;
    const double z = static_cast<double>(token.logits[j]);
    if ((top - z) / std::max(std::abs(z), top) <= limit) {
      sum += stats::pinned_exp(std::clamp(z - top, -700.0, 700.0));
    }
  }
  return static_cast<double>(token.spec->scaling.value) / sum;
}

}  // namespace

double swapped_weight(const GatedToken& token, int32_t competitor) {
  const uint32_t k = token.spec->top_k;
  const int32_t* member = std::find(token.ranked, token.ranked + k, competitor);
  if (member != token.ranked + k) {
    return static_cast<double>(token.weights[member - token.ranked]);
  }
  if (token.spec->weigh == gate::Weigh::sparsemixer) return sparsemixer_weight(token, competitor);
  std::array<int32_t, gate::kMaxExperts> set;
  std::copy_n(token.ranked, k - 1, set.begin());
  set[k - 1] = competitor;
  float largest = token.logits[set[0]];
  for (uint32_t i = 1; i < k; ++i) largest = std::max(largest, token.logits[set[i]]);

  double sum = 0;
  for (uint32_t i = 0; i < k; ++i) sum += raw_weight(token, set[i], static_cast<double>(largest));
  double weight = raw_weight(token, competitor, static_cast<double>(largest));
  const double epsilon = static_cast<double>(token.spec->epsilon.value);
  if (token.spec->weigh == gate::Weigh::selected_softmax) weight /= sum;
  switch (token.spec->normalise.value) {
    case gate::Normalise::no:
      break;
    case gate::Normalise::by_sum:
      weight /= sum;
      break;
    case gate::Normalise::by_sum_plus_epsilon:
      weight /= sum + epsilon;
      break;
    case gate::Normalise::by_max_of_sum_and_epsilon:
      weight /= std::max(sum, epsilon);
      break;
  }
  return weight * static_cast<double>(token.spec->scaling.value);
}

}  // namespace rg::experiments
