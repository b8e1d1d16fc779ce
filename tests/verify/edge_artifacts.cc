#include "verify/edge_artifacts.h"

#include <optional>

#include "base/sha256.h"

namespace rg::verify::testing {
namespace {

constexpr uint32_t kDecileCount = 10;
struct LevelKey {
  const char* key;
  uint32_t percent;
};
constexpr LevelKey kLevelKeys[] = {{"q01", 1}, {"q05", 5}, {"q10", 10}, {"q20", 20}};

// ceil(percent/100 * tokens)
size_t ceil_share(uint32_t percent, size_t tokens) { return (percent * tokens + 99) / 100; }

double order_statistic_of(const Tokens& window, size_t rank) {
  std::vector<double> margins;
  for (const Token& token : window) margins.push_back(token.margin);
  std::sort(margins.begin(), margins.end());
  return margins[rank - 1];
}

// The tokens at or below the quantile of a window's margins.
struct Stratum {
  std::optional<double> threshold;
  uint32_t tokens = 0, disagreement = 0;
  double change = 0;
};

Stratum stratum(const Tokens& window, uint32_t percent) {
  Stratum found;
  if (window.empty()) return found;
  found.threshold = order_statistic_of(window, ceil_share(percent, window.size()));
  for (const Token& token : window) {
    if (token.margin > *found.threshold) continue;
    ++found.tokens;
    found.disagreement += token.disagreement;
    found.change += token.change;
  }
  return found;
}

Json threshold_of(const Stratum& near) {
  return near.threshold ? Json(*near.threshold) : Json(nullptr);
}

Json share_of(const Tokens& window, double part, double whole) {
  if (window.empty()) return nullptr;
  return whole > 0 ? part / whole : 0.0;
}

Json edge_of(const std::string& test, const Shape& shape) {
  Json a = common(test, shape);
  a["edge"] = {{"ckpt_a", "synthetic"},
               {"ckpt_b", "synthetic-tuned"},
               {"edge_name", "synthetic_tuned"},
               {"direction", "AtoB"}};
  a["compression_qs"] = {0.01, 0.05, 0.1, 0.2};
  return a;
}

void finish_edge(Json& a, const Shape& shape) {
  a["summary"]["null"]["kind"] = "an even spread over the tokens";
  add_tail(a, shape);
  a["other"] = {{"ckpt", "synthetic-tuned"}, {"inputs", a["inputs"]}, {"tensors", a["tensors"]}};
  a["other"]["tensors"][0]["sha256"] = sha256_hex("other gate");
  // Should some window have no margin.
  a["null_reasons"] = {{"per_window", "no finite margin"}, {"y_ref_A", "no finite margin"}};
  complete(a);
}

void add_deciles(Json& layer, const std::vector<Tokens>& windows) {
  Tokens all;
  for (const Tokens& window : windows) all.insert(all.end(), window.begin(), window.end());
  std::vector<double> edges;
  if (!all.empty()) edges.push_back(order_statistic_of(all, 1));
  for (uint32_t i = 1; i <= kDecileCount && !all.empty(); ++i) {
    edges.push_back(order_statistic_of(all, ceil_share(10 * i, all.size())));
  }
  layer["decile_edges"] = all.empty() ? Json(nullptr) : Json(edges);
  Json& sums = layer["decile_sums_per_window"];
  sums["mass"] = sums["tokens"] = std::vector<Json>(kDecileCount, Json::array());
  for (const Tokens& window : windows) {
    uint32_t mass[kDecileCount] = {}, tokens[kDecileCount] = {};
    for (const Token& token : window) {
      uint32_t bin = 0;
      while (bin + 1 < kDecileCount && token.margin >= edges[bin + 1]) ++bin;
      mass[bin] += token.disagreement;
      ++tokens[bin];
    }
    for (uint32_t i = 0; i < kDecileCount; ++i) {
      sums["mass"][i].push_back(mass[i]);
      sums["tokens"][i].push_back(tokens[i]);
    }
  }
}

}  // namespace

std::vector<Tokens> simulated_layer(Draws& draws, const Shape& shape, int layer) {
  std::vector<Tokens> windows(shape.windows);
  for (uint32_t w = 0; w < shape.windows; ++w) {
    const uint32_t defined = shape.seq_len - 1 - (layer == 3 && w == 5 ? 2 : 0);
    for (uint32_t t = 0; t < defined; ++t) {
      const uint32_t margin = draws.below(1000);  // some are tied
      const bool differs = draws.below(1000) >= margin && !(layer == 1 && w == 9);
      const double change = draws.below(4000) / 1e4;
      windows[w].push_back({margin / 1000.0, differs ? 1u : 0u, change});
    }
  }
  return windows;
}

Json boundary_amplification_of(const Shape& shape, const MeasuredLayer& measured) {
  Json a = edge_of("boundary_amplification", shape);
  a["decile_bins"] = kDecileCount;
  a["y_ref_A"] = {{"k", kTopk}, {"scores_fp32", true}, {"layers", kLayers}};
  a["y_ref_B"] = nullptr;
  for (const int number : kLayers) {
    Json& layer = a["y_ref_A"]["per_layer"][std::to_string(number)];
    const std::vector<Tokens> windows = measured(number);
    for (const Tokens& window : windows) {
      const uint32_t mass = stratum(window, 100).disagreement;
      layer["n_undefined"].push_back(shape.seq_len - 1 - window.size());
      layer["mass_per_window"].push_back(mass);
      for (const auto& [q, percent] : kLevelKeys) {
        const Stratum near = stratum(window, percent);
        layer["n_le_per_window"][q].push_back(near.tokens);
        layer["mass_le_per_window"][q].push_back(near.disagreement);
        layer["m_thr_per_window"][q].push_back(threshold_of(near));
        layer["compression_F_per_window"][q].push_back(share_of(window, near.disagreement, mass));
      }
    }
    add_deciles(layer, windows);
  }
  finish_edge(a, shape);
  return a;
}

Json behavior_compression_of(const Shape& shape, const MeasuredLayer& measured) {
  Json a = edge_of("behavior_compression", shape);
  Json& p = a["per_window"];
  for (const int number : kLayers) {
    const std::string layer = std::to_string(number);
    for (const Tokens& window : measured(number)) {
      const Stratum all = stratum(window, 100);
      p["n_undefined"][layer].push_back(shape.seq_len - 1 - window.size());
      p["mass_beh"][layer].push_back(all.change);
      for (const auto& [q, percent] : kLevelKeys) {
        const Stratum near = stratum(window, percent);
        p["n_le"][layer][q].push_back(near.tokens);
        p["m_thr"][layer][q].push_back(threshold_of(near));
        p["mass_beh_le"][layer][q].push_back(near.change);
        p["F_beh"][layer][q].push_back(share_of(window, near.change, all.change));
        p["F_route"][layer][q].push_back(share_of(window, near.disagreement, all.disagreement));
      }
    }
  }
  finish_edge(a, shape);
  return a;
}

Json make_boundary_amplification(const Shape& shape) {
  Draws draws(25);
  return boundary_amplification_of(shape,
                                   [&](int layer) { return simulated_layer(draws, shape, layer); });
}

Json make_behavior_compression(const Shape& shape) {
  Draws draws(26);
  return behavior_compression_of(shape,
                                 [&](int layer) { return simulated_layer(draws, shape, layer); });
}

}  // namespace rg::verify::testing
