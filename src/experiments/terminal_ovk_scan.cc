#include "experiments/terminal_ovk_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/random.h"
#include "experiments/common.h"
#include "kernels/elementwise.h"

namespace rg::experiments {
namespace {

const std::vector<std::string> kParameters = {"bootstrap"};
constexpr double kDominanceNeeded = 0.95;

class TerminalScan : public ExperimentBase {
 public:
  explicit TerminalScan(const Setting& setting)
      : ExperimentBase(setting),
        experts_(setting.spec.experts),
        k_(setting.spec.top_k),
        ovk_(setting.layers.size(), windows()),
        swap_(setting.layers.size(), windows()),
        ratio_(setting.layers.size(), windows()),
        other_(setting.layers.size(), windows()),
        undefined_(setting.layers.size(), windows()),
        row_undefined_(setting.windows->rows(), 0) {}

  tap::Needs needs() const override {
    tap::Needs needs;
    needs.update = true;
    needs.held_bytes = row_undefined_.size() + static_cast<uint64_t>(setting_.threads) *
                                                   setting_.seq_len * (setting_.width + experts_) *
                                                   sizeof(float);
    return needs;
  }
  void begin_layer(const tap::LayerView& view) override {
    scratch_.prepare(view.threads, setting_.seq_len, view.width, experts_, 1);
  }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;
  void on_update(const tap::LayerView& view, const tap::UpdateBlock& block) override;
  record::Contribution reduce() override;

 private:
  struct Pass {
    uint64_t kept = 0, swaps = 0;  // sums over defined positions
  };
  // How the gate would choose at the rows in scratch buffer 0.
  Pass regate(const tap::LayerView& view, const tap::UpdateBlock& block,
              const SequenceRows& window);
  void scan_window(const tap::LayerView& view, const tap::UpdateBlock& block,
                   const SequenceRows& window, size_t slot);

  Json layers_summary(const Statistician& statistician, Nulls& nulls) const;

  const uint32_t experts_, k_;
  WindowValues ovk_, swap_, ratio_, other_;
  WindowCounts undefined_;
  std::vector<uint8_t> row_undefined_;  // of the layer that is running
  Scratch scratch_;
};

void TerminalScan::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  const int slot = slot_of(view.layer);
  if (slot < 0) return;
  for_each_sequence(block, [&](const SequenceRows& window) {
    uint64_t undefined = 0;
    for (uint32_t t = 0; t < positions(); ++t) {
      const bool gone = !std::isfinite(block.margins[window.first + t]);
      row_undefined_[window.first_in_set + t] = gone;
      undefined += gone;
    }
    undefined_.at(static_cast<size_t>(slot), window.sequence) = undefined;
  });
}

void TerminalScan::on_update(const tap::LayerView& view, const tap::UpdateBlock& block) {
  const int slot = slot_of(view.layer);
  if (slot < 0) return;
  for_each_sequence(block, [&](const SequenceRows& window) {
    scan_window(view, block, window, static_cast<size_t>(slot));
  });
}

TerminalScan::Pass TerminalScan::regate(const tap::LayerView& view, const tap::UpdateBlock& block,
                                        const SequenceRows& window) {
  float* logits = scratch_.buffer(block.worker, 1);
  view.router->logits_of_residual(scratch_.buffer(block.worker, 0), window.length, logits,
                                  block.worker);
  Pass pass;
  std::array<int32_t, gate::kMaxExperts> top;
  for (uint32_t t = 0; t < positions(); ++t) {
    if (row_undefined_[window.first_in_set + t]) continue;
    gate::select(*view.spec, {logits + size_t{t} * experts_, experts_}, view.selection_bias,
                 {top.data(), k_});
    const int32_t* ranked = block.ranked + (window.first + t) * (k_ + 1);
    pass.kept += gate::overlap({ranked, k_}, {top.data(), k_});
    pass.swaps += ranked[k_ - 1] != top[k_ - 1];
  }
  return pass;
}

void TerminalScan::scan_window(const tap::LayerView& view, const tap::UpdateBlock& block,
                               const SequenceRows& window, size_t slot) {
  const size_t d = view.width;
  const auto rows = window.length;
  const float* x = block.residual_pre + window.first * d;
  const float* u = block.update + window.first * d;
  float* post = scratch_.buffer(block.worker, 0);
  const auto w = window.sequence;
  const uint64_t defined = positions() - undefined_.at(slot, w);
  if (defined == 0) return;
  const auto divisor = static_cast<double>(defined);

  std::memcpy(post, x, rows * d * sizeof(float));
  kernels::add(u, rows * d, post);
  const Pass own = regate(view, block, window);
  ovk_.at(slot, w) = static_cast<double>(own.kept) / (static_cast<double>(k_) * divisor);
  swap_.at(slot, w) = static_cast<double>(own.swaps) / divisor;

  double ratios = 0;
  std::vector<double> size(rows);
  for (uint32_t t = 0; t < positions(); ++t) {
    size[t] = std::sqrt(kernels::squared_norm(u + t * d, d));
    if (row_undefined_[window.first_in_set + t]) continue;
    const double residual = std::sqrt(kernels::squared_norm(x + t * d, d));
    ratios += residual > 0 ? size[t] / residual : 0.0;
  }
  ratio_.at(slot, w) = ratios / divisor;

  if (positions() < 2) return;
  std::memcpy(post, x, rows * d * sizeof(float));
  for (uint32_t t = 0; t < positions(); ++t) {
    const uint32_t drawn =
        draw_below(positions() - 1, setting_.seed, Purpose::other_update,
                   {t, static_cast<uint32_t>(w), static_cast<uint32_t>(view.layer)});
    const uint32_t from = drawn < t ? drawn : drawn + 1;  // every position but t, ascending
    if (size[from] == 0) continue;
    kernels::add_scaled(static_cast<float>(size[t] / size[from]), u + from * d, d, post + t * d);
  }
  const Pass other = regate(view, block, window);
  other_.at(slot, w) = static_cast<double>(other.kept) / (static_cast<double>(k_) * divisor);
}

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
  size_t defined = 0, strict = 0, ties = 0;
  std::vector<double> smallest;  // of every replicate
  double probability() const {
    return defined == 0 ? kNaN : static_cast<double>(strict) / static_cast<double>(defined);
  }
};

// In how many replicates the last pair is the strict argmin; a tie counts against it.
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
    ++found.defined;
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

Json TerminalScan::layers_summary(const Statistician& statistician, Nulls& nulls) const {
  return by_layer(setting_.layers, [&](size_t slot) {
    Json layer = Json::object();
    const std::string path = "summary.per_layer." + layer_key(setting_.layers[slot]);
    const auto add = [&](const std::string& mean, const std::string& ci,
                         const WindowValues& values) {
      const stats::Replicates replicates = statistician.mean(values.of_layer(slot));
      layer[mean] = nulls.number(replicates.estimate, path, "no window defines it");
      layer[ci] = interval_json(stats::percentile_interval(replicates.values), nulls, path);
    };
    add("ovk_cf_mean", "ovk_cf_ci95", ovk_);
    add("swap_k_mean", "swap_k_ci95", swap_);
    add("update_ratio_mean", "update_ratio_ci95", ratio_);
    add("ovk_cf_other_mean", "ovk_cf_other_ci95", other_);
    return layer;
  });
}

record::Contribution TerminalScan::reduce() {
  const Statistician statistician(setting_);
  Nulls nulls;
  record::Contribution part{
      .test = "terminal_ovk_scan", .fields = Json::object(), .notes = length_notes()};
  Json& fields = part.fields;
  const std::vector<int>& layers = setting_.layers;
  fields["layers"] = layers;
  fields["verification"] = verification_json(layers);
  const auto values = [&](const std::string& name, const WindowValues& of) {
    return by_layer(layers, [&](size_t slot) {
      return nulls.array(of.of_layer(slot), "per_window." + name + "." + layer_key(layers[slot]),
                         "the window has no defined position");
    });
  };
  fields["per_window"] = {{"ovk_cf_mean", values("ovk_cf_mean", ovk_)},
                          {"swap_k_mean", values("swap_k_mean", swap_)},
                          {"update_ratio", values("update_ratio", ratio_)},
                          {"ovk_cf_other", values("ovk_cf_other", other_)},
                          {"n_undefined", by_layer(layers, [&](size_t slot) {
                             return Json(undefined_.of_layer(slot));
                           })}};

  const Jumps jumps = jumps_of(layers, ovk_);
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

  const auto own = ovk_.of_layer(layers.size() - 1), other = other_.of_layer(layers.size() - 1);
  std::vector<double> by_size(windows()), by_direction(windows());
  for (size_t w = 0; w < windows(); ++w) {
    by_size[w] = 1 - other[w];
    by_direction[w] = other[w] - own[w];
  }
  const bool degenerate = layers.size() == 2;
  const bool pass = !degenerate && passes(replicates);
  const stats::Convergence convergence =
      convergence_of(jumps, replicates, statistician, setting_, pass);
  fields["summary"] = {
      {"bootstrap", statistician.bootstrap_json()},
      {"per_layer", layers_summary(statistician, nulls)},
      {"adjacent_jumps", std::move(adjacent)},
      {"max_jump", std::move(max_jump)},
      {"terminal_jump", std::move(terminal)},
      {"dominance_probability",
       nulls.number(dominance.probability(), "summary.dominance_probability",
                    "no replicate is defined")},
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
  return part;
}

std::unique_ptr<Experiment> make(const Setting& setting) {
  check_keys(setting, kParameters);
  require_competitor(setting, "terminal_ovk_scan");
  const int terminal = setting.moe_layers.back();
  if (setting.layers.size() < 2 || setting.layers.back() != terminal) {
    throw Error(
        ErrorId::RT002,
        {.object = "terminal_ovk_scan",
         .found = fmt::format("{} measured MoE layers, the last one {}", setting.layers.size(),
                              setting.layers.back()),
         .expected =
             fmt::format("the terminal MoE layer l*={} and one earlier MoE layer", terminal),
         .hint = setting.moe_layers.size() < 2 ? "A model with one MoE layer has no jump to scan."
                                               : "Add them to --layers, or leave --layers out."});
  }
  return std::make_unique<TerminalScan>(with_parameters(setting));
}

}  // namespace

Declaration terminal_ovk_scan_declaration() {
  return {.name = "terminal_ovk_scan",
          .summary =
              "Would each layer route the same after its own update, and does that drop at "
              "the last layer?",
          .parameters = kParameters,
          .uses_prompts = false,
          .make = &make};
}

}  // namespace rg::experiments
