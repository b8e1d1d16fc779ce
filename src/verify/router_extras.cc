// attention_router's members that can't be recomputed from the artifact: their form, their ranges
// and what in them follows from the rest.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "verify/attention_router.h"

namespace rg::verify::router {
namespace {

constexpr size_t kBlocks = 20;
constexpr double kStudentTail = 2.093024054408263;  // t_19 at 0.975
constexpr double kTolerance = 1e-9;
constexpr double kDecompositionTolerance = 1e-5;
constexpr double kEnergy = 0.95;
constexpr Range kOverlap{-1e-9, 1 + 1e-9};

bool near(double a, double b) {
  return std::abs(a - b) <= kTolerance * std::max({1.0, std::abs(a), std::abs(b)});
}

std::optional<double> maybe_number(const Case& c, const At& at, Range range) {
  if (!at || at.value->is(Kind::null)) return std::nullopt;
  return c.inspect.number(at, range);
}

// {value, leave_one_out[20], ci95}: the interval follows from the other two.
void check_jackknife(const Case& c, const At& at, Range range) {
  if (!c.inspect.is(at, Kind::object)) return;
  const At leave_one_out = c.inspect.need(at, "leave_one_out");
  const Windows left =
      leave_one_out ? c.inspect.windows(leave_one_out, kBlocks, range) : Windows(kBlocks);
  const std::optional<double> value = maybe_number(c, c.inspect.need(at, "value"), range);
  const At interval = c.inspect.need(at, "ci95");
  if (!interval || !c.inspect.sound()) return;
  const bool complete = value && c.header.n_windows >= kBlocks && total(left).windows == kBlocks;
  if (interval.value->is(Kind::null)) {
    if (complete) {
      c.inspect.invalid(Check::jackknife_interval, interval.path,
                        "is null though every leave-one-out value is defined");
    }
    return;
  }
  const std::optional<Interval> stated = c.inspect.interval(interval);
  if (!stated) return;
  double squares = 0;
  const double center = mean(left).value_or(0);
  for (const std::optional<double>& x : left) {
    if (x) squares += (*x - center) * (*x - center);
  }
  const double half =
      kStudentTail * std::sqrt((kBlocks - 1) / static_cast<double>(kBlocks) * squares);
  if (complete && near(stated->lo, *value - half) && near(stated->hi, *value + half)) return;
  c.inspect.invalid(Check::jackknife_interval, interval.path,
                    complete ? fmt::format("found [{}, {}], the leave-one-out values give [{}, {}]",
                                           stated->lo, stated->hi, *value - half, *value + half)
                             : std::string("is defined though leave-one-out values are not"));
}

void check_information(const Case& c, const At& at) {
  if (!c.inspect.is(at, Kind::object)) return;
  const At difference = c.inspect.need(at, "difference");
  const auto value = maybe_number(c, c.inspect.need(at, "value"), {-1e-9, kUnbounded});
  const auto shuffled = maybe_number(c, c.inspect.need(at, "shuffled"), {-1e-9, kUnbounded});
  check_jackknife(c, difference, kAnyNumber);
  const auto stated = maybe_number(c, difference / "value", kAnyNumber);
  if (!c.inspect.sound() || !value || !shuffled) return;
  if (stated && near(*stated, *value - *shuffled)) return;
  c.inspect.invalid(Check::summary_mean, (difference / "value").path,
                    fmt::format("value minus shuffled is {}", *value - *shuffled));
}

template <typename Body>
void for_layers(const Case& c, const char* name, Body body) {
  const At all = c.inspect.need(c.root, name);
  if (!c.inspect.is(all, Kind::object)) return;
  for (const Member& member : all.value->object().members) {
    const auto layer = c.inspect.layer_key(member.key);
    const At at{&member.value, all.path + '.' + member.key};
    if (!layer || !std::binary_search(c.header.layers.begin(), c.header.layers.end(), *layer)) {
      c.inspect.invalid(Check::layer_arrays, at.path, "is not a measured layer");
      return;
    }
  }
  for (const int layer : c.header.layers) {
    const At at = all / std::to_string(layer);
    if (!at) {
      c.inspect.invalid(Check::layer_arrays, at.path, "is missing though `layers` names it");
      continue;
    }
    body(at, layer);
  }
}

void check_cosines(const Case& c, const At& at) {
  constexpr Range kCosine{-1 - 1e-6, 1 + 1e-6};
  const auto least = maybe_number(c, c.inspect.need(at, "min"), kCosine);
  const auto most = maybe_number(c, c.inspect.need(at, "max"), kCosine);
  const auto middle = maybe_number(c, c.inspect.need(at, "mean"), kCosine);
  maybe_number(c, c.inspect.need(at, "mean_abs"), {0, 1 + 1e-6});
  if (!least || !most || !middle) return;
  if (*least - kTolerance <= *middle && *middle <= *most + kTolerance) return;
  c.inspect.invalid(Check::value_range, at.path, "the mean lies outside of min and max");
}

void check_layer_geometry(const Case& c, const At& at) {
  const At list = c.inspect.need(at, "singular_values");
  if (!c.inspect.is(list, Kind::array)) return;
  const size_t count = list.value->array().size();
  const Windows singular = c.inspect.windows(list, count, kNotNegative);
  if (const At cosine = c.inspect.need(at, "cosine")) check_cosines(c, cosine);
  const auto entropy_rank = maybe_number(c, c.inspect.need(at, "entropy_rank"), kNotNegative);
  const auto rank95 = c.inspect.integer(c.inspect.need(at, "rank95"), 0, kMaxExactInteger);
  const auto share = maybe_number(c, c.inspect.need(at, "rank95_share"), kUnit);
  if (!c.inspect.sound() || count == 0) return;
  double energy = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!singular[i] || (i > 0 && *singular[i] > *singular[i - 1])) {
      c.inspect.invalid(Check::ranked_list, list.path, "is not in descending order");
      return;
    }
    energy += *singular[i] * *singular[i];
  }
  if (energy <= 0) return;
  double entropy = 0;
  double so_far = 0;
  int64_t fewest = 0;  // with the sum a hair higher
  int64_t most = 0;    // with the sum a hair lower
  for (size_t i = 0; i < count; ++i) {
    const double p = *singular[i] * *singular[i] / energy;
    if (p > 0) entropy -= p * std::log(p);
    so_far += p;
    const auto rank = static_cast<int64_t>(i + 1);
    if (fewest == 0 && so_far >= kEnergy - kTolerance) fewest = rank;
    if (most == 0 && so_far >= kEnergy + kTolerance) most = rank;
  }
  if (most == 0) most = static_cast<int64_t>(count);
  if (!entropy_rank || !near(*entropy_rank, std::exp(entropy))) {
    c.inspect.invalid(Check::summary_mean, (at / "entropy_rank").path,
                      fmt::format("the singular values give {}", std::exp(entropy)));
  }
  if (*rank95 < fewest || *rank95 > most) {
    c.inspect.invalid(Check::summary_exact, (at / "rank95").path,
                      fmt::format("the singular values give {}", fewest));
  } else if (!share || !near(*share, static_cast<double>(*rank95) / static_cast<double>(count))) {
    c.inspect.invalid(Check::summary_mean, (at / "rank95_share").path,
                      "is not rank95 over the number of singular values");
  }
}

}  // namespace

void check_token_ids(const Case& c) {
  for_layers(c, "token_id", [&](const At& at, int) {
    const auto ids = c.inspect.integer(c.inspect.need(at, "ids"), 0, kMaxExactInteger);
    const auto seen = c.inspect.integer(c.inspect.need(at, "occurrences"), 0, kMaxExactInteger);
    if (ids && seen && *seen < 20 * *ids) {
      c.inspect.invalid(Check::count_total, (at / "occurrences").path,
                        "every id counted has at least 20 occurrences");
    }
    for (const char* name : {"within", "between"}) {
      const At block = c.inspect.need(at, name);
      if (block && !block.value->is(Kind::null)) check_jackknife(c, block, kOverlap);
    }
    const At predictor = c.inspect.need(at, "predictor");
    if (predictor && !predictor.value->is(Kind::null)) check_jackknife(c, predictor, kOverlap);
    for (const char* name : {"mi_token", "mi_position"}) {
      const At block = c.inspect.need(at, name);
      if (block && !block.value->is(Kind::null)) check_information(c, block);
    }
  });
}

void check_geometry(const Case& c) {
  for_layers(c, "gate_geometry", [&](const At& at, int) { check_layer_geometry(c, at); });
}

void check_decomposition(const Case& c) {
  for_layers(c, "decomposition_check", [&](const At& at, int) {
    c.inspect.number(c.inspect.need(at, "max_error"), kNotNegative);
    c.inspect.number(c.inspect.need(at, "scale"), kNotNegative);
    const At ratio = c.inspect.need(at, "ratio");
    const auto value = c.inspect.number(ratio, kNotNegative);
    const auto holds = c.inspect.boolean(c.inspect.need(at, "holds"));
    if (!value || !holds) return;
    if (*holds != (*value <= kDecompositionTolerance)) {
      c.inspect.invalid(Check::summary_exact, (at / "holds").path,
                        fmt::format("the ratio is {}", *value));
    } else if (!*holds) {
      c.inspect.invalid(Check::share_total, ratio.path,
                        fmt::format("the parts miss the scores by {} of their scale, at most {} "
                                    "can be rounding",
                                    *value, kDecompositionTolerance));
    }
  });
}

void check_source_table(const Case& c) {
  const At wanted = c.inspect.need(c.root, "source_positions");
  const auto per_window = c.inspect.integer(wanted, 1, int64_t{c.header.seq_len} - 1);
  const int64_t sampled =
      per_window ? *per_window * static_cast<int64_t>(c.header.n_windows) : kMaxExactInteger;
  for_layers(c, "source_table", [&](const At& at, int layer) {
    maybe_number(c, c.inspect.need(at, "embedding"), kAnyNumber);
    c.inspect.integer(c.inspect.need(at, "positions"), 0, sampled);
    const auto rows = static_cast<size_t>(layer);
    for (const auto& [name, length] : {std::pair{"attention", rows + 1}, {"experts", rows}}) {
      const At list = c.inspect.need(at, name);
      if (list) c.inspect.windows(list, length, kAnyNumber);
    }
  });
}

}  // namespace rg::verify::router
