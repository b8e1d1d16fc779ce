// kv_distortion's arrays: which windows and positions are measured, by the documents and the seed,
// and how many positions of every window are sampled.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/random.h"
#include "verify/kv_distortion.h"

namespace rg::verify::distortion {
namespace {

constexpr uint64_t kMostPositions = uint64_t{1} << 28;  // of all windows together, to draw from

uint64_t seed_of(const Case& c) {
  const At seed = (c.root / "data") / "seed";
  return seed.value->large_integer() ? seed.value->large()
                                     : static_cast<uint64_t>(seed.value->integer());
}

// Ascending.
std::vector<int64_t> sampled_positions(const Case& c, uint64_t seed, size_t window, int64_t count) {
  const uint32_t length = c.header.seq_len;
  const auto many = static_cast<uint32_t>(std::min<int64_t>(count, length));
  std::vector<int64_t> positions;
  for (const uint32_t position :
       draw_subset(length, many, seed, Purpose::key_positions, static_cast<uint32_t>(window), 0)) {
    positions.push_back(position);
  }
  std::sort(positions.begin(), positions.end());
  return positions;
}

Measured measured_of(const Case& c, const Parameters& parameters, uint64_t seed) {
  std::vector<size_t> held_out;
  for (size_t w = 0; w < c.header.documents.size(); ++w) {
    if (c.header.documents[w] % 2 == 1) held_out.push_back(w);
  }
  const size_t count = std::min(held_out.size(), static_cast<size_t>(parameters.windows));
  Measured measured;
  std::map<uint32_t, int64_t> numbers;
  for (size_t i = 0; i < count; ++i) {
    const size_t window = held_out[i * held_out.size() / count];
    const auto next = static_cast<int64_t>(numbers.size());
    measured.windows.push_back(static_cast<int64_t>(window));
    measured.documents.push_back(
        numbers.try_emplace(c.header.documents[window], next).first->second);
    measured.positions.push_back(sampled_positions(c, seed, window, parameters.queries));
  }
  measured.n_documents = numbers.size();
  return measured;
}

// What else than these integers is found: array_length, value_kind or document_ids.
void expect_list(const Case& c, const At& list, const std::vector<int64_t>& expected,
                 const char* source) {
  if (!c.inspect.is(list, Kind::array)) return;
  const size_t found = list.value->array().size();
  if (found != expected.size()) {
    c.inspect.invalid(Check::array_length, list.path,
                      fmt::format("found {} values, {} give {}", found, source, expected.size()));
    return;
  }
  for (size_t i = 0; i < found; ++i) {
    const At at = kv::element(list, i);
    const auto value = c.inspect.integer(at, 0, kMaxExactInteger);
    if (!value) return;
    if (*value == expected[i]) continue;
    c.inspect.invalid(Check::document_ids, at.path,
                      fmt::format("found {}, {} give {}", *value, source, expected[i]));
    return;
  }
}

void check_measured(const Case& c, const Measured& measured) {
  const At stated = c.inspect.need(c.root, "measured");
  if (!c.inspect.is(stated, Kind::object)) return;
  const At fit_keys = c.inspect.need(stated, "fit_keys");
  const auto fitted = c.inspect.integer(fit_keys, 0, kMaxExactInteger);
  if (fitted && static_cast<double>(*fitted) != measured.fit_keys) {
    c.inspect.invalid(
        Check::count_total, fit_keys.path,
        fmt::format("found {}, the windows have {} fitted keys", *fitted, measured.fit_keys));
  }
  expect_list(c, c.inspect.need(stated, "windows"), measured.windows, "documents and `keys`");
  expect_list(c, c.inspect.need(stated, "documents"), measured.documents, "documents and `keys`");
  const At positions = c.inspect.need(stated, "positions");
  if (!c.inspect.is(positions, Kind::array)) return;
  const size_t found = positions.value->array().size();
  if (found != measured.positions.size()) {
    c.inspect.invalid(Check::array_length, positions.path,
                      fmt::format("found {} windows, expected {}", found, measured.windows.size()));
    return;
  }
  for (size_t w = 0; w < found; ++w) {
    expect_list(c, kv::element(positions, w), measured.positions[w], "seed and `keys`");
  }
}

// Those of every window, sinks apart, as the seed gives them. Also sums up fit_keys.
void check_sampled(const Case& c, uint64_t seed, Record& record) {
  const Parameters& parameters = record.parameters;
  bool all_right = true;
  for (size_t w = 0; w < c.header.n_windows; ++w) {
    const std::vector<int64_t> positions = sampled_positions(c, seed, w, parameters.positions);
    const auto first_key =
        std::lower_bound(positions.begin(), positions.end(), parameters.sink_positions);
    const auto sinks = static_cast<double>(first_key - positions.begin());
    const double keys = static_cast<double>(positions.size()) - sinks;
    if (c.header.documents[w] % 2 == 0) record.measured.fit_keys += keys;
    if (record.keys.empty() || record.sinks.empty() || !all_right) continue;
    all_right = *record.keys[w] == keys && *record.sinks[w] == sinks;
    if (all_right) continue;
    c.inspect.invalid(
        Check::count_total,
        fmt::format("per_window.{}[{}]", *record.keys[w] == keys ? "sinks" : "keys", w),
        fmt::format("the seed gives {} keys and {} sinks", keys, sinks));
  }
}

void check_work(const Case& c) {
  const uint64_t positions = c.header.n_windows * c.header.seq_len;
  if (positions <= kMostPositions) return;
  throw Error(ErrorId::AR004, {.file = c.inspect.judgement().path,
                               .object = "data.n_windows",
                               .found = fmt::format("{} positions to draw from", positions),
                               .expected = fmt::format("at most {}", kMostPositions),
                               .hint = "Measure fewer windows, or shorter ones."});
}

}  // namespace

size_t Measured::queries() const {
  size_t all = 0;
  for (const std::vector<int64_t>& of_window : positions) all += of_window.size();
  return all;
}

void read_windows(const Case& c, Record& record) {
  check_work(c);
  const At per_window = c.inspect.need(c.root, "per_window");
  if (!c.inspect.is(per_window, Kind::object)) return;
  const size_t windows = c.header.n_windows;
  record.keys = kv::counted_keys(c.inspect, c.inspect.need(per_window, "keys"), windows);
  record.sinks = kv::counted_keys(c.inspect, c.inspect.need(per_window, "sinks"), windows);
  const uint64_t seed = seed_of(c);
  record.measured = measured_of(c, record.parameters, seed);
  check_sampled(c, seed, record);
  check_measured(c, record.measured);
}

}  // namespace rg::verify::distortion
