// kv_distortion's arrays: what a head's record states of its cases beyond their sums.
#include <fmt/format.h>

#include "verify/kv_distortion.h"

namespace rg::verify::distortion {
namespace {

constexpr const char* kNoCases = "there are no cases";
constexpr const char* kSomeCases = "there are cases";

// A number that is null exactly without cases.
std::optional<double> number_of_cases(const Case& c, const At& parent, const char* key,
                                      double cases, Range range) {
  const At at = c.inspect.need(parent, key);
  if (!kv::there(c, at, cases > 0, cases > 0 ? kSomeCases : kNoCases)) return std::nullopt;
  return c.inspect.number(at, range);
}

// Null without cases; with cases it may be. Whether it is there.
bool maybe_there(const Case& c, const At& at, double cases) {
  if (!at || kv::is_null(at)) return false;
  return cases > 0 || kv::there(c, at, false, kNoCases);
}

void read_errors(const Case& c, const At& at, double cases, HeadRecord& record) {
  if (!c.inspect.is(at, Kind::object)) return;
  record.median = number_of_cases(c, at, "median", cases, kNotNegative);
  record.p95 = number_of_cases(c, at, "p95", cases, kNotNegative);
  record.largest = number_of_cases(c, at, "largest", cases, kNotNegative);
  const At relative = c.inspect.need(at, "relative");
  if (maybe_there(c, relative, cases)) c.inspect.number(relative, kNotNegative);
}

void read_tightness(const Case& c, const At& at, double cases, HeadRecord& record) {
  if (!c.inspect.is(at, Kind::object)) return;
  for (size_t i = 0; i < kBounds; ++i) {
    const At bound = c.inspect.need(at, kBoundNames[i]);
    if (!maybe_there(c, bound, cases) || !c.inspect.is(bound, Kind::object)) continue;
    record.positive[i] = true;
    const auto median = c.inspect.number(c.inspect.need(bound, "median"), kUnit);
    const auto p95 = c.inspect.number(c.inspect.need(bound, "p95"), kUnit);
    if (!median || !p95 || *median <= *p95) continue;
    c.inspect.invalid(Check::value_range, bound.path,
                      fmt::format("has a median of {} above its p95 of {}", *median, *p95));
  }
}

void read_deciles(const Case& c, const At& at, HeadRecord& record) {
  if (!c.inspect.is(at, Kind::object)) return;
  const auto read = [&](const char* key, std::array<double, 10>& sums) {
    const Windows found =
        kv::numbers(c.inspect, c.inspect.need(at, key), sums.size(), kNotNegative);
    for (size_t i = 0; i < found.size(); ++i) sums[i] = *found[i];
  };
  read("forecast", record.decile_forecast);
  read("error", record.decile_error);
}

}  // namespace

void read_stated(const Case& c, const At& at, double cases, HeadRecord& record) {
  Inspector& inspect = c.inspect;
  read_errors(c, inspect.need(at, "errors"), cases, record);
  read_tightness(c, inspect.need(at, "tightness"), cases, record);
  const At excess = inspect.need(at, "excess");
  if (inspect.is(excess, Kind::object)) {
    for (size_t i = 0; i < kBounds; ++i) {
      record.excess[i] = number_of_cases(c, excess, kBoundNames[i], cases, kAnyNumber);
    }
  }
  const At correlation = inspect.need(at, "rank_correlation");
  record.ranked = maybe_there(c, correlation, cases);
  if (record.ranked) inspect.number(correlation, {-1, 1});
  read_deciles(c, inspect.need(at, "deciles"), record);
}

}  // namespace rg::verify::distortion
