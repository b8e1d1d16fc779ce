// theorem_slack's cases of one quantity: counts, histogram, quantiles and the tightest case.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "verify/theorem_slack.h"

namespace rg::verify::slack {
namespace {

// What is being read, for the functions below.
struct Reading {
  const Case& c;
  const Quantity& quantity;
  std::vector<int64_t> limits;  // of a place
  const Sample& sample;
};

int64_t candidates(const std::vector<int64_t>& limits) {
  int64_t all = 1;
  for (const int64_t limit : limits) all *= limit;
  return all;
}

void read_counts(const Reading& reading, const At& at, Cases& of) {
  Inspector& inspect = reading.c.inspect;
  // The unit `token` counts positions of queries, its place a row.
  const int64_t all = reading.quantity.unit == Unit::token
                          ? static_cast<int64_t>(reading.sample.windows.size() *
                                                 reading.sample.query_positions.size())
                          : candidates(reading.limits);
  const auto count = [&](const char* key) {
    return inspect.integer(inspect.need(at, key), 0, kMaxExactInteger).value_or(0);
  };
  of.cases = count("cases");
  of.skipped = count("skipped");
  of.violated = count("violated");
  of.without_share = count("without_share");
  const std::vector<int64_t> bins =
      inspect.counts(inspect.need(at, "histogram"), kBins, kMaxExactInteger);
  if (bins.size() != kBins || !inspect.sound()) return;
  // Each at most `all`, so that no sum overflows.
  const int64_t largest = std::max({of.cases, of.skipped, of.violated, of.without_share,
                                    *std::max_element(bins.begin(), bins.end())});
  std::copy(bins.begin(), bins.end(), of.histogram.begin());
  if (largest <= all) {
    for (const int64_t bin : bins) of.shares += bin;
  }
  if (largest > all || of.cases + of.skipped != all) {
    inspect.invalid(
        Check::count_total, at.path + ".cases",
        fmt::format("is {} with {} skipped, of {} candidates", of.cases, of.skipped, all));
  } else if (of.violated + of.without_share + of.shares != of.cases) {
    inspect.invalid(Check::count_total, at.path + ".histogram",
                    fmt::format("holds {} cases, with {} violated and {} without a share, of {}",
                                of.shares, of.violated, of.without_share, of.cases));
  } else if (of.skipped > 0 && reading.quantity.skips == Skips::none) {
    inspect.invalid(Check::count_total, at.path + ".skipped",
                    fmt::format("is {}, but the theorem speaks of every candidate", of.skipped));
  }
}

size_t bin_of(double used) {
  return std::min(kBins - 1, static_cast<size_t>(std::floor(kBins * used)));
}

// The bin that holds the value of a rank (from 1).
size_t bin_of_rank(const Cases& of, int64_t rank) {
  size_t bin = 0;
  for (int64_t up_to = of.histogram[0]; up_to < rank; up_to += of.histogram[bin]) ++bin;
  return bin;
}

int64_t rank_of_decile(int64_t decile, int64_t values) {
  return std::max<int64_t>(1, (decile * values + 9) / 10);
}

void check_quantiles(const Reading& reading, const At& at, const Cases& of) {
  const auto miss = [&](size_t q, const std::string& text) {
    reading.c.inspect.invalid(Check::slack_quantiles, fmt::format("{}[{}]", at.path, q), text);
  };
  int64_t before = 0;
  for (size_t q = 0; q < kQuantiles; ++q) {
    const double value = (*of.quantiles)[q];
    const int64_t rank = rank_of_decile(static_cast<int64_t>(q), of.shares);
    if (q > 0 && value < (*of.quantiles)[q - 1]) return miss(q, "is smaller than the one before");
    if (rank == before && value != (*of.quantiles)[q - 1]) {
      return miss(q, "differs from the one before, which has the same rank");
    }
    if (bin_of(value) != bin_of_rank(of, rank)) {
      return miss(q, fmt::format("is {}, but the value of rank {} lies in bin {}", value, rank,
                                 bin_of_rank(of, rank)));
    }
    before = rank;
  }
}

void read_quantiles(const Reading& reading, const At& at, Cases& of) {
  Inspector& inspect = reading.c.inspect;
  if (!at) return;
  const bool none = at.value->is(Kind::null);
  if (none != (of.shares == 0)) {
    inspect.invalid(Check::null_pattern, at.path,
                    fmt::format("is {}null with {} values", none ? "" : "not ", of.shares));
    return;
  }
  if (none || !inspect.is(at, Kind::array)) return;
  const Array& values = at.value->array();
  if (values.size() != kQuantiles) {
    inspect.invalid(Check::array_length, at.path,
                    fmt::format("found {} values, expected {}", values.size(), kQuantiles));
    return;
  }
  std::array<double, kQuantiles> quantiles{};
  for (size_t q = 0; q < kQuantiles; ++q) {
    if (!inspect.check_element(values[q], q, at.path, kUnit)) return;
    quantiles[q] = values[q].number();
  }
  of.quantiles = quantiles;
  check_quantiles(reading, at, of);
}

// A number, or null where it is not finite.
std::optional<double> read_finite(Inspector& inspect, const At& at) {
  if (!at || at.value->is(Kind::null)) return std::nullopt;
  constexpr double kLargest = std::numeric_limits<double>::max();
  return inspect.number(at, {-kLargest, kLargest});
}

// Whether the place can be that of a case; said where not.
void check_place(const Reading& reading, const At& at, const Cases& of) {
  Inspector& inspect = reading.c.inspect;
  const std::vector<int64_t>& limits = reading.limits;
  if (!inspect.is(at, Kind::array)) return;
  const Array& values = at.value->array();
  if (values.size() != limits.size()) {
    inspect.invalid(Check::tightest_case, at.path,
                    fmt::format("holds {} numbers, a case of unit {} has {}", values.size(),
                                unit_text(reading.quantity.unit), limits.size()));
    return;
  }
  const bool token = reading.quantity.unit == Unit::token;
  int64_t sum = 0;
  for (size_t i = 0; i < limits.size(); ++i) {
    const std::string place = fmt::format("{}[{}]", at.path, i);
    const auto number = inspect.integer({&values[i], place}, 0, limits[i] - 1);
    if (!number) return;
    sum += *number;
    const std::vector<int64_t>& queries = reading.sample.query_positions;
    if (token &&
        !std::binary_search(queries.begin(), queries.end(), *number % reading.sample.positions)) {
      inspect.invalid(Check::tightest_case, place, "is a row at no query position");
      return;
    }
  }
  // All cases are alike: the first one is named, and nothing was skipped before it.
  const bool alike = of.violated == 0 && of.shares == 0 && of.skipped == 0;
  if (alike && sum != (token ? reading.sample.query_positions.front() : 0)) {
    inspect.invalid(Check::tightest_case, at.path,
                    "is not that of the first case, though no case has a share");
  }
}

void check_share(const Reading& reading, const At& at, const Cases& of) {
  const auto miss = [&](const char* member, const std::string& text) {
    reading.c.inspect.invalid(Check::tightest_case, at.path + '.' + member, text);
  };
  const Tightest& tightest = *of.tightest;
  const bool holds = case_holds(reading.quantity.relation, tightest);
  if (holds != (of.violated == 0)) {
    return miss("value", fmt::format("and its bound {}, with {} violated cases",
                                     holds ? "hold" : "don't hold", of.violated));
  }
  const std::optional<double> expected = share_used(reading.quantity.relation, tightest);
  if (expected.has_value() != tightest.used.has_value()) {
    return miss("used", expected ? fmt::format("is null, its numbers give {}", *expected)
                                 : std::string("is not null, though its numbers give no share"));
  }
  constexpr double kRelative = 1e-12;
  if (expected && std::abs(*expected - *tightest.used) > kRelative * std::abs(*expected)) {
    return miss("used", fmt::format("is {}, its numbers give {}", *tightest.used, *expected));
  }
  if (!holds || (!of.quantiles && !tightest.used)) return;
  if (!of.quantiles || tightest.used != of.quantiles->back()) {
    miss("used", "is not the largest of the cases that hold, `quantiles[10]`");
  }
}

void read_tightest(const Reading& reading, const At& at, Cases& of) {
  Inspector& inspect = reading.c.inspect;
  if (!at) return;
  const bool none = at.value->is(Kind::null);
  if (none != (of.cases == 0)) {
    inspect.invalid(Check::null_pattern, at.path,
                    fmt::format("is {}null with {} cases", none ? "" : "not ", of.cases));
    return;
  }
  if (none || !inspect.is(at, Kind::object)) return;
  Tightest tightest;
  tightest.value = read_finite(inspect, inspect.need(at, "value"));
  tightest.bound = read_finite(inspect, inspect.need(at, "bound"));
  tightest.used = read_finite(inspect, inspect.need(at, "used"));
  tightest.allowance = inspect.number(inspect.need(at, "allowance"), kNotNegative).value_or(0);
  const At holds = inspect.need(at, "holds");
  const std::optional<bool> stated = inspect.boolean(holds);
  check_place(reading, inspect.need(at, "place"), of);
  if (!inspect.sound()) return;
  of.tightest = tightest;
  if (*stated != (of.violated == 0)) {
    inspect.invalid(Check::tightest_case, holds.path,
                    fmt::format("is {} with {} violated cases", *stated, of.violated));
    return;
  }
  check_share(reading, at, of);
}

}  // namespace

std::vector<int64_t> place_limits(Unit unit, const LayerFacts& facts, const Sample& sample) {
  const auto contexts = static_cast<int64_t>(sample.windows.size());
  const auto queries = static_cast<int64_t>(sample.query_positions.size());
  switch (unit) {
    case Unit::key:
      return {facts.kv_heads, sample.rows()};
    case Unit::head:
      return {facts.kv_heads};
    case Unit::context:
      return {facts.kv_heads, contexts};
    case Unit::block:
      return {facts.heads, contexts};
    case Unit::query:
      return {facts.heads, contexts, queries};
    case Unit::query_head:
      return {facts.heads};
    case Unit::plane:
      return {facts.planes};
    case Unit::plane_pair:
      return {facts.planes - 1};
    case Unit::head_plane:
      return {facts.kv_heads, facts.width / 2};
    case Unit::token:
      return {sample.rows()};
    case Unit::layer:
      break;
  }
  return {};
}

bool case_holds(Relation relation, const Tightest& of) {
  if (!of.value || !of.bound) return false;
  if (relation == Relation::at_most) return *of.value <= *of.bound + of.allowance;
  return std::abs(*of.value - *of.bound) <= of.allowance;
}

std::optional<double> share_used(Relation relation, const Tightest& of) {
  if (!of.value || !of.bound) return std::nullopt;
  double share = 0;
  if (relation == Relation::at_most) {
    const double limit = *of.bound + of.allowance;
    if (*of.value < 0 || !(limit > 0)) return std::nullopt;
    share = *of.value / limit;
  } else {
    if (of.allowance == 0) return std::nullopt;
    share = std::abs(*of.value - *of.bound) / of.allowance;
  }
  return std::isfinite(share) ? std::optional(share) : std::nullopt;
}

Cases read_cases(const Case& c, const Record& record, const LayerFacts& facts,
                 const Quantity& quantity, const At& at) {
  Cases of;
  if (!c.inspect.is(at, Kind::object)) return of;
  const Reading reading{c, quantity, place_limits(quantity.unit, facts, record.sample),
                        record.sample};
  read_counts(reading, at, of);
  const At quantiles = c.inspect.need(at, "quantiles");
  const At tightest = c.inspect.need(at, "tightest");
  if (!c.inspect.sound()) return of;
  read_quantiles(reading, quantiles, of);
  if (c.inspect.sound()) read_tightest(reading, tightest, of);
  return of;
}

}  // namespace rg::verify::slack
