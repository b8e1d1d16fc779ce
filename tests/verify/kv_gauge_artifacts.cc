#include "verify/kv_gauge_artifacts.h"

#include <cmath>
#include <optional>

namespace rg::verify::testing {
namespace {

constexpr size_t kMostUnitsMade = 128;
constexpr int kResidualRank = 8;
constexpr const char* kCentringsMade[] = {"raw", "key_dc", "dataset_mean"};

struct MadeGauge {
  std::string kind;
  int number;
};

std::vector<MadeGauge> gauges_made(bool all) {
  std::vector<MadeGauge> gauges = {{"identity", 0}};
  if (all) gauges.push_back({"hadamard", 0});
  for (int i = 0; i < 3; ++i) gauges.push_back({"signed_hadamard", i});
  for (int i = 0; i < 4; ++i) gauges.push_back({"rotation", i});
  if (all) {
    for (const char* kind : {"principal", "principal_covariance", "principal_hadamard"}) {
      gauges.push_back({kind, 0});
    }
  }
  gauges.push_back({"itq_cosine", 0});
  if (all) {
    for (const char* kind :
         {"itq_pooled", "itq_per_key", "givens", "torus", "plane_scaling", "foldable", "blocks"}) {
      gauges.push_back({kind, 0});
    }
  }
  return gauges;
}

// Sums over keys that all have one cosine and one norm.
struct MadeSums {
  double keys = 0, cosines = 0, squared_norms = 0, sizes = 0, energy = 0;

  void add(double n, double cosine, double norm) {
    keys += n;
    cosines += n * cosine;
    squared_norms += n * cosine * cosine * norm * norm;
    sizes += n * cosine * norm * std::sqrt(double{kKeyWidth});
    energy += n * norm * norm;
  }
  Json json(bool channels) const {
    Json all = {{"cosines", cosines},
                {"squared_norms", squared_norms},
                {"sizes", sizes},
                {"energy", energy}};
    const double least = sizes * sizes / kKeyWidth;
    if (channels) all["channel_squares"] = least + (keys * energy - least) / 4;
    return all;
  }
};

// Windows' sampled positions, by halves and units.
struct MadeKeys {
  std::vector<int> of_window, sinks, unit;
  std::vector<int> of_unit;
  int fitted = 0, held_out_sinks = 0;
};

MadeKeys keys_made(const Shape& shape, const KvVariant& variant, Draws& draws) {
  MadeKeys made;
  const int positions = std::min(variant.positions, static_cast<int>(shape.seq_len) / 2);
  const uint32_t held_out = std::min(shape.documents, shape.windows) / 2;
  made.of_unit.assign(std::min<size_t>(kMostUnitsMade, held_out), 0);
  for (uint32_t w = 0; w < shape.windows; ++w) {
    const uint32_t document = w % shape.documents;
    const int sinks = static_cast<int>(draws.below(3));
    made.sinks.push_back(sinks);
    made.of_window.push_back(positions - sinks);
    if (document % 2 == 0) {
      made.unit.push_back(-1);
      made.fitted += positions - sinks;
    } else {
      const size_t unit = document / 2 % made.of_unit.size();
      made.unit.push_back(static_cast<int>(unit));
      made.of_unit[unit] += positions - sinks;
      made.held_out_sinks += sinks;
    }
  }
  return made;
}

class MadeHead {
 public:
  MadeHead(const KvVariant& variant, const MadeKeys& keys, Draws& draws, bool refused)
      : variant_(variant), keys_(keys), draws_(draws), refused_(refused) {}

  Json make() {
    const int zero = static_cast<int>(draws_.below(4));
    fit_keys_ = keys_.fitted - zero;
    head_["fit_keys"] = fit_keys_;
    head_["fit_zero_keys"] = zero;
    for (const char* name : {"keys", "zero_keys"}) head_[name] = Json::array();
    for (const int all : keys_.of_unit) {
      const int none = static_cast<int>(draws_.below(2));
      head_["keys"].push_back(all - none);
      head_["zero_keys"].push_back(none);
      units_.push_back(all - none);
      norms_.push_back(draws_.around(2, 0.2));
    }
    head_["sink_keys"] = keys_.held_out_sinks;
    head_["sink_zero_keys"] = 0;
    head_["gauges"] = Json::array();
    for (const MadeGauge& gauge : gauges_made(variant_.all_gauges)) add_gauge(gauge);
    add_noise();
    add_centring();
    add_rest();
    return head_;
  }

 private:
  double center(const std::string& kind) const {
    if (kind == "itq_cosine") return variant_.learned;
    if (kind == "signed_hadamard" || kind == "rotation") return variant_.random;
    return (variant_.learned + variant_.random) / 2;
  }

  // Keys times a cosine about this one, per unit.
  Json cosines_about(double cosine, const std::vector<int>& units) {
    Json cosines = Json::array();
    for (const int keys : units) {
      cosines.push_back(keys * draws_.around(cosine, variant_.spread));
    }
    return cosines;
  }

  void add_gauge(const MadeGauge& gauge) {
    Json entry = {{"kind", gauge.kind}, {"number", gauge.number}};
    if (gauge.kind == "itq_cosine" && refused_) {
      entry["refused"] = "too few keys";
      head_["gauges"].push_back(entry);
      return;
    }
    const double cosine = center(gauge.kind);
    MadeSums in_sample, held_out, sinks;
    in_sample.add(fit_keys_, cosine + 0.01, 2);
    sinks.add(keys_.held_out_sinks, cosine - 0.1, 3);
    Json arrays = {{"cosines", Json::array()},
                   {"squared_norms", Json::array()},
                   {"sizes", Json::array()},
                   {"energy", Json::array()}};
    for (size_t u = 0; u < units_.size(); ++u) {
      MadeSums unit;
      const double of_unit = draws_.around(cosine, variant_.spread);
      unit.add(units_[u], of_unit, norms_[u]);
      held_out.add(units_[u], of_unit, norms_[u]);
      const Json sums = unit.json(false);
      for (const auto& [name, value] : sums.items()) arrays[name].push_back(value);
    }
    entry["made_of"] = gauge.kind == "rotation" ? "" : "made for a test";
    entry["in_sample"] = in_sample.json(true);
    entry["held_out"] = held_out.json(true);
    entry["sinks"] = sinks.json(false);
    entry["cosines"] = arrays["cosines"];
    if (gauge.kind == "identity" || gauge.kind == "itq_cosine") {
      for (const char* name : {"squared_norms", "sizes", "energy"}) entry[name] = arrays[name];
    }
    if (gauge.kind == "itq_cosine") learned_ = entry;
    add_search(gauge.kind, entry);
    head_["gauges"].push_back(entry);
  }

  static void add_search(const std::string& kind, Json& entry) {
    if (!kind.starts_with("itq_") && kind != "givens") return;
    entry["path"] = {0.9, 0.93, 0.94};
    entry["trials"] = kind == "givens" ? Json::array() : Json({0.93, 0.92});
    entry["stop"] = "settled";
    entry["decay"] = {{"geometric", -12.5}, {"power", -8.0}, {"rate", 0.5}, {"points", 12}};
    entry["curvature"] = {{"asymmetry", 1e-9}, {"least_eigenvalue", 0.01}, {"flattest", 0.01},
                          {"steepest", 2.0},   {"condition", 200.0},       {"kink_ratio", 0.1}};
  }

  void add_noise() {
    if (refused_) {
      head_["noise"] = nullptr;
      return;
    }
    head_["noise"] = {{"fit_keys", keys_.fitted},
                      {"in_sample_cosines", keys_.fitted * (variant_.noise + 0.005)},
                      {"keys", keys_.of_unit},
                      {"cosines", cosines_about(variant_.noise, keys_.of_unit)},
                      {"random_cosines", cosines_about(variant_.random, keys_.of_unit)}};
  }

  void add_centring() {
    const size_t named = variant_.normed ? 2 : 0;
    for (size_t i = 0; i < 3; ++i) {
      Json of = {{"fit_keys", fit_keys_}};
      double energy = 0;
      for (size_t u = 0; u < units_.size(); ++u) energy += units_[u] * norms_[u] * norms_[u];
      const double cosine = variant_.centred[i];
      of["in_sample_cosines"] = fit_keys_ * (cosine + 0.01);
      of["keys"] = head_["keys"];
      of["zero_keys"] = head_["zero_keys"];
      of["cosines"] = cosines_about(cosine, units_);
      energy *= i == 0 ? 1.0 : 0.85;
      of["squared_norms"] = cosine * cosine * energy;
      of["energy"] = energy;
      if (i == named && !refused_) {
        of["in_sample_cosines"] = learned_["in_sample"]["cosines"];
        of["cosines"] = learned_["cosines"];
        of["squared_norms"] = learned_["held_out"]["squared_norms"];
        of["energy"] = learned_["held_out"]["energy"];
      }
      if (i == 2 && variant_.normed) {
        of["correction"] = {{"turning_share", 0.4}, {"rms", 0.2}, {"spread", 0.1}};
      }
      head_["centring"][kCentringsMade[i]] = i == named && refused_ ? Json(nullptr) : of;
    }
  }

  void add_rest() {
    head_["residual"] = Json::array();
    for (int rank = 1; rank <= kResidualRank && !refused_; rank *= 2) {
      head_["residual"].push_back({{"rank", rank},
                                   {"keys_in_sample", 0.3},
                                   {"keys_held_out", 0.25},
                                   {"residual_in_sample", 0.2},
                                   {"residual_held_out", 0.15},
                                   {"code_then_rank", 0.1},
                                   {"rank_then_code", 0.12},
                                   {"bits", 0},
                                   {"white_edge", 0}});
    }
    if (variant_.normed) {
      head_["ceiling"] = nullptr;
    } else {
      head_["ceiling"] = {{"resting_share", 0.125}, {"cosine", 0}};
    }
  }

  const KvVariant& variant_;
  const MadeKeys& keys_;
  Draws& draws_;
  bool refused_;
  Json head_, learned_;
  int fit_keys_ = 0;
  std::vector<int> units_;
  std::vector<double> norms_;
};

}  // namespace

Json attention_made(bool normed) {
  Json costs = Json::object();
  for (const MadeGauge& gauge : gauges_made(true)) {
    costs[gauge.kind] = normed ? "codec" : "online_square";
  }
  costs["identity"] = "free";
  return {{"mixer", "attention"},
          {"heads", 2 * kKeyHeads},
          {"kv_heads", kKeyHeads},
          {"width", kKeyWidth},
          {"rotated_columns", kKeyWidth},
          {"norm", normed ? "per_head" : "none"},
          {"values_are_keys", false},
          {"latent_width", 0},
          {"sinks", false},
          {"window", 0},
          {"costs", costs}};
}

Json kv_gauge_of(const Shape& shape, const KvVariant& variant) {
  Json a = common("kv_gauge", shape);
  Draws draws(33);
  const MadeKeys keys = keys_made(shape, variant, draws);
  const std::vector<int> keyed = variant.without_keys ? std::vector<int>() : std::vector{3, 5};
  a["verification"]["required_layers"] = keyed;
  a["keys"] = {{"step", variant.normed ? "normed" : "scored"},
               {"centring", variant.normed ? "dataset_mean" : "raw"},
               {"positions", std::min(variant.positions, static_cast<int>(shape.seq_len) / 2)},
               {"sink_positions", 2},
               {"gauges", variant.all_gauges ? "all" : "verdict"},
               {"signed_hadamards", 3},
               {"rotations", 4},
               {"residual_rank", kResidualRank}};
  a["units"] = {{"count", keys.of_unit.size()}, {"of_window", keys.unit}};
  a["without_keys"] = {{"1", "Mamba-2"}};
  if (variant.without_keys) {
    for (const char* layer : {"3", "5"}) {
      a["without_keys"][layer] = "latent attention, which has no keys before RoPE";
    }
  }
  for (const char* name : {"attention", "heads", "null_reasons"}) a[name] = Json::object();
  for (const int layer : keyed) {
    const std::string key = std::to_string(layer);
    a["attention"][key] = attention_made(variant.normed);
    Json heads = Json::array();
    for (int h = 0; h < kKeyHeads; ++h) {
      const bool refused = variant.refused && layer == 5 && h == 0;
      heads.push_back(MadeHead(variant, keys, draws, refused).make());
      if (variant.normed) a["null_reasons"]["heads." + key + ".ceiling"] = "before RoPE";
      if (!refused) continue;
      for (const char* member : {".noise", ".centring.raw"}) {
        a["null_reasons"]["heads." + key + member] = "no learned rotation";
      }
    }
    a["heads"][key] = heads;
  }
  a["per_window"] = {{"keys", keys.of_window}, {"sinks", keys.sinks}};
  add_tail(a, shape);
  complete(a);
  return a;
}

Json make_of_kv_gauge(const std::string& test, const Shape& shape) {
  KvVariant variant;
  variant.all_gauges = test == "kv_gauge_all";
  variant.normed = test == "kv_gauge_normed";
  variant.refused = test == "kv_gauge_refused";
  variant.without_keys = test == "kv_gauge_without_keys";
  return kv_gauge_of(shape, variant);
}

}  // namespace rg::verify::testing
