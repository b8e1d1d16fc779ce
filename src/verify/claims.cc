#include "verify/claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace rg::verify {
namespace {

constexpr double kMeanTolerance = 1e-12;  // relative, of fp64 means

constexpr double kNearTolerance = 1e-9;      // relative to an interval's size or ends
constexpr double kIteratedTolerance = 1e-6;  // absolute below 1, relative above

bool same_mean(double a, double b) {
  return std::abs(a - b) <= kMeanTolerance * std::max(std::abs(a), std::abs(b)) ||
         std::abs(a - b) <= 1e-300;
}

bool is_near(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance * std::max({1.0, std::abs(a), std::abs(b)});
}

std::string join(const std::vector<std::string>& path) {
  std::string text;
  for (const std::string& key : path) text += (text.empty() ? "" : ".") + key;
  return text;
}

// A path step that is a number walks into an array.
At walk(const At& root, const std::vector<std::string>& path) {
  At at = root;
  for (const std::string& key : path) {
    if (at && at.value->is(Kind::array)) {
      const Array& values = at.value->array();
      size_t index = 0;
      const auto end = std::from_chars(key.data(), key.data() + key.size(), index);
      const bool is_index = end.ec == std::errc() && end.ptr == key.data() + key.size();
      At next{nullptr, at.path + '[' + key + ']'};
      if (is_index && index < values.size()) next.value = &values[index];
      at = next;
    } else {
      at = at / key;
    }
  }
  return at;
}

class Comparison {
 public:
  Comparison(Inspector& inspect, const At& root, IntervalRule rule)
      : inspect_(inspect), root_(root), rule_(rule) {}

  void run(const Claim& claim) {
    if (claim.kind == Claim::Kind::interval && rule_ == IntervalRule::not_compared) return;
    const At at = walk(root_, claim.path);
    if (!at) {
      if (!claim.optional && claim.kind != Claim::Kind::absent) {
        inspect_.invalid(Check::member_present, join(claim.path), "is missing");
      }
      return;
    }
    switch (claim.kind) {
      case Claim::Kind::null:
        return null(claim, at);
      case Claim::Kind::absent:
        return disagree(claim, at, "more", "nothing here");
      case Claim::Kind::mean:
      case Claim::Kind::near:
        return mean(claim, at);
      case Claim::Kind::count:
        return count(claim, at);
      case Claim::Kind::text:
        return text(claim, at);
      case Claim::Kind::flag:
        return flag(claim, at);
      case Claim::Kind::interval:
      case Claim::Kind::near_interval:
      case Claim::Kind::close_interval:
        return interval(claim, at);
    }
  }

 private:
  void disagree(const Claim& claim, const At& at, const std::string& found,
                const std::string& expected) {
    inspect_.invalid(claim.check, at.path,
                     fmt::format("summary says {}, arrays give {}", found, expected));
  }
  void null(const Claim& claim, const At& at) {
    if (!at.value->is(Kind::null)) disagree(claim, at, "a value", "nothing defined (null)");
  }
  void mean(const Claim& claim, const At& at) {
    if (at.value->is(Kind::null)) {
      disagree(claim, at, "null", fmt::format("{}", claim.value));
    } else if (const auto found = inspect_.number(at, kAnyNumber)) {
      const bool same = claim.kind == Claim::Kind::near
                            ? is_near(*found, claim.value, claim.tolerance)
                            : same_mean(*found, claim.value);
      if (!same) {
        disagree(claim, at, fmt::format("{}", *found), fmt::format("{}", claim.value));
      }
    }
  }
  void count(const Claim& claim, const At& at) {
    if (!at.value->is(Kind::integer)) {
      inspect_.invalid(Check::value_kind, at.path, "expected an integer");
    } else if (at.value->integer() != claim.count) {
      disagree(claim, at, fmt::format("{}", at.value->integer()), fmt::format("{}", claim.count));
    }
  }
  void text(const Claim& claim, const At& at) {
    if (!inspect_.is(at, Kind::string)) return;
    if (at.value->string() != claim.text) disagree(claim, at, at.value->string(), claim.text);
  }
  void flag(const Claim& claim, const At& at) {
    if (!inspect_.is(at, Kind::boolean)) return;
    if (at.value->boolean() != claim.flag) {
      disagree(claim, at, fmt::format("{}", at.value->boolean()), fmt::format("{}", claim.flag));
    }
  }
  void interval(const Claim& claim, const At& at) {
    if (at.value->is(Kind::null)) {
      disagree(claim, at, "null", fmt::format("[{}, {}]", claim.interval.lo, claim.interval.hi));
      return;
    }
    const std::optional<Interval> found = inspect_.interval(at);
    if (found && !agrees(*found, claim)) {
      disagree(claim, at, fmt::format("[{}, {}]", found->lo, found->hi),
               fmt::format("[{}, {}]", claim.interval.lo, claim.interval.hi));
    }
  }

  static bool agrees(const Interval& found, const Claim& claim) {
    if (claim.kind == Claim::Kind::interval) return found == claim.interval;
    if (claim.kind == Claim::Kind::close_interval) {
      return is_near(found.lo, claim.interval.lo, claim.tolerance) &&
             is_near(found.hi, claim.interval.hi, claim.tolerance);
    }
    // Narrow intervals must not hide in an absolute tolerance.
    const double tolerance =
        kNearTolerance * std::max({claim.interval.hi - claim.interval.lo,
                                   std::abs(claim.interval.lo), std::abs(claim.interval.hi)});
    const auto close = [&](double a, double b) { return std::abs(a - b) <= tolerance; };
    return (close(found.lo, claim.interval.lo) || close(found.lo, claim.other.lo)) &&
           (close(found.hi, claim.interval.hi) || close(found.hi, claim.other.hi));
  }

  Inspector& inspect_;
  const At& root_;
  IntervalRule rule_;
};

}  // namespace

Claim& Claims::add(Path path, Claim::Kind kind, Check check) {
  Claim claim;
  claim.path = std::move(path);
  claim.kind = kind;
  claim.check = check;
  claim.optional = optional_;
  claims_.push_back(std::move(claim));
  return claims_.back();
}

void Claims::mean(Path path, std::optional<double> value) {
  mean(std::move(path), value, Check::summary_mean);
}
void Claims::mean(Path path, std::optional<double> value, Check check) {
  add(std::move(path), value ? Claim::Kind::mean : Claim::Kind::null, check).value =
      value.value_or(0);
}
void Claims::count(Path path, int64_t value) {
  count(std::move(path), value, Check::summary_exact);
}
void Claims::count(Path path, std::optional<int64_t> value, Check check) {
  add(std::move(path), value ? Claim::Kind::count : Claim::Kind::null, check).count =
      value.value_or(0);
}
void Claims::text(Path path, std::optional<std::string> value) {
  add(std::move(path), value ? Claim::Kind::text : Claim::Kind::null, Check::summary_exact).text =
      std::move(value).value_or("");
}
void Claims::near(Path path, std::optional<double> value, Check check) {
  add(std::move(path), value ? Claim::Kind::near : Claim::Kind::null, check).value =
      value.value_or(0);
}
void Claims::flag(Path path, std::optional<bool> value) {
  flag(std::move(path), value, Check::summary_exact);
}
void Claims::flag(Path path, std::optional<bool> value, Check check) {
  add(std::move(path), value ? Claim::Kind::flag : Claim::Kind::null, check).flag =
      value.value_or(false);
}
void Claims::near_interval(Path path, std::optional<Interval> one, std::optional<Interval> other) {
  const auto kind = one && other ? Claim::Kind::near_interval : Claim::Kind::null;
  Claim& claim = add(std::move(path), kind, Check::summary_interval);
  claim.interval = one.value_or(Interval{0, 0});
  claim.other = other.value_or(Interval{0, 0});
  claim.optional = true;
}
void Claims::close_interval(Path path, std::optional<Interval> value, Check check) {
  add(std::move(path), value ? Claim::Kind::close_interval : Claim::Kind::null, check).interval =
      value.value_or(Interval{0, 0});
}
void Claims::iterated(Path path, std::optional<double> value) {
  near(std::move(path), value, Check::iterated_value);
  claims_.back().tolerance = kIteratedTolerance;
}
void Claims::iterated_interval(Path path, std::optional<Interval> value) {
  close_interval(std::move(path), value, Check::iterated_value);
  claims_.back().tolerance = kIteratedTolerance;
}
void Claims::absent(Path path) { add(std::move(path), Claim::Kind::absent, Check::summary_exact); }
void Claims::interval(Path path, std::optional<Interval> value) {
  interval(std::move(path), value, Check::summary_interval);
}
void Claims::interval(Path path, std::optional<Interval> value, Check check) {
  add(std::move(path), value ? Claim::Kind::interval : Claim::Kind::null, check).interval =
      value.value_or(Interval{0, 0});
}

void compare(Inspector& inspect, const At& root, const Claims& claims, IntervalRule rule) {
  Comparison comparison(inspect, root, rule);
  for (const Claim& claim : claims.all()) comparison.run(claim);
}

}  // namespace rg::verify
