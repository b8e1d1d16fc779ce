// What docs/artifacts.md section 18.1 says of every theorem with a check on tensors: its
// quantities, how many candidates each has, and which numbers its cases can have.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace rg::verify::slack {

enum class Relation { at_most, equal };  // "<=", "="
std::string_view relation_text(Relation relation);

// What is evaluated once per candidate.
enum class Unit {
  key,
  head,
  context,
  block,
  query,
  query_head,
  plane,
  plane_pair,
  head_plane,
  token,
  layer
};
std::string_view unit_text(Unit unit);

// What a side of a case can be. `c` is the cosine of a key and its signs, k has 8 coordinates.
enum class Side {
  any,
  zero,
  one,
  inverse_root_width,    // 1/sqrt(d)
  inverse_root_two,      // 1/sqrt(2)
  even_load,             // k/E
  turn_ceiling,          // sqrt(2)/(8 sin(pi/16))
  turn_ceiling_squared,  // of pooled beta
  not_negative,
  share,           // [0, 1]
  signed_share,    // [-1, 1]
  up_to_two,       // [0, 2]
  of_eight,        // [1/sqrt(8), 1]: |k|_3^3/|k|^3, |k|_inf/|k|
  flag,            // 0 or 1
  experts,         // a whole number up to topk
  cosine,          // c
  squared_cosine,  // mean of c^2
  code_error,      // 1 - c^2
  kept_error,      // 2 (1 - c)
  unbiased_error,  // 1/c^2 - 1
  cosine_gap,      // 1 - c
  three_quarters,  // 3/4 (1 - c)
  pooled,          // beta of all entries of a head
  pooled_error,    // 1 less that
};

// What is allowed for rounding: `factor` alone or times something of the case, or a range.
// within_value: times a number that is at most the value.
struct Allowance {
  enum class Kind { exactly, times_bound, within_value, times_bound_and_one, at_least, between };
  Kind kind;
  double factor;
  double largest = 0;  // between
};

// Which candidates are left out; all quantities of one kind, but `stated`, leave out the same.
enum class Skips {
  none,
  zero_keys,
  zero_or_centred,  // zero keys, or all of a head where their mean is zero
  zero_blocks,      // 8 coordinates
  flat_keys,        // with a coordinate 0, or signs times a length
  zero_heads,
  zero_contexts,
  same_set,  // as the token before
  no_turn,   // of a plane of RoPE
  stated     // known only from the artifact
};

struct Quantity {
  std::string_view id;  // of its theorem
  std::string_view name;
  Relation relation;
  Unit unit;
  Side value, bound;
  Allowance allowance;
  Skips skips;
};

struct Theorem {
  std::string_view id;
  std::span<const Quantity> quantities;
};

// In the order of the catalogue.
const std::vector<Theorem>& checked_theorems();
// The other theorems of the catalogue.
std::span<const std::string_view> unchecked_theorems();

}  // namespace rg::verify::slack
