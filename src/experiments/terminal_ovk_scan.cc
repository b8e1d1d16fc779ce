#include "experiments/terminal_ovk_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/random.h"
#include "experiments/common.h"
#include "experiments/scan_summary.h"
#include "kernels/elementwise.h"

namespace rg::experiments {
namespace {

class TerminalScan : public ExperimentBase {
 public:
  explicit TerminalScan(const Setting& setting)
      : ExperimentBase(setting),
        experts_(setting.spec.experts),
        k_(setting.spec.top_k),
        record_(setting.layers.size(), windows(), setting.spec.experts),
        row_undefined_(setting.windows->rows(), 0) {}

  tap::Needs needs() const override {
    tap::Needs needs;
    needs.update = true;
    needs.held_bytes = row_undefined_.size() + record_.bytes() +
                       static_cast<uint64_t>(setting_.threads) * setting_.seq_len *
                           (setting_.width + experts_) * sizeof(float);
    return needs;
  }
  void begin_layer(const tap::LayerView& view) override {
    scratch_.prepare(view.threads, setting_.seq_len, view.width, experts_, 1);
    counts_.assign(static_cast<size_t>(view.threads), std::vector<uint64_t>(experts_, 0));
  }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;
  void on_update(const tap::LayerView& view, const tap::UpdateBlock& block) override;
  void end_layer(const tap::LayerView& view) override;
  record::Contribution reduce() override;

 private:
  struct Pass {
    uint64_t kept = 0, swaps = 0;  // sums over defined positions
  };
  // The gate's choice for the rows in scratch buffer 0.
  Pass regate(const tap::LayerView& view, const tap::UpdateBlock& block,
              const SequenceRows& window);
  void scan_window(const tap::LayerView& view, const tap::UpdateBlock& block,
                   const SequenceRows& window, size_t slot);

  const uint32_t experts_, k_;
  ScanRecord record_;
  std::vector<uint8_t> row_undefined_;         // of the current layer
  std::vector<std::vector<uint64_t>> counts_;  // (threads, E): its selections
  Scratch scratch_;
};

void TerminalScan::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  const int slot = slot_of(view.layer);
  if (slot < 0) return;
  std::vector<uint64_t>& counts = counts_[static_cast<size_t>(block.worker)];
  for_each_sequence(block, [&](const SequenceRows& window) {
    uint64_t undefined = 0;
    for (uint32_t t = 0; t < positions(); ++t) {
      const bool gone = !std::isfinite(block.margins[window.first + t]);
      row_undefined_[window.first_in_set + t] = gone;
      undefined += gone;
      if (gone) continue;
      const int32_t* ranked = block.ranked + (window.first + t) * (k_ + 1);
      for (uint32_t i = 0; i < k_; ++i) ++counts[static_cast<size_t>(ranked[i])];
    }
    record_.undefined.at(static_cast<size_t>(slot), window.sequence) = undefined;
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
  const uint64_t defined = positions() - record_.undefined.at(slot, w);
  if (defined == 0) return;
  const auto divisor = static_cast<double>(defined);

  std::memcpy(post, x, rows * d * sizeof(float));
  kernels::add(u, rows * d, post);
  const Pass own = regate(view, block, window);
  record_.ovk.set(slot, w, static_cast<double>(own.kept) / (static_cast<double>(k_) * divisor));
  record_.swap.set(slot, w, static_cast<double>(own.swaps) / divisor);

  double ratios = 0;
  std::vector<double> size(rows);
  for (uint32_t t = 0; t < positions(); ++t) {
    size[t] = std::sqrt(kernels::squared_norm(u + t * d, d));
    if (row_undefined_[window.first_in_set + t]) continue;
    const double residual = std::sqrt(kernels::squared_norm(x + t * d, d));
    ratios += residual > 0 ? size[t] / residual : 0.0;
  }
  record_.update_ratio.set(slot, w, ratios / divisor);

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
  record_.ovk_other.set(slot, w,
                        static_cast<double>(other.kept) / (static_cast<double>(k_) * divisor));
}

void TerminalScan::end_layer(const tap::LayerView& view) {
  const int slot = slot_of(view.layer);
  if (slot < 0) return;
  for (const std::vector<uint64_t>& counts : counts_) {
    for (uint32_t e = 0; e < experts_; ++e) {
      record_.expert_counts[static_cast<size_t>(slot) * experts_ + e] += counts[e];
    }
  }
}

record::Contribution TerminalScan::reduce() {
  record::Contribution part{.fields = Json::object(), .notes = notes(record_.undefined)};
  part.fields["layers"] = setting_.layers;
  part.fields["verification"] = verification_json(setting_.layers);
  reduce_scan(record_, setting_, part.fields);
  return part;
}

std::unique_ptr<Experiment> make_scan(const Setting& setting) {
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
  return std::make_unique<TerminalScan>(setting);
}

}  // namespace

Declaration terminal_ovk_scan_declaration() {
  return {.name = "terminal_ovk_scan",
          .version = "1.0",
          .summary =
              "Would each layer route the same after its own update, and does that drop at "
              "the last layer?",
          .parameters = {bootstrap_parameter()},
          .prompts = nullptr,
          .compare = nullptr,
          .create = &make_scan};
}

}  // namespace rg::experiments
