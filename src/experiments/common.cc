#include "experiments/common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "experiments/unit_summary.h"

namespace rg::experiments {
namespace {

constexpr uint64_t kUndefinedNoted = 1000;  // more than one undefined margin in 1,000: a note

uint32_t replicates_of(const Setting& setting) {
  return static_cast<uint32_t>(setting.integer("bootstrap"));
}

}  // namespace

Json Nulls::number(double value, const std::string& path, const std::string& reason) {
  return std::isfinite(value) ? Json(value) : null(path, reason);
}

Json Nulls::array(std::span<const double> values, const std::string& path,
                  const std::string& reason) {
  Json array = Json::array();
  for (const double value : values) array.push_back(number(value, path, reason));
  return array;
}

Json Nulls::null(const std::string& path, const std::string& reason) {
  reasons_.emplace(path, reason);
  return nullptr;
}

void Nulls::add_to(Json& fields) const {
  if (reasons_.empty()) return;
  Json& reasons = fields["null_reasons"] = Json::object();
  for (const auto& [path, reason] : reasons_) reasons[path] = reason;
}

std::string layer_key(int layer) { return fmt::format("{}", layer); }

int slot_among(const std::vector<int>& layers, int layer) {
  const auto at = std::lower_bound(layers.begin(), layers.end(), layer);
  return at != layers.end() && *at == layer ? static_cast<int>(at - layers.begin()) : -1;
}

Json by_layer(const std::vector<int>& layers, const std::function<Json(size_t)>& value) {
  Json object = Json::object();
  for (size_t slot = 0; slot < layers.size(); ++slot) {
    object[layer_key(layers[slot])] = value(slot);
  }
  return object;
}

Statistician::Statistician(const Setting& setting)
    : Statistician(setting.window_document, replicates_of(setting), setting.seed) {}

Statistician::Statistician(std::span<const uint32_t> window_document, uint32_t replicates,
                           uint64_t seed)
    : seed_(seed),
      table_(window_document.size(), replicates, seed, 0),
      documents_(window_document, replicates, seed) {}

stats::Replicates Statistician::mean(std::span<const double> values) const {
  return stats::mean_replicates(table_, values);
}

stats::Replicates Statistician::ratio(std::span<const double> over,
                                      std::span<const double> under) const {
  return stats::ratio_replicates(table_, over, under);
}

Json Statistician::mean_block(const stats::Replicates& replicates, Nulls& nulls,
                              const std::string& path) const {
  return {{"mean", nulls.number(replicates.estimate, path, "no window defines it")},
          {"ci95", interval_json(stats::percentile_interval(replicates.values), nulls, path)}};
}

Json Statistician::delta_block(std::span<const double> values, const stats::Replicates& replicates,
                               Nulls& nulls, const std::string& path) const {
  Json block = {
      {"delta", nulls.number(replicates.estimate, path, "no window defines it")},
      {"ci95", interval_json(stats::percentile_interval(replicates.values), nulls, path)}};
  add_siblings(block, values, replicates, nulls, path);
  return block;
}

void Statistician::add_siblings(Json& block, std::span<const double> values,
                                const stats::Replicates& replicates, Nulls& nulls,
                                const std::string& path) const {
  block["ci95_bca"] = interval_json(stats::bca_interval(values, replicates), nulls, path);
  block["ci95_t"] =
      interval_json(stats::studentised_interval(table_, values, replicates), nulls, path);
  if (documents_.informative()) {
    block["ci95_doc"] = interval_json(documents_.interval_of_mean(values), nulls, path);
  }
}

Json Statistician::bootstrap_json() const { return experiments::bootstrap_json(table_, seed_); }

Json interval_json(const std::optional<stats::Interval>& interval, Nulls& nulls,
                   const std::string& path) {
  if (!interval) return nulls.null(path, "the resampled values leave it undefined");
  return {(*interval)[0], (*interval)[1]};
}

Json convergence_json(const stats::Convergence& convergence, const std::string& verdict,
                      Nulls& nulls) {
  const std::string path = "summary.convergence";
  const auto optional = [&](const auto& value) {
    return value ? Json(*value) : nulls.null(path, "too few windows, no spread, or not reached");
  };
  Json grid = Json::array();
  for (const stats::Agreement& row : convergence.grid) {
    grid.push_back({{"windows", row.windows}, {"agreement", row.agreement}});
  }
  return {{"verdict", verdict},
          {"settled_at", optional(convergence.settled_at)},
          {"settled", convergence.settled},
          {"z", optional(convergence.z)},
          {"replication", optional(convergence.replication)},
          {"n_for_90", optional(convergence.n_for_90)},
          {"grid", std::move(grid)}};
}

Json verification_json(const std::vector<int>& required_layers) {
  return {{"required_layers", required_layers},
          {"n_windows_required", kWindowsRequired},
          {"alpha", 0.05}};
}

void check_windows(const Setting& setting) {
  check_internal(!setting.layers.empty(), "an experiment measures at least one layer");
  check_internal(setting.window_document.size() == setting.windows->sequences(),
                 "every window has a document");
  check_internal(setting.seq_len >= 2, "a window has a position whose next token is known");
  for (const uint32_t length : setting.windows->lengths) {
    check_internal(length == setting.seq_len, "windows are equally long");
  }
}

std::vector<std::string> window_notes(const Setting& setting, std::span<const uint64_t> undefined) {
  std::vector<std::string> found;
  const uint32_t positions = setting.seq_len - 1;
  if (positions < kShortWindow) {
    found.push_back(fmt::format("windows have {} measured positions; below {} quantiles are coarse",
                                positions, kShortWindow));
  }
  const uint64_t all = uint64_t{positions} * setting.windows->sequences();
  for (size_t slot = 0; slot < undefined.size(); ++slot) {
    if (undefined[slot] * kUndefinedNoted <= all) continue;
    found.push_back(fmt::format("layer {}: {} of {} margins are undefined", setting.layers[slot],
                                undefined[slot], all));
  }
  return found;
}

ExperimentBase::ExperimentBase(const Setting& setting)
    : setting_(setting), windows_(setting.windows->sequences()), sets_{setting.windows} {
  check_windows(setting);
}

std::vector<std::string> ExperimentBase::notes(const WindowCounts& undefined) const {
  std::vector<uint64_t> by_layer;
  for (size_t slot = 0; slot < setting_.layers.size(); ++slot) {
    const auto counts = undefined.of_layer(slot);
    by_layer.push_back(std::accumulate(counts.begin(), counts.end(), uint64_t{0}));
  }
  return window_notes(setting_, by_layer);
}

void Scratch::prepare(int threads, size_t rows, size_t width, size_t experts,
                      size_t narrow_buffers) {
  per_worker_ = 1 + narrow_buffers;
  while (buffers_.size() < static_cast<size_t>(threads) * per_worker_) {
    const bool wide = buffers_.size() % per_worker_ == 0;
    buffers_.emplace_back(rows * (wide ? width : experts));
  }
}

uint32_t eligible_experts(const gate::GateSpec& spec) {
  return spec.experts / spec.groups * spec.groups_kept;
}

void require_competitor(const Setting& setting, const std::string& test) {
  const gate::GateSpec& spec = setting.spec;
  const uint32_t eligible = eligible_experts(spec);
  if (eligible > spec.top_k) return;
  throw Error(ErrorId::RT001,
              {.object = test,
               .found = fmt::format("{} eligible experts for k={} at layers {}", eligible,
                                    spec.top_k.value, fmt::join(setting.layers, ", ")),
               .expected = "an eligible (k+1)-th expert, which the set margin m_set needs",
               .hint = "Every eligible expert is always selected: there is no routing to measure. "
                       "expert_load runs on such a model."});
}

}  // namespace rg::experiments
