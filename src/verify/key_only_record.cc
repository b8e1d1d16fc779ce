// key_only_router's arrays: parameters, the split of documents, sampled rows, and the layers.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/random.h"
#include "verify/key_only_router.h"

namespace rg::verify::key_only {
namespace {

constexpr int64_t kMostUnits = 128;
constexpr int64_t kFewestDocuments = 3;
constexpr int64_t kMostRows = 65536, kMostHidden = 4096, kMostEpochs = 1000;
constexpr int64_t kHiddenStep = 64, kCeilingDraws = 64;
constexpr uint32_t kSplitCounter = 1;  // `layer` of the shuffle's counter

uint64_t split_seed(const Case& c) {
  const At seed = (c.root / "data") / "seed";
  return seed.value->large_integer() ? seed.value->large()
                                     : static_cast<uint64_t>(seed.value->integer());
}

Parameters read_prediction(const Case& c) {
  Inspector& inspect = c.inspect;
  Parameters parameters;
  const At at = inspect.need(c.root, "prediction");
  if (!inspect.is(at, Kind::object)) return parameters;
  parameters.positions = inspect.integer(inspect.need(at, "positions"), 1, kMostRows).value_or(1);
  const At hidden = inspect.need(at, "mlp_hidden");
  parameters.mlp_hidden = inspect.integer(hidden, 0, kMostHidden).value_or(0);
  if (parameters.mlp_hidden % kHiddenStep != 0) {
    inspect.invalid(Check::value_range, hidden.path,
                    fmt::format("found {}, no multiple of {}", parameters.mlp_hidden, kHiddenStep));
  }
  parameters.mlp_epochs =
      inspect.integer(inspect.need(at, "mlp_epochs"), 1, kMostEpochs).value_or(1);
  inspect.integer(inspect.need(at, "ceiling_draws"), kCeilingDraws, kCeilingDraws);
  return parameters;
}

void check_split(const Case& c, const Split& split) {
  Inspector& inspect = c.inspect;
  const At stated = inspect.need(c.root, "split");
  if (!inspect.is(stated, Kind::object)) return;
  const auto expect = [&](const At& at, int64_t expected) {
    const auto found = inspect.integer(at, -2, kMaxExactInteger);
    if (!found || *found == expected) return;
    inspect.invalid(Check::document_ids, at.path,
                    fmt::format("found {}, documents and seed give {}", *found, expected));
  };
  expect(inspect.need(stated, "documents"), split.documents);
  expect(inspect.need(stated, "fitted"), split.fitted);
  expect(inspect.need(stated, "choosing"), split.choosing);
  expect(inspect.need(stated, "tests"), split.tests);
  expect(inspect.need(stated, "units"), split.units);
  kv::check_of_window(c, inspect.need(stated, "of_window"), split.of_window,
                      {-2, kMaxExactInteger});
}

// `per_window.rows`, and their sums.
Rows read_rows(const Case& c, const Record& record) {
  Inspector& inspect = c.inspect;
  const int64_t each = std::min<int64_t>(record.parameters.positions, c.header.seq_len);
  const At windows = inspect.need(c.root, "per_window");
  if (inspect.is(windows, Kind::object)) {
    const At list = inspect.need(windows, "rows");
    const std::vector<int64_t> stated = inspect.counts(list, c.header.n_windows, kMaxExactInteger);
    const auto other =
        std::find_if(stated.begin(), stated.end(), [&](int64_t rows) { return rows != each; });
    if (other != stated.end()) {
      inspect.invalid(
          Check::count_total, fmt::format("{}[{}]", list.path, other - stated.begin()),
          fmt::format("found {}, expected the smaller of positions and seq_len, {}", *other, each));
    }
  }
  Rows rows;
  rows.of_unit.resize(static_cast<size_t>(record.split.units));
  for (const int64_t unit : record.split.of_window) {
    if (unit >= 0) rows.of_unit[static_cast<size_t>(unit)] += each;
    (unit >= 0 ? rows.tests : unit == -1 ? rows.choosing : rows.fitted) += each;
  }
  return rows;
}

// The layers that are not in `not_measured`; none without documents to split.
std::vector<int> read_split_layers(const Case& c, const Split& split) {
  const std::vector<int> measured = kv::read_measured_layers(c, "not_measured");
  if (c.inspect.sound() && split.documents < kFewestDocuments && !measured.empty()) {
    c.inspect.invalid(Check::required_layers, "verification.required_layers",
                      "names a layer though fewer than three documents can't be split");
  }
  return measured;
}

Truth read_truth(const Case& c, const Record& record, const At& at) {
  Inspector& inspect = c.inspect;
  Truth truth;
  if (!inspect.is(at, Kind::object)) return truth;
  const size_t units = record.rows.of_unit.size(), experts = c.header.experts;
  truth.energy = kv::numbers(inspect, inspect.need(at, "energy"), units, kNotNegative);
  truth.fitted_chosen =
      inspect.counts(inspect.need(at, "fitted_chosen"), experts, kMaxExactInteger);
  truth.test_chosen = inspect.counts(inspect.need(at, "test_chosen"), experts, kMaxExactInteger);
  truth.margin_rows = inspect.counts(inspect.need(at, "margin_rows"), kMargins, kMaxExactInteger);
  return truth;
}

std::optional<Ceiling> read_ceiling(const Case& c, const Record& record, const Layer& layer,
                                    const At& at) {
  const bool refused = layer.predictors[entry_index(record, kKeys, "ridge")].refused;
  if (!kv::there(c, at, !refused,
                 refused ? "keys/ridge is refused" : "there is a ridge from keys") ||
      !c.inspect.is(at, Kind::object)) {
    return std::nullopt;
  }
  const size_t units = record.rows.of_unit.size();
  Ceiling ceiling;
  ceiling.lower = kv::numbers(c.inspect, c.inspect.need(at, "lower"), units, kNotNegative);
  ceiling.upper = kv::numbers(c.inspect, c.inspect.need(at, "upper"), units, kNotNegative);
  return ceiling;
}

}  // namespace

Split split_of(const Case& c) {
  const auto documents = static_cast<int64_t>(c.header.n_documents);
  Split split;
  split.documents = documents;
  split.of_window.assign(c.header.n_windows, -2);
  if (documents < kFewestDocuments) return split;
  const auto all = static_cast<uint32_t>(documents);
  const std::vector<uint32_t> order =
      draw_subset(all, all, split_seed(c), Purpose::readout, 0, kSplitCounter);
  split.tests = std::max<int64_t>(1, 30 * documents / 100);
  split.choosing = std::max<int64_t>(1, 10 * documents / 100);
  split.fitted = documents - split.tests - split.choosing;
  split.units = std::min(kMostUnits, split.tests);
  std::vector<int64_t> of_document(order.size(), -2);
  std::vector<uint32_t> tests(order.begin(), order.begin() + split.tests);
  std::sort(tests.begin(), tests.end());
  for (size_t i = 0; i < tests.size(); ++i) {
    of_document[tests[i]] = static_cast<int64_t>(i) % split.units;
  }
  for (int64_t i = split.tests; i < split.tests + split.choosing; ++i) {
    of_document[order[static_cast<size_t>(i)]] = -1;
  }
  for (size_t w = 0; w < split.of_window.size(); ++w) {
    split.of_window[w] = of_document[c.header.documents[w]];
  }
  return split;
}

int64_t Architecture::width_of(size_t feature) const {
  switch (feature) {
    case kNone:
    case kToken:
      return 0;
    case kKeys:
    case kSigns:
      return key_dimensions();
    case kKeysValues:
      return key_dimensions() + kv_heads * value_width;
    default:
      return residual_width;
  }
}

Record read_record(const Case& c) {
  Inspector& inspect = c.inspect;
  Record record;
  record.parameters = read_prediction(c);
  const At seed = inspect.need(inspect.need(c.root, "data"), "seed");
  if (!inspect.sound() || !seed || c.header.documents.size() != c.header.n_windows) return record;
  record.split = split_of(c);
  const std::vector<int> measured = read_split_layers(c, record.split);
  if (!inspect.sound()) return record;  // without that list every layer would seem to lack arrays
  check_split(c, record.split);
  record.rows = read_rows(c, record);
  constexpr std::array kMembers = {"architecture", "geometry", "truth", "predictors", "ceiling"};
  std::array<At, kMembers.size()> members;
  bool complete = true;
  for (size_t i = 0; i < kMembers.size(); ++i) {
    members[i] = inspect.need(c.root, kMembers[i]);
    complete = kv::has_layers(c, members[i], measured) && complete;
  }
  if (!inspect.sound() || !complete) return record;
  for (const int number : measured) {
    const std::string key = std::to_string(number);
    Layer& layer = record.layers[number];
    layer.architecture = read_architecture(c, number, members[0] / key);
    if (!inspect.sound()) return record;
    read_geometry(c, record, members[1] / key, layer);
    layer.truth = read_truth(c, record, members[2] / key);
    read_predictors(c, record, number, members[3] / key, layer);
    if (!inspect.sound()) return record;
    layer.ceiling = read_ceiling(c, record, layer, members[4] / key);
  }
  if (!inspect.sound()) return record;
  for (const auto& [number, layer] : record.layers) check_layer(c, record, number, layer);
  return record;
}

int64_t sum_of(const std::vector<int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

std::vector<size_t> by_count(const std::vector<int64_t>& chosen) {
  std::vector<size_t> order(chosen.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return chosen[a] > chosen[b]; });
  return order;
}

}  // namespace rg::verify::key_only
