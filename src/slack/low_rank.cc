// RR on real keys: 1-bit codes with a correction of low rank.
#include <algorithm>
#include <array>

#include "slack/walk.h"
#include "theorems/one_bit.h"
#include "theorems/residual.h"

namespace rg::slack {
namespace {

constexpr double kOfSingularValues = 1e-10;
constexpr Eigen::Index kRank = 4;

Eigen::Index rank_for(const Tensor& keys) { return std::min(kRank, keys.cols()); }

// One finding per call, an equality.
void see_first(const theorems::Findings& findings, size_t quantity, const HeadSample& sample,
               Row& row) {
  row.see(quantity, case_of(findings.list().front(), kOfSingularValues), {sample.head});
}

void rr_1(const HeadSample& sample, Row& row) {
  if (sample.keys.isZero(0)) return row.skip_all();
  size_t quantity = 0;
  for (const Eigen::Index rank : {Eigen::Index{1}, rank_for(sample.keys)}) {
    theorems::Findings findings;
    theorems::truncation_error(sample.keys, rank, findings);
    see_first(findings, quantity++, sample, row);
  }
}

void rr_2(const HeadSample& sample, Row& row) {
  if (sample.keys.isZero(0)) return row.skip_all();
  theorems::Findings findings;
  theorems::post_correction(sample.keys, theorems::mmse_code(sample.keys), rank_for(sample.keys),
                            findings);
  see_first(findings, 0, sample, row);
}

void rr_3(const HeadSample& sample, Row& row) {
  const Eigen::Index rank = rank_for(sample.keys);
  const Tensor rest = sample.keys - theorems::truncated(sample.keys, rank);
  if (rest.isZero(0)) return row.skip_all();  // beta of the rest isn't defined
  theorems::Findings findings;
  theorems::pre_correction(sample.keys, theorems::mmse_code(rest), rank, findings);
  see_first(findings, 0, sample, row);
}

void rr_4(const HeadSample& sample, Row& row) {
  if (sample.keys.isZero(0)) return row.skip_all();
  const Tensor rotation = draws_of(*sample.layer, "RR-4", sample.head).rotation(sample.keys.cols());
  theorems::Findings findings;
  theorems::key_share_is_invariant(sample.keys, rotation, rank_for(sample.keys), findings);
  see_first(findings, 0, sample, row);
}

constexpr Quantity kRr1[] = {{"rank_1", Relation::equal, Unit::head},
                             {"rank_4", Relation::equal, Unit::head}};
constexpr Quantity kRr2[] = {{"code_then_rank", Relation::equal, Unit::head}};
constexpr Quantity kRr3[] = {{"rank_then_code", Relation::equal, Unit::head}};
constexpr Quantity kRr4[] = {{"share", Relation::equal, Unit::head}};

}  // namespace

std::span<const TheoremCheck> residual_slack() {
  static constexpr std::array kChecks{
      TheoremCheck{"RR-1", kRr1, needs_keys, rr_1, nullptr, nullptr},
      TheoremCheck{"RR-2", kRr2, needs_keys, rr_2, nullptr, nullptr},
      TheoremCheck{"RR-3", kRr3, needs_keys, rr_3, nullptr, nullptr},
      TheoremCheck{"RR-4", kRr4, needs_keys, rr_4, nullptr, nullptr}};
  return kChecks;
}

}  // namespace rg::slack
