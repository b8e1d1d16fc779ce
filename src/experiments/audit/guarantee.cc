#include "experiments/audit/guarantee.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "gate/score.h"
#include "kernels/elementwise.h"

namespace rg::experiments {
namespace {

constexpr double kEndless = std::numeric_limits<double>::infinity();
// What fp32 can change: a computed logit by 2^-19 of the largest logit, a score by 2^-22 of the
// largest score. Two of them are compared.
constexpr double kLogitRounding = 0x1p-18, kScoreRounding = 0x1p-21;

// How fast a quantity changes with the input: (ahead - behind) may shrink by `speed` per unit.
double reach(double lead, double speed, double rounding) {
  if (speed == 0 && lead >= 0) return kEndless;
  return std::max(lead - rounding, 0.0) / speed;
}

// What is ranked, and how fast it changes.
class Ranked {
 public:
  Ranked(const gate::GateSpec& spec, std::span<const float> selection_bias,
         std::span<const float> logits, const GateDistances& distances)
      : spec_(spec), distances_(distances), values_(logits.begin(), logits.end()) {
    // The order of softmax scores is that of logits; of biased ones, or of sums of two, it isn't.
    const bool sums = spec.group_score == gate::GroupScore::top2_sum;
    by_logits_ = spec.score == gate::Score::logits ||
                 (spec.score == gate::Score::softmax && !spec.selection_bias && !sums);
    double largest = 0;
    for (const double z : values_) largest = std::max(largest, std::fabs(z));
    rounding_ = kLogitRounding * largest;
    if (!by_logits_) {
      std::vector<float> scores(logits.size());
      gate::score_logits(spec.score, logits.data(), logits.size(), scores.data());
      values_.assign(scores.begin(), scores.end());
      rounding_ /= 4;  // a score changes by a quarter of its logit at most
    }
    double most = by_logits_ ? 0 : 1;
    for (size_t e = 0; spec.selection_bias && e < values_.size(); ++e) {
      values_[e] += selection_bias[e];
      most = std::max(most, std::fabs(values_[e]));
    }
    rounding_ += kScoreRounding * most;
  }

  double value(size_t e) const { return values_[e]; }
  double rounding() const { return rounding_; }
  // Of the expert alone.
  double speed(size_t e) const {
    if (spec_.score == gate::Score::logits) return distances_.norm(e);
    return (spec_.score == gate::Score::sigmoid ? distances_.norm(e) : distances_.farthest(e)) / 4;
  }
  // The input may move so far before j passes i.
  double between(size_t i, size_t j) const {
    return reach(values_[i] - values_[j],
                 by_logits_ ? distances_.between(i, j) : speed(i) + speed(j), rounding_);
  }

 private:
  const gate::GateSpec& spec_;
  const GateDistances& distances_;
  std::vector<double> values_;
  bool by_logits_;
  double rounding_;
};

// The groups of experts, which are kept, and how far their order holds.
class Groups {
 public:
  Groups(const gate::GateSpec& spec, const Ranked& ranked)
      : ranked_(ranked),
        size_(spec.experts / spec.groups),
        of_two_(spec.group_score == gate::GroupScore::top2_sum) {
    std::vector<std::pair<double, size_t>> order;
    for (size_t g = 0; g < spec.groups; ++g) order.emplace_back(-score(g), g);
    std::stable_sort(order.begin(), order.end());
    kept_.assign(spec.groups, false);
    for (size_t rank = 0; rank < spec.groups_kept; ++rank) kept_[order[rank].second] = true;
  }

  bool keeps(size_t expert) const { return kept_[expert / size_]; }

  double radius() const {
    double least = kEndless;
    for (size_t g = 0; g < kept_.size(); ++g) {
      for (size_t h = 0; kept_[g] && h < kept_.size(); ++h) {
        if (!kept_[h]) least = std::min(least, of_two_ ? sums_apart(g, h) : best_apart(g, h));
      }
    }
    return least;
  }

 private:
  // The best expert of a group and the next one; the same twice in a group of one.
  std::array<size_t, 2> best_two(size_t group) const {
    std::array<size_t, 2> best = {group * size_, group * size_};
    for (size_t e = group * size_ + 1; e < (group + 1) * size_; ++e) {
      if (ranked_.value(e) > ranked_.value(best[0])) {
        best = {e, best[0]};
      } else if (best[1] == best[0] || ranked_.value(e) > ranked_.value(best[1])) {
        best[1] = e;
      }
    }
    return best;
  }
  double score(size_t group) const {
    const std::array<size_t, 2> best = best_two(group);
    return ranked_.value(best[0]) + (of_two_ ? ranked_.value(best[1]) : 0.0);
  }
  // g stays ahead as long as its best expert stays ahead of all of h.
  double best_apart(size_t g, size_t h) const {
    const size_t best = best_two(g)[0];
    double least = kEndless;
    for (size_t e = h * size_; e < (h + 1) * size_; ++e) {
      least = std::min(least, ranked_.between(best, e));
    }
    return least;
  }
  // As long as its two best sum to more than any two of h.
  double sums_apart(size_t g, size_t h) const {
    const std::array<size_t, 2> best = best_two(g);
    double fastest = 0, next = 0;
    for (size_t e = h * size_; e < (h + 1) * size_; ++e) {
      const double speed = ranked_.speed(e);
      next = std::max(next, std::min(speed, fastest));
      fastest = std::max(fastest, speed);
    }
    return reach(score(g) - score(h),
                 ranked_.speed(best[0]) + ranked_.speed(best[1]) + fastest + next,
                 2 * ranked_.rounding());
  }

  const Ranked& ranked_;
  size_t size_;
  bool of_two_;
  std::vector<bool> kept_;
};

}  // namespace

GateDistances::GateDistances(std::span<const float> gate, uint32_t experts, uint32_t width)
    : between_(size_t{experts} * experts, 0.0), norm_(experts), farthest_(experts, 0.0) {
  const auto row = [&](size_t e) { return gate.data() + e * width; };
  for (size_t i = 0; i < experts; ++i) {
    norm_[i] = std::sqrt(kernels::squared_norm(row(i), width));
    for (size_t j = 0; j < i; ++j) {
      const double distance = std::sqrt(kernels::squared_distance(row(i), row(j), width));
      between_[i * experts + j] = between_[j * experts + i] = distance;
      farthest_[i] = std::max(farthest_[i], distance);
      farthest_[j] = std::max(farthest_[j], distance);
    }
  }
}

double guaranteed_radius(const gate::GateSpec& spec, std::span<const float> selection_bias,
                         std::span<const float> logits, const GateDistances& distances) {
  if (!std::all_of(logits.begin(), logits.end(), [](float z) { return std::isfinite(z); })) {
    return 0;
  }
  const Ranked ranked(spec, selection_bias, logits, distances);
  const Groups groups(spec, ranked);
  std::vector<int32_t> top(spec.top_k);
  gate::select(spec, logits, selection_bias, top);
  std::vector<bool> selected(logits.size(), false);
  for (const int32_t e : top) selected[static_cast<size_t>(e)] = true;
  double least = groups.radius();
  for (const int32_t e : top) {
    for (size_t j = 0; j < logits.size(); ++j) {
      if (selected[j] || !groups.keeps(j)) continue;
      least = std::min(least, ranked.between(static_cast<size_t>(e), j));
    }
  }
  return least;
}

}  // namespace rg::experiments
