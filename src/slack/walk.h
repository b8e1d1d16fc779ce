// What the checks of several families share: the keys of a head one by one, and seeded draws.
#pragma once

#include <string_view>
#include <vector>

#include "slack/check.h"
#include "theorems/draws.h"
#include "theorems/findings.h"

namespace rg::slack {

// For quantities in units of order 1: sums over some thousand terms.
inline constexpr double kRounding = 1e-12;
inline constexpr double kUnit = 0x1p-53;

// Random rotations and the like of one check, layer and head.
theorems::Draws draws_of(const LayerFacts& layer, std::string_view id, uint32_t head);

// Rows of the tensor that aren't zero.
std::vector<Eigen::Index> nonzero_rows(TensorView rows);
Tensor rows_of(TensorView rows, const std::vector<Eigen::Index>& chosen);
// The same as one tensor; none or more rows.
Tensor without_zero_rows(TensorView rows);

// Keys of one context.
Tensor keys_of_context(const HeadSample& sample, uint32_t context);

// body(key (d), place) for every key that isn't zero; the others are skipped in every quantity.
template <typename Body>
void for_each_key(const HeadSample& sample, Row& row, const Body& body) {
  for (Eigen::Index n = 0; n < sample.keys.rows(); ++n) {
    const Vector key = sample.keys.row(n).transpose();
    if (key.isZero(0)) {
      row.skip_all();
    } else {
      body(key, Place{sample.head, static_cast<uint32_t>(n)});
    }
  }
}

// body(index in the group, number among the layer's query heads) for the group's query heads.
template <typename Body>
void for_each_query_head(const HeadSample& sample, const Body& body) {
  const uint32_t group = sample.layer->keys->group();
  for (uint32_t i = 0; i < group; ++i) body(i, sample.head * group + i);
}

// Why a theorem on keys says nothing about the layer; none: it has keys.
std::optional<std::string> needs_keys(const LayerFacts& layer);

inline Case case_of(const theorems::Finding& finding, double allowance) {
  return {.value = finding.value, .bound = finding.bound, .allowance = allowance};
}

}  // namespace rg::slack
