#include "verify/kv_distortion_artifacts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>

#include "verify/kv_gauge_artifacts.h"

namespace rg::verify::testing {
namespace {

constexpr size_t kGroup = 2;  // query heads of a KV head
constexpr size_t kBoundsMade = 6;
constexpr size_t kSumsMade = 8;
constexpr const char* kSumsMadeNames[] = {
    "error",     "forecast",   "product",       "forecast_squares",
    "variation", "divergence", "score_squares", "isotropic_squares"};
constexpr const char* kMadeMeasurements[] = {"all", "sinks_exact"};

struct MadeCode {
  int bits;
  std::string scale = "key", rule = "least_squares", centring = "raw", gauge = "identity";
  bool values = false;

  bool hard() const { return gauge != "identity"; }  // may be refused
  bool fitted() const { return scale != "key" || centring != "raw" || gauge == "itq_cosine"; }
  Json json() const {
    return {{"bits", bits},         {"scale", scale}, {"rule", rule},
            {"centring", centring}, {"gauge", gauge}, {"values", values}};
  }
};

std::vector<MadeCode> codes_made(const DistortionVariant& variant) {
  const std::string list = variant.codes;
  std::vector<MadeCode> codes;
  for (int bits = variant.fewest_bits; bits <= variant.most_bits; ++bits) {
    codes.push_back({.bits = bits});
    if (list != "plain") {
      codes.push_back({.bits = bits, .scale = "channel"});
      codes.push_back({.bits = bits, .scale = "head"});
      codes.push_back({.bits = bits, .rule = "norm"});
      codes.push_back({.bits = bits, .rule = "unbiased"});
    }
    if (list == "all") {
      codes.push_back({.bits = bits, .gauge = "signed_hadamard"});
      codes.push_back({.bits = bits, .gauge = "itq_cosine"});
      codes.push_back({.bits = bits, .centring = "dataset_mean"});
    }
    if (variant.coded_values) codes.push_back({.bits = bits, .values = true});
  }
  return codes;
}

std::vector<uint32_t> sampled_made(const Shape& shape, uint32_t window, int count) {
  constexpr uint64_t kSeed = 7;  // of `data`
  std::vector<uint32_t> positions =
      draw_subset(shape.seq_len, std::min<uint32_t>(static_cast<uint32_t>(count), shape.seq_len),
                  kSeed, Purpose::key_positions, window, 0);
  std::sort(positions.begin(), positions.end());
  return positions;
}

struct MadeWindows {
  std::vector<uint32_t> windows;
  std::vector<std::vector<uint32_t>> positions;
  int fit_keys = 0;
  Json json, keys = Json::array(), sinks = Json::array();
};

MadeWindows windows_made(const Shape& shape, const DistortionVariant& variant) {
  MadeWindows made;
  std::vector<uint32_t> held_out;
  for (uint32_t w = 0; w < shape.windows; ++w) {
    const std::vector<uint32_t> sampled = sampled_made(shape, w, variant.positions);
    const auto sinks =
        static_cast<int>(std::count_if(sampled.begin(), sampled.end(), [&](uint32_t position) {
          return static_cast<int>(position) < variant.sink_positions;
        }));
    const int keys = static_cast<int>(sampled.size()) - sinks;
    made.keys.push_back(keys);
    made.sinks.push_back(sinks);
    if (w % shape.documents % 2 == 1) {
      held_out.push_back(w);
    } else {
      made.fit_keys += keys;
    }
  }
  const size_t count = std::min(held_out.size(), static_cast<size_t>(variant.windows));
  std::vector<uint32_t> documents;
  Json numbers = Json::array();
  for (size_t i = 0; i < count; ++i) {
    const uint32_t window = held_out[i * held_out.size() / count];
    made.windows.push_back(window);
    made.positions.push_back(sampled_made(shape, window, variant.queries));
    const uint32_t document = window % shape.documents;
    const auto known = std::find(documents.begin(), documents.end(), document);
    numbers.push_back(known - documents.begin());
    if (known == documents.end()) documents.push_back(document);
  }
  made.json = {{"fit_keys", made.fit_keys},
               {"windows", made.windows},
               {"documents", numbers},
               {"positions", made.positions}};
  return made;
}

// One case under one code, its quantities as shares of the values' spread.
struct MadeCase {
  size_t window;
  std::array<double, kSumsMade> sums;
  std::array<double, kBoundsMade> bounds;
  double value_error;

  double error() const { return sums[0]; }
  double forecast() const { return sums[1]; }
};

// Sums of some cases, and counts of those in which a bound is vacuous.
struct MadeCaseSums {
  std::array<double, kSumsMade> sums = {};
  std::array<int, kBoundsMade> vacuous = {};

  void add(const MadeCase& of) {
    for (size_t i = 0; i < kSumsMade; ++i) sums[i] += of.sums[i];
    for (size_t i = 0; i < kBoundsMade; ++i) vacuous[i] += of.bounds[i] >= 1 ? 1 : 0;
  }
  void add(const MadeCaseSums& other) {
    for (size_t i = 0; i < kSumsMade; ++i) sums[i] += other.sums[i];
    for (size_t i = 0; i < kBoundsMade; ++i) vacuous[i] += other.vacuous[i];
  }
};

std::string bound_made(size_t index) { return "B" + std::to_string(index + 1); }

// A quantile of ascending values.
double median_of(const std::vector<double>& sorted) {
  const size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
double p95_of(const std::vector<double>& sorted) {
  return sorted[static_cast<size_t>(std::ceil(0.95 * static_cast<double>(sorted.size()))) - 1];
}

template <typename Of>
std::vector<double> sorted_of(const std::vector<MadeCase>& cases, const Of& of) {
  std::vector<double> values;
  for (const MadeCase& one : cases) values.push_back(of(one));
  std::sort(values.begin(), values.end());
  return values;
}

// Of no ties.
double rank_correlation_of(const std::vector<MadeCase>& cases) {
  const size_t n = cases.size();
  const auto ranks = [&](const auto& of) {
    std::vector<size_t> order(n), rank(n);
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return of(cases[a]) < of(cases[b]); });
    for (size_t i = 0; i < n; ++i) rank[order[i]] = i;
    return rank;
  };
  const auto by_error = ranks([](const MadeCase& one) { return one.error(); });
  const auto by_forecast = ranks([](const MadeCase& one) { return one.forecast(); });
  double squares = 0;
  for (size_t i = 0; i < n; ++i) {
    const double d = static_cast<double>(by_error[i]) - static_cast<double>(by_forecast[i]);
    squares += d * d;
  }
  const auto count = static_cast<double>(n);
  return 1 - 6 * squares / (count * (count * count - 1));
}

Json deciles_of(std::vector<MadeCase> cases) {
  std::stable_sort(cases.begin(), cases.end(), [](const MadeCase& a, const MadeCase& b) {
    return a.forecast() < b.forecast();
  });
  Json forecast = Json::array(), error = Json::array();
  for (size_t i = 0; i < 10; ++i) {
    double forecasts = 0, errors = 0;
    for (size_t c = i * cases.size() / 10; c < (i + 1) * cases.size() / 10; ++c) {
      forecasts += cases[c].forecast();
      errors += cases[c].error();
    }
    forecast.push_back(forecasts);
    error.push_back(errors);
  }
  return {{"forecast", forecast}, {"error", error}};
}

Json head_record_of(const std::vector<MadeCase>& cases, double excess) {
  MadeCaseSums sums;
  for (const MadeCase& one : cases) sums.add(one);
  Json record;
  for (size_t i = 0; i < kSumsMade; ++i) record[kSumsMadeNames[i]] = sums.sums[i];
  const auto errors = sorted_of(cases, [](const MadeCase& one) { return one.error(); });
  const bool none = cases.empty();
  record["errors"] = {{"median", none ? Json(nullptr) : Json(median_of(errors))},
                      {"p95", none ? Json(nullptr) : Json(p95_of(errors))},
                      {"largest", none ? Json(nullptr) : Json(errors.back())},
                      {"relative", none ? Json(nullptr) : Json(0.25)}};
  for (size_t i = 0; i < kBoundsMade; ++i) {
    const std::string name = bound_made(i);
    record["vacuous"][name] = sums.vacuous[i];
    record["tightness"][name] = nullptr;
    record["excess"][name] = nullptr;
    if (none) continue;
    const auto tightness = sorted_of(
        cases, [&](const MadeCase& one) { return std::min(1.0, one.error() / one.bounds[i]); });
    record["tightness"][name] = {{"median", median_of(tightness)}, {"p95", p95_of(tightness)}};
    record["excess"][name] =
        excess + sorted_of(cases, [&](const MadeCase& one) {
                   return (one.error() - one.bounds[i]) / (1 + one.value_error);
                 }).back();
  }
  record["rank_correlation"] = cases.size() < 2 ? Json(nullptr) : Json(rank_correlation_of(cases));
  record["deciles"] = deciles_of(cases);
  return record;
}

// One layer: its cases under every code, and what is said of them.
class MadeLayer {
 public:
  MadeLayer(const DistortionVariant& variant, const MadeWindows& windows, int number)
      : variant_(variant),
        windows_(windows),
        number_(number),
        codes_(codes_made(variant)),
        draws_(static_cast<uint64_t>(70 + number)) {
    for (size_t h = 0; h < size_t{kKeyHeads}; ++h) draw_head(h);
  }

  // Members of per_window.attention.L.
  Json windows() const {
    Json made = {{"cases", Json::array()}, {"trivial", Json::array()}, {"codes", Json::array()}};
    for (size_t w = 0; w < windows_.windows.size(); ++w) {
      made["cases"].push_back(cases_[0][w] + cases_[1][w]);
      made["trivial"].push_back(trivial_[0][w] + trivial_[1][w]);
    }
    for (size_t c = 0; c < codes_.size(); ++c) {
      made["codes"].push_back(refused(c) ? refusal() : window_code(c));
    }
    return made;
  }

  Json heads() const {
    Json made = Json::array();
    for (size_t h = 0; h < size_t{kKeyHeads}; ++h) {
      Json head = {{"cases", std::accumulate(cases_[h].begin(), cases_[h].end(), 0)},
                   {"trivial", std::accumulate(trivial_[h].begin(), trivial_[h].end(), 0)},
                   {"key_energy", 1000.0 + static_cast<double>(h)},
                   {"value_energy", 900.0},
                   {"codes", Json::array()}};
      for (size_t c = 0; c < codes_.size(); ++c) {
        head["codes"].push_back(refused(c) ? refusal() : head_code(h, c));
      }
      made.push_back(head);
    }
    return made;
  }

 private:
  struct Query {
    size_t window;
    double size, noise;
    bool sink;  // sees sinks alone
  };

  static Json refusal() { return {{"refused", "made so for a test"}}; }
  bool refused(size_t code) const {
    return (variant_.refused && number_ == 5 && codes_[code].hard()) ||
           (windows_.fit_keys == 0 && codes_[code].fitted());
  }

  void draw_head(size_t head) {
    const bool equal = variant_.one_head && number_ == 5 && head == 1;
    const bool alone = variant_.window == 1 && number_ == 5;
    for (size_t w = 0; w < windows_.windows.size(); ++w) {
      int cases = 0, trivial = 0;
      for (const uint32_t position : windows_.positions[w]) {
        const bool nothing = equal || alone || position == 0;
        (nothing ? trivial : cases) += static_cast<int>(kGroup);
        if (nothing) continue;
        for (size_t g = 0; g < kGroup; ++g) {
          const bool sink = static_cast<int>(position) < variant_.sink_positions;
          queries_[head].push_back(
              {w, draws_.around(1, 0.5), draws_.around(1, variant_.spread), sink});
        }
      }
      cases_[head].push_back(cases);
      trivial_[head].push_back(trivial);
    }
  }

  std::vector<MadeCase> cases_of(size_t head, size_t code, size_t measurement) const {
    const MadeCode& of = codes_[code];
    const double halves = std::pow(0.5, of.bits - 1);
    const bool less = measurement == 1 && variant_.sink_positions > 0;
    const double better = (of.rule == "norm" ? 1.1 : 1) * (of.hard() ? 0.9 : 1) *
                          (of.scale == "key" ? 1 : 1.2) * (of.centring == "raw" ? 1 : 0.95) *
                          (of.rule == "unbiased" ? 1.15 : 1);
    std::vector<MadeCase> cases;
    for (const Query& query : queries_[head]) {
      const double error =
          std::min(0.8, variant_.error * halves * better * query.size) * (less ? 0.9 : 1);
      const double forecast =
          error * query.noise * variant_.forecast * (of.bits == 1 ? 2.0 / 3 : 1);
      const double variation = 1.2 * error;
      const double score = query.size * halves * (less ? 0.9 : 1);
      MadeCase one;
      one.window = query.window;
      one.value_error = of.values ? 0.1 * halves : 0;
      one.sums = {error,
                  forecast,
                  error * forecast,
                  forecast * forecast,
                  variation,
                  2.5 * variation * variation,
                  score * score,
                  1.2 * score * score};
      constexpr double kLooser[] = {1, 1.1, 1.2, 2, 3, 1.5};
      for (size_t i = 0; i < kBoundsMade; ++i) {
        one.bounds[i] = variation * kLooser[i] + one.value_error;
      }
      cases.push_back(one);
    }
    return cases;
  }

  Json window_code(size_t code) const {
    Json made;
    for (size_t m = 0; m < 2; ++m) {
      std::vector<MadeCaseSums> of_window(windows_.windows.size());
      for (size_t h = 0; h < size_t{kKeyHeads}; ++h) {
        std::vector<MadeCaseSums> of_head(of_window.size());
        for (const MadeCase& one : cases_of(h, code, m)) of_head[one.window].add(one);
        for (size_t w = 0; w < of_window.size(); ++w) of_window[w].add(of_head[w]);
      }
      Json& record = made[kMadeMeasurements[m]];
      for (size_t i = 0; i < kSumsMade; ++i) {
        record[kSumsMadeNames[i]] = Json::array();
        for (const MadeCaseSums& of : of_window) record[kSumsMadeNames[i]].push_back(of.sums[i]);
      }
      for (size_t i = 0; i < kBoundsMade; ++i) {
        Json& counts = record["vacuous"][bound_made(i)];
        counts = Json::array();
        for (const MadeCaseSums& of : of_window) counts.push_back(of.vacuous[i]);
      }
    }
    return made;
  }

  Json head_code(size_t head, size_t code) const {
    const double left = 0.36 * std::pow(0.25, codes_[code].bits - 1);
    Json made = {{"key_error", 1000 * left}};
    if (codes_[code].values) made["value_error"] = 900 * left;
    for (size_t m = 0; m < 2; ++m) {
      made[kMadeMeasurements[m]] = head_record_of(cases_of(head, code, m), variant_.excess);
    }
    return made;
  }

  const DistortionVariant& variant_;
  const MadeWindows& windows_;
  int number_;
  std::vector<MadeCode> codes_;
  Draws draws_;
  std::array<std::vector<Query>, kKeyHeads> queries_;
  std::array<std::vector<int>, kKeyHeads> cases_, trivial_;  // (windows)
};

// That of kv_gauge without what only it states.
Json attention_row(const DistortionVariant& variant, int layer) {
  Json row = attention_made(variant.normed);
  row.erase("costs");
  row.erase("sinks");
  row["value_width"] = kKeyWidth / 2;
  row["scale"] = 0.25;
  if (layer == 5) row["window"] = variant.window;
  // A width without a Hadamard matrix.
  if (layer == 5 && variant.refused) row["width"] = kKeyWidth + 1;
  return row;
}

Json keys_member(const DistortionVariant& variant) {
  return {{"step", variant.normed ? "normed" : "scored"},
          {"codes", variant.codes},
          {"coded_values", variant.coded_values},
          {"fewest_bits", variant.fewest_bits},
          {"most_bits", variant.most_bits},
          {"windows", variant.windows},
          {"queries", variant.queries},
          {"positions", variant.positions},
          {"sink_positions", variant.sink_positions}};
}

}  // namespace

Json kv_distortion_of(const Shape& shape, const DistortionVariant& variant) {
  Json a = common("kv_distortion", shape);
  const MadeWindows windows = windows_made(shape, variant);
  const bool keyless = variant.without_keys || windows.windows.empty();
  const std::vector<int> keyed = keyless ? std::vector<int>() : std::vector{3, 5};
  a["verification"]["required_layers"] = keyed;
  a["keys"] = keys_member(variant);
  a["codes"] = Json::array();
  for (const MadeCode& code : codes_made(variant)) a["codes"].push_back(code.json());
  a["measured"] = windows.json;
  a["without_keys"] = {{"1", "Mamba-2"}};
  if (keyless) {
    for (const char* layer : {"3", "5"}) {
      a["without_keys"][layer] =
          variant.without_keys ? "Mamba-2" : "no window of a held-out document";
    }
  }
  for (const char* name : {"attention", "heads", "null_reasons"}) a[name] = Json::object();
  a["per_window"] = {
      {"keys", windows.keys}, {"sinks", windows.sinks}, {"attention", Json::object()}};
  for (const int layer : keyed) {
    const std::string key = std::to_string(layer);
    a["attention"][key] = attention_row(variant, layer);
    const MadeLayer made(variant, windows, layer);
    a["heads"][key] = made.heads();
    a["per_window"]["attention"][key] = made.windows();
    if (layer == 5 && (variant.one_head || variant.window == 1)) {
      a["null_reasons"]["heads.5.codes"] = "no query sees different values";
    }
  }
  add_tail(a, shape);
  a["summary"]["per_layer"] = Json::object();
  complete(a);
  return a;
}

Json make_of_kv_distortion(const std::string& test, const Shape& shape) {
  DistortionVariant variant;
  if (test == "kv_distortion_all") {
    variant.codes = "all";
    variant.fewest_bits = variant.most_bits = 3;
    variant.normed = true;
  } else if (test == "kv_distortion_plain") {
    variant.codes = "plain";
    variant.coded_values = false;
    variant.most_bits = 4;
  } else if (test == "kv_distortion_refused") {
    variant.codes = "all";
    variant.coded_values = false;
    variant.fewest_bits = 2;
    variant.refused = true;
  }
  variant.one_head = test == "kv_distortion_one_head";
  variant.without_keys = test == "kv_distortion_without_keys";
  if (test == "kv_distortion_no_sinks") variant.sink_positions = 0;
  if (test == "kv_distortion_unfitted") variant.sink_positions = 64;  // all of them
  if (test == "kv_distortion_one_bit") variant.most_bits = 1;
  return kv_distortion_of(shape, variant);
}

}  // namespace rg::verify::testing
