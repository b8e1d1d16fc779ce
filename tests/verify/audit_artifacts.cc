#include "verify/audit_artifacts.h"

#include <array>
#include <optional>

#include "base/sha256.h"

namespace rg::verify::testing {
namespace {

constexpr uint32_t kMarginBins = 20;  // of the forecasts' own rates
constexpr uint32_t kMarginDeciles = 10;
constexpr uint32_t kForecastDraws = 64;
// Enough of each for intervals; tests copy audits often.
constexpr uint32_t kMostWindows = 80, kMostTokens = 33, kMostReplicates = 100;
constexpr std::array<uint32_t, 7> kBinFrom = {0, 1, 2, 3, 5, 9, 17};
constexpr int kLowestStored = 2;  // layer whose keys are stored in few bits; of no gate
constexpr const char* kStoredKeys = "scored keys and values in 3 bits";

using Logits = std::array<double, kExperts>;

// Experts by rank, the lower index first among equals.
using Ranking = std::array<uint32_t, kExperts>;

Ranking ranked(const Logits& logits) {
  Ranking order;
  for (uint32_t e = 0; e < kExperts; ++e) order[e] = e;
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return logits[a] > logits[b]; });
  return order;
}

bool chosen(const Ranking& ranking, uint32_t expert) {
  return std::find(ranking.begin(), ranking.begin() + kTopk, expert) != ranking.begin() + kTopk;
}

// Experts chosen by one and not by the other.
uint32_t apart(const Ranking& a, const Ranking& b) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < kTopk; ++i) count += chosen(b, a[i]) ? 0u : 1u;
  return count;
}

double score_of(double logit) { return logit / (1 + std::abs(logit)); }

// What one decision adds to its window's arrays.
struct Decision {
  bool defined = true;
  uint32_t total = 0, local = 0, inherited = 0, through_a = 0;
  bool reordered = false, reweighted = false, guaranteed = false;
  uint32_t neighbour = 0, middle = 0, far = 0;
  double depth_sum = 0;
  uint32_t depth_n = 0;
  double m_set = 0, m_logit = 0, m_group = 0;
  uint32_t noise = 0;  // the token's class of noise, 0 or 1
  uint32_t rounded = 0, tied = 0, recomputed = 0;
};

struct Token {
  std::array<Decision, 3> decisions;
  double kl, loss_a, loss_delta;
  bool top1;
};

class Simulation {
 public:
  Simulation(const Shape& shape, const AuditVariant& variant) : variant_(variant), draws_(27) {
    windows_.resize(shape.windows);
    for (uint32_t w = 0; w < shape.windows; ++w) {
      for (uint32_t t = 0; t + 1 < shape.seq_len; ++t) windows_[w].push_back(token(w, t));
    }
  }

  const std::vector<std::vector<Token>>& windows() const { return windows_; }

 private:
  // About normal with deviation 1.
  double noise() {
    const uint32_t sum = draws_.below(1000) + draws_.below(1000) + draws_.below(1000);
    return (static_cast<double>(sum) - 1499) / 500;
  }
  Logits noises(double scale) {
    Logits values;
    for (double& value : values) value = scale * noise();
    return values;
  }

  Token token(uint32_t w, uint32_t t) {
    Token token;
    const uint32_t noise_class = draws_.below(2);
    uint32_t flipped = 0;
    for (uint32_t l = 0; l < 3; ++l) {
      Decision& decision = token.decisions[l];
      decision = decide(kLayers[l], noise_class, flipped);
      if (kLayers[l] == 3 && w == 5 && t < 2) {
        decision = Decision();
        decision.defined = false;
      }
      flipped += decision.total > 0 ? 1 : 0;
    }
    token.loss_a = draws_.around(2.5, 1);
    token.loss_delta = draws_.around(0.02 + 0.1 * flipped, 0.05);
    token.kl = draws_.around(0.05 + 0.05 * flipped, 0.02);
    token.top1 = draws_.below(100) >= 2 + 5 * flipped;
    if (variant_.identical) {
      token.loss_delta = token.kl = 0;
      token.top1 = true;
    }
    return token;
  }

  Decision decide(int layer, uint32_t noise_class, uint32_t flipped_before) {
    Decision d;
    d.noise = noise_class;
    const bool below = variant_.stored_keys && layer < kLowestStored;
    const double scale = variant_.identical || below ? 0 : variant_.change;
    const Logits a = noises(1);
    const Logits gate = noises(variant_.equal_gates ? 0 : 0.04 * scale);
    const Logits input = noises(scale * (noise_class == 0 ? 0.03 : 0.12) * (1 + flipped_before));
    Logits ba = a, ab = a, b = a, rounded = a, again = a;
    const Logits jitter = noises(0.005);
    double largest = 0;
    for (uint32_t e = 0; e < kExperts; ++e) {
      ba[e] += gate[e];
      ab[e] += input[e];
      b[e] = ba[e] + input[e];
      rounded[e] = std::round(a[e] * 64) / 64;
      again[e] += jitter[e];
      largest = std::max(largest, std::abs(input[e]));
    }
    const Ranking of_a = ranked(a), of_b = ranked(b), of_ba = ranked(ba);
    d.total = apart(of_a, of_b);
    d.local = apart(of_a, of_ba);
    d.inherited = apart(of_ba, of_b);
    d.through_a = apart(of_a, ranked(ab));
    const double last = a[of_a[kTopk - 1]], next = a[of_a[kTopk]];
    d.m_logit = last - next;
    d.m_set = score_of(last) - score_of(next);
    d.m_group = draws_.below(1000) / 1000.0;
    d.guaranteed = d.m_logit > 2 * largest;
    if (d.total == 0) {
      d.reordered = of_a[0] != of_b[0];
      d.reweighted = std::abs(b[of_a[0]] - a[of_a[0]]) > 0.05;
    }
    add_distance(a, of_a, of_b, d);
    const Ranking of_rounded = ranked(rounded);
    d.rounded = apart(of_a, of_rounded);
    d.tied = rounded[of_rounded[kTopk - 1]] == rounded[of_rounded[kTopk]] ? 1 : 0;
    d.recomputed = apart(of_a, ranked(again));
    return d;
  }

  // How far down the reference's ranking the other routing reached.
  static void add_distance(const Logits& a, const Ranking& of_a, const Ranking& of_b, Decision& d) {
    if (d.total == 0) return;
    uint32_t lowest = 0;
    for (uint32_t rank = kTopk + 1; rank <= kExperts; ++rank) {
      const uint32_t expert = of_a[rank - 1];
      if (!chosen(of_b, expert)) continue;
      lowest = rank;
      d.depth_sum += score_of(a[of_a[kTopk - 1]]) - score_of(a[expert]);
      ++d.depth_n;
    }
    const bool last_leaves = !chosen(of_b, of_a[kTopk - 1]);
    if (lowest > 2 * kTopk) {
      d.far = 1;
    } else if (d.total == 1 && lowest == kTopk + 1 && last_leaves) {
      d.neighbour = 1;
    } else {
      d.middle = 1;
    }
  }

  const AuditVariant& variant_;
  Draws draws_;
  std::vector<std::vector<Token>> windows_;
};

struct Margin {
  const char* kind;
  double Decision::*of;
};
constexpr Margin kMargins[] = {
    {"set", &Decision::m_set}, {"logit", &Decision::m_logit}, {"group", &Decision::m_group}};

// Appends to an artifact's arrays, window after window.
class Arrays {
 public:
  Arrays(const std::vector<std::vector<Token>>& windows, const AuditVariant& variant, Json& a)
      : windows_(windows), variant_(variant), a_(a) {}

  void add() {
    for (size_t l = 0; l < kLayers.size(); ++l) {
      key_ = std::to_string(kLayers[l]);
      layer_ = l;
      for (const std::vector<Token>& window : windows_) add_window(window);
      for (const Margin& margin : kMargins) {
        if (margin.kind != std::string("group") || variant_.groups) add_deciles(margin);
      }
      add_forecasts();
    }
    for (const std::vector<Token>& window : windows_) add_whole(window);
    a_["per_window"] = std::move(p_);
  }

 private:
  // Sum over the window's defined decisions of this layer.
  template <typename Of>
  auto sum(const std::vector<Token>& window, const Of& of) const {
    decltype(of(window[0].decisions[0])) sum = 0;
    for (const Token& token : window) {
      if (token.decisions[layer_].defined) sum += of(token.decisions[layer_]);
    }
    return sum;
  }

  void add_window(const std::vector<Token>& window) {
    const auto push = [&](const std::string& path, const auto& of) {
      at(p_, path + '.' + key_).push_back(sum(window, of));
    };
    const uint32_t defined = sum(window, [](const Decision&) { return 1u; });
    const auto undefined = static_cast<uint32_t>(window.size()) - defined;
    p_["n_undefined"][key_].push_back(undefined);
    push("mass.total", [](const Decision& d) { return d.total; });
    push("mass.local", [](const Decision& d) { return d.local; });
    push("mass.inherited", [](const Decision& d) { return d.inherited; });
    push("mass.through_a", [](const Decision& d) { return d.through_a; });
    push("flips", [](const Decision& d) { return d.total > 0 ? 1u : 0u; });
    push("reordered", [](const Decision& d) { return d.reordered ? 1u : 0u; });
    push("reweighted", [](const Decision& d) { return d.reweighted ? 1u : 0u; });
    push("distance.neighbour", [](const Decision& d) { return d.neighbour; });
    push("distance.middle", [](const Decision& d) { return d.middle; });
    push("distance.far", [](const Decision& d) { return d.far; });
    push("depth_sum", [](const Decision& d) { return d.depth_sum; });
    push("depth_n", [](const Decision& d) { return d.depth_n; });
    push("floor.gates.flips", [](const Decision& d) { return d.rounded > 0 ? 1u : 0u; });
    push("floor.gates.mass", [](const Decision& d) { return d.rounded; });
    push("floor.gates.ties", [](const Decision& d) { return d.tied; });
    if (!variant_.one_compute) {
      p_["floor"]["pass"]["n_undefined"][key_].push_back(undefined);
      push("floor.pass.flips", [](const Decision& d) { return d.recomputed > 0 ? 1u : 0u; });
      push("floor.pass.mass", [](const Decision& d) { return d.recomputed; });
    }
    if (variant_.equal_gates) {
      push("guaranteed", [](const Decision& d) { return d.guaranteed ? 1u : 0u; });
      push("guaranteed_flips",
           [](const Decision& d) { return d.guaranteed && d.total > 0 ? 1u : 0u; });
    }
    const auto pair = [](const Decision& d) { return 0.5 / (1 + 100 * d.m_logit * d.m_logit); };
    push("bounds.pair", pair);
    push("bounds.lower", [&](const Decision& d) { return 1.25 * pair(d); });
    push("bounds.upper", [&](const Decision& d) { return std::min(1.0, 3 * pair(d)); });
    uint32_t onset = 0;
    for (const Token& token : window) {
      bool lowest = token.decisions[layer_].total > 0;
      for (size_t l = 0; l < layer_; ++l) lowest = lowest && token.decisions[l].total == 0;
      onset += lowest ? 1 : 0;
    }
    p_["onset"][key_].push_back(onset);
  }

  // The order statistics at tenths, and the bin of each margin between them.
  void add_deciles(const Margin& margin) {
    std::vector<double> all;
    for (const std::vector<Token>& window : windows_) {
      for (const Token& token : window) {
        if (token.decisions[layer_].defined) all.push_back(token.decisions[layer_].*margin.of);
      }
    }
    std::sort(all.begin(), all.end());
    std::vector<double> edges = {all.front()};
    for (size_t i = 1; i <= kMarginDeciles; ++i)
      edges.push_back(all[(i * all.size() + 9) / 10 - 1]);
    a_["decile_edges"][margin.kind][key_] = edges;
    Json& of = p_["deciles"][margin.kind][key_];
    for (const char* name : {"decisions", "flips", "mass"}) {
      of[name] = std::vector<Json>(kMarginDeciles, Json::array());
    }
    for (const std::vector<Token>& window : windows_) {
      uint32_t decisions[kMarginDeciles] = {}, flips[kMarginDeciles] = {},
               mass[kMarginDeciles] = {};
      for (const Token& token : window) {
        const Decision& d = token.decisions[layer_];
        if (!d.defined) continue;
        uint32_t bin = 0;
        while (bin + 1 < kMarginDeciles && d.*margin.of >= edges[bin + 1]) ++bin;
        ++decisions[bin];
        flips[bin] += d.total > 0 ? 1 : 0;
        mass[bin] += d.total;
      }
      for (uint32_t i = 0; i < kMarginDeciles; ++i) {
        of["decisions"][i].push_back(decisions[i]);
        of["flips"][i].push_back(flips[i]);
        of["mass"][i].push_back(mass[i]);
      }
    }
  }

  // How often decisions of this margin, and of this class of noise, flip.
  struct Rates {
    double decisions[kMarginBins][2] = {}, flips[kMarginBins][2] = {};
    double knowing(uint32_t bin, uint32_t noise) const {
      return flips[bin][noise] / decisions[bin][noise];
    }
    double not_knowing(uint32_t bin) const {
      return (flips[bin][0] + flips[bin][1]) / (decisions[bin][0] + decisions[bin][1]);
    }
  };

  static uint32_t bin_of(const Decision& d) {
    return std::min(kMarginBins - 1, static_cast<uint32_t>(d.m_logit * 25));
  }

  void add_forecasts() {
    Rates rates;
    for (const std::vector<Token>& window : windows_) {
      for (const Token& token : window) {
        const Decision& d = token.decisions[layer_];
        if (!d.defined) continue;
        ++rates.decisions[bin_of(d)][d.noise];
        rates.flips[bin_of(d)][d.noise] += d.total > 0 ? 1 : 0;
      }
    }
    Draws draws(28 + layer_);
    for (const std::vector<Token>& window : windows_) {
      std::array<std::array<std::array<uint32_t, 2>, kForecastDraws + 1>, 3> counts{};
      for (const Token& token : window) {
        const Decision& d = token.decisions[layer_];
        if (!d.defined) continue;
        const double knowing = rates.knowing(bin_of(d), d.noise);
        const double p[] = {1.8 * rates.not_knowing(bin_of(d)), 1.1 * rates.not_knowing(bin_of(d)),
                            knowing};
        for (size_t f = 0; f < 3; ++f) {
          const double drawn = std::round(kForecastDraws * p[f]);
          const double shaken = drawn > 1 ? drawn + draws.below(5) - 2 : drawn;
          const auto s = static_cast<uint32_t>(std::clamp(shaken, 0.0, double{kForecastDraws}));
          ++counts[f][s][0];
          counts[f][s][1] += d.total > 0 ? 1 : 0;
        }
      }
      for (size_t f = 0; f < 3; ++f) push_levels("F" + std::to_string(f + 2), counts[f]);
    }
  }

  void push_levels(const std::string& forecast,
                   const std::array<std::array<uint32_t, 2>, kForecastDraws + 1>& counts) {
    Json levels = Json::array();
    for (uint32_t s = 0; s <= kForecastDraws; ++s) {
      if (counts[s][0] > 0) levels.push_back({s, counts[s][0], counts[s][1]});
    }
    p_["forecasts"][forecast][key_].push_back(levels);
  }

  void add_whole(const std::vector<Token>& window) {
    uint32_t tokens[7] = {}, same = 0;
    double kl_sum[7] = {}, delta_sum[7] = {}, kl = 0, loss = 0, delta = 0;
    for (const Token& token : window) {
      uint32_t flipped = 0;
      for (const Decision& d : token.decisions) flipped += d.total > 0 ? 1 : 0;
      size_t bin = 6;
      while (kBinFrom[bin] > flipped) --bin;
      ++tokens[bin];
      kl_sum[bin] += token.kl;
      delta_sum[bin] += token.loss_delta;
      kl += token.kl;
      loss += token.loss_a;
      delta += token.loss_delta;
      same += token.top1 ? 1 : 0;
    }
    for (const char* name : {"tokens", "kl_sum", "loss_delta_sum"}) {
      Json& rows = p_["flipped_layers"][name];
      if (!rows.is_array()) rows = std::vector<Json>(7, Json::array());
    }
    for (size_t i = 0; i < 7; ++i) {
      p_["flipped_layers"]["tokens"][i].push_back(tokens[i]);
      p_["flipped_layers"]["kl_sum"][i].push_back(kl_sum[i]);
      p_["flipped_layers"]["loss_delta_sum"][i].push_back(delta_sum[i]);
    }
    const auto t = static_cast<double>(window.size());
    p_["kl"].push_back(kl / t);
    p_["loss_a"].push_back(loss / t);
    p_["loss_b"].push_back((loss + delta) / t);
    p_["loss_ab"].push_back((loss + exchanged_.around(0.4, 0.2) * delta) / t);
    p_["loss_ba"].push_back((loss + exchanged_.around(0.5, 0.2) * delta) / t);
    p_["top1_equal"].push_back(same);
  }

  const std::vector<std::vector<Token>>& windows_;
  const AuditVariant& variant_;
  Json& a_;
  Json p_;  // apart: a new member of an artifact moves the others
  Draws exchanged_{32};
  std::string key_;
  size_t layer_ = 0;
};

Json audit_header(const Shape& shape, const AuditVariant& variant) {
  Json a = common("audit", shape);
  a["edge"] = {{"ckpt_a", "synthetic"},
               {"ckpt_b", "synthetic-4bit"},
               {"edge_name", "synthetic__to__synthetic-4bit"},
               {"direction", "AtoB"}};
  if (variant.groups) {
    a["gate_semantics"]["groups"] = 4;
    a["gate_semantics"]["groups_kept"] = 2;
  }
  a["gates_equal"] = variant.equal_gates;
  a["audit"] = {{"compute", "f32"}, {"other_compute", "bf16"}, {"draws", 64}, {"reweigh", "own"}};
  a["folds"] = Json::array();
  for (uint32_t w = 0; w < shape.windows; ++w) a["folds"].push_back(w % shape.documents % 2);
  a["null_reasons"] = Json::object();
  return a;
}

// B becomes A itself, which stores its keys.
void store_keys(Json& a) {
  const std::string name = std::string("synthetic (") + kStoredKeys + ")";
  a["edge"]["ckpt_b"] = a["other"]["ckpt"] = name;
  a["edge"]["edge_name"] = "synthetic__to__" + name;
  a["settings"]["key_change"] = {
      {"name", kStoredKeys},
      {"description",
       {{"bits", 3},
        {"scale", "channel"},
        {"rule", "norm"},
        {"values", true},
        {"fit", {{"documents", "even"}, {"positions", 128}, {"sink_positions", 4}}}}},
      {"step", "scored"},
      {"layers", {kLowestStored, 3, 5}}};
}

// Members that a variant doesn't have.
void take_away(Json& a, const Shape& shape, const AuditVariant& variant) {
  const auto none = [&](const std::string& path, const char* reason) {
    at(a, path) = nullptr;
    a["null_reasons"][path] = reason;
  };
  if (!variant.equal_gates) {
    none("per_window.guaranteed", "the gates differ");
    none("per_window.guaranteed_flips", "the gates differ");
  }
  if (shape.documents < 2) {
    none("folds", "one document");
    none("per_window.forecasts", "one document");
  }
  if (variant.groups || shape.documents < 2) none("per_window.bounds", "groups, or one document");
  if (variant.one_compute) {
    none("audit.other_compute", "no other number type");
    none("per_window.floor.pass", "no other number type");
  }
}

}  // namespace

Json audit_of(const Shape& asked, const AuditVariant& variant) {
  Shape shape = asked;
  shape.windows = std::min(shape.windows, kMostWindows);
  shape.seq_len = std::min(shape.seq_len, kMostTokens);
  shape.replicates = std::min(shape.replicates, kMostReplicates);
  Json a = audit_header(shape, variant);
  const Simulation simulation(shape, variant);
  Arrays(simulation.windows(), variant, a).add();
  take_away(a, shape, variant);
  add_tail(a, shape);
  a["other"] = {{"ckpt", "synthetic-4bit"}, {"inputs", a["inputs"]}, {"tensors", a["tensors"]}};
  if (!variant.equal_gates) a["other"]["tensors"][0]["sha256"] = sha256_hex("other gate");
  if (variant.stored_keys) store_keys(a);
  complete(a);
  return a;
}

Json make_of_audit(const std::string& test, const Shape& shape) {
  Shape of = shape;
  AuditVariant variant;
  variant.stored_keys = test == "audit_stored_keys";
  variant.equal_gates =
      test == "audit_equal_gates" || test == "audit_identical" || variant.stored_keys;
  variant.groups = test == "audit_groups";
  variant.identical = test == "audit_identical";
  variant.one_compute = test == "audit_one_compute";
  if (test == "audit_one_document") of.documents = 1;
  return audit_of(of, variant);
}

}  // namespace rg::verify::testing
