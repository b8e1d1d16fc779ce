// One evaluation of a theorem's quantity on real tensors: two sides and an allowance for rounding.
#pragma once

#include <optional>

namespace rg::slack {

enum class Relation { at_most, equal };
const char* text_of(Relation relation);  // "<=", "="

struct Case {
  double value, bound;
  double allowance;  // >= 0, absolute: for the rounding of fp64, not for the theorem
};

// value <= bound + allowance, |value - bound| <= allowance; false where a number isn't finite.
bool holds(Relation relation, const Case& at);

// The share of the slack that the case takes: value / (bound + allowance) where the first is not
// negative and the second positive, |value - bound| / allowance where that is positive; none else.
// In [0, 1], exactly, of a case that holds.
std::optional<double> share_used(Relation relation, const Case& at);

}  // namespace rg::slack
