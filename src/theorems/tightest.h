// One line for many inequalities of one kind: the tightest, or a NaN.
#pragma once

#include <cmath>
#include <limits>

namespace rg::theorems {

class Tightest {
 public:
  void see(double value, double bound) {
    const double room = bound - value;
    if (std::isnan(room_) || room >= room_) return;
    room_ = room;
    value_ = value;
    bound_ = bound;
  }
  double value() const { return value_; }
  double bound() const { return bound_; }

 private:
  double room_ = std::numeric_limits<double>::infinity(), value_ = std::nan(""),
         bound_ = std::nan("");  // of the tightest; NaN if none was seen
};

}  // namespace rg::theorems
