// The results of a numerical check: one line per compared quantity, whether it holds or not. A
// check never throws because a theorem fails; it reports both numbers.
#pragma once

#include <string>
#include <vector>

namespace rg::theorems {

enum class Relation { equal, at_most, at_least, below, above };
const char* relation_text(Relation relation);  // "=", "<=", ">=", "<", ">"

struct Finding {
  std::string input;     // which tensors: "sparse keys, d = 64"
  std::string quantity;  // what was computed: "max |c(Pk) - c(k)|"
  double value;
  Relation relation;
  double bound;      // the other side of the relation
  double tolerance;  // absolute; 0 for strict relations
  bool holds;        // false for NaN on either side
};

class Findings {
 public:
  // Names the tensors that the following lines are about.
  void input(std::string name) { input_ = std::move(name); }

  void equal(std::string quantity, double value, double expected, double tolerance);
  void at_most(std::string quantity, double value, double bound, double tolerance = 0);
  void at_least(std::string quantity, double value, double bound, double tolerance = 0);
  void below(std::string quantity, double value, double bound);
  void above(std::string quantity, double value, double bound);
  // A yes-or-no fact, as 1 = 1 or 0 = 1.
  void holds(std::string quantity, bool fact);

  const std::vector<Finding>& list() const noexcept { return list_; }
  bool all_hold() const noexcept;  // false if nothing was compared

 private:
  void add(std::string quantity, double value, Relation relation, double bound, double tolerance,
           bool holds);
  std::string input_;
  std::vector<Finding> list_;
};

}  // namespace rg::theorems
