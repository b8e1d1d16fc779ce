// The two tests of an edge, measured on simulated tokens: margins, how many experts the other gate
// chooses differently, and how much the next token's log probability changes.
#include "base/sha256.h"
#include "verify/fixture.h"

namespace rg::verify::testing {
namespace {

constexpr uint32_t kDecileCount = 10;
struct LevelKey {
  const char* key;
  uint32_t percent;
};
constexpr LevelKey kLevelKeys[] = {{"q01", 1}, {"q05", 5}, {"q10", 10}, {"q20", 20}};

struct Token {
  double margin;
  uint32_t disagreement;
  double change;
};
using Tokens = std::vector<Token>;  // of one window, those with a margin

// The gates disagree the more the smaller the margin; the change has nothing to do with it.
std::vector<Tokens> simulate(Draws& draws, const Shape& shape, int layer) {
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

uint32_t ceil_share(uint32_t percent, size_t tokens) {
  return static_cast<uint32_t>((percent * tokens + 99) / 100);
}

double order_statistic_of(std::vector<double> margins, uint32_t rank) {
  std::sort(margins.begin(), margins.end());
  return margins[rank - 1];
}

std::vector<double> margins_of(const Tokens& tokens) {
  std::vector<double> margins;
  for (const Token& token : tokens) margins.push_back(token.margin);
  return margins;
}

struct Stratum {
  double threshold;
  uint32_t tokens = 0, disagreement = 0;
  double change = 0;
};

Stratum stratum(const Tokens& window, uint32_t percent) {
  Stratum found{.threshold =
                    order_statistic_of(margins_of(window), ceil_share(percent, window.size()))};
  for (const Token& token : window) {
    if (token.margin > found.threshold) continue;
    ++found.tokens;
    found.disagreement += token.disagreement;
    found.change += token.change;
  }
  return found;
}

double share_of(double part, double whole) { return whole > 0 ? part / whole : 0; }

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
  complete(a);
}

void add_deciles(Json& layer, const std::vector<Tokens>& windows) {
  std::vector<double> margins;
  for (const Tokens& window : windows) {
    for (const Token& token : window) margins.push_back(token.margin);
  }
  std::sort(margins.begin(), margins.end());
  std::vector<double> edges = {margins.front()};
  for (uint32_t i = 1; i <= kDecileCount; ++i) {
    edges.push_back(margins[ceil_share(10 * i, margins.size()) - 1]);
  }
  layer["decile_edges"] = edges;
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

Json make_boundary_amplification(const Shape& shape) {
  Json a = edge_of("boundary_amplification", shape);
  Draws draws(25);
  a["decile_bins"] = kDecileCount;
  a["y_ref_A"] = {{"k", kTopk}, {"scores_fp32", true}, {"layers", kLayers}};
  a["y_ref_B"] = nullptr;
  for (const int number : kLayers) {
    Json& layer = a["y_ref_A"]["per_layer"][std::to_string(number)];
    const std::vector<Tokens> windows = simulate(draws, shape, number);
    for (const Tokens& window : windows) {
      const uint32_t mass = stratum(window, 100).disagreement;
      layer["n_undefined"].push_back(shape.seq_len - 1 - window.size());
      layer["mass_per_window"].push_back(mass);
      for (const auto& [q, percent] : kLevelKeys) {
        const Stratum near = stratum(window, percent);
        layer["n_le_per_window"][q].push_back(near.tokens);
        layer["mass_le_per_window"][q].push_back(near.disagreement);
        layer["m_thr_per_window"][q].push_back(near.threshold);
        layer["compression_F_per_window"][q].push_back(share_of(near.disagreement, mass));
      }
    }
    add_deciles(layer, windows);
  }
  finish_edge(a, shape);
  return a;
}

Json make_behavior_compression(const Shape& shape) {
  Json a = edge_of("behavior_compression", shape);
  Draws draws(26);
  Json& p = a["per_window"];
  for (const int number : kLayers) {
    const std::string layer = std::to_string(number);
    for (const Tokens& window : simulate(draws, shape, number)) {
      const Stratum all = stratum(window, 100);
      p["n_undefined"][layer].push_back(shape.seq_len - 1 - window.size());
      p["mass_beh"][layer].push_back(all.change);
      for (const auto& [q, percent] : kLevelKeys) {
        const Stratum near = stratum(window, percent);
        p["n_le"][layer][q].push_back(near.tokens);
        p["m_thr"][layer][q].push_back(near.threshold);
        p["mass_beh_le"][layer][q].push_back(near.change);
        p["F_beh"][layer][q].push_back(share_of(near.change, all.change));
        p["F_route"][layer][q].push_back(share_of(near.disagreement, all.disagreement));
      }
    }
  }
  finish_edge(a, shape);
  return a;
}

}  // namespace rg::verify::testing
