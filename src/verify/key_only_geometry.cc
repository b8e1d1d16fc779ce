// key_only_router's geometry of a router's matrix and the keys' projection.
#include <fmt/format.h>

#include <algorithm>
#include <boost/math/constants/constants.hpp>
#include <cmath>

#include "verify/key_only_router.h"

namespace rg::verify::key_only {
namespace {

constexpr double kAngleSlack = 1e-9;
constexpr int64_t kMostDetermined = 512;  // rows looked at

// A number that is null exactly unless `expected`.
std::optional<double> number_unless(const Case& c, const At& at, bool expected, const char* why,
                                    Range range) {
  if (!kv::there(c, at, expected, why)) return std::nullopt;
  return c.inspect.number(at, range);
}

void check_angles(const Case& c, const At& at, size_t count, const std::optional<double>& eta,
                  bool directions_fit) {
  Inspector& inspect = c.inspect;
  constexpr double kRight = boost::math::constants::half_pi<double>();
  const At list = inspect.need(at, "angles");
  const Windows angles = kv::numbers(inspect, list, count, {0, kRight});
  for (size_t i = 1; i < angles.size(); ++i) {
    if (*angles[i - 1] <= *angles[i]) continue;
    inspect.invalid(Check::ranked_list, fmt::format("{}[{}]", list.path, i),
                    "is below the angle before it");
    break;
  }
  if (!eta || angles.empty()) return;
  const auto share = [](double angle) { return std::sin(angle) * std::sin(angle); };
  const double least = share(*angles.front()), most = directions_fit ? share(*angles.back()) : 1;
  if (least - kAngleSlack <= *eta && *eta <= most + kAngleSlack) return;
  inspect.invalid(Check::share_total, at.path + ".eta",
                  fmt::format("is {}, the angles allow {} to {}", *eta, least, most));
}

void check_boundary(const Case& c, const Record& record, const At& at) {
  Inspector& inspect = c.inspect;
  if (!inspect.is(at, Kind::object)) return;
  const At rows = inspect.need(at, "rows"), undefined = inspect.need(at, "undefined");
  const auto stated = inspect.integer(rows, 0, kMaxExactInteger);
  const auto seen = inspect.integer(inspect.need(at, "seen"), 0, kMaxExactInteger);
  const auto without = inspect.integer(undefined, 0, kMaxExactInteger);
  const At median = inspect.need(at, "median");
  if (!stated || !seen || !without || !median) return;
  const int64_t tests = record.rows.tests;
  if (*stated != tests) {
    inspect.invalid(Check::count_total, rows.path,
                    fmt::format("found {}, there are {} test rows", *stated, tests));
  }
  if (*seen + *without > *stated) {
    inspect.invalid(Check::count_total, at.path, "has more rows seen and undefined than rows");
  }
  if (c.header.experts == c.header.topk && *without != tests) {
    inspect.invalid(Check::count_total, undefined.path, "though every expert is chosen");
  }
  number_unless(c, median, *stated - *seen - *without > 0, "of the rows left over",
                {1, kUnbounded});
}

void check_determined(const Case& c, const Record& record, const At& at, bool expected) {
  Inspector& inspect = c.inspect;
  if (!kv::there(c, at, expected,
                 expected ? "the gate is a plain top-k without bias"
                          : "the gate is no plain top-k without bias") ||
      !inspect.is(at, Kind::object)) {
    return;
  }
  const At rows = inspect.need(at, "rows"), determined = inspect.need(at, "determined");
  const auto stated = inspect.integer(rows, 0, kMaxExactInteger);
  const auto found = inspect.integer(determined, 0, kMaxExactInteger);
  const int64_t looked_at = std::min(record.rows.tests, kMostDetermined);
  if (stated && *stated != looked_at) {
    inspect.invalid(Check::count_total, rows.path,
                    fmt::format("found {}, expected {}", *stated, looked_at));
  }
  if (found && *found > looked_at) {
    inspect.invalid(Check::count_total, determined.path,
                    fmt::format("is {} of {} rows", *found, looked_at));
  }
}

}  // namespace

void read_geometry(const Case& c, const Record& record, const At& at, Layer& layer) {
  Inspector& inspect = c.inspect;
  if (kv::is_null(at) || !inspect.is(at, Kind::object)) return;
  const Architecture& of = layer.architecture;
  const int64_t width = of.residual_width;
  const auto rank =
      inspect.integer(inspect.need(at, "rank"), 0, std::min(of.key_dimensions(), width));
  const auto directions = inspect.integer(inspect.need(at, "directions"), 0,
                                          std::min<int64_t>(c.header.experts, width));
  if (!rank || !directions) return;
  layer.rank = *rank;
  number_unless(c, inspect.need(at, "condition"), *rank > 0,
                *rank > 0 ? "the rank is not 0" : "the rank is 0", {1, kUnbounded});
  const auto eta =
      number_unless(c, inspect.need(at, "eta"), *directions > 0,
                    *directions > 0 ? "there are directions" : "there are no directions", kUnit);
  if (eta && *rank == width && *eta != 0) {
    inspect.invalid(Check::value_range, at.path + ".eta", "is not 0 though keys see everything");
  }
  inspect.number(inspect.need(at, "eta_null"), kUnit);
  const At sigma = inspect.need(at, "eta_sigma");
  if (sigma && !kv::is_null(sigma)) inspect.number(sigma, kUnit);
  check_angles(c, at, static_cast<size_t>(std::min(*directions, *rank)), eta, *directions <= *rank);
  check_boundary(c, record, inspect.need(at, "boundary"));
  check_determined(c, record, inspect.need(at, "determined"), of.plain_top_k && !of.router_bias);
}

}  // namespace rg::verify::key_only
