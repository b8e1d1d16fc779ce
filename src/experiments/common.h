// What the experiments share: which layers are measured, sequences inside a block, the statistics
// of per-window arrays as JSON blocks, and nulls, each with its reason.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "experiments/experiment.h"
#include "experiments/record.h"
#include "stats/bootstrap.h"
#include "stats/convergence.h"
#include "tap/tap.h"
#include "tensor/buffer.h"

namespace rg::experiments {

inline constexpr uint32_t kWindowsRequired = 200;  // fewer give no verdict
inline constexpr uint32_t kShortWindow = 100;      // T below it gives a note

// Collects the reasons of the nulls of one artifact (`null_reasons`).
class Nulls {
 public:
  // NaN and infinity become null, with `reason` noted at `path`.
  Json number(double value, const std::string& path, const std::string& reason);
  Json array(std::span<const double> values, const std::string& path, const std::string& reason);
  Json null(const std::string& path, const std::string& reason);
  // Adds `null_reasons` if there is any.
  void add_to(Json& fields) const;

 private:
  std::map<std::string, std::string> reasons_;
};

std::string layer_key(int layer);
// Index of a layer among the measured ones (ascending); -1 if it isn't measured.
int slot_among(const std::vector<int>& layers, int layer);
// {L: values of that layer} for every measured layer.
Json by_layer(const std::vector<int>& layers, const std::function<Json(size_t)>& value);

// The statistics of an artifact: one table of counts serves them all.
class Statistician {
 public:
  explicit Statistician(const Setting& setting);
  // Of as many windows as `window_document` has.
  Statistician(std::span<const uint32_t> window_document, uint32_t replicates, uint64_t seed);

  const stats::CountTable& table() const { return table_; }
  stats::Replicates mean(std::span<const double> values) const;
  stats::Replicates ratio(std::span<const double> over, std::span<const double> under) const;
  // {mean, ci95} and {delta, ci95, ci95_bca, ci95_t, ci95_doc}; nulls are noted at `path`.
  Json mean_block(const stats::Replicates& replicates, Nulls& nulls, const std::string& path) const;
  Json delta_block(std::span<const double> values, const stats::Replicates& replicates,
                   Nulls& nulls, const std::string& path) const;
  // Adds the siblings ci95_bca, ci95_t and ci95_doc.
  void add_siblings(Json& block, std::span<const double> values,
                    const stats::Replicates& replicates, Nulls& nulls,
                    const std::string& path) const;
  Json bootstrap_json() const;

 private:
  uint64_t seed_;
  stats::CountTable table_;
  stats::Documents documents_;
};

Json interval_json(const std::optional<stats::Interval>& interval, Nulls& nulls,
                   const std::string& path);
Json convergence_json(const stats::Convergence& convergence, const std::string& verdict,
                      Nulls& nulls);

Json verification_json(const std::vector<int>& required_layers);
// Windows of equal length, each with its document, and at least one measured layer.
void check_windows(const Setting& setting);
// What a reader must know about the data: short windows, and layers where more than 0.1 % of the
// margins are undefined. `undefined`: margins of each measured layer, over all windows.
std::vector<std::string> window_notes(const Setting& setting, std::span<const uint64_t> undefined);

// The experiments' base: measured layers and their slots, sequences of the windows set.
class ExperimentBase : public Experiment {
 public:
  explicit ExperimentBase(const Setting& setting);
  std::span<const tap::SequenceSet* const> sets() const override { return sets_; }

 protected:
  int slot_of(int layer) const { return slot_among(setting_.layers, layer); }
  bool measured(const tap::LayerView& view) const { return slot_of(view.layer) >= 0; }
  size_t windows() const { return windows_; }
  uint32_t positions() const { return setting_.seq_len - 1; }  // T
  std::vector<std::string> notes(const WindowCounts& undefined) const;
  void watch(const tap::SequenceSet* set) { sets_.push_back(set); }

  Setting setting_;

 private:
  size_t windows_;
  std::vector<const tap::SequenceSet*> sets_;
};

// Buffers of every worker, made at the first layer and reused: buffer 0 holds `rows` rows of
// `width`, the others as many of `experts`.
class Scratch {
 public:
  void prepare(int threads, size_t rows, size_t width, size_t experts, size_t narrow_buffers);
  float* buffer(int worker, size_t index) {
    return buffers_[static_cast<size_t>(worker) * per_worker_ + index].data();
  }

 private:
  size_t per_worker_ = 1;
  std::vector<Buffer<float>> buffers_;
};

// One sequence of a block: its index in the set and its rows.
struct SequenceRows {
  size_t sequence;      // in the set
  size_t first_in_set;  // row of its first token within the set
  size_t first;         // the same within the block
  uint32_t length;
};
// Calls body for every sequence of the block, in order.
template <typename Body>
void for_each_sequence(const tap::Block& block, const Body& body) {
  size_t first = 0;
  for (size_t s = 0; s < block.sequences; ++s) {
    const uint32_t length = block.set->lengths[block.first_sequence + s];
    body(SequenceRows{block.first_sequence + s, block.first_row + first, first, length});
    first += length;
  }
}

// Refusals that need no weights. RT001: fewer than k+1 experts can be eligible.
void require_competitor(const Setting& setting, const std::string& test);
// How many experts may be selected at a token: all, or those of the kept groups.
uint32_t eligible_experts(const gate::GateSpec& spec);

}  // namespace rg::experiments
