#include "experiments/scan_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace rg::experiments {
namespace {

constexpr double kDominanceNeeded = 0.95;

// The jumps between neighbouring measured layers, per window and per replicate.
struct Jumps {
  std::vector<std::string> pairs;
  std::vector<std::vector<double>> per_window;
  size_t terminal() const { return per_window.size() - 1; }
};

Jumps jumps_of(const std::vector<int>& layers, const WindowValues& ovk) {
  Jumps jumps;
  for (size_t i = 1; i < layers.size(); ++i) {
    jumps.pairs.push_back(fmt::format("{}->{}", layers[i - 1], layers[i]));
    const auto before = ovk.of_layer(i - 1), after = ovk.of_layer(i);
    std::vector<double> jump(before.size());
    for (size_t w = 0; w < jump.size(); ++w) jump[w] = after[w] - before[w];
    jumps.per_window.push_back(std::move(jump));
  }
  return jumps;
}

struct Dominance {
  size_t strict = 0, ties = 0;
  std::vector<double> smallest;  // of every replicate; NaN where a pair is undefined
  double probability() const {
    return static_cast<double>(strict) / static_cast<double>(smallest.size());
  }
};

// In how many replicates the last pair is the strict argmin. A tie counts against it, and so does a
// replicate with an undefined pair: an undefined pair counts as not beaten.
Dominance dominance_of(std::span<const stats::Replicates> jumps) {
  Dominance found;
  const std::vector<double>& terminal = jumps.back().values;
  for (size_t b = 0; b < terminal.size(); ++b) {
    double smallest_other = std::numeric_limits<double>::infinity();
    bool defined = !std::isnan(terminal[b]);
    for (size_t p = 0; p + 1 < jumps.size(); ++p) {
      defined = defined && !std::isnan(jumps[p].values[b]);
      smallest_other = std::min(smallest_other, jumps[p].values[b]);
    }
    found.smallest.push_back(defined ? std::min(smallest_other, terminal[b]) : kNaN);
    if (!defined) continue;
    found.strict += terminal[b] < smallest_other;
    found.ties += terminal[b] == smallest_other;
  }
  return found;
}

bool passes(std::span<const stats::Replicates> jumps) {
  return stats::interval_below(jumps.back().values, 0) &&
         dominance_of(jumps).probability() >= kDominanceNeeded;
}

stats::Convergence convergence_of(const Jumps& jumps, std::span<const stats::Replicates> replicates,
                                  const Statistician& statistician, const Setting& setting,
                                  bool pass) {
  const stats::Replicates& terminal = replicates[jumps.terminal()];
  std::vector<stats::Criterion> criteria = {
      {-terminal.estimate, stats::standard_error(terminal.values)}};
  for (size_t p = 0; p < jumps.terminal(); ++p) {
    std::vector<double> lead = jumps.per_window[p];
    for (size_t w = 0; w < lead.size(); ++w) lead[w] -= jumps.per_window[jumps.terminal()][w];
    const stats::Replicates lead_replicates = statistician.mean(lead);
    criteria.push_back({lead_replicates.estimate, stats::standard_error(lead_replicates.values)});
  }
  const stats::Judge judge = [&](std::span<const uint32_t> members,
                                 const stats::CountTable& table) {
    if (jumps.pairs.size() < 2) return 0;  // degenerate: no other jump to compare with
    std::vector<stats::Replicates> of_subset;
    std::vector<double> values;
    for (size_t p = jumps.per_window.size(); p-- > 0;) {
      stats::gather(jumps.per_window[p], members, values);
      of_subset.insert(of_subset.begin(), stats::mean_replicates(table, values));
      if (p == jumps.terminal() && !stats::interval_below(of_subset.back().values, 0)) return 0;
    }
    return passes(of_subset) ? 1 : 0;
  };
  return stats::judge_convergence(jumps.per_window[0].size(), setting.seed, setting.threads,
                                  pass ? 1 : 0, judge, stats::smallest_z(criteria));
}

Json layers_summary(const ScanRecord& record, const std::vector<int>& layers,
                    const Statistician& statistician, Nulls& nulls) {
  return by_layer(layers, [&](size_t slot) {
    Json layer = Json::object();
    const std::string path = "summary.per_layer." + layer_key(layers[slot]);
    const auto add = [&](const std::string& mean, const std::string& ci,
                         const WindowValues& values) {
      const stats::Replicates replicates = statistician.mean(values.of_layer(slot));
      layer[mean] = nulls.number(replicates.estimate, path, "no window defines it");
      layer[ci] = interval_json(stats::percentile_interval(replicates.values), nulls, path);
    };
    add("ovk_cf_mean", "ovk_cf_ci95", record.ovk);
    add("swap_k_mean", "swap_k_ci95", record.swap);
    add("update_ratio_mean", "update_ratio_ci95", record.update_ratio);
    add("ovk_cf_other_mean", "ovk_cf_other_ci95", record.ovk_other);
    return layer;
  });
}

// The overlap expected if routing after the update is independent of routing before it: theorems
// RG-1 to RG-3.
Json null_json(const ScanRecord& record, const Setting& setting, Nulls& nulls) {
  const gate::GateSpec& spec = setting.spec;
  const double k = spec.top_k, experts = spec.experts;
  Json per_layer = by_layer(setting.layers, [&](size_t slot) {
    double squares = 0, selections = 0;
    for (uint32_t e = 0; e < spec.experts; ++e) {
      const auto c = static_cast<double>(record.expert_counts[slot * spec.experts + e]);
      squares += c * c;
      selections += c;
    }
    const double positions = selections / k;
    Json layer = {
        {"uniform", k / experts},
        {"popularity", nulls.number(positions > 0 ? squares / (k * (positions * positions)) : kNaN,
                                    "summary.null.per_layer." + layer_key(setting.layers[slot]),
                                    "no position is defined")}};
    if (spec.groups > 1) layer["uniform_same_groups"] = k / eligible_experts(spec);
    return layer;
  });
  return {{"kind",
           "family-specific: the set after the update is independent of the set before; uniform "
           "sets (RG-1, RG-3), and sets that follow the experts' popularity (RG-2)"},
          {"per_layer", std::move(per_layer)}};
}

}  // namespace

ScanRecord::ScanRecord(size_t layers, size_t windows, size_t experts) : Record(layers, windows) {
  const char* const reason = "the window has no defined position, or the value is not finite";
  column(ovk, {"ovk_cf_mean",
               "share of the selected set that is kept after the layer's own update, mean over "
               "positions",
               reason});
  column(swap,
         {"swap_k_mean",
          "share of positions whose k-th expert differs after the layer's own update", reason});
  column(update_ratio,
         {"update_ratio", "norm of the update over the residual's, mean over positions", reason});
  column(ovk_other, {"ovk_cf_other",
                     "share of the selected set that is kept after another position's update of "
                     "the same norm, mean over positions",
                     reason});
  column(undefined, {"n_undefined", "positions whose margin is not finite", ""});
  keep(expert_counts, layers * experts, uint64_t{0});
}

void reduce_scan(const ScanRecord& record, const Setting& setting, Json& fields) {
  const Statistician statistician(setting);
  Nulls nulls;
  const std::vector<int>& layers = setting.layers;
  const size_t windows = setting.windows->sequences();
  fields["per_window"] = record.per_window(layers, nulls);

  const size_t experts = setting.spec.experts;
  fields["expert_counts"] = by_layer(layers, [&](size_t slot) {
    return Json(std::span(record.expert_counts).subspan(slot * experts, experts));
  });

  const Jumps jumps = jumps_of(layers, record.ovk);
  std::vector<stats::Replicates> replicates;
  Json adjacent = Json::array();
  size_t largest = 0;
  for (size_t p = 0; p < jumps.pairs.size(); ++p) {
    replicates.push_back(statistician.mean(jumps.per_window[p]));
    if (replicates[p].estimate < replicates[largest].estimate) largest = p;
    const std::string path = "summary.adjacent_jumps";
    adjacent.push_back(
        {{"pair", jumps.pairs[p]},
         {"delta_mean", nulls.number(replicates[p].estimate, path, "no window defines it")},
         {"ci95", interval_json(stats::percentile_interval(replicates[p].values), nulls, path)}});
  }
  const size_t last = jumps.terminal();
  const Dominance dominance = dominance_of(replicates);
  Json terminal = adjacent[last];
  statistician.add_siblings(terminal, jumps.per_window[last], replicates[last], nulls,
                            "summary.terminal_jump");
  terminal["probability"] = nulls.number(stats::share_below(replicates[last].values, 0),
                                         "summary.terminal_jump", "no replicate is defined");
  Json max_jump = adjacent[largest];
  max_jump["ci95"] =
      interval_json(stats::percentile_interval(dominance.smallest), nulls, "summary.max_jump");

  const auto own = record.ovk.of_layer(layers.size() - 1),
             other = record.ovk_other.of_layer(layers.size() - 1);
  std::vector<double> by_size(windows), by_direction(windows);
  for (size_t w = 0; w < windows; ++w) {
    by_size[w] = 1 - other[w];
    by_direction[w] = other[w] - own[w];
  }
  const bool degenerate = layers.size() == 2;
  const bool pass = !degenerate && passes(replicates);
  const stats::Convergence convergence =
      convergence_of(jumps, replicates, statistician, setting, pass);
  fields["summary"] = {
      {"bootstrap", statistician.bootstrap_json()},
      {"null", null_json(record, setting, nulls)},
      {"per_layer", layers_summary(record, layers, statistician, nulls)},
      {"adjacent_jumps", std::move(adjacent)},
      {"max_jump", std::move(max_jump)},
      {"terminal_jump", std::move(terminal)},
      {"dominance_probability", dominance.probability()},
      {"argmin_ties", dominance.ties},
      {"size_share",
       statistician.mean_block(statistician.mean(by_size), nulls, "summary.size_share")},
      {"direction_share",
       statistician.mean_block(statistician.mean(by_direction), nulls, "summary.direction_share")},
      {"convergence", convergence_json(convergence,
                                       degenerate ? "DEGENERATE"
                                       : pass     ? "PASS"
                                                  : "FAIL",
                                       nulls)}};
  nulls.add_to(fields);
}

}  // namespace rg::experiments
