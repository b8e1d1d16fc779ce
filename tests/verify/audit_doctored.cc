#include "verify/audit_doctored.h"

#include <cmath>

#include "verify/doctored.h"

namespace rg::verify::testing {
namespace {

constexpr const char* kAudit = "audit";
constexpr const char* kEqualGates = "audit_equal_gates";
const std::string kPooled = "summary.pooled.";
const std::string kOfLayer = "summary.per_layer.3.";
const std::string kF4 = "summary.forecasts.F4.pooled.";

// Counts of layer 3 in one window, and of what the window's tokens add up to.
class WindowOf {
 public:
  WindowOf(Json& artifact, size_t window) : a_(artifact), w_(window) {}

  int get(const std::string& path) { return entry(path).get<int>(); }
  void set(const std::string& path, int value) { entry(path) = value; }
  void add(const std::string& path, int amount) { set(path, get(path) + amount); }
  // The mass of both kinds of deciles with that of the total.
  void add_mass(int amount) {
    add("mass.total", amount);
    for (const char* kind : {"set", "logit"}) {
      for (size_t i = 0; i < 10; ++i) {
        const std::string path = std::string("deciles.") + kind + ".3.mass." + std::to_string(i);
        Json& mass = at(a_, "per_window." + path)[w_];
        if (mass.get<int>() + amount < 0) continue;
        mass = mass.get<int>() + amount;
        break;
      }
    }
  }
  // Tokens from those without a flip to those with one.
  void move_token(int amount) {
    Json& tokens = at(a_, "per_window.flipped_layers.tokens");
    tokens[0][w_] = tokens[0][w_].get<int>() - amount;
    tokens[1][w_] = tokens[1][w_].get<int>() + amount;
  }

 private:
  Json& entry(const std::string& path) { return at(a_, "per_window." + path + ".3")[w_]; }
  Json& a_;
  size_t w_;
};

using InWindow = std::function<void(WindowOf&)>;
using Fits = std::function<bool(WindowOf&)>;

// Doctors the first window that fits.
std::function<void(Json&)> where(const Fits& fits, const InWindow& doctor) {
  return [fits, doctor](Json& artifact) {
    const size_t windows = artifact["data"]["n_windows"].get<size_t>();
    for (size_t w = 10; w < windows; ++w) {
      WindowOf window(artifact, w);
      if (!fits(window)) continue;
      doctor(window);
      return;
    }
    throw std::logic_error("no window fits");
  };
}

bool flips(WindowOf& window) { return window.get("flips") > 0; }

// Window 5 of layer 3 has 30 decisions of 32 tokens.
std::function<void(Json&)> in_window_5(const std::vector<std::pair<const char*, double>>& values) {
  return [values](Json& artifact) {
    for (const auto& [path, value] : values) {
      Json& entry = at(artifact, std::string("per_window.") + path + ".3")[5];
      if (value == std::floor(value)) {
        entry = static_cast<int>(value);
      } else {
        entry = value;
      }
    }
  };
}

std::vector<BrokenRule> broken_sets() {
  const Check total = Check::count_total;
  return {
      {total, kAudit, "more than k experts per flip", "per_window.mass.total.3",
       where(flips,
             [](WindowOf& w) {
               const int more = 2 * w.get("flips") + 1 - w.get("mass.total");
               w.add_mass(more);
               w.add("mass.local", more);
             })},
      {total, kAudit, "a flip without an expert", "per_window.mass.total.3",
       where(
           [](WindowOf& w) {
             const int all = w.get("mass.total");
             return all > 0 && all == w.get("flips") &&
                    w.get("mass.local") < all + w.get("mass.inherited") &&
                    w.get("mass.inherited") < all + w.get("mass.local");
           },
           [](WindowOf& w) {
             w.add_mass(-1);
             w.set("depth_n", 0);
             w.set("depth_sum", 0);
           })},
      {total, kAudit, "a total that its parts don't reach", "per_window.mass.total.3",
       where(flips,
             [](WindowOf& w) {
               w.set("mass.local", 0);
               w.set("mass.inherited", w.get("mass.total") - 1);
             })},
      {total, kAudit, "more local than total and inherited", "per_window.mass.local.3",
       where(flips,
             [](WindowOf& w) {
               w.set("mass.local", w.get("mass.total") + w.get("mass.inherited") + 1);
             })},
      {total, kAudit, "more inherited than total and local", "per_window.mass.inherited.3",
       where(flips,
             [](WindowOf& w) {
               w.set("mass.inherited", w.get("mass.total") + w.get("mass.local") + 1);
             })},
      {total, kAudit, "reordered decisions that flip", "per_window.reordered.3",
       where(flips, [](WindowOf& w) { w.set("reordered", 33 - w.get("flips")); })},
      {total, kAudit, "reweighted decisions that flip", "per_window.reweighted.3",
       where(flips, [](WindowOf& w) { w.set("reweighted", 33 - w.get("flips")); })},
      {total, kAudit, "a flip without a distance", "per_window.distance.neighbour.3",
       where([](WindowOf& w) { return w.get("distance.neighbour") > 0; },
             [](WindowOf& w) { w.add("distance.neighbour", -1); })},
      {total, kAudit, "an expert too deep", "per_window.depth_n.3",
       where(flips, [](WindowOf& w) { w.set("depth_n", w.get("mass.total") + 1); })},
  };
}

// One more in a decile of window 50, first of those given.
std::function<void(Json&)> more_in(const std::string& counts) {
  return [counts](Json& artifact) {
    Json& entry = at(artifact, "per_window.deciles." + counts)[0][50];
    entry = entry.get<int>() + 1;
  };
}

std::vector<BrokenRule> broken_tokens() {
  const Check total = Check::count_total;
  const auto layer_1 = [](Json& a, const char* path) -> Json& {
    return at(a, std::string("per_window.") + path + ".1");
  };
  return {
      {total, kAudit, "a decision in no decile", "per_window.deciles.set.3",
       more_in("set.3.decisions")},
      {total, kAudit, "a flip in no decile", "per_window.deciles.logit.3",
       more_in("logit.3.flips")},
      {total, kAudit, "a mass in no decile", "per_window.deciles.set.3", more_in("set.3.mass")},
      {total, "audit_groups", "a decision in no decile of groups", "per_window.deciles.group.3",
       more_in("group.3.decisions")},
      {total, kAudit, "more onsets than flips", "per_window.onset.3",
       where([](WindowOf& w) { return w.get("flips") == w.get("onset"); },
             [](WindowOf& w) {
               w.add("onset", 1);
               w.move_token(1);
             })},
      {total, kAudit, "a flip without an onset", "per_window.onset.1",
       [layer_1](Json& a) {
         for (size_t w = 0; w < a["folds"].size(); ++w) {
           Json& onset = layer_1(a, "onset")[w];
           const int less = onset.get<int>() - 1;
           const int second = less + at(a, "per_window.onset.3")[w].get<int>();
           const int third = second + at(a, "per_window.onset.5")[w].get<int>();
           Json& tokens = at(a, "per_window.flipped_layers.tokens");
           if (less < 0 || at(a, "per_window.flips.3")[w].get<int>() > second ||
               at(a, "per_window.flips.5")[w].get<int>() > third || tokens[1][w] == 0) {
             continue;
           }
           onset = less;
           WindowOf(a, w).move_token(-1);
           return;
         }
       }},
      {total, kAudit, "a token too many", "per_window.flipped_layers.tokens",
       [](Json& a) {
         Json& tokens = at(a, "per_window.flipped_layers.tokens")[3][50];
         tokens = tokens.get<int>() + 1;
       }},
      {total, kAudit, "a token without a flip that has an onset",
       "per_window.flipped_layers.tokens", where(flips, [](WindowOf& w) { w.move_token(-1); })},
      {Check::share_total, kAudit, "divergence of no token", "per_window.flipped_layers.kl_sum",
       add("per_window.flipped_layers.kl_sum.0.50", 1e-6)},
      {Check::share_total, kAudit, "a loss of no token", "per_window.flipped_layers.loss_delta_sum",
       add("per_window.flipped_layers.loss_delta_sum.0.50", 1e-6)},
  };
}

std::vector<BrokenRule> broken_guarantees() {
  const Check total = Check::count_total;
  return {
      {total, kEqualGates, "a gate that differs from its equal", "per_window.mass.local.3",
       where(flips, [](WindowOf& w) { w.set("mass.local", 1); })},
      {total, kEqualGates, "a gate that differs on B's input", "per_window.mass.through_a.3",
       where(flips, [](WindowOf& w) { w.add("mass.through_a", -1); })},
      {total, kEqualGates, "more guaranteed than decided", "per_window.guaranteed.3",
       in_window_5({{"guaranteed", 31}})},
      {total, kEqualGates, "a guaranteed decision that flips", "per_window.guaranteed_flips.3",
       where(flips, [](WindowOf& w) { w.set("guaranteed_flips", 1); })},
      {Check::value_range, kAudit, "a pair above the lower bound", "per_window.bounds.pair.3",
       add("per_window.bounds.pair.3.50", 3)},
      {Check::value_range, kAudit, "a lower bound above the upper", "per_window.bounds.lower.3",
       in_window_5({{"bounds.lower", 20.5}, {"bounds.upper", 20.25}})},
      {Check::value_range, kAudit, "an upper bound above all", "per_window.bounds.upper.3",
       in_window_5({{"bounds.upper", 30.5}})},
      {total, kAudit, "more ties than decisions", "per_window.floor.gates.ties.3",
       in_window_5({{"floor.gates.ties", 31}})},
      {total, kAudit, "more rounded flips than decisions", "per_window.floor.gates.flips.3",
       in_window_5({{"floor.gates.flips", 31}, {"floor.gates.mass", 31}})},
      {total, kAudit, "a rounded flip without an expert", "per_window.floor.gates.mass.3",
       in_window_5({{"floor.gates.flips", 2}, {"floor.gates.mass", 1}})},
      {total, kAudit, "a rounded flip of three experts", "per_window.floor.gates.mass.3",
       in_window_5({{"floor.gates.flips", 1}, {"floor.gates.mass", 3}})},
      {total, kAudit, "more recomputed flips than decisions", "per_window.floor.pass.flips.3",
       in_window_5({{"floor.pass.flips", 31}, {"floor.pass.mass", 31}})},
      {total, kAudit, "a recomputed flip of three experts", "per_window.floor.pass.mass.3",
       in_window_5({{"floor.pass.flips", 1}, {"floor.pass.mass", 3}})},
      {total, kAudit, "a forecast decision too many", "per_window.forecasts.F4.3[50]",
       [](Json& a) {
         Json& count = at(a, "per_window.forecasts.F4.3.50.0.1");
         count = count.get<int>() + 1;
       }},
      {total, kAudit, "a forecast flip too many", "per_window.forecasts.F2.3[50]",
       [](Json& a) {
         Json& count = at(a, "per_window.forecasts.F2.3.50.0.2");
         count = count.get<int>() + 1;
       }},
  };
}

std::vector<Doctored> doctored_shapes() {
  std::vector<Doctored> all;
  const auto with = [&](Check check, const char* what, const std::function<void(Json&)>& doctor) {
    all.push_back({check, kAudit, what, doctor, {}});
  };
  for (const char* member : {"edge", "other", "gates_equal", "audit", "folds", "decile_edges"}) {
    with(Check::member_present, member, erase("", member));
  }
  for (const char* member :
       {"n_undefined",      "mass",    "flips",     "reordered", "reweighted",     "distance",
        "depth_sum",        "depth_n", "deciles",   "onset",     "flipped_layers", "kl",
        "loss_a",           "loss_b",  "loss_ab",   "loss_ba",   "top1_equal",     "guaranteed",
        "guaranteed_flips", "bounds",  "forecasts", "floor"}) {
    with(Check::member_present, member, erase("per_window", member));
  }
  with(Check::member_present, "no mass through A", erase("per_window.mass", "through_a"));
  with(Check::member_present, "no distance", erase("per_window.distance", "far"));
  with(Check::member_present, "no logit margins", erase("decile_edges", "logit"));
  with(Check::member_present, "no forecast F3", erase("per_window.forecasts", "F3"));
  with(Check::member_present, "no ties", erase("per_window.floor.gates", "ties"));
  with(Check::member_present, "no pair", erase("per_window.bounds", "pair"));
  with(Check::member_present, "no draws", erase("audit", "draws"));
  with(Check::member_present, "no rate", erase(kPooled + "token_flips", "rate"));
  with(Check::member_present, "no score", erase("summary.forecasts.F4", "pooled"));
  with(Check::edge_direction, "from b to a", [](Json& a) {
    a["edge"]["direction"] = "BtoA";
    std::swap(a["model"]["ckpt"], a["other"]["ckpt"]);
  });
  with(Check::layer_arrays, "a layer missing", erase("per_window.flips", "3"));
  with(Check::layer_arrays, "a layer's deciles missing", erase("per_window.deciles.set", "3"));
  with(Check::layer_arrays, "a layer not measured",
       [](Json& a) { at(a, "per_window.forecasts.F4.4") = at(a, "per_window.forecasts.F4.3"); });
  for (const char* path :
       {"per_window.mass.local.3", "per_window.kl", "folds", "per_window.deciles.set.3.flips",
        "per_window.deciles.set.3.mass.4", "decile_edges.logit.3",
        "per_window.flipped_layers.tokens", "per_window.flipped_layers.kl_sum.2",
        "per_window.forecasts.F2.3", "per_window.forecasts.F2.3.50.0"}) {
    with(Check::array_length, path, [path](Json& a) { at(a, path).erase(0); });
  }
  with(Check::value_kind, "half a flip", set("per_window.flips.3.50", 0.5));
  with(Check::value_kind, "no flip", nulled({"per_window.flips.3.50"}));
  with(Check::value_kind, "half a draw", set("per_window.forecasts.F4.3.50.0.0", 0.5));
  with(Check::value_kind, "half a fold", set("folds.50", 0.5));
  with(Check::value_kind, "equal to a degree", set("gates_equal", 0));
  with(Check::value_kind, "a loss in words", set("per_window.loss_a.50", "low"));
  with(Check::document_ids, "a window in the other fold",
       [](Json& a) { a["folds"][50] = 1 - a["folds"][50].get<int>(); });
  with(Check::ranked_list, "descending edges", [](Json& a) {
    Json& edges = at(a, "decile_edges.set.3");
    std::swap(edges[4], edges[5]);
  });
  with(Check::ranked_list, "descending draws", [](Json& a) {
    Json& levels = at(a, "per_window.forecasts.F4.3.50");
    std::swap(levels[0], levels[1]);
  });
  with(Check::ranked_list, "a number of draws twice", [](Json& a) {
    Json& levels = at(a, "per_window.forecasts.F4.3.50");
    levels[1][0] = levels[0][0];
  });
  return all;
}

std::vector<Doctored> doctored_values() {
  std::vector<Doctored> all;
  const auto with = [&](Check check, const char* what, const std::function<void(Json&)>& doctor) {
    all.push_back({check, kAudit, what, doctor, {}});
  };
  const auto range = [&](const char* what, const std::string& path, const Json& value) {
    with(Check::value_range, what, set(path, value));
  };
  range("32 draws", "audit.draws", 32);
  range("replayed weights", "audit.reweigh", "replayed");
  range("a number type that is none", "audit.compute", "f64");
  range("the same number type twice", "audit.other_compute", "f32");
  range("a third fold", "folds.50", 2);
  range("a divergence below 0", "per_window.kl.50", -0.5);
  range("a loss below 0", "per_window.loss_ba.50", -0.5);
  range("a depth below 0", "per_window.depth_sum.3.50", -0.5);
  range("a bound below 0", "per_window.bounds.lower.3.50", -0.5);
  range("more tokens than there are", "per_window.top1_equal.50", 33);
  range("more experts than chosen", "per_window.mass.through_a.3.50", 65);
  range("a margin below 0", "decile_edges.set.3.0", -0.5);
  range("65 draws", "per_window.forecasts.F4.3.50.0.0", 65);
  range("a level without decisions", "per_window.forecasts.F4.3.50.0.1", 0);
  range("a level with more flips than decisions", "per_window.forecasts.F4.3.50.0.2", 32);
  const auto none = [&](const char* what, const std::vector<std::string>& paths) {
    with(Check::null_pattern, what, nulled(paths));
  };
  none("no divergence", {"per_window.kl.50"});
  none("no loss of a bin", {"per_window.flipped_layers.loss_delta_sum.2.50"});
  none("no depth", {"per_window.depth_sum.3.50"});
  none("no bounds", {"per_window.bounds"});
  none("a bound out of the way", {"per_window.bounds.upper.3.50"});
  none("no forecasts", {"per_window.forecasts"});
  none("no folds", {"folds"});
  none("no other pass", {"per_window.floor.pass"});
  none("a pass without a number type", {"audit.other_compute"});
  none("edges out of the way", {"decile_edges.set.3"});
  none("deciles out of the way", {"per_window.deciles.set.3"});
  with(Check::null_pattern, "equal edges",
       set("decile_edges.set.3", Json(std::vector<double>(11, 0.5))));
  with(Check::null_pattern, "groups of a gate without",
       [](Json& a) { a["decile_edges"]["group"] = a["decile_edges"]["set"]; });
  with(Check::null_pattern, "a guarantee of gates that differ",
       [](Json& a) { a["per_window"]["guaranteed"] = a["per_window"]["reordered"]; });
  with(Check::null_pattern, "bounds of a biased gate", set("gate_semantics.selection_bias", true));
  all.push_back({Check::null_pattern,
                 kEqualGates,
                 "no guarantee of equal gates",
                 nulled({"per_window.guaranteed"}),
                 {}});
  all.push_back({Check::null_pattern,
                 "audit_one_document",
                 "folds of one document",
                 set("folds", Json(std::vector<int>(80, 0))),
                 {}});
  all.push_back(
      {Check::null_pattern,
       "audit_groups",
       "bounds of groups",
       [](Json& a) {
         const Json& flips = a["per_window"]["flips"];
         a["per_window"]["bounds"] = {{"lower", flips}, {"upper", flips}, {"pair", flips}};
       },
       {}});
  with(Check::null_reason, "no reason for an undefined slope", erase("null_reasons", "summary"));
  return all;
}

std::vector<Doctored> doctored_summary() {
  std::vector<Doctored> all;
  const auto with = [&](Check check, const std::string& path,
                        const std::function<void(Json&)>& doctor) {
    all.push_back({check, kAudit, path, doctor, {}});
  };
  for (const char* rate : {"flips",
                           "total",
                           "local",
                           "inherited",
                           "phi_gate",
                           "phi_input",
                           "share_gate",
                           "reordered",
                           "reweighted",
                           "neighbour",
                           "middle",
                           "far",
                           "depth",
                           "bounds.lower",
                           "bounds.upper",
                           "bounds.pair",
                           "floor.gates.flips",
                           "floor.gates.d",
                           "floor.gates.ties",
                           "floor.pass.flips",
                           "floor.pass.d"}) {
    const std::string path = kOfLayer + rate + ".rate";
    with(Check::summary_mean, path, add(path, 1e-9));
    const std::string pooled = kPooled + rate + ".ci95.0";
    with(Check::summary_interval, pooled, [pooled](Json& a) {
      Json& end = at(a, pooled);
      end = std::nextafter(end.get<double>(), -1.0);
    });
  }
  for (const std::string& path : {kOfLayer + "hazard.rate",
                                  kPooled + "token_flips.rate",
                                  kOfLayer + "deciles.set.2.flips.rate",
                                  kOfLayer + "deciles.logit.2.d.rate",
                                  kOfLayer + "deciles.set.2.m_hi",
                                  std::string("summary.damage.kl.mean"),
                                  std::string("summary.damage.loss_a.mean"),
                                  std::string("summary.damage.loss_b.mean"),
                                  std::string("summary.damage.loss_delta.mean"),
                                  std::string("summary.damage.top1.rate"),
                                  std::string("summary.damage.by_flipped_layers.1.kl.rate"),
                                  std::string("summary.damage.by_flipped_layers.1.loss_delta.rate"),
                                  std::string("summary.two_by_two.D.mean"),
                                  std::string("summary.two_by_two.phi_R.mean"),
                                  std::string("summary.two_by_two.phi_W.mean"),
                                  std::string("summary.two_by_two.I.mean"),
                                  std::string("summary.two_by_two.share_R.rate"),
                                  std::string("summary.two_by_two.share_W.rate"),
                                  kF4 + "mean_p",
                                  kF4 + "mean_f",
                                  kF4 + "ratio.rate",
                                  kF4 + "brier.rate",
                                  kF4 + "skill_f0.value",
                                  kF4 + "skill_f1.value",
                                  kF4 + "reliability.4.p",
                                  kF4 + "reliability.4.f",
                                  kF4 + "rel",
                                  kF4 + "res",
                                  kF4 + "unc",
                                  kF4 + "within",
                                  std::string("summary.forecasts.F1.per_layer.3.brier.rate"),
                                  std::string("summary.forecasts.F0.per_layer.3.ratio.rate")}) {
    with(Check::summary_mean, path, add(path, 1e-8));
  }
  for (const std::string& path :
       {kOfLayer + "hazard.ci95.1", std::string("summary.damage.kl.ci95.1"),
        std::string("summary.two_by_two.share_R.ci95.1"), kF4 + "ratio.ci95.1",
        kF4 + "brier.ci95.1", kF4 + "skill_f0.ci95.1", kF4 + "skill_f1.ci95.1",
        kF4 + "reliability.4.ci95.1"}) {
    with(Check::summary_interval, path, add(path, 1e-8));
  }
  for (const char* end : {"slope.value", "slope.ci95.0", "slope.ci95.1"}) {
    with(Check::iterated_value, kF4 + end, add(kF4 + end, 1e-5));
  }
  with(Check::iterated_value, "a slope of a constant", [](Json& a) {
    a["summary"]["forecasts"]["F0"]["pooled"]["slope"] =
        a["summary"]["forecasts"]["F1"]["pooled"]["slope"];
  });
  for (const auto& [path, value] :
       std::vector<std::pair<std::string, Json>>{{"summary.outcome", "IDENTICAL"},
                                                 {"summary.verdict", "PASS"},
                                                 {kF4 + "calibration", "NOT_CALIBRATED"},
                                                 {kF4 + "information", "NOT_INFORMATIVE"},
                                                 {kF4 + "decisions", 1},
                                                 {kF4 + "flips", 1},
                                                 {kF4 + "reliability.0.n", 1},
                                                 {kOfLayer + "deciles.set.2.bin", 3},
                                                 {kOfLayer + "deciles.set.2.decisions", 3},
                                                 {"summary.damage.by_flipped_layers.1.tokens", 1},
                                                 {"summary.damage.by_flipped_layers.3.to", 5}}) {
    with(Check::summary_exact, path, set(path, value));
  }
  for (const std::string& path : {kOfLayer + "deciles.set", kF4 + "reliability",
                                  std::string("summary.damage.by_flipped_layers")}) {
    with(Check::summary_exact, "one more of " + path, [path](Json& a) {
      Json& rows = at(a, path);
      const Json last = rows.back();
      rows.push_back(last);
    });
  }
  with(Check::summary_mean, "a share that isn't clear", set(kOfLayer + "guaranteed", 0.5));
  return all;
}

}  // namespace

std::vector<BrokenRule> broken_audit_rules() {
  std::vector<BrokenRule> all = broken_sets();
  for (const auto& more : {broken_tokens(), broken_guarantees()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

std::vector<Doctored> doctored_audits() {
  std::vector<Doctored> all;
  for (const BrokenRule& rule : broken_audit_rules()) {
    all.push_back({rule.check, rule.test, rule.what, rule.doctor, {}});
  }
  for (const auto& more : {doctored_shapes(), doctored_values(), doctored_summary()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace rg::verify::testing
