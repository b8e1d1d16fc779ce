// GS on real keys: a search for a rotation, its metrics and the exact best turn of a plane.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "slack/walk.h"
#include "theorems/gauge_search.h"
#include "theorems/givens.h"
#include "theorems/one_bit.h"

namespace rg::slack {
namespace {

constexpr int kSteps = 3;  // of ITQ
constexpr int kGrid = 64;  // angles in a quarter turn

void gs_1(const HeadSample& sample, Row& row) {
  const Tensor keys = without_zero_rows(sample.keys);
  if (keys.rows() == 0) return row.skip_all();
  const Tensor start = Tensor::Identity(keys.cols(), keys.cols());
  const std::vector<double> gains =
      theorems::itq(keys, start, kSteps, theorems::cosine_weights(keys)).gains;
  size_t least = 1;
  for (size_t i = 2; i < gains.size(); ++i) {
    if (gains[i] - gains[i - 1] < gains[least] - gains[least - 1]) least = i;
  }
  row.see(
      0, {.value = gains[least - 1], .bound = gains[least], .allowance = kRounding * gains.front()},
      {sample.head});
}

void gs_2(const HeadSample& sample, Row& row) {
  const Tensor keys = without_zero_rows(sample.keys);
  if (keys.rows() == 0) return row.skip_all();
  theorems::Findings findings;
  theorems::gains_are_metrics(
      keys, draws_of(*sample.layer, "GS-2", sample.head).rotation(keys.cols()), findings);
  for (size_t i = 0; i < 2; ++i) {
    row.see(i, case_of(findings.list()[i], kRounding), {sample.head});
  }
}

void gs_5(const HeadSample& sample, Row& row) {
  const std::vector<Eigen::Index> nonzero = nonzero_rows(sample.keys);
  if (nonzero.empty()) return row.skip_all();
  const Tensor key = sample.keys.row(nonzero.front());
  const Tensor rotation = theorems::single_key_fit(key.row(0).transpose());
  row.see(0,
          {.value = theorems::mean_cosine(theorems::turned(key, rotation)),
           .bound = 1,
           .allowance = kRounding},
          {sample.head});
}

void gs_6(const HeadSample& sample, Row& row) {
  const Vector weights = Vector::Ones(sample.keys.rows());
  for (uint32_t j = 0; j < sample.keys.cols() / 2; ++j) {
    const Vector x = sample.keys.col(2 * j), y = sample.keys.col(2 * j + 1);
    const double size = (x.cwiseAbs2() + y.cwiseAbs2()).cwiseSqrt().sum();
    if (size == 0) {
      row.skip(0);
      continue;
    }
    double best = 0;
    for (int i = 0; i < kGrid; ++i) {
      const double angle = std::numbers::pi / 2 * i / kGrid;
      best = std::max(best, theorems::plane_gain(x, y, weights, angle));
    }
    row.see(0,
            {.value = best / size,
             .bound = theorems::best_plane_turn(x, y, weights).gain / size,
             .allowance = kRounding},
            {sample.head, j});
  }
}

constexpr Quantity kGs1[] = {{"gain", Relation::at_most, Unit::head}};
constexpr Quantity kGs2[] = {{"mean_cosine", Relation::equal, Unit::head},
                             {"pooled", Relation::equal, Unit::head}};
constexpr Quantity kGs5[] = {{"single_key", Relation::equal, Unit::head}};
constexpr Quantity kGs6[] = {{"maximum", Relation::at_most, Unit::head_plane}};

}  // namespace

std::span<const TheoremCheck> search_slack() {
  static constexpr std::array kChecks{
      TheoremCheck{"GS-1", kGs1, needs_keys, gs_1, nullptr, nullptr},
      TheoremCheck{"GS-2", kGs2, needs_keys, gs_2, nullptr, nullptr},
      TheoremCheck{"GS-5", kGs5, needs_keys, gs_5, nullptr, nullptr},
      TheoremCheck{"GS-6", kGs6, needs_keys, gs_6, nullptr, nullptr}};
  return kChecks;
}

}  // namespace rg::slack
