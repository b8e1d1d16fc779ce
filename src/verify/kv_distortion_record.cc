// kv_distortion's arrays: what was asked for, the list of codes, and the rest in order.
#include <fmt/format.h>

#include <utility>

#include "verify/kv_distortion.h"

namespace rg::verify::distortion {
namespace {

constexpr int64_t kMostSampled = 65536;  // windows, queries, positions
constexpr int64_t kMostSinkPositions = 64;
constexpr int64_t kMostBits = 4;

Parameters read_distortion_parameters(const Case& c) {
  Inspector& inspect = c.inspect;
  const At keys = inspect.need(c.root, "keys");
  Parameters p;
  if (!inspect.is(keys, Kind::object)) return p;
  kv::one_of(inspect, inspect.need(keys, "step"), std::array{"scored", "normed"});
  constexpr std::array kLists = {CodeList::scales, CodeList::plain, CodeList::all};
  p.codes = kLists[kv::one_of(inspect, inspect.need(keys, "codes"),
                              std::array{"scales", "plain", "all"})];
  p.coded_values = inspect.boolean(inspect.need(keys, "coded_values")).value_or(false);
  const auto count = [&](const char* key, int64_t lo, int64_t hi) {
    return inspect.integer(inspect.need(keys, key), lo, hi).value_or(lo);
  };
  p.fewest_bits = count("fewest_bits", 1, kMostBits);
  p.most_bits = count("most_bits", p.fewest_bits, kMostBits);
  p.windows = count("windows", 1, kMostSampled);
  p.queries = count("queries", 1, kMostSampled);
  p.positions = count("positions", 1, kMostSampled);
  p.sink_positions = count("sink_positions", 0, kMostSinkPositions);
  return p;
}

// None where it can't be read.
std::optional<Code> read_code(const Case& c, const At& at) {
  Inspector& inspect = c.inspect;
  if (!inspect.is(at, Kind::object)) return std::nullopt;
  const auto bits = inspect.integer(inspect.need(at, "bits"), 0, kMaxExactInteger);
  Code code;
  bool complete = bits.has_value();
  for (const auto& [key, text] : {std::pair{"scale", &code.scale},
                                  {"rule", &code.rule},
                                  {"centring", &code.centring},
                                  {"gauge", &code.gauge}}) {
    const At member = inspect.need(at, key);
    *text = inspect.text(member);
    complete = complete && member && member.value->is(Kind::string);
  }
  const auto values = inspect.boolean(inspect.need(at, "values"));
  if (!complete || !values) return std::nullopt;
  code.bits = *bits;
  code.values = *values;
  return code;
}

void check_codes(const Case& c, const std::vector<Code>& codes) {
  const At list = c.inspect.need(c.root, "codes");
  if (!c.inspect.is(list, Kind::array)) return;
  const size_t found = list.value->array().size();
  if (found != codes.size()) {
    c.inspect.invalid(Check::ranked_list, list.path,
                      fmt::format("holds {} codes, `keys` gives {}", found, codes.size()));
    return;
  }
  for (size_t i = 0; i < found; ++i) {
    const At at = kv::element(list, i);
    const std::optional<Code> code = read_code(c, at);
    if (!code) return;
    if (*code == codes[i]) continue;
    c.inspect.invalid(Check::ranked_list, at.path, "is not the code that `keys` gives here");
    return;
  }
}

// The layers that have keys; none without a window to measure.
std::vector<int> read_keyed_layers(const Case& c, const Record& record) {
  const std::vector<int> keyed = kv::read_measured_layers(c, "without_keys");
  if (c.inspect.sound() && record.measured.windows.empty() && !keyed.empty()) {
    c.inspect.invalid(Check::required_layers, "verification.required_layers",
                      "names a layer though no window is of a held-out document");
  }
  return keyed;
}

}  // namespace

std::vector<Code> codes_of(const Parameters& parameters) {
  std::vector<Code> codes;
  const bool scales = parameters.codes != CodeList::plain;
  const bool all = parameters.codes == CodeList::all;
  for (int64_t bits = parameters.fewest_bits; bits <= parameters.most_bits; ++bits) {
    const Code plain{.bits = bits,
                     .scale = "key",
                     .rule = "least_squares",
                     .centring = "raw",
                     .gauge = "identity",
                     .values = false};
    const auto add = [&](bool wanted, std::string Code::*member, const char* word) {
      if (!wanted) return;
      codes.push_back(plain);
      codes.back().*member = word;
    };
    codes.push_back(plain);
    add(scales, &Code::scale, "channel");
    add(scales, &Code::scale, "head");
    add(scales, &Code::rule, "norm");
    add(scales, &Code::rule, "unbiased");
    add(all, &Code::gauge, "signed_hadamard");
    add(all, &Code::gauge, "itq_cosine");
    add(all, &Code::centring, "dataset_mean");
    if (!parameters.coded_values) continue;
    codes.push_back(plain);
    codes.back().values = true;
  }
  return codes;
}

Record read_record(const Case& c) {
  Record record;
  record.parameters = read_distortion_parameters(c);
  if (!c.inspect.sound()) return record;  // what follows would only repeat it
  record.codes = codes_of(record.parameters);
  check_codes(c, record.codes);
  read_windows(c, record);
  const std::vector<int> keyed = read_keyed_layers(c, record);
  if (!c.inspect.sound()) return record;
  const At per_window = c.inspect.need(c.root, "per_window");
  const At attention = c.inspect.need(c.root, "attention");
  const At heads = c.inspect.need(c.root, "heads");
  const At windows = c.inspect.need(per_window, "attention");
  bool all = true;
  for (const At& at : {attention, heads, windows}) all = kv::has_layers(c, at, keyed) && all;
  if (!all || !c.inspect.sound()) return record;
  for (const int number : keyed) {
    const std::string key = std::to_string(number);
    read_layer(c, record, {attention / key, windows / key, heads / key}, record.layers[number]);
  }
  if (c.inspect.sound()) check_record(c, record);
  return record;
}

}  // namespace rg::verify::distortion
