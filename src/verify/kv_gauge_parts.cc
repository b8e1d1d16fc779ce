// kv_gauge's arrays: what a KV head has beside its gauges, and what is stated of a search.
#include <fmt/format.h>

#include <algorithm>

#include "verify/kv_gauge.h"

namespace rg::verify::kv {
namespace {

Noise read_noise(const Case& c, const Record& record, const At& at) {
  Inspector& inspect = c.inspect;
  Noise noise;
  if (!inspect.is(at, Kind::object)) return noise;
  noise.fit_keys = count_at(inspect, at, "fit_keys");
  noise.in_sample_cosines = number_at(inspect, at, "in_sample_cosines", kNotNegative);
  noise.keys = counted_keys(inspect, inspect.need(at, "keys"), record.units.count);
  noise.cosines = numbers(inspect, inspect.need(at, "cosines"), record.units.count, kNotNegative);
  noise.random_cosines =
      numbers(inspect, inspect.need(at, "random_cosines"), record.units.count, kNotNegative);
  return noise;
}

Centred read_centred(const Case& c, const Record& record, const At& at) {
  Inspector& inspect = c.inspect;
  Centred centred;
  if (!inspect.is(at, Kind::object)) return centred;
  centred.fit_keys = count_at(inspect, at, "fit_keys");
  centred.in_sample_cosines = number_at(inspect, at, "in_sample_cosines", kNotNegative);
  centred.keys = counted_keys(inspect, inspect.need(at, "keys"), record.units.count);
  centred.zero_keys = counted_keys(inspect, inspect.need(at, "zero_keys"), record.units.count);
  centred.cosines = numbers(inspect, inspect.need(at, "cosines"), record.units.count, kNotNegative);
  centred.squared_norms = number_at(inspect, at, "squared_norms", kNotNegative);
  centred.energy = number_at(inspect, at, "energy", kNotNegative);
  return centred;
}

// Stated; null where there is no mean to correct for.
void check_correction(const Case& c, const At& dataset_mean) {
  const At at = c.inspect.need(dataset_mean, "correction");
  if (!at || is_null(at) || !c.inspect.is(at, Kind::object)) return;
  number_at(c.inspect, at, "turning_share", kUnit);
  number_at(c.inspect, at, "rms", kNotNegative);
  number_at(c.inspect, at, "spread", kNotNegative);
}

void read_centrings(const Case& c, const Record& record, const At& list, const LayerKeys& layer,
                    Head& head) {
  if (!c.inspect.is(list, Kind::object)) return;
  for (size_t i = 0; i < kCentrings; ++i) {
    const At at = c.inspect.need(list, kCentringNames[i]);
    if (!at) continue;
    const bool named = i == record.parameters.centring;
    if (named && !there(c, at, !head.learned().refused, "it repeats itq_cosine of `gauges`")) {
      continue;
    }
    if (is_null(at)) continue;
    head.centring[i] = read_centred(c, record, at);
    const bool turned = !record.parameters.scored && layer.rotated_columns > 0;
    if (turned && kCentringNames[i] == std::string("dataset_mean")) check_correction(c, at);
  }
}

// Shares and errors of held-out keys are undefined without such keys.
void check_residual_row(const Case& c, const At& at, bool held_out) {
  Inspector& inspect = c.inspect;
  const auto check = [&](const char* key, Range range, bool may_be_null) {
    const At member = inspect.need(at, key);
    if (!member || (is_null(member) && may_be_null)) return;
    inspect.number(member, range);
  };
  check("keys_in_sample", kUnit, false);
  check("keys_held_out", kUnit, !held_out);
  check("residual_in_sample", kUnit, false);
  check("residual_held_out", kUnit, !held_out);
  check("code_then_rank", kNotNegative, !held_out);
  check("rank_then_code", kNotNegative, !held_out);
}

// Ranks 1, 2, 4, ...: all of them, or no row.
void read_residual(const Case& c, const Record& record, const At& list, const LayerKeys& layer,
                   Head& head) {
  if (!c.inspect.is(list, Kind::array)) return;
  const Array& rows = list.value->array();
  if (rows.empty()) return;
  if (head.learned().refused) {
    c.inspect.invalid(Check::null_pattern, list.path, "is not empty though itq_cosine is refused");
    return;
  }
  std::vector<int64_t> ranks;
  for (int64_t rank = 1; rank <= std::min(record.parameters.residual_rank, layer.width);
       rank *= 2) {
    ranks.push_back(rank);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const At at = element(list, i);
    if (!c.inspect.is(at, Kind::object)) return;
    const auto rank = c.inspect.integer(c.inspect.need(at, "rank"), 1, kMaxExactInteger);
    if (!rank) return;
    if (i >= ranks.size() || *rank != ranks[i]) {
      c.inspect.invalid(Check::ranked_list, at.path,
                        fmt::format("found rank {}, expected 1, 2, 4, ... up to the smaller of "
                                    "residual_rank and the width",
                                    *rank));
      return;
    }
    check_residual_row(c, at, head.held_out() > 0);
  }
  if (rows.size() < ranks.size()) {
    c.inspect.invalid(Check::ranked_list, list.path,
                      fmt::format("ends before rank {}", ranks[rows.size()]));
    return;
  }
  head.residual_ranks = ranks;
}

void read_ceiling(const Case& c, const Record& record, const At& at, const LayerKeys& layer,
                  Head& head) {
  const bool expected = record.parameters.scored && layer.rotated_columns > 0 && head.fit_keys > 0;
  if (!there(c, at, expected, "`step`, RoPE and fit_keys say otherwise")) return;
  if (!c.inspect.is(at, Kind::object)) return;
  head.resting_share = number_at(c.inspect, at, "resting_share", kUnit);
}

// A list of numbers, not empty.
void check_numbers(const Case& c, const At& at) {
  if (!c.inspect.is(at, Kind::array)) return;
  if (at.value->array().empty()) {
    c.inspect.invalid(Check::array_length, at.path, "is empty");
  }
  numbers(c.inspect, at, at.value->array().size(), kAnyNumber);
}

// Null, or an object of numbers; a number may be undefined.
void check_fit(const Case& c, const At& at, std::initializer_list<const char*> names) {
  if (!at || is_null(at) || !c.inspect.is(at, Kind::object)) return;
  for (const char* name : names) {
    const At member = c.inspect.need(at, name);
    if (member && !is_null(member)) c.inspect.number(member, kAnyNumber);
  }
}

}  // namespace

void check_search(const Case& c, const At& gauge, bool givens) {
  Inspector& inspect = c.inspect;
  check_numbers(c, inspect.need(gauge, "path"));
  const At trials = givens ? gauge / "trials" : inspect.need(gauge, "trials");
  if (inspect.is(trials, Kind::array)) {
    numbers(inspect, trials, trials.value->array().size(), kAnyNumber);
  }
  const At stop = inspect.need(gauge, "stop");
  const std::string how = inspect.text(stop);
  if (stop && stop.value->is(Kind::string) && how != "settled" && how != "most_steps") {
    inspect.invalid(Check::value_range, stop.path,
                    fmt::format("found {}, expected settled or most_steps", how));
  }
  check_fit(c, inspect.need(gauge, "decay"), {"geometric", "power", "rate", "points"});
  check_fit(c, inspect.need(gauge, "curvature"),
            {"asymmetry", "least_eigenvalue", "flattest", "steepest", "condition", "kink_ratio"});
}

void read_parts(const Case& c, const Record& record, const At& at, const LayerKeys& layer,
                Head& head) {
  Inspector& inspect = c.inspect;
  const At noise = inspect.need(at, "noise");
  if (there(c, noise, !head.learned().refused, "it is of the search for itq_cosine")) {
    head.noise = read_noise(c, record, noise);
  }
  read_centrings(c, record, inspect.need(at, "centring"), layer, head);
  read_residual(c, record, inspect.need(at, "residual"), layer, head);
  read_ceiling(c, record, inspect.need(at, "ceiling"), layer, head);
}

}  // namespace rg::verify::kv
