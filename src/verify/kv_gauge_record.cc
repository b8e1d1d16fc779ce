// kv_gauge's arrays: what was asked for, halves and units, what attention is, keys per window.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "verify/kv_gauge.h"

namespace rg::verify::kv {
namespace {

constexpr int64_t kMostGauges = 4096;  // of one kind
constexpr int64_t kMostColumns = 1 << 20;
constexpr const char* kVerdictKinds[] = {"identity", "signed_hadamard", "rotation", "itq_cosine"};
constexpr const char* kAllKinds[] = {"identity",           "hadamard",   "signed_hadamard",
                                     "rotation",           "principal",  "principal_covariance",
                                     "principal_hadamard", "itq_cosine", "itq_pooled",
                                     "itq_per_key",        "givens",     "torus",
                                     "plane_scaling",      "foldable",   "blocks"};

// The index of a text among those allowed; value_range where it is another one.
template <typename Names>
size_t one_of(Inspector& inspect, const At& at, const Names& names) {
  const std::string found = inspect.text(at);
  for (size_t i = 0; i < std::size(names); ++i) {
    if (found == names[i]) return i;
  }
  if (at && at.value->is(Kind::string)) {
    inspect.invalid(Check::value_range, at.path,
                    fmt::format("found {}, a word of no meaning here", found));
  }
  return 0;
}

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

// Even documents are fitted on, odd ones dealt to units in their order.
std::vector<int64_t> units_of_documents(const Header& header, size_t units) {
  std::vector<int64_t> of_window;
  for (const uint32_t document : header.documents) {
    const auto unit = static_cast<int64_t>(document / 2 % std::max<size_t>(units, 1));
    of_window.push_back(document % 2 == 0 ? -1 : unit);
  }
  return of_window;
}

void read_units(const Case& c, Record& record) {
  Inspector& inspect = c.inspect;
  const size_t held_out = c.header.n_documents / 2;
  record.units = std::min(kMostUnits, held_out);
  record.fitted_documents = c.header.n_documents - static_cast<int64_t>(held_out);
  record.unit_of_window = units_of_documents(c.header, record.units);
  const At units = inspect.need(c.root, "units");
  if (!inspect.is(units, Kind::object)) return;
  const At count = inspect.need(units, "count");
  const auto stated = inspect.integer(count, 0, kMostUnits);
  if (stated && *stated != static_cast<int64_t>(record.units)) {
    inspect.invalid(Check::document_ids, count.path,
                    fmt::format("found {}, the documents give {}", *stated, record.units));
  }
  const At list = inspect.need(units, "of_window");
  if (!inspect.is(list, Kind::array)) return;
  const Array& values = list.value->array();
  if (values.size() != c.header.n_windows) {
    inspect.invalid(
        Check::array_length, list.path,
        fmt::format("found {} values, expected n_windows = {}", values.size(), c.header.n_windows));
    return;
  }
  for (size_t w = 0; w < values.size(); ++w) {
    const At at = element(list, w);
    const auto unit = inspect.integer(at, -1, kMostUnits - 1);
    if (!unit) return;
    if (*unit == record.unit_of_window[w]) continue;
    inspect.invalid(
        Check::document_ids, at.path,
        fmt::format("found {}, the window's document gives {}", *unit, record.unit_of_window[w]));
    return;
  }
}

// The layers that have keys: all but those of `without_keys`.
std::vector<int> read_keyed_layers(const Case& c) {
  Inspector& inspect = c.inspect;
  std::vector<int> keyed = c.header.layers;
  const At without = inspect.need(c.root, "without_keys");
  if (!inspect.is(without, Kind::object)) return keyed;
  for (const Member& member : without.value->object().members) {
    const At at = without / member.key;
    const std::optional<int> layer = inspect.layer_key(member.key);
    if (!layer || std::erase(keyed, *layer) == 0) {
      inspect.invalid(Check::layer_arrays, at.path, "is not a layer of `layers` in decimal");
    }
    if (inspect.is(at, Kind::string) && at.value->string().empty()) {
      inspect.invalid(Check::value_range, at.path, "says nothing");
    }
  }
  if (!inspect.sound()) return keyed;
  const std::string path = "verification.required_layers";
  const std::vector<int>& required = c.header.required;
  if (!std::includes(keyed.begin(), keyed.end(), required.begin(), required.end())) {
    inspect.invalid(Check::required_layers, path, "names a layer that has no keys to measure");
  } else if (!c.header.required_by_verifier && required != keyed) {
    inspect.invalid(Check::required_layers, path,
                    "and `without_keys` together are not the measured layers");
  }
  return keyed;
}

// An object with a member for every layer that has keys, and for no other.
bool has_layers(const Case& c, const At& at, const std::vector<int>& keyed) {
  if (!c.inspect.is(at, Kind::object)) return false;
  bool all = true;
  for (const Member& member : at.value->object().members) {
    const std::optional<int> layer = c.inspect.layer_key(member.key);
    if (layer && std::binary_search(keyed.begin(), keyed.end(), *layer)) continue;
    c.inspect.invalid(Check::layer_arrays, (at / member.key).path,
                      "is not a layer that has keys, in decimal");
    all = false;
  }
  for (const int layer : keyed) {
    const At member = at / std::to_string(layer);
    if (member) continue;
    c.inspect.invalid(Check::layer_arrays, member.path, "is missing though the layer has keys");
    all = false;
  }
  return all;
}

void check_costs(const Case& c, const Parameters& parameters, const At& costs) {
  Inspector& inspect = c.inspect;
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

// Fills in what the layer's heads are measured by. Returns the number of KV heads.
int64_t read_attention(const Case& c, const Parameters& parameters, const At& at,
                       LayerKeys& layer) {
  Inspector& inspect = c.inspect;
  if (!inspect.is(at, Kind::object)) return 0;
  const auto count = [&](const char* key, int64_t lo, int64_t hi) {
    return inspect.integer(inspect.need(at, key), lo, hi).value_or(hi);
  };
  inspect.text(inspect.need(at, "mixer"));
  const int64_t heads = count("heads", 1, kMostColumns);
  const int64_t kv_heads = count("kv_heads", 1, heads);
  layer.width = count("width", 1, kMostColumns);
  layer.rotated_columns = count("rotated_columns", 0, layer.width);
  one_of(inspect, inspect.need(at, "norm"),
         std::array{"none", "full_width", "per_head", "per_head_rotated"});
  inspect.boolean(inspect.need(at, "values_are_keys"));
  count("latent_width", 0, kMostColumns);
  inspect.boolean(inspect.need(at, "sinks"));
  count("window", 0, kMaxExactInteger);
  check_costs(c, parameters, inspect.need(at, "costs"));
  return kv_heads;
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

Windows numbers(Inspector& inspect, const At& at, size_t length, Range range) {
  if (!inspect.is(at, Kind::array)) return {};
  const Array& values = at.value->array();
  if (values.size() != length) {
    inspect.invalid(Check::array_length, at.path,
                    fmt::format("found {} values, expected {}", values.size(), length));
    return {};
  }
  Windows result(length);
  for (size_t i = 0; i < length; ++i) {
    if (!inspect.check_element(values[i], i, at.path, range)) return {};  // one reason per array
    result[i] = values[i].number();
  }
  return result;
}

Windows counted_keys(Inspector& inspect, const At& at, size_t length) {
  Windows result;
  for (const int64_t count : inspect.counts(at, length, kMaxExactInteger)) {
    result.emplace_back(static_cast<double>(count));
  }
  return result;
}

double count_at(Inspector& inspect, const At& parent, const char* key) {
  const auto count = inspect.integer(inspect.need(parent, key), 0, kMaxExactInteger);
  return static_cast<double>(count.value_or(0));
}

double number_at(Inspector& inspect, const At& parent, const char* key, Range range) {
  return inspect.number(inspect.need(parent, key), range).value_or(0);
}

At element(const At& list, size_t index) {
  return {&list.value->array()[index], fmt::format("{}[{}]", list.path, index)};
}

Record read_record(const Case& c) {
  Record record;
  record.parameters = read_parameters(c);
  read_units(c, record);
  const std::vector<int> keyed = read_keyed_layers(c);
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
    const int64_t kv_heads = read_attention(c, record.parameters, attention / key, layer);
    if (c.inspect.sound()) read_heads(c, record, heads / key, kv_heads, layer);
  }
  if (c.inspect.sound()) check_record(c, record);
  return record;
}

}  // namespace rg::verify::kv
