#include "verify/artifacts.h"

#include <functional>
#include <set>

#include "base/sha256.h"
#include "verify/fixture.h"
#include "verify/intervention_artifacts.h"
#include "verify/tests.h"

namespace rg::verify::testing {
Json common(const std::string& test, const Shape& shape) {
  Json a;
  a["schema_version"] = "1.0";
  a["test"] = test;
  a["model"] = {{"ckpt", "synthetic"}, {"terminal_moe_layer", 5}, {"moe_layers", kLayers}};
  a["domain"] = "prose";
  a["data"] = {{"source", "prose"}, {"n_windows", shape.windows}, {"seq_len", shape.seq_len},
               {"seed", 7},         {"tokenizer", "synthetic"},   {"doc_ids", Json::array()}};
  for (uint32_t w = 0; w < shape.windows; ++w) {
    a["data"]["doc_ids"].push_back("doc" + std::to_string(w % shape.documents));
  }
  a["gate_semantics"] = {{"profile", "synthetic"},
                         {"version", 1},
                         {"experts", kExperts},
                         {"topk", kTopk},
                         {"logit_bias", false},
                         {"score", "softmax"},
                         {"score_space", "probabilities"},
                         {"scores_dtype", "fp32"},
                         {"selection_bias", false},
                         {"groups", 1},
                         {"groups_kept", 1},
                         {"group_score", "none"},
                         {"group_mask", nullptr},
                         {"weights", "scores"},
                         {"normalise", "none"},
                         {"epsilon", 0},
                         {"scaling", 1},
                         {"shared_experts", 0},
                         {"shared_experts_eligible", false},
                         {"tie_rule", "lower index"},
                         {"nan_rule", "last"}};
  a["layers"] = kLayers;
  a["verification"] = {{"required_layers", kLayers}, {"n_windows_required", 200}, {"alpha", 0.05}};
  return a;
}

void add_tail(Json& a, const Shape& shape) {
  a["summary"]["bootstrap"] = {{"B", shape.replicates},
                               {"seed", 11},
                               {"ci_type", "percentile"},
                               {"quantile", "order_statistic"}};
  a["numeric_profile"] = {{"isa", "avx2"}, {"compute", "f32"}, {"onednn", "2.6.3"}};
  a["program_version"] = "0.1.0";
  a["settings"] = Json::object();
  a["inputs"] = Json::array({{{"name", "config.json"}, {"sha256", sha256_hex("config")}}});
  a["tensors"] = Json::array({{{"name", "model.layers.1.mlp.gate.weight"},
                               {"dtype", "BF16"},
                               {"shape", {8, 16}},
                               {"shard", "model.safetensors"},
                               {"sha256", sha256_hex("gate")}}});
  a["notes"] = Json::array();
  a["manifest"] = {{"created_utc", "2026-01-01T00:00:00Z"}};
}

namespace {

Json per_layer(uint32_t windows, const std::function<Json(int layer)>& value) {
  Json layers = Json::object();
  for (const int layer : kLayers) {
    Json values = Json::array();
    for (uint32_t w = 0; w < windows; ++w) values.push_back(value(layer));
    layers[std::to_string(layer)] = values;
  }
  return layers;
}

// Whether the member of this name is an array, given that a number follows it in a path.
bool holds_array(const std::string& key, bool numeric_next) {
  static const std::set<std::string> by_layer = {"F_beh_by_layer",     "F_route_by_layer",
                                                 "failure_type",       "holm_p",
                                                 "overlapping_strata", "per_layer"};
  return numeric_next && !by_layer.contains(key);
}

// Sets a claim's value where it stands, making objects and arrays on the way.
void place(Json& root, const Claim& claim) {
  Json* node = &root;
  for (size_t i = 0; i < claim.path.size(); ++i) {
    const std::string& key = claim.path[i];
    const bool numeric = !key.empty() && key.find_first_not_of("0123456789") == std::string::npos;
    const bool is_object = node->is_object() && !node->empty();  // of layers, as `heads` is
    if (i > 0 && !is_object && holds_array(claim.path[i - 1], numeric)) {
      if (!node->is_array()) *node = Json::array();
      if (claim.kind == Claim::Kind::absent && i + 1 == claim.path.size()) return;
      const size_t index = std::stoul(key);
      while (node->size() <= index) node->push_back(nullptr);
      node = &(*node)[index];
    } else {
      if (!node->is_object()) *node = Json::object();
      if (claim.kind == Claim::Kind::absent && i + 1 == claim.path.size()) return;
      node = &(*node)[key];
    }
  }
  switch (claim.kind) {
    case Claim::Kind::mean:
    case Claim::Kind::near:
      *node = claim.value;
      break;
    case Claim::Kind::count:
      *node = claim.count;
      break;
    case Claim::Kind::text:
      *node = claim.text;
      break;
    case Claim::Kind::flag:
      *node = claim.flag;
      break;
    case Claim::Kind::interval:
    case Claim::Kind::near_interval:
    case Claim::Kind::close_interval:
      *node = {claim.interval.lo, claim.interval.hi};
      break;
    case Claim::Kind::null:
      *node = nullptr;
      break;
    case Claim::Kind::absent:
      break;
  }
}

// `total` selections over the experts, all but evenly.
Json spread(uint32_t total) {
  Json counts = Json::array();
  for (uint32_t e = 0; e < kExperts; ++e) {
    counts.push_back(total / kExperts + (e == 0 ? total % kExperts : 0));
  }
  return counts;
}

// sum c^2 / (k N^2)
double popularity(const Json& counts) {
  double squares = 0;
  double selections = 0;
  for (const Json& count : counts) {
    squares += count.get<double>() * count.get<double>();
    selections += count.get<double>();
  }
  return squares * kTopk / (selections * selections);
}

// `compared`: positions that the agreements are over, per layer.
void add_extras(Json& a, Draws& draws, uint32_t windows, uint32_t positions, uint32_t compared) {
  a["prompts"] = Json::array();
  for (const char* text : {"one", "two", "three"}) {
    for (const char* convention : {"exact", "published"}) {
      for (const int layer : kLayers) {
        const double embed = draws.around(1, 0.5);
        const double attention = draws.around(3, 0.5);
        a["prompts"].push_back({{"text", text},
                                {"convention", convention},
                                {"layer", layer},
                                {"position", 4},
                                {"attention_ratio", attention / (embed + attention)},
                                {"embed_norm", embed},
                                {"attention_norm", attention},
                                {"embed_top", draws.below(kExperts)},
                                {"attention_top", draws.below(kExperts)},
                                {"top", draws.below(kExperts)}});
      }
    }
  }
  a["probes"] = Json::array();
  for (const char* target : {"127", "def"}) {
    for (const char* context : {"111 127", "abc 127"}) {
      for (const char* convention : {"exact", "published"}) {
        for (const int layer : kLayers) {
          a["probes"].push_back({{"target", target},
                                 {"context", context},
                                 {"convention", convention},
                                 {"layer", layer},
                                 {"token_id", 42},
                                 {"top", draws.below(kExperts)}});
        }
      }
    }
  }
  for (const int layer : kLayers) {
    const std::string key = std::to_string(layer);
    const auto jackknife = [&](double center) {
      Json block = {{"value", center}, {"leave_one_out", Json::array()}, {"ci95", nullptr}};
      double sum = 0;
      std::vector<double> left;
      for (int b = 0; b < 20; ++b) left.push_back(draws.around(center, 0.01));
      for (const double x : left) sum += x;
      double squares = 0;
      for (const double x : left) squares += (x - sum / 20) * (x - sum / 20);
      const double half = 2.093024054408263 * std::sqrt(19.0 / 20 * squares);
      block["leave_one_out"] = left;
      block["ci95"] = {center - half, center + half};
      return block;
    };
    a["token_id"][key] = {{"ids", 30},
                          {"occurrences", 2000},
                          {"within", jackknife(0.6)},
                          {"between", jackknife(0.3)},
                          {"predictor", jackknife(0.5)}};
    for (const char* name : {"mi_token", "mi_position"}) {
      a["token_id"][key][name] = {
          {"value", 0.75}, {"shuffled", 0.25}, {"difference", jackknife(0.5)}};
    }
    a["source_table"][key] = {{"embedding", 0.2},
                              {"attention", Json::array()},
                              {"experts", Json::array()},
                              {"positions", 4 * windows}};
    for (int j = 0; j <= layer; ++j) {
      a["source_table"][key]["attention"].push_back(draws.around(0.1, 0.1));
      if (j < layer) a["source_table"][key]["experts"].push_back(draws.around(0.1, 0.1));
    }
    a["decomposition_check"][key] = {
        {"max_error", 1e-6}, {"scale", 2.0}, {"ratio", 5e-7}, {"holds", true}};
    // Equal singular values: entropy rank 4, and four of four reach 95 %.
    a["gate_geometry"][key] = {
        {"singular_values", {2.0, 2.0, 2.0, 2.0}},
        {"entropy_rank", 4.0},
        {"rank95", 4},
        {"rank95_share", 1.0},
        {"cosine", {{"mean", 0.1}, {"mean_abs", 0.2}, {"min", -0.3}, {"max", 0.5}}}};
    const uint32_t all = windows * positions;
    a["expert_counts"][key] = spread(kTopk * all);
    a["agreement_counts"][key] = {{"embedding_top1", spread(compared)},
                                  {"rest_top1", spread(compared)},
                                  {"embedding_topk", spread(kTopk * compared)},
                                  {"rest_topk", spread(kTopk * compared)}};
    for (const char* projection : {"gate", "up", "down"}) {
      // Of matrices with 16 rows or columns.
      std::vector<uint32_t> ranks;
      uint32_t sum = 0;
      for (uint32_t e = 0; e < kExperts; ++e) {
        ranks.push_back(12 + draws.below(5));
        sum += ranks.back();
      }
      a["expert_similarity"]["per_layer"][key][projection] = {
          {"rank95", ranks},
          {"rank95_share", sum / (16.0 * kExperts)},
          {"cosine_mean", draws.around(0.3, 0.1)},
          {"cosine_min", draws.around(0.1, 0.05)},
          {"cosine_max", draws.around(0.6, 0.1)}};
    }
  }
}

}  // namespace

Json make_chart_compatibility(const Shape& shape) {
  Json a = common("chart_compatibility", shape);
  Draws draws(21);
  a["strata_def"] = {{"margin_used", "m_set"},
                     {"pair_def", "k_kp1"},
                     {"boundary_quantile", 0.1},
                     {"interior_quantile", 0.5},
                     {"interior_high_quantile", 0.9}};
  a["controls"] = {{"random_e2", true}, {"unselected_e2", true}, {"exact_random", true}};
  a["random_draws"] = 4;
  const uint32_t t = shape.seq_len - 1;
  const uint32_t tenth = (t + 9) / 10;
  struct Stratum {
    const char* name;
    double kappa;
    uint32_t tokens;
  };
  const uint32_t half = t - (t + 1) / 2 + 1;
  const uint32_t top = t - (9 * t + 9) / 10 + 1;
  for (const Stratum& s : {Stratum{"boundary", 0.60, tenth},
                           {"interior", 0.65, half},
                           {"boundary_random_e2", 0.68, tenth},
                           {"interior_random_e2", 0.7, half},
                           {"boundary_unselected_e2", 0.69, tenth},
                           {"interior_unselected_e2", 0.7, half},
                           {"interior_q90", 0.66, top}}) {
    Json& stratum = a["per_window"][s.name];
    const auto noise = [&](double center) {
      return per_layer(shape.windows, [&, center](int) { return draws.around(center, 0.1); });
    };
    stratum["kappa_hidden_median"] = noise(s.kappa);
    stratum["kappa_target_median"] = noise(s.kappa + 0.1);
    stratum["jump_hidden_median"] = noise(1.5 * s.kappa);
    stratum["kappa_hidden_mean"] = noise(s.kappa);
    stratum["cos_mean"] = noise(0.1);
    stratum["log_r_mean"] = noise(0);
    stratum["kappa_orth_mean"] =
        per_layer(shape.windows, [&](int) { return draws.around(0.72, 0.01); });
    stratum["tokens"] = per_layer(shape.windows, [&](int) { return s.tokens; });
  }
  a["per_window"]["c1_matched_interior"] =
      per_layer(shape.windows, [&](int) { return draws.around(0.66, 0.05); });
  a["per_window"]["c1_matched_interior_target"] =
      per_layer(shape.windows, [&](int) { return draws.around(0.76, 0.05); });
  for (const int layer : kLayers) {
    Json& exact = a["per_window"]["exact_random"][std::to_string(layer)];
    for (uint32_t w = 0; w < shape.windows; ++w) {
      exact["positions"].push_back(draws.below(t));
      exact["mean"].push_back(draws.around(0.7, 0.05));
    }
  }
  Json& margins = a["per_window"]["margins"];
  margins["m_set_mean"] = per_layer(shape.windows, [&](int) { return draws.around(0.05, 0.02); });
  margins["m_logit_mean"] = per_layer(shape.windows, [&](int) { return draws.around(0.4, 0.1); });
  margins["m_thr"] = per_layer(shape.windows, [&](int) { return draws.around(0.004, 0.002); });
  Json& further = a["per_window"]["random_draws"];
  for (const auto& [stratum, kappa] :
       {std::pair{"boundary_random_e2", 0.68}, {"boundary_unselected_e2", 0.69}}) {
    const double center = kappa;
    further[stratum] =
        per_layer(shape.windows, [&, center](int) { return draws.around(center, 0.05); });
  }
  a["per_window"]["n_undefined"] = per_layer(shape.windows, [](int) { return 0; });
  // One window of one layer without the ratio, as where every update is zero.
  a["per_window"]["interior"]["jump_hidden_median"]["3"][17] = nullptr;
  a["null_reasons"] = {{"per_window.interior.jump_hidden_median.3", "no update"}};
  add_tail(a, shape);
  complete(a);
  return a;
}

Json make_terminal_ovk_scan(const Shape& shape) {
  Json a = common("terminal_ovk_scan", shape);
  Draws draws(22);
  const uint32_t t = shape.seq_len - 1;
  Json undefined = per_layer(shape.windows, [](int) { return 0; });
  undefined["3"][5] = 2;
  const auto fractions = [&](uint32_t unit, const std::function<double(int)>& level) {
    Json layers = Json::object();
    for (const int layer : kLayers) {
      const std::string key = std::to_string(layer);
      for (uint32_t w = 0; w < shape.windows; ++w) {
        const uint32_t whole = unit * (t - undefined[key][w].get<uint32_t>());
        const auto least = static_cast<uint32_t>(level(layer) * whole);
        layers[key].push_back((least + draws.below(whole / 10 + 1)) / static_cast<double>(whole));
      }
    }
    return layers;
  };
  const auto overlap = [](int layer) { return layer == 5 ? 0.35 : 0.8 - 0.01 * layer; };
  a["per_window"]["ovk_cf_mean"] = fractions(kTopk, overlap);
  a["per_window"]["swap_k_mean"] = fractions(1, [&](int layer) { return 0.9 - overlap(layer); });
  a["per_window"]["update_ratio"] =
      per_layer(shape.windows, [&](int layer) { return draws.around(0.1 * layer, 0.05); });
  a["per_window"]["ovk_cf_other"] =
      fractions(kTopk, [&](int layer) { return overlap(layer) + 0.05; });
  a["per_window"]["n_undefined"] = undefined;
  for (const int layer : kLayers) {
    const std::string key = std::to_string(layer);
    uint32_t defined = shape.windows * t;
    for (const Json& lost : undefined[key]) defined -= lost.get<uint32_t>();
    a["expert_counts"][key] = spread(kTopk * defined);
  }
  a["summary"]["null"]["kind"] = "sets that are independent";
  add_tail(a, shape);
  complete(a);
  return a;
}

Json make_attention_router(const Shape& shape) {
  Json a = common("attention_router", shape);
  Draws draws(23);
  a["convention"] = "exact";
  a["source_positions"] = 4;
  a["verification"]["required_layers"] = {3, 5};
  const uint32_t n = shape.windows;
  const uint32_t t = shape.seq_len - 1;
  Json& p = a["per_window"];
  const char* parts[] = {"embedding", "attention", "experts"};
  const double levels[] = {0.1, 0.65, 0.25};
  for (int i = 0; i < 3; ++i) {
    for (const char* name : {"norm_share", "signed_num", "signed_num_varying", "margin_part"}) {
      p[name][parts[i]] = per_layer(n, [&](int) { return draws.around(levels[i], 0.04); });
    }
  }
  for (const auto& [total, name] : {std::pair{"signed_den", "signed_num"},
                                    {"signed_den_varying", "signed_num_varying"},
                                    {"margin_total", "margin_part"}}) {
    for (const int layer : kLayers) {
      const std::string key = std::to_string(layer);
      for (uint32_t w = 0; w < n; ++w) {
        double sum = 0;
        for (const char* part : parts) sum += p[name][part][key][w].get<double>();
        p[total][key].push_back(sum);
      }
    }
  }
  for (const int layer : kLayers) {
    const std::string key = std::to_string(layer);
    for (uint32_t w = 0; w < n; ++w) {
      const double rest = p["norm_share"]["embedding"][key][w].get<double>() +
                          p["norm_share"]["attention"][key][w].get<double>();
      p["norm_share"]["experts"][key][w] = 1 - rest;
    }
  }
  for (const char* field : {"val", "val_mean_replaced"}) {
    for (const auto& [subset, level] : {std::pair{"embedding", 0.3},
                                        {"attention", 0.7},
                                        {"experts", 0.45},
                                        {"embedding+attention", 0.8},
                                        {"embedding+experts", 0.5},
                                        {"attention+experts", 0.9}}) {
      const double center = level;
      p[field][subset] =
          per_layer(n, [&, center](int) { return draws.share(center, 0.05, kTopk * t); });
    }
  }
  p["val_mean_replaced"]["none"] =
      per_layer(n, [&](int) { return draws.share(0.25, 0.02, kTopk * t); });
  // In every fifth window either side is the zero vector at three positions.
  uint32_t compared = 0;
  for (uint32_t w = 0; w < n; ++w) {
    const uint32_t positions = w % 5 == 0 ? t - 3 : t;
    compared += positions;
    for (const int layer : kLayers) {
      const std::string key = std::to_string(layer);
      const auto share = [&](uint32_t whole) {
        return draws.below(whole + 1) / static_cast<double>(whole);
      };
      p["agreement_positions"][key].push_back(positions);
      p["agreement_top1"][key].push_back(share(positions));
      p["agreement_topk"][key].push_back(share(kTopk * positions));
    }
  }
  p["null_share"] = per_layer(n, [&](int) { return draws.around(0.5, 0.05); });
  p["null_signed_num"] = per_layer(n, [&](int) { return draws.around(0.5, 0.05); });
  p["null_signed_den"] = per_layer(n, [&](int) { return draws.around(1, 0.05); });
  p["published_ratio"] = per_layer(n, [&](int) { return draws.around(0.75, 0.05); });
  p["n_undefined"] = per_layer(n, [](int) { return 0; });
  add_extras(a, draws, n, t, compared);
  // Positions whose parts are all zero count the popularity null: none has experts before layer 1,
  // and now and then one lacks another subset.
  for (const auto& [subset, dropped] : {std::pair{"experts", t}, {"embedding", 3u}}) {
    for (uint32_t w = 0; w < n; w += dropped == t ? 1 : 7) {
      const double kept = dropped == t ? 0.0 : draws.below(kTopk * (t - dropped) / 3);
      a["per_window"]["val"][subset]["1"][w] =
          (kept / kTopk + dropped * popularity(a["expert_counts"]["1"])) / t;
    }
  }
  add_tail(a, shape);
  complete(a);
  return a;
}

Json make_expert_load(const Shape& shape) {
  Json a = common("expert_load", shape);
  Draws draws(24);
  const uint32_t n = shape.windows;
  std::vector<std::vector<uint32_t>> before;
  for (const int layer : kLayers) {
    const std::string key = std::to_string(layer);
    std::vector<std::vector<uint32_t>> pairs(kExperts, std::vector<uint32_t>(kExperts, 0));
    auto transitions = pairs;
    std::vector<uint32_t> first_choice(kExperts, 0);
    std::vector<std::vector<uint32_t>> firsts(n);
    for (uint32_t w = 0; w < n; ++w) {
      std::vector<uint32_t> counts(kExperts, 0);
      uint32_t top1 = 0;
      uint32_t any = 0;
      uint32_t last[2] = {kExperts, kExperts};
      for (uint32_t s = 0; s < shape.seq_len; ++s) {
        const uint32_t first = draws.below(draws.below(kExperts) + 1);  // low experts more often
        const uint32_t second = (first + 1 + draws.below(kExperts - 1)) % kExperts;
        for (const uint32_t x : {first, second}) {
          ++counts[x];
          for (const uint32_t y : {first, second}) ++pairs[x][y];
        }
        top1 += first == last[0] ? 1 : 0;
        any += first == last[0] || first == last[1] || second == last[0] || second == last[1];
        last[0] = first;
        last[1] = second;
        ++first_choice[first];
        if (!before.empty()) ++transitions[before[w][s]][first];
        firsts[w].push_back(first);
      }
      a["per_window"]["count"][key].push_back(counts);
      a["per_window"]["repeat_top1"][key].push_back(top1);
      a["per_window"]["repeat_any"][key].push_back(any);
      a["per_window"]["n_nan"][key].push_back(0);
    }
    a["pairs"][key] = pairs;
    if (!before.empty()) a["transitions"][key] = transitions;
    before = firsts;
    for (uint32_t e = 0; e < kExperts; ++e) {
      a["tokens_by_expert"][key][std::to_string(e)] = {{9, 4}, {3, 2}, {5, 2}};
    }
    Json& summary = a["summary"]["per_layer"][key];
    summary["first_choice"] = first_choice;
    summary["vocabulary_specialisation"] = std::vector<double>(kExperts, 0.5);
  }
  a["summary"]["per_layer"]["1"]["transition_mi"] = nullptr;
  add_tail(a, shape);
  complete(a);
  return a;
}

Json make(const std::string& test, const Shape& shape) {
  if (test == "chart_compatibility") return make_chart_compatibility(shape);
  if (test == "terminal_ovk_scan") return make_terminal_ovk_scan(shape);
  if (test == "attention_router") return make_attention_router(shape);
  if (test == "boundary_amplification") return make_boundary_amplification(shape);
  if (test == "behavior_compression") return make_behavior_compression(shape);
  if (test == "expert_load") return make_expert_load(shape);
  if (test == "intervention") return make_intervention(shape);
  if (test.starts_with("audit")) return make_of_audit(test, shape);
  if (test.starts_with("kv_gauge")) return make_of_kv_gauge(test, shape);
  if (test.starts_with("kv_distortion")) return make_of_kv_distortion(test, shape);
  if (test.starts_with("key_only_router")) return make_of_key_only_router(test, shape);
  if (test.starts_with("theorem_slack")) return make_of_theorem_slack(test, shape);
  return make_of_family(test, shape);
}

// Nulls that need a reason; a layer that isn't degenerate needs none.
bool has_null(const Json& value) {
  if (value.is_null()) return true;
  for (const auto& [key, member] : value.items()) {
    if (key == "degenerate" && member.is_null()) continue;
    if (member.is_null() || (member.is_structured() && has_null(member))) return true;
  }
  return false;
}

// A summary with undefined values needs a reason for them, one without must not give any.
void explain_nulls(Json& artifact) {
  const auto lacks = [&](const char* member) {
    return artifact.contains(member) && artifact[member].is_object() && has_null(artifact[member]);
  };
  Json& reasons = artifact["null_reasons"];
  if (!reasons.is_object()) reasons = Json::object();
  reasons.erase("summary");
  if (lacks("summary")) reasons["summary"] = "undefined";
  if (!lacks("summary") && !lacks("per_window") && !lacks("heads") && !lacks("geometry") &&
      !lacks("ceiling") && !lacks("cases") && !lacks("y_ref_A") && !lacks("y_ref_B")) {
    artifact.erase("null_reasons");
  }
}

void complete(Json& artifact) {
  // A published artifact has neither digest nor reasons.
  const bool ours = artifact.contains("program_version");
  // The convergence block follows from stated agreements, which stand only after a first round.
  for (int round = 0; round < 2; ++round) {
    if (ours) explain_nulls(artifact);
    if (ours) seal(artifact);
    const Claims claims = recompute_summary(text_of(artifact), quick_options());
    for (const Claim& claim : claims.all()) place(artifact, claim);
    Json& summary = artifact["summary"];
    // That of a bundle has no agreements of its own.
    if (!summary.contains("convergence") || !summary["convergence"].contains("grid")) break;
    for (Json& point : summary["convergence"]["grid"]) point["agreement"] = 1;
  }
  if (ours) explain_nulls(artifact);
  if (ours) seal(artifact);
}

void seal(Json& artifact) {
  Json body = artifact;
  body.erase("manifest");
  body.erase("body_sha256");
  for (const char* part : {"chart", "scan"}) {
    if (body.contains(part) && body[part].is_object()) body[part].erase("manifest");
  }
  if (body.contains("scans") && body["scans"].is_array()) {
    for (Json& scan : body["scans"]) {
      if (scan.is_object()) scan.erase("manifest");
    }
  }
  artifact["body_sha256"] = sha256_hex(canonical_json(body));
}

std::string text_of(const Json& artifact) { return write_json(artifact, JsonLayout::compact); }

Options quick_options() {
  Options options;
  options.replicates = 200;
  return options;
}

Judgement judge(const Json& artifact) {
  return judge_text(text_of(artifact), "artifact", quick_options());
}

Json& at(Json& artifact, const std::string& path) {
  Json* node = &artifact;
  size_t start = 0;
  while (start <= path.size()) {
    const size_t end = std::min(path.find('.', start), path.size());
    const std::string key = path.substr(start, end - start);
    node = node->is_array() ? &(*node)[std::stoul(key)] : &(*node)[key];
    start = end + 1;
  }
  return *node;
}

}  // namespace rg::verify::testing
