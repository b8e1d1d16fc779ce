// Edges: tokens with margins, disagreement and change, and the arrays that producers keep of them.
#include <algorithm>
#include <numeric>

#include "levels/blank.h"
#include "levels/stream.h"
#include "stats/order.h"

namespace rg::levels {
namespace {

constexpr uint32_t kAmplification = 1, kControl = 2;
constexpr size_t kDecileCount = 10;
constexpr double kDisagreement = 0.06;
constexpr double kTieLevels = 20;  // 5 % of the tokens share each margin

struct Quantile {
  const char* key;
  stats::Fraction q;
};
constexpr std::array<Quantile, 4> kQuantileKeys = {
    {{"q01", {1, 100}}, {"q05", {1, 20}}, {"q10", {1, 10}}, {"q20", {1, 5}}}};

double margin_of(Margins margins, double uniform) {
  if (margins == Margins::all_equal) return 0.25;
  if (margins == Margins::partly_tied) return std::floor(kTieLevels * uniform) / kTieLevels;
  return uniform;
}

// Tokens of one window by ascending margin.
struct Token {
  double margin, mass;
};
using Window = std::vector<Token>;

void sort_by_margin(Window& window) {
  std::sort(window.begin(), window.end(),
            [](const Token& a, const Token& b) { return a.margin < b.margin; });
}

// The tokens at or under a window's threshold.
struct Near {
  double threshold, mass;
  uint32_t tokens;
};

Near near_boundary(const Window& window, stats::Fraction q) {
  Near near{window[stats::quantile_rank(q, window.size()) - 1].margin, 0, 0};
  for (; near.tokens < window.size() && window[near.tokens].margin <= near.threshold;
       ++near.tokens) {
    near.mass += window[near.tokens].mass;
  }
  return near;
}

double mass_of(const Window& window) {
  double mass = 0;
  for (const Token& token : window) mass += token.mass;
  return mass;
}

// Edges and per-window sums of the deciles of all windows' margins.
void add_deciles(Json& layer, const std::vector<Window>& windows) {
  std::vector<double> margins;
  for (const Window& window : windows) {
    for (const Token& token : window) margins.push_back(token.margin);
  }
  std::sort(margins.begin(), margins.end());
  std::vector<double> edges = {margins.front()};
  for (uint64_t i = 1; i <= kDecileCount; ++i) {
    edges.push_back(stats::quantile(std::span<const double>(margins), {i, kDecileCount}));
  }
  std::vector<std::vector<uint32_t>> mass(kDecileCount), tokens(kDecileCount);
  for (auto* const sums : {&mass, &tokens}) {
    for (auto& of_decile : *sums) of_decile.assign(windows.size(), 0);
  }
  for (size_t w = 0; w < windows.size(); ++w) {
    for (const Token& token : windows[w]) {
      const auto inner = std::upper_bound(edges.begin() + 1, edges.end() - 1, token.margin);
      const auto bin = static_cast<size_t>(inner - edges.begin() - 1);
      mass[bin][w] += static_cast<uint32_t>(token.mass);
      ++tokens[bin][w];
    }
  }
  layer["decile_edges"] = edges;
  layer["decile_sums_per_window"] = {{"mass", mass}, {"tokens", tokens}};
}

// What both tests keep by quantile: {q: [by window]}.
struct EdgeArrays {
  std::array<std::vector<double>, 4> threshold, mass, share, excess;
  std::array<std::vector<uint32_t>, 4> tokens;
  std::vector<double> total;

  template <typename Values>
  static Json by_quantile(const std::array<std::vector<Values>, 4>& values) {
    Json all = Json::object();
    for (size_t q = 0; q < kQuantileKeys.size(); ++q) all[kQuantileKeys[q].key] = values[q];
    return all;
  }
};

EdgeArrays arrays_of(const std::vector<Window>& windows) {
  EdgeArrays arrays;
  for (const Window& window : windows) {
    const double total = mass_of(window);
    arrays.total.push_back(total);
    for (size_t q = 0; q < kQuantileKeys.size(); ++q) {
      const Near near = near_boundary(window, kQuantileKeys[q].q);
      const double share = total > 0 ? near.mass / total : 0;
      arrays.threshold[q].push_back(near.threshold);
      arrays.mass[q].push_back(near.mass);
      arrays.share[q].push_back(share);
      arrays.tokens[q].push_back(near.tokens);
      arrays.excess[q].push_back(share - near.tokens / static_cast<double>(window.size()));
    }
  }
  return arrays;
}

std::vector<uint32_t> whole(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

std::vector<Window> disagreeing_windows(const Size& size, Margins margins, double slope,
                                        uint64_t run) {
  Stream stream(run, kAmplification);
  std::vector<Window> windows(size.windows);
  for (Window& window : windows) {
    for (uint32_t t = 0; t < size.positions(); ++t) {
      const double rank = stream.uniform();
      const bool differs = stream.uniform() < kDisagreement * (1 + slope * (1 - 2 * rank));
      window.push_back({margin_of(margins, rank), differs ? 1.0 : 0.0});
    }
    sort_by_margin(window);
  }
  return windows;
}

}  // namespace

Draw amplification(const Size& size, Margins margins, double slope) {
  const Json base = blank("boundary_amplification", size, {5});
  return [=](uint64_t run) {
    const std::vector<Window> windows = disagreeing_windows(size, margins, slope, run);
    EdgeArrays arrays = arrays_of(windows);
    std::array<std::vector<uint32_t>, 4> masses;
    for (size_t q = 0; q < masses.size(); ++q) masses[q] = whole(arrays.mass[q]);
    Simulated made{.artifact = base, .criteria = {}};
    set_seed(made.artifact, run);
    Json& layer = made.artifact["y_ref_A"]["per_layer"][kLayerKey];
    layer["n_undefined"] = std::vector<uint32_t>(size.windows, 0);
    layer["mass_per_window"] = whole(arrays.total);
    layer["n_le_per_window"] = EdgeArrays::by_quantile(arrays.tokens);
    layer["mass_le_per_window"] = EdgeArrays::by_quantile(masses);
    layer["m_thr_per_window"] = EdgeArrays::by_quantile(arrays.threshold);
    layer["compression_F_per_window"] = EdgeArrays::by_quantile(arrays.share);
    add_deciles(layer, windows);
    made.criteria.assign(arrays.excess.begin(), arrays.excess.end());
    return made;
  };
}

Draw control(const Size& size) {
  const Json base = blank("behavior_compression", size, {5});
  return [=](uint64_t run) {
    Stream stream(run, kControl);
    std::vector<Window> windows(size.windows);
    for (Window& window : windows) {
      for (uint32_t t = 0; t < size.positions(); ++t) {
        const double margin = stream.uniform();
        window.push_back({margin, std::abs(0.2 * stream.normal())});
      }
      sort_by_margin(window);
    }
    EdgeArrays arrays = arrays_of(windows);
    Simulated made{.artifact = base, .criteria = {}};
    set_seed(made.artifact, run);
    Json& all = made.artifact["per_window"];
    all["n_undefined"][kLayerKey] = std::vector<uint32_t>(size.windows, 0);
    all["mass_beh"][kLayerKey] = arrays.total;
    all["n_le"][kLayerKey] = EdgeArrays::by_quantile(arrays.tokens);
    all["m_thr"][kLayerKey] = EdgeArrays::by_quantile(arrays.threshold);
    all["mass_beh_le"][kLayerKey] = EdgeArrays::by_quantile(arrays.mass);
    all["F_beh"][kLayerKey] = EdgeArrays::by_quantile(arrays.share);
    all["F_route"][kLayerKey] = EdgeArrays::by_quantile(arrays.share);  // reported alone
    made.criteria.assign(arrays.excess.begin(), arrays.excess.end());
    return made;
  };
}

}  // namespace rg::levels
