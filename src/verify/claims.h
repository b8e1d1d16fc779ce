// The summary as the arrays give it, to be compared with the summary as the artifact states it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "verify/inspector.h"

namespace rg::verify {

struct Claim {
  enum class Kind {
    mean,
    near,
    count,
    text,
    flag,
    interval,
    near_interval,
    close_interval,
    null,
    absent
  };
  std::vector<std::string> path;  // from the root
  Kind kind;
  double value = 0;         // mean, near
  double tolerance = 1e-9;  // near, close_interval: absolute below 1, relative above
  int64_t count = 0;
  std::string text;
  bool flag = false;
  Interval interval{0, 0};
  Interval other{0, 0};   // near_interval: each end may equal either
  Check check;            // what a disagreement is called
  bool optional = false;  // a published artifact may lack it
};

class Claims {
 public:
  using Path = std::vector<std::string>;
  // `optional` for all claims added from here on.
  void set_optional(bool optional) { optional_ = optional; }

  void mean(Path path, std::optional<double> value);  // none: the artifact says null
  void mean(Path path, std::optional<double> value, Check check);
  // Within 1e-9: numbers through logarithms, roots or the normal distribution.
  void near(Path path, std::optional<double> value, Check check);
  void count(Path path, int64_t value);
  void count(Path path, std::optional<int64_t> value, Check check);
  void text(Path path, std::optional<std::string> value);
  void flag(Path path, std::optional<bool> value);
  void flag(Path path, std::optional<bool> value, Check check);
  void interval(Path path, std::optional<Interval> value);
  void interval(Path path, std::optional<Interval> value, Check check);

  // Both ends as near's numbers.
  void close_interval(Path path, std::optional<Interval> value, Check check);
  // A number found by iteration, and its interval: within 1e-6.
  void iterated(Path path, std::optional<double> value);
  void iterated_interval(Path path, std::optional<Interval> value);
  // Optional; each end within 1e-9 of that end of either interval.
  void near_interval(Path path, std::optional<Interval> one, std::optional<Interval> other);
  void absent(Path path);  // no value there

  const std::vector<Claim>& all() const { return claims_; }

 private:
  Claim& add(Path path, Claim::Kind kind, Check check);
  std::vector<Claim> claims_;
  bool optional_ = false;
};

// Compares every claim with the artifact. `intervals_exact`: the generator is known, so intervals
// must be equal bit by bit; else intervals aren't compared here.
enum class IntervalRule { bit_by_bit, not_compared };
void compare(Inspector& inspect, const At& root, const Claims& claims, IntervalRule rule);

}  // namespace rg::verify
