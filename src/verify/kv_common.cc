// Artifacts on keys: halves and units, layers without keys, what attention is, readers of lists.
#include "verify/kv_common.h"

#include <algorithm>
#include <array>

namespace rg::verify::kv {
namespace {

Units units_of(const Header& header) {
  const size_t held_out = header.n_documents / 2;
  Units units;
  units.count = std::min(kMostUnits, held_out);
  units.fitted_documents = header.n_documents - static_cast<int64_t>(held_out);
  for (const uint32_t document : header.documents) {
    const auto unit = static_cast<int64_t>(document / 2 % std::max<size_t>(units.count, 1));
    units.of_window.push_back(document % 2 == 0 ? -1 : unit);
  }
  return units;
}

void check_units(const Case& c, const Units& units) {
  Inspector& inspect = c.inspect;
  const At stated = inspect.need(c.root, "units");
  if (!inspect.is(stated, Kind::object)) return;
  const At count = inspect.need(stated, "count");
  const auto number = inspect.integer(count, 0, kMostUnits);
  if (number && *number != static_cast<int64_t>(units.count)) {
    inspect.invalid(Check::document_ids, count.path,
                    fmt::format("found {}, the documents give {}", *number, units.count));
  }
  check_of_window(c, inspect.need(stated, "of_window"), units.of_window, {-1, kMostUnits - 1});
}

}  // namespace

Units read_units(const Case& c) {
  Units units = units_of(c.header);
  check_units(c, units);
  return units;
}

void check_of_window(const Case& c, const At& list, const std::vector<int64_t>& expected,
                     const std::pair<int64_t, int64_t>& range) {
  Inspector& inspect = c.inspect;
  if (!inspect.is(list, Kind::array)) return;
  const size_t found = list.value->array().size();
  if (found != expected.size()) {
    inspect.invalid(
        Check::array_length, list.path,
        fmt::format("found {} values, expected n_windows = {}", found, expected.size()));
    return;
  }
  for (size_t w = 0; w < found; ++w) {
    const At at = element(list, w);
    const auto number = inspect.integer(at, range.first, range.second);
    if (!number) return;
    if (*number == expected[w]) continue;
    inspect.invalid(Check::document_ids, at.path,
                    fmt::format("found {}, the window's document gives {}", *number, expected[w]));
    return;
  }
}

std::vector<int> read_measured_layers(const Case& c, const char* without) {
  Inspector& inspect = c.inspect;
  std::vector<int> measured = c.header.layers;
  const At list = inspect.need(c.root, without);
  if (!inspect.is(list, Kind::object)) return measured;
  for (const Member& member : list.value->object().members) {
    const At at = list / member.key;
    const std::optional<int> layer = inspect.layer_key(member.key);
    if (!layer || std::erase(measured, *layer) == 0) {
      inspect.invalid(Check::layer_arrays, at.path, "is not a layer of `layers` in decimal");
    }
    if (inspect.is(at, Kind::string) && at.value->string().empty()) {
      inspect.invalid(Check::value_range, at.path, "says nothing");
    }
  }
  if (!inspect.sound()) return measured;
  const std::string path = "verification.required_layers";
  const std::vector<int>& required = c.header.required;
  if (!std::includes(measured.begin(), measured.end(), required.begin(), required.end())) {
    inspect.invalid(Check::required_layers, path, fmt::format("names a layer of `{}`", without));
  } else if (!c.header.required_by_verifier && required != measured) {
    inspect.invalid(Check::required_layers, path,
                    fmt::format("and `{}` together are not the layers of `layers`", without));
  }
  return measured;
}

bool is_required(const Case& c, int layer) {
  return std::binary_search(c.header.required.begin(), c.header.required.end(), layer);
}

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

Attention read_attention(const Case& c, const At& at) {
  Inspector& inspect = c.inspect;
  Attention attention;
  if (!inspect.is(at, Kind::object)) return attention;
  const auto count = [&](const char* key, int64_t lo, int64_t hi) {
    return inspect.integer(inspect.need(at, key), lo, hi).value_or(hi);
  };
  inspect.text(inspect.need(at, "mixer"));
  attention.heads = count("heads", 1, kMostColumns);
  attention.kv_heads = count("kv_heads", 1, attention.heads);
  attention.width = count("width", 1, kMostColumns);
  attention.rotated_columns = count("rotated_columns", 0, attention.width);
  one_of(inspect, inspect.need(at, "norm"),
         std::array{"none", "full_width", "per_head", "per_head_rotated"});
  inspect.boolean(inspect.need(at, "values_are_keys"));
  count("latent_width", 0, kMostColumns);
  attention.window = count("window", 0, kMaxExactInteger);
  return attention;
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

bool is_null(const At& at) { return at && at.value->is(Kind::null); }

bool there(const Case& c, const At& at, bool expected, const char* why) {
  if (!at) return false;
  if (is_null(at) != expected) return expected;
  c.inspect.invalid(Check::null_pattern, at.path,
                    fmt::format("is {}null though {}", expected ? "" : "not ", why));
  return false;
}

bool lacks(Judgement& judgement, const char* path, const std::string& found,
           const std::string& sentence, const std::string& needed) {
  judgement.reasons.push_back({"", "", path, fmt::format("{}, a verdict needs {}", found, needed)});
  judgement.sentence = fmt::format("Only {} {}; a verdict needs {}.", found, sentence, needed);
  return false;
}

}  // namespace rg::verify::kv
