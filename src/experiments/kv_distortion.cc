#include "experiments/kv_distortion.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "experiments/common.h"

namespace rg::experiments {
namespace {

constexpr float kLargestEntry = 1e30f;  // of what quantisers and sums take
// For the plan, which is made before heads are known: as in kv_gauge few are wider than the first
// and none narrower than the second; more queries read one head's keys than the third in few
// models.
constexpr uint64_t kWidePlanned = 256, kNarrowPlanned = 32, kGroupPlanned = 8;

}  // namespace

std::vector<uint32_t> kv_measured_windows(const KvUnits& units, uint32_t count) {
  std::vector<uint32_t> held_out;
  for (uint32_t w = 0; w < units.of_window.size(); ++w) {
    if (units.of_window[w] >= 0) held_out.push_back(w);
  }
  const size_t taken = std::min<size_t>(count, held_out.size());
  std::vector<uint32_t> out;
  for (size_t i = 0; i < taken; ++i) out.push_back(held_out[i * held_out.size() / taken]);
  return out;
}

KvDistortionObserver::KvDistortionObserver(const Setting& setting,
                                           const KvDistortionOptions& options)
    : setting_(setting),
      options_(options),
      set_(setting.windows),
      codes_(kv_codes()),
      units_(setting.window_document),
      sample_({&set_, 1}, setting.seed, options.fit_positions, &tap::KeySteps::scored),
      rows_(sample_, units_, setting.seq_len, options.sink_positions),
      contexts_(*set_, kv_measured_windows(units_, options.windows), setting.seed,
                options.queries) {}

bool KvDistortionObserver::measured(int layer) const {
  return slot_among(setting_.layers, layer) >= 0;
}

tap::Needs KvDistortionObserver::needs() const {
  tap::Needs needs;
  needs.keys = true;
  const auto workers = static_cast<uint64_t>(setting_.threads);
  const uint64_t fitted = uint64_t{rows_.fit_rows()} * kWidePlanned * sizeof(float);
  constexpr uint64_t kFitCopies = 4;  // gathered, packed twice, turned
  needs.held_bytes =
      sample_.index_bytes() + rows_.bytes() + contexts_.index_bytes() +
      workers * (kFitCopies * fitted + kv_distortion_bytes(codes_.size(),
                                                           contexts_.queries() * kGroupPlanned,
                                                           setting_.seq_len, kWidePlanned));
  // Kept of every layer and head, which grow with the heads as rows of keys do.
  const uint64_t kept = codes_.size() * sizeof(KvCodeResult);
  const uint64_t sums = codes_.size() * contexts_.contexts().size() * sizeof(keys::DistortionSums);
  needs.held_bytes += setting_.layers.size() * sums;
  needs.held_key_rows = sample_.rows() + contexts_.rows() +
                        setting_.layers.size() * kept / (kNarrowPlanned * sizeof(float));
  needs.held_value_rows = contexts_.rows();
  needs.held_query_rows = contexts_.queries();
  return needs;
}

void KvDistortionObserver::begin_keys(const tap::KeyView& view) {
  if (!measured(view.layer)) return;
  if (contexts_.queries() == 0) {
    without_keys_[view.layer] = "no window of a held-out document";
    return;
  }
  if (view.sinks) {
    without_keys_[view.layer] = "attention with a sink, whose logit is not shown";
    return;
  }
  sample_.begin(view);
  contexts_.begin(view);
}

void KvDistortionObserver::on_keys(const tap::KeyView&, const tap::KeyBlock& block) {
  if (!contexts_.holds_a_layer()) return;
  sample_.add(block);
  contexts_.add(block);
}

void KvDistortionObserver::on_no_keys(int layer, std::string_view mixer) {
  if (measured(layer)) without_keys_[layer] = mixer;
}

void KvDistortionObserver::end_keys(const tap::KeyView& view) {
  if (!contexts_.holds_a_layer()) return;
  KvDistortionLayer layer{.layer = view.layer,
                          .heads = std::vector<std::vector<KvCodeResult>>(view.kv_heads),
                          .windows = {}};
  bool finite = contexts_.finite(kLargestEntry);
  for (uint32_t h = 0; h < view.kv_heads; ++h) {
    const std::span<const float> keys = sample_.keys(h);
    finite = finite && std::all_of(keys.begin(), keys.end(),
                                   [](float value) { return std::abs(value) <= kLargestEntry; });
  }
  if (finite) {
    parallel_for(view.kv_heads, view.threads, [&](size_t h, int) {
      const auto head = static_cast<uint32_t>(h);
      const keys::KeySet fit = rows_.fit(sample_.keys(head), view.key_width);
      layer.heads[h] = measure_kv_distortion(
          {.contexts = contexts_,
           .head = head,
           .group = view.heads / view.kv_heads,
           .fit = fit,
           .place = {.seed = setting_.seed,
                     .layer = static_cast<uint32_t>(view.layer),
                     .head = head},
           .rule = {.scale = static_cast<double>(view.scale), .window = view.window, .sink = {}},
           .sink_positions = options_.sink_positions},
          codes_);
    });
    layer.windows.assign(codes_.size(),
                         std::vector<keys::DistortionSums>(contexts_.contexts().size()));
    for (std::vector<KvCodeResult>& codes : layer.heads) {
      for (size_t c = 0; c < codes.size(); ++c) {
        for (size_t w = 0; w < codes[c].windows.size(); ++w) {
          layer.windows[c][w].add(codes[c].windows[w]);
        }
        codes[c].windows = std::vector<keys::DistortionSums>();  // {} would keep the memory
      }
    }
    layers_.push_back(std::move(layer));
  } else {
    without_keys_[view.layer] = "queries, keys or values that are not finite, or beyond 1e30";
  }
  sample_.release();
  contexts_.release();
}

}  // namespace rg::experiments
