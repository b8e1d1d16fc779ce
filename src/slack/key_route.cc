// KR on real keys and routes, as far as it needs no matrix that makes the keys.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "slack/walk.h"
#include "theorems/key_only.h"
#include "theorems/linear.h"
#include "theorems/one_bit.h"

namespace rg::slack {
namespace {

constexpr double kLargestCondition = 1e9;  // of a covariance that fp64 can still invert

void kr_1(const HeadSample& sample, Row& row) {
  const Tensor signs = theorems::sign_code(sample.keys);
  row.see(0,
          {.value = theorems::factors(signs, *sample.routes) ? 1.0 : 0.0,
           .bound = theorems::collides(signs, *sample.routes) ? 0.0 : 1.0,
           .allowance = 0},
          {sample.head});
}

Tensor centred_columns(const Tensor& rows) { return rows.rowwise() - rows.colwise().mean(); }

double condition_of_covariance(const Tensor& keys) {
  const Vector values = theorems::singular_values(centred_columns(keys));
  const double ratio = values[0] / values[values.size() - 1];
  return std::isfinite(ratio) ? ratio * ratio : std::numeric_limits<double>::infinity();
}

// The theorem's u is (key, logits): K reads its first part, G the second.
void kr_9(const HeadSample& sample, Row& row) {
  const Eigen::Index d = sample.keys.cols(), experts = sample.logits->cols();
  const double condition = condition_of_covariance(sample.keys);
  const Tensor logits = theorems::expert_centred(sample.logits->transpose()).transpose();
  if (condition > kLargestCondition || centred_columns(logits).isZero(0)) return row.skip(0);
  Tensor both(sample.keys.rows(), d + experts);
  both << sample.keys, *sample.logits;
  const Tensor read_keys = Tensor::Identity(d, d + experts);
  Tensor read_logits = Tensor::Zero(experts, d + experts);
  read_logits.rightCols(experts).setIdentity();
  theorems::Findings findings;
  theorems::residue_of_fit(both, read_keys, read_logits, findings);
  row.see(0, case_of(findings.list().front(), std::clamp(1e-14 * condition, 1e-10, 1e-4)),
          {sample.head});
}

std::optional<std::string> needs_keys_and_gate(const LayerFacts& layer) {
  if (!layer.keys) return needs_keys(layer);
  if (!layer.gate.finite) return "gate inputs or logits that are not finite";
  return std::nullopt;
}

std::optional<std::string> needs_more_rows(const LayerFacts& layer) {
  if (auto reason = needs_keys_and_gate(layer)) return reason;
  if (layer.contexts.rows() <= layer.keys->key_width + 1) {
    return "no more sampled tokens than a key has coordinates";
  }
  return std::nullopt;
}

constexpr Quantity kKr1[] = {{"function", Relation::equal, Unit::head}};
constexpr Quantity kKr9[] = {{"residue", Relation::equal, Unit::head}};

}  // namespace

std::span<const TheoremCheck> key_route_slack() {
  static constexpr std::array kChecks{
      TheoremCheck{"KR-1", kKr1, needs_keys_and_gate, kr_1, nullptr, nullptr},
      TheoremCheck{"KR-9", kKr9, needs_more_rows, kr_9, nullptr, nullptr}};
  return kChecks;
}

}  // namespace rg::slack
