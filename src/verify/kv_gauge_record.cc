// kv_gauge's arrays: what was asked for, what gauges cost, keys per window.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "verify/kv_gauge.h"

namespace rg::verify::kv {
namespace {

constexpr int64_t kMostGauges = 4096;  // of one kind
constexpr const char* kVerdictKinds[] = {"identity", "signed_hadamard", "rotation", "itq_cosine"};
constexpr const char* kAllKinds[] = {"identity",           "hadamard",   "signed_hadamard",
                                     "rotation",           "principal",  "principal_covariance",
                                     "principal_hadamard", "itq_cosine", "itq_pooled",
                                     "itq_per_key",        "givens",     "torus",
                                     "plane_scaling",      "foldable",   "blocks"};

Parameters read_parameters(const Case& c) {
  Inspector& inspect = c.inspect;
  const At keys = inspect.need(c.root, "keys");
  Parameters p;
  if (!inspect.is(keys, Kind::object)) return p;
  p.scored = one_of(inspect, inspect.need(keys, "step"), std::array{"scored", "normed"}) == 0;
  p.centring = one_of(inspect, inspect.need(keys, "centring"), kCentringNames);
  p.all_gauges = one_of(inspect, inspect.need(keys, "gauges"), std::array{"all", "verdict"}) == 0;
  const auto count = [&](const char* key, int64_t lo, int64_t hi) {
    return inspect.integer(inspect.need(keys, key), lo, hi).value_or(lo);
  };
  p.positions = count("positions", 1, kMostColumns);
  p.sink_positions = count("sink_positions", 0, kMostColumns);
  p.signed_hadamards = count("signed_hadamards", 0, kMostGauges);
  p.rotations = count("rotations", 0, kMostGauges);
  p.residual_rank = count("residual_rank", 0, kMostColumns);
  return p;
}

// What of a row of `attention` only kv_gauge states.
void check_costs(const Case& c, const Parameters& parameters, const At& attention) {
  Inspector& inspect = c.inspect;
  if (!attention || !attention.value->is(Kind::object)) return;
  inspect.boolean(inspect.need(attention, "sinks"));
  const At costs = inspect.need(attention, "costs");
  if (!inspect.is(costs, Kind::object)) return;
  for (const Member& member : costs.value->object().members) {
    const At at = costs / member.key;
    if (std::find(std::begin(kAllKinds), std::end(kAllKinds), member.key) == std::end(kAllKinds)) {
      inspect.invalid(Check::value_range, at.path, "is no kind of gauge");
    }
    one_of(inspect, at, std::array{"free", "online_log", "online_square", "codec"});
  }
  std::set<std::string> kinds;
  for (const GaugeName& name : gauge_names(parameters)) kinds.insert(name.kind);
  for (const std::string& kind : kinds) inspect.need(costs, kind);
}

void read_windows(const Case& c, Record& record) {
  const At per_window = c.inspect.need(c.root, "per_window");
  if (!c.inspect.is(per_window, Kind::object)) return;
  record.keys = counted_keys(c.inspect, c.inspect.need(per_window, "keys"), c.header.n_windows);
  record.sinks = counted_keys(c.inspect, c.inspect.need(per_window, "sinks"), c.header.n_windows);
}

}  // namespace

std::vector<GaugeName> gauge_names(const Parameters& parameters) {
  std::vector<GaugeName> names;
  const auto add = [&](const std::string& kind) {
    const int64_t many = kind == "signed_hadamard" ? parameters.signed_hadamards
                         : kind == "rotation"      ? parameters.rotations
                                                   : 1;
    for (int64_t number = 0; number < many; ++number) names.push_back({kind, number});
  };
  if (parameters.all_gauges) {
    for (const char* kind : kAllKinds) add(kind);
  } else {
    for (const char* kind : kVerdictKinds) add(kind);
  }
  return names;
}

Record read_record(const Case& c) {
  Record record;
  record.parameters = read_parameters(c);
  record.units = read_units(c);
  const std::vector<int> keyed = read_measured_layers(c, "without_keys");
  if (!c.inspect.sound()) return record;  // what follows would only repeat it
  read_windows(c, record);
  const At attention = c.inspect.need(c.root, "attention");
  const At heads = c.inspect.need(c.root, "heads");
  const bool stated = has_layers(c, attention, keyed);
  const bool measured = has_layers(c, heads, keyed);
  if (!stated || !measured || !c.inspect.sound()) return record;
  for (const int number : keyed) {
    const std::string key = std::to_string(number);
    LayerKeys& layer = record.layers[number];
    const Attention of = read_attention(c, attention / key);
    check_costs(c, record.parameters, attention / key);
    layer.width = of.width;
    layer.rotated_columns = of.rotated_columns;
    if (c.inspect.sound()) read_heads(c, record, heads / key, of.kv_heads, layer);
  }
  if (c.inspect.sound()) check_record(c, record);
  return record;
}

}  // namespace rg::verify::kv
