#include "theorems/findings.h"

#include <algorithm>
#include <cmath>

namespace rg::theorems {

const char* relation_text(Relation relation) {
  switch (relation) {
    case Relation::equal:
      return "=";
    case Relation::at_most:
      return "<=";
    case Relation::at_least:
      return ">=";
    case Relation::below:
      return "<";
    case Relation::above:
      return ">";
  }
  return "?";
}

void Findings::add(std::string quantity, double value, Relation relation, double bound,
                   double tolerance, bool holds) {
  list_.push_back({.input = input_,
                   .quantity = std::move(quantity),
                   .value = value,
                   .relation = relation,
                   .bound = bound,
                   .tolerance = tolerance,
                   .holds = holds});
}

void Findings::equal(std::string quantity, double value, double expected, double tolerance) {
  add(std::move(quantity), value, Relation::equal, expected, tolerance,
      std::abs(value - expected) <= tolerance);
}

void Findings::at_most(std::string quantity, double value, double bound, double tolerance) {
  add(std::move(quantity), value, Relation::at_most, bound, tolerance, value <= bound + tolerance);
}

void Findings::at_least(std::string quantity, double value, double bound, double tolerance) {
  add(std::move(quantity), value, Relation::at_least, bound, tolerance, value >= bound - tolerance);
}

void Findings::below(std::string quantity, double value, double bound) {
  add(std::move(quantity), value, Relation::below, bound, 0, value < bound);
}

void Findings::above(std::string quantity, double value, double bound) {
  add(std::move(quantity), value, Relation::above, bound, 0, value > bound);
}

void Findings::holds(std::string quantity, bool fact) {
  add(std::move(quantity), fact ? 1 : 0, Relation::equal, 1, 0, fact);
}

bool Findings::all_hold() const noexcept {
  return !list_.empty() &&
         std::all_of(list_.begin(), list_.end(), [](const Finding& f) { return f.holds; });
}

}  // namespace rg::theorems
