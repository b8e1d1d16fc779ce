#include "experiments/chart_summary.h"

#include <algorithm>
#include <cmath>

#include "stats/order.h"

namespace rg::experiments {
namespace {

constexpr std::array<const char*, kChartStrata> kStratumNames = {"boundary",
                                                                 "interior",
                                                                 "boundary_random_e2",
                                                                 "interior_random_e2",
                                                                 "boundary_unselected_e2",
                                                                 "interior_unselected_e2",
                                                                 "interior_q90"};

struct Member {
  const char *name, *title;
  WindowValues StratumValues::*values;
};
constexpr std::array<Member, 7> kMembers = {{
    {"kappa_hidden_median", "median of kappa between the outputs",
     &StratumValues::kappa_hidden_median},
    {"kappa_target_median", "median of kappa between the outputs' parts along the true next token",
     &StratumValues::kappa_target_median},
    {"jump_hidden_median", "median of the update's relative change if the pair were swapped",
     &StratumValues::jump_hidden_median},
    {"kappa_hidden_mean", "mean of kappa between the outputs", &StratumValues::kappa_hidden_mean},
    {"cos_mean", "mean cosine between the outputs", &StratumValues::cos_mean},
    {"log_r_mean", "mean log ratio of the outputs' norms", &StratumValues::log_r_mean},
    {"kappa_orth_mean", "mean kappa of orthogonal outputs of the same norms",
     &StratumValues::kappa_orth_mean},
}};

constexpr int kPass = 1, kFail = 0, kDegenerate = -1, kInvalid = -2;

std::vector<double> difference(std::span<const double> a, std::span<const double> b) {
  std::vector<double> values(a.size());
  for (size_t w = 0; w < values.size(); ++w) values[w] = a[w] - b[w];
  return values;
}

// The per-window differences behind C1 and C2, of one layer.
struct Axes {
  std::vector<double> c1, c2;
};

Axes axes_of(const ChartRecord& record, size_t slot) {
  const auto boundary = record.of(ChartStratum::boundary).kappa_hidden_median.of_layer(slot);
  return {
      difference(boundary, record.of(ChartStratum::interior).kappa_hidden_median.of_layer(slot)),
      difference(boundary,
                 record.of(ChartStratum::boundary_random).kappa_hidden_median.of_layer(slot))};
}

class LayerSummary {
 public:
  LayerSummary(const ChartRecord& record, size_t slot, const std::string& path,
               const Statistician& statistician, Nulls& nulls)
      : record_(record), slot_(slot), path_(path), statistician_(statistician), nulls_(nulls) {}

  Json json() {
    Json layer = Json::object();
    const auto hidden = &StratumValues::kappa_hidden_median;
    const auto target = &StratumValues::kappa_target_median;
    using enum ChartStratum;
    const auto c1 = add(layer, "kappa_hidden", delta(boundary, interior, hidden));
    const auto t1 = add(layer, "kappa_target", delta(boundary, interior, target));
    const auto c2 =
        add(layer, "random_e2_delta_hidden_boundary", delta(boundary, boundary_random, hidden));
    const auto t2 =
        add(layer, "random_e2_delta_target_boundary", delta(boundary, boundary_random, target));
    add(layer, "jump_hidden", delta(boundary, interior, &StratumValues::jump_hidden_median));
    add_judged(layer, "c2_unselected", delta(boundary, boundary_unselected, hidden));
    add_judged(layer, "c1_matched",
               difference(of(boundary, hidden), record_.matched.of_layer(slot_)));
    const auto t1_matched =
        add(layer, "kappa_target_matched",
            difference(of(boundary, target), record_.matched_target.of_layer(slot_)));
    add(layer, "kappa_hidden_mean", delta(boundary, interior, &StratumValues::kappa_hidden_mean));
    add(layer, "interior_q90", delta(boundary, interior_high, hidden));
    if (record_.draws > 1) {
      const auto own = of(boundary, hidden);
      add_judged(layer, "c2_draws", difference(own, record_.drawn[0].of_layer(slot_)));
      add_judged(layer, "c2_unselected_draws", difference(own, record_.drawn[1].of_layer(slot_)));
    }
    add_mean(layer, "cos_boundary", of(boundary, &StratumValues::cos_mean));
    add_mean(layer, "cos_interior", of(interior, &StratumValues::cos_mean));
    add_mean(layer, "log_r_boundary", of(boundary, &StratumValues::log_r_mean));
    add_mean(layer, "log_r_interior", of(interior, &StratumValues::log_r_mean));
    add_mean(layer, "exact_random", record_.exact_mean.of_layer(slot_));
    add_mean(layer, "kappa_excess",
             difference(of(boundary, &StratumValues::kappa_hidden_mean),
                        of(boundary, &StratumValues::kappa_orth_mean)));
    layer["c1"] = judged(c1, "c1");
    layer["c2"] = judged(c2, "c2");
    layer["kappa_target_flags"] = {
        {"c1", below_zero(t1)}, {"c2", below_zero(t2)}, {"c1_matched", below_zero(t1_matched)}};
    const bool first = below_zero(c1), second = below_zero(c2);
    layer["failure_type"] = first ? (second ? "neither" : "C2_only") : second ? "C1_only" : "both";
    return layer;
  }

 private:
  std::span<const double> of(ChartStratum stratum, WindowValues StratumValues::*values) const {
    return (record_.of(stratum).*values).of_layer(slot_);
  }
  std::vector<double> delta(ChartStratum a, ChartStratum b,
                            WindowValues StratumValues::*values) const {
    return difference(of(a, values), of(b, values));
  }
  static bool below_zero(const stats::Replicates& replicates) {
    return stats::interval_below(replicates.values, 0);
  }
  Json judged(const stats::Replicates& replicates, const std::string& name) {
    return {{"holds", below_zero(replicates)},
            {"probability", nulls_.number(stats::share_below(replicates.values, 0),
                                          path_ + "." + name, "no replicate is defined")}};
  }
  stats::Replicates add(Json& layer, const std::string& name, const std::vector<double>& values) {
    stats::Replicates replicates = statistician_.mean(values);
    layer[name] = statistician_.delta_block(values, replicates, nulls_, path_ + "." + name);
    return replicates;
  }
  void add_judged(Json& layer, const std::string& name, const std::vector<double>& values) {
    const stats::Replicates replicates = add(layer, name, values);
    layer[name].update(judged(replicates, name));
  }
  void add_mean(Json& layer, const std::string& name, std::span<const double> values) {
    layer[name] = statistician_.mean_block(statistician_.mean(values), nulls_, path_ + "." + name);
  }

  const ChartRecord& record_;
  const size_t slot_;
  const std::string path_;
  const Statistician& statistician_;
  Nulls& nulls_;
};

// Judges all required layers on some windows, as the verifier judges them on all.
class Judgement {
 public:
  Judgement(const ChartRecord& record, const Setting& setting, const std::vector<int>& required)
      : record_(record) {
    for (const int layer : required) {
      const auto at = std::find(setting.layers.begin(), setting.layers.end(), layer);
      slots_.push_back(static_cast<size_t>(at - setting.layers.begin()));
      axes_.push_back(axes_of(record, slots_.back()));
    }
  }

  int operator()(std::span<const uint32_t> members, const stats::CountTable& table) const {
    std::vector<double> values;
    int label = kPass;
    for (size_t i = 0; i < slots_.size(); ++i) {
      const auto overlapping = record_.overlapping.of_layer(slots_[i]);
      if (std::any_of(members.begin(), members.end(), [&](uint32_t w) { return overlapping[w]; })) {
        return kDegenerate;
      }
    }
    for (const Axes& axes : axes_) {
      for (const std::vector<double>* axis : {&axes.c1, &axes.c2}) {
        stats::gather(*axis, members, values);
        if (std::all_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) {
          return kInvalid;
        }
        if (label == kPass &&
            !stats::interval_below(stats::mean_replicates(table, values).values, 0)) {
          label = kFail;
        }
      }
    }
    return label;
  }

  std::optional<double> z(const Statistician& statistician) const {
    std::vector<stats::Criterion> criteria;
    for (const Axes& axes : axes_) {
      for (const std::vector<double>* axis : {&axes.c1, &axes.c2}) {
        const stats::Replicates replicates = statistician.mean(*axis);
        criteria.push_back({-replicates.estimate, stats::standard_error(replicates.values)});
      }
    }
    return stats::smallest_z(criteria);
  }

 private:
  const ChartRecord& record_;
  std::vector<size_t> slots_;
  std::vector<Axes> axes_;
};

const char* verdict_name(int label) {
  switch (label) {
    case kPass:
      return "PASS";
    case kFail:
      return "FAIL";
    case kDegenerate:
      return "DEGENERATE";
    default:
      return "INVALID";
  }
}

Json convergence_of(const ChartRecord& record, const Setting& setting,
                    const std::vector<int>& required, const Statistician& statistician,
                    Nulls& nulls) {
  const Judgement judgement(record, setting, required);
  std::vector<uint32_t> all(setting.windows->sequences());
  for (uint32_t w = 0; w < all.size(); ++w) all[w] = w;
  const int label = judgement(all, statistician.table());
  const stats::Convergence convergence = stats::judge_convergence(
      all.size(), setting.seed, setting.threads, label, judgement, judgement.z(statistician));
  return convergence_json(convergence, verdict_name(label), nulls);
}

}  // namespace

ChartRecord::ChartRecord(size_t layers, size_t windows, uint32_t draws_)
    : Record(layers, windows), draws(draws_) {
  const char* const outside =
      "the stratum has no defined token, the window's strata overlap, or the value is not finite";
  for (size_t s = 0; s < kChartStrata; ++s) {
    const std::string stratum = std::string(kStratumNames[s]) + ".";
    for (const Member& member : kMembers) {
      column(strata[s].*member.values, {stratum + member.name, member.title, outside});
    }
    column(strata[s].tokens, {stratum + "tokens", "pairs in the stratum", ""});
  }
  const char* const small = "the interior is smaller than the boundary, or the strata overlap";
  column(matched,
         {"c1_matched_interior",
          "expected median of kappa over as many interior tokens as the boundary has", small});
  column(
      matched_target,
      {"c1_matched_interior_target",
       "expected median of kappa along the true next token, over as many interior tokens", small});
  const char* const nothing = "no margin of the window is defined, or the value is not finite";
  column(margin_mean, {"margins.m_set_mean", "mean margin in scores", nothing});
  column(logit_margin_mean, {"margins.m_logit_mean", "mean margin in logits", nothing});
  column(threshold,
         {"margins.m_thr", "the boundary's threshold: quantile 0.1 of the margins", nothing});
  const char* const undrawn = "the boundary has no such partner, or the strata overlap";
  if (draws > 1) {
    column(drawn[0], {"random_draws.boundary_random_e2",
                      "mean over the draws of the median of kappa, random partners", undrawn});
    column(drawn[1], {"random_draws.boundary_unselected_e2",
                      "mean over the draws of the median of kappa, unselected partners", undrawn});
  }
  column(undefined, {"n_undefined", "positions whose margin is not finite", ""});
  keep(overlapping);
  keep(exact_mean);
  keep(exact_position, layers * windows, -1);
}

void ChartRecord::add_stratum(ChartStratum stratum, size_t layer, size_t window,
                              std::span<const Redundancy> members) {
  StratumValues& values = strata[static_cast<size_t>(stratum)];
  values.tokens.at(layer, window) = members.size();
  std::vector<double> column;
  const auto take = [&](double Redundancy::*field) -> std::span<double> {
    column.clear();
    for (const Redundancy& member : members) {
      if (!std::isnan(member.*field)) column.push_back(member.*field);
    }
    return column;
  };
  values.kappa_hidden_mean.set(layer, window, stats::mean(take(&Redundancy::kappa_hidden)));
  values.cos_mean.set(layer, window, stats::mean(take(&Redundancy::cosine)));
  values.log_r_mean.set(layer, window, stats::mean(take(&Redundancy::log_ratio)));
  values.kappa_orth_mean.set(layer, window, stats::mean(take(&Redundancy::kappa_orth)));
  values.kappa_hidden_median.set(layer, window, stats::median(take(&Redundancy::kappa_hidden)));
  values.kappa_target_median.set(layer, window, stats::median(take(&Redundancy::kappa_target)));
  values.jump_hidden_median.set(layer, window, stats::median(take(&Redundancy::jump)));
}

void ChartRecord::add_matched(size_t layer, size_t window, std::span<const Redundancy> interior,
                              size_t boundary) {
  std::vector<double> hidden, target;
  for (const Redundancy& member : interior) {
    hidden.push_back(member.kappa_hidden);
    target.push_back(member.kappa_target);
  }
  std::sort(hidden.begin(), hidden.end());
  std::sort(target.begin(), target.end());
  matched.set(layer, window, stats::expected_subset_median(hidden, boundary));
  matched_target.set(layer, window, stats::expected_subset_median(target, boundary));
}

void reduce_chart(const ChartRecord& record, const Setting& setting,
                  const std::vector<int>& required_layers, Json& fields) {
  const std::vector<int>& layers = setting.layers;
  const size_t windows = setting.windows->sequences();
  const Statistician statistician(setting);
  Nulls nulls;
  fields["per_window"] = record.per_window(layers, nulls);
  fields["per_window"]["exact_random"] = by_layer(layers, [&](size_t slot) {
    const std::string path = "per_window.exact_random." + layer_key(layers[slot]);
    Json positions = Json::array();
    for (size_t w = 0; w < windows; ++w) {
      const int32_t position = record.exact_position[slot * windows + w];
      positions.push_back(position < 0 ? nulls.null(path, "the window has no boundary position")
                                       : Json(position));
    }
    return Json{{"positions", std::move(positions)},
                {"mean", nulls.array(record.exact_mean.of_layer(slot), path,
                                     "the window has no boundary position")}};
  });

  std::vector<int> degenerate;
  Json overlapping = by_layer(layers, [&](size_t slot) {
    uint64_t count = 0;
    for (const uint64_t flag : record.overlapping.of_layer(slot)) count += flag;
    if (count > 0) degenerate.push_back(layers[slot]);
    return Json(count);
  });
  Json per_layer = by_layer(layers, [&](size_t slot) {
    const std::string path = "summary.per_layer." + layer_key(layers[slot]);
    return LayerSummary(record, slot, path, statistician, nulls).json();
  });
  fields["summary"] = {
      {"bootstrap", statistician.bootstrap_json()},
      {"null",
       {{"kind",
         "C1: margins unrelated to kappa, no difference between the strata; C2: empirical, "
         "random-expert substitution: a random eligible expert in place of e_{k+1} at the same "
         "boundary tokens"}}},
      {"per_layer", std::move(per_layer)},
      {"overlapping_strata", std::move(overlapping)},
      {"degenerate_layers", std::move(degenerate)},
      {"convergence", convergence_of(record, setting, required_layers, statistician, nulls)}};
  nulls.add_to(fields);
}

}  // namespace rg::experiments
