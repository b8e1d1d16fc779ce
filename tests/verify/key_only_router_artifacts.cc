#include "verify/key_only_router_artifacts.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace rg::verify::testing {
namespace {

constexpr int kRouterWidth = 16;  // of the residual stream

struct MadeSplit {
  int documents = 0, fitted = 0, choosing = 0, tests = 0, units = 0;
  std::vector<int> of_window;
};

MadeSplit split_made(const Shape& shape) {
  constexpr uint64_t kSeed = 7;  // of `data`
  const uint32_t documents = std::min(shape.documents, shape.windows);
  MadeSplit split;
  split.documents = static_cast<int>(documents);
  split.of_window.assign(shape.windows, -2);
  if (documents < 3) return split;
  const auto order = draw_subset(documents, documents, kSeed, Purpose::readout, 0, 1);
  split.tests = std::max(1, 30 * split.documents / 100);
  split.choosing = std::max(1, 10 * split.documents / 100);
  split.fitted = split.documents - split.tests - split.choosing;
  split.units = std::min(128, split.tests);
  std::vector<uint32_t> tests(order.begin(), order.begin() + split.tests);
  std::sort(tests.begin(), tests.end());
  for (uint32_t w = 0; w < shape.windows; ++w) {
    const uint32_t document = w % documents;
    const auto test = std::find(tests.begin(), tests.end(), document);
    const auto place = std::find(order.begin(), order.end(), document) - order.begin();
    if (test != tests.end()) {
      split.of_window[w] = static_cast<int>(test - tests.begin()) % split.units;
    } else if (place < split.tests + split.choosing) {
      split.of_window[w] = -1;
    }
  }
  return split;
}

struct MadeRow {
  int part;  // a unit, -1, -2
  uint32_t first, second;
  double energy;
};

// Counts of an entry, by unit.
struct MadeCounts {
  std::vector<int> common, exact, top1;
  std::array<std::vector<int>, 3> hits;
  std::vector<double> mass, error;
  std::vector<int> margin = std::vector<int>(10, 0);
  int choosing = 0;

  explicit MadeCounts(size_t units)
      : common(units), exact(units), top1(units), mass(units), error(units) {
    for (auto& of_budget : hits) of_budget.resize(units);
  }
};

// One layer: its rows, and what predictors find in them.
class MadeRouter {
 public:
  MadeRouter(const RouterKeysVariant& variant, const MadeSplit& split, int rows, int layer)
      : variant_(variant),
        units_(static_cast<size_t>(split.units)),
        layer_(layer),
        draws_(static_cast<uint64_t>(90 + layer)) {
    for (const int part : split.of_window) {
      for (int i = 0; i < rows; ++i) {
        const uint32_t first = draws_.below(draws_.below(kExperts) + 1);
        const uint32_t second = (first + 1 + draws_.below(kExperts - 1)) % kExperts;
        rows_.push_back({part, first, second, draws_.around(4, 1)});
        if (part >= 0) ++tests_;
      }
    }
  }

  Json truth() const {
    std::vector<double> energy(units_, 0);
    for (const MadeRow& row : rows_) {
      if (row.part >= 0) energy[static_cast<size_t>(row.part)] += row.energy;
    }
    std::vector<int> margins(10, 0);
    for (int i = 0; i < tests_; ++i) ++margins[tenth(i)];
    return {{"energy", energy},
            {"fitted_chosen", chosen(true)},
            {"test_chosen", chosen(false)},
            {"margin_rows", margins}};
  }

  Json predictors() {
    Json list = Json::array();
    list.push_back(entry("none", "best_set", 0, best_set()));
    list.push_back(entry("token", "mean", 0, found(0.6)));
    const std::vector<std::pair<const char*, double>> features = {
        {"previous", 0.8},     {"keys", variant_.keys},         {"signs", variant_.keys - 0.1},
        {"keys_values", 0.85}, {"residual", variant_.residual}, {"gate_input", variant_.oracle}};
    for (const auto& [name, share] : features) {
      for (const char* model : {"closed_form", "ridge", "mlp"}) {
        const bool is_mlp = std::string(model) == "mlp";
        if (is_mlp && variant_.mlp_hidden == 0) continue;
        const std::string why = refusal(name);
        if (!why.empty()) {
          list.push_back({{"features", name}, {"model", model}, {"refused", why}});
        } else {
          list.push_back(entry(name, model, width(name), found(is_mlp ? share * 0.98 : share)));
        }
      }
    }
    return list;
  }

  Json ceiling() const {
    if (!refusal("keys").empty()) return nullptr;
    std::vector<double> lower(units_, 0), upper(units_, 0);
    for (const MadeRow& row : rows_) {
      if (row.part < 0) continue;
      lower[static_cast<size_t>(row.part)] += 0.5;
      upper[static_cast<size_t>(row.part)] += 0.75;
    }
    return {{"lower", lower}, {"upper", upper}};
  }

  Json geometry() const {
    if (layer_ == 3 && variant_.no_geometry) return nullptr;
    const int m = key_dimensions();
    const int directions = 7, rank = std::min(m, kRouterWidth);
    Json angles = Json::array();
    for (int i = 0; i < std::min(directions, rank); ++i) angles.push_back(0.25 + 0.125 * i);
    return {{"rank", rank},
            {"condition", 12.5},
            {"directions", directions},
            {"eta", 0.375},
            {"eta_null", 1 - static_cast<double>(rank) / kRouterWidth},
            {"eta_sigma", 0.25},
            {"angles", angles},
            {"boundary", {{"rows", tests_}, {"seen", 1}, {"undefined", 1}, {"median", 1.5}}},
            {"determined", {{"rows", std::min(tests_, 512)}, {"determined", 1}}}};
  }

  Json architecture() const {
    Json made = {{"mixer", "attention"},
                 {"residual_width", kRouterWidth},
                 {"heads", 4},
                 {"kv_heads", 2},
                 {"key_width", 4},
                 {"value_width", 2},
                 {"latent_width", variant_.latent ? 10 : 0},
                 {"shared_width", variant_.latent ? 2 : 0},
                 {"norm", "none"},
                 {"key_bias", false},
                 {"clipped", false},
                 {"linear_at_first", true},
                 {"router_reads", "after_attention"},
                 {"router_bias", false},
                 {"plain_top_k", true},
                 {"first_layer", false},
                 {"epsilon", 1e-6},
                 {"table", Json::array()}};
    for (const auto& [inputs, summary, answer, theorem] :
         {std::array{"open_set", "own_keys", "if_context_matters_no", "KR-6 (a)"},
          std::array{"first_position", "own_keys", "generically_no", "KR-6 (d)"},
          std::array{"reachable", "own_keys", "yes", "KR-7 (e)"},
          std::array{"reachable", "layer0_keys_of_all_positions", "yes", "KR-7 (d)"}}) {
      made["table"].push_back({{"inputs", inputs},
                               {"summary", summary},
                               {"answer", answer},
                               {"theorem", theorem},
                               {"condition", "made for a test"},
                               {"reservation", ""},
                               {"levels", {"exact", "twin_tokens"}}});
    }
    return made;
  }

 private:
  int key_dimensions() const { return variant_.latent ? 12 : 8; }
  int width(const std::string& features) const {
    if (features == "keys" || features == "signs") return key_dimensions();
    return features == "keys_values" ? key_dimensions() + 4 : kRouterWidth;
  }
  std::string refusal(const std::string& features) const {
    if (features == "previous" && layer_ == 1) return "no MoE layer before it";
    if (features == "keys_values" && variant_.latent) return "keys and values share one latent";
    if (features == "keys" && layer_ == 3 && variant_.refused) return "made so for a test";
    return "";
  }
  size_t tenth(int test) const { return static_cast<size_t>(test * 10 / tests_); }

  std::vector<int> chosen(bool fitted) const {
    std::vector<int> counts(kExperts, 0);
    for (const MadeRow& row : rows_) {
      if (fitted ? row.part != -2 : row.part < 0) continue;
      ++counts[row.first];
      ++counts[row.second];
    }
    return counts;
  }

  // A test row of which so many cases are found, with k, 2k and 4k experts.
  static void count(MadeCounts& counts, const MadeRow& row, size_t margin,
                    const std::array<int, 3>& hits, bool first, double error) {
    const auto u = static_cast<size_t>(row.part);
    counts.common[u] += hits[0];
    counts.exact[u] += hits[0] == 2 ? 1 : 0;
    counts.top1[u] += first ? 1 : 0;
    for (size_t b = 0; b < 3; ++b) counts.hits[b][u] += hits[b];
    counts.mass[u] += 0.5 * hits[0];
    counts.error[u] += error;
    counts.margin[margin] += hits[0];
  }

  MadeCounts best_set() const {
    const std::vector<int> often = chosen(true);
    std::vector<uint32_t> order(kExperts);
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return often[a] > often[b]; });
    MadeCounts counts(units_);
    int test = 0;
    for (const MadeRow& row : rows_) {
      const auto among = [&](size_t experts) {
        const auto end = order.begin() + static_cast<int>(experts);
        return static_cast<int>(std::count_if(
            order.begin(), end, [&](uint32_t e) { return e == row.first || e == row.second; }));
      };
      if (row.part == -1) counts.choosing += among(2);
      if (row.part < 0) continue;
      count(counts, row, tenth(test++), {among(2), among(4), among(8)}, row.first == order[0],
            row.energy);
    }
    return counts;
  }

  // Cases are found with this probability each, whatever they are.
  MadeCounts found(double share) {
    MadeCounts counts(units_);
    const auto drawn = [&] { return draws_.below(1000) < share * 1000 ? 1 : 0; };
    int test = 0;
    for (const MadeRow& row : rows_) {
      if (row.part == -2) continue;
      const int first = drawn(), both = first + drawn();
      if (row.part == -1) counts.choosing += both;
      if (row.part < 0) continue;
      const int more = std::min(2, both + static_cast<int>(draws_.below(2)));
      count(counts, row, tenth(test++), {both, more, 2}, first == 1, row.energy * (1.01 - share));
    }
    return counts;
  }

  Json entry(const std::string& features, const std::string& model, int width,
             const MadeCounts& counts) const {
    Json made = {{"features", features},
                 {"model", model},
                 {"width", width},
                 {"choosing_common", counts.choosing},
                 {"common", counts.common},
                 {"exact", counts.exact},
                 {"top1", counts.top1},
                 {"hits", counts.hits},
                 {"mass", counts.mass},
                 {"error", counts.error},
                 {"margin_common", counts.margin}};
    if (model == "ridge") {
      made["lambda"] = 0.01;
      made["grid"] = Json::array();
      const double lambdas[] = {1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3};
      for (size_t i = 0; i < 9; ++i) {
        const double off = static_cast<double>(i) - 3;
        made["grid"].push_back({{"lambda", lambdas[i]}, {"error", 2 + off * off}});
      }
    } else if (model == "mlp") {
      made["path"] = {3.5, 3.0, 2.5, 2.75};
      made["best_epoch"] = 2;
    }
    return made;
  }

  const RouterKeysVariant& variant_;
  size_t units_;
  int layer_, tests_ = 0;
  Draws draws_;
  std::vector<MadeRow> rows_;
};

}  // namespace

Json key_only_router_of(const Shape& given, const RouterKeysVariant& variant) {
  Shape shape = given;
  shape.documents *= 2;
  Json a = common("key_only_router", shape);
  const MadeSplit split = split_made(shape);
  const bool none = variant.unmeasured || split.documents < 3;
  const std::vector<int> measured = none ? std::vector<int>() : std::vector{1, 3};
  a["verification"]["required_layers"] = measured;
  a["prediction"] = {{"positions", variant.positions},
                     {"mlp_hidden", variant.mlp_hidden},
                     {"mlp_epochs", 3},
                     {"ceiling_draws", 64}};
  a["split"] = {{"documents", split.documents}, {"fitted", split.fitted},
                {"choosing", split.choosing},   {"tests", split.tests},
                {"units", split.units},         {"of_window", split.of_window}};
  a["not_measured"] = {{"5", "Mamba-2"}};
  if (none) {
    for (const char* layer : {"1", "3"}) {
      a["not_measured"][layer] = variant.unmeasured ? "none" : "fewer than three documents";
    }
  }
  for (const char* name :
       {"architecture", "geometry", "truth", "predictors", "ceiling", "null_reasons"}) {
    a[name] = Json::object();
  }
  const int rows = std::min(variant.positions, static_cast<int>(shape.seq_len));
  a["per_window"] = {{"rows", std::vector<int>(shape.windows, rows)}};
  for (const int layer : measured) {
    const std::string key = std::to_string(layer);
    MadeRouter made(variant, split, rows, layer);
    a["architecture"][key] = made.architecture();
    a["geometry"][key] = made.geometry();
    a["truth"][key] = made.truth();
    a["predictors"][key] = made.predictors();
    a["ceiling"][key] = made.ceiling();
    if (a["geometry"][key].is_null()) a["null_reasons"]["geometry." + key] = "no RMS norm";
    if (a["ceiling"][key].is_null()) a["null_reasons"]["ceiling." + key] = "keys are refused";
  }
  add_tail(a, shape);
  complete(a);
  return a;
}

Json make_of_key_only_router(const std::string& test, const Shape& shape) {
  RouterKeysVariant variant;
  if (test == "key_only_router_plain") {
    variant.mlp_hidden = 0;
    variant.no_geometry = true;
  }
  variant.latent = test == "key_only_router_latent";
  variant.refused = test == "key_only_router_refused";
  variant.unmeasured = test == "key_only_router_unmeasured";
  if (test == "key_only_router_unsound") variant.oracle = 0.7;
  return key_only_router_of(shape, variant);
}

}  // namespace rg::verify::testing
