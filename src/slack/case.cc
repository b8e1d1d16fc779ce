#include "slack/case.h"

#include <cmath>

namespace rg::slack {
namespace {

bool finite(const Case& at) {
  return std::isfinite(at.value) && std::isfinite(at.bound) && std::isfinite(at.allowance);
}

// Rounding of the quotient can't lift it above 1 for over <= under.
std::optional<double> quotient(double over, double under) {
  if (!(over >= 0 && under > 0) || !std::isfinite(over) || !std::isfinite(under)) return {};
  const double share = over / under;
  if (!std::isfinite(share)) return {};
  return share;
}

}  // namespace

const char* text_of(Relation relation) { return relation == Relation::equal ? "=" : "<="; }

bool holds(Relation relation, const Case& at) {
  if (!finite(at)) return false;
  return relation == Relation::equal ? std::abs(at.value - at.bound) <= at.allowance
                                     : at.value <= at.bound + at.allowance;
}

std::optional<double> share_used(Relation relation, const Case& at) {
  if (!finite(at)) return {};
  return relation == Relation::equal ? quotient(std::abs(at.value - at.bound), at.allowance)
                                     : quotient(at.value, at.bound + at.allowance);
}

}  // namespace rg::slack
