#include "experiments/kv_distortion_observer.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "experiments/common.h"
#include "experiments/kv_view.h"

namespace rg::experiments {
namespace {

constexpr float kLargestEntry = 1e30f;  // of what quantisers and sums take
// For the plan, which is made before heads are known: as in kv_gauge few are wider than the first
// and none narrower than the second; more queries read one head's keys than the third in few
// models.
constexpr uint64_t kWidePlanned = 256, kNarrowPlanned = 32, kGroupPlanned = 8;

Json attention_json(const tap::KeyView& view) {
  return {{"mixer", view.mixer},
          {"heads", view.heads},
          {"kv_heads", view.kv_heads},
          {"width", view.key_width},
          {"value_width", view.value_width},
          {"rotated_columns", view.rotation ? view.rotation->columns : 0u},
          {"norm", name_of_norm(view.norm)},
          {"values_are_keys", view.values_are_keys},
          {"latent_width", view.latent_width},
          {"window", view.window.value_or(0)},
          {"scale", view.scale}};
}

// Why keys can't be stored or measured here; empty if they can.
std::string obstacle(const tap::KeyView& view, bool before_rope) {
  if (view.sinks) return "attention with a sink, whose logit is not shown";
  if (!before_rope) return {};
  if (view.latent_width > 0) return "latent attention, which has no keys before RoPE";
  if (view.norm == tap::KeyNorm::per_head_rotated) {
    return "a norm after RoPE, whose gains are not shown";
  }
  return {};
}

// The first reason, if any head has one, becomes that of all.
void refuse_together(std::vector<KvHeadResult>& heads) {
  for (size_t c = 0; c < heads[0].codes.size(); ++c) {
    const auto at = std::find_if(heads.begin(), heads.end(), [&](const KvHeadResult& head) {
      return !head.codes[c].refused.empty();
    });
    if (at == heads.end()) continue;
    const std::string reason = at->codes[c].refused;
    for (KvHeadResult& head : heads) head.codes[c] = {.refused = reason};
  }
}

// Adds up the heads' windows and lets go of them.
std::vector<std::vector<KvBoth<keys::DistortionSums>>> take_windows(
    std::vector<KvHeadResult>& heads) {
  std::vector<std::vector<KvBoth<keys::DistortionSums>>> out(heads[0].codes.size());
  for (KvHeadResult& head : heads) {
    for (size_t c = 0; c < out.size(); ++c) {
      std::vector<KvBoth<keys::DistortionSums>>& windows = head.codes[c].windows;
      out[c].resize(windows.size());
      for (size_t w = 0; w < windows.size(); ++w) {
        out[c][w].all.add(windows[w].all);
        out[c][w].sinks_exact.add(windows[w].sinks_exact);
      }
      windows = std::vector<KvBoth<keys::DistortionSums>>();  // {} would keep the memory
    }
  }
  return out;
}

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
      codes_(kv_codes(options.codes)),
      units_(setting.window_document),
      sample_({&set_, 1}, setting.seed, options.fit_positions, options.step),
      rows_(sample_, units_, setting.seq_len, options.sink_positions),
      contexts_(*set_, kv_measured_windows(units_, options.windows), setting.seed, options.queries,
                options.step) {}

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
  // Kept of every layer and head, and the windows of one layer until they are added up: they grow
  // with the heads as rows of keys do.
  const uint64_t kept = codes_.size() * sizeof(KvCodeResult);
  const uint64_t sums =
      codes_.size() * contexts_.contexts().size() * sizeof(KvBoth<keys::DistortionSums>);
  needs.held_bytes += setting_.layers.size() * sums;
  if (options_.before_rope()) {
    needs.held_bytes += keys::RotaryTurn::bytes(kWidePlanned / 2, setting_.seq_len);
  }
  needs.held_key_rows = sample_.rows() + contexts_.key_rows() +
                        (setting_.layers.size() * kept + sums) / (kNarrowPlanned * sizeof(float));
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
  if (const std::string why = obstacle(view, options_.before_rope()); !why.empty()) {
    without_keys_[view.layer] = why;
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

bool KvDistortionObserver::can_be_coded(const tap::KeyView& view) const {
  if (!contexts_.finite(kLargestEntry)) return false;
  for (uint32_t h = 0; h < view.kv_heads; ++h) {
    const std::span<const float> keys = sample_.keys(h);
    if (!std::all_of(keys.begin(), keys.end(),
                     [](float value) { return std::abs(value) <= kLargestEntry; })) {
      return false;
    }
  }
  return true;
}

std::vector<KvHeadResult> KvDistortionObserver::measure_heads(const tap::KeyView& view) const {
  std::optional<keys::RotaryTurn> turn;
  if (options_.before_rope() && view.rotation) {
    turn.emplace(kv_planes(view, setting_.seq_len), kv_rotation_factor(view, setting_.seq_len),
                 setting_.seq_len);
  }
  std::vector<KvHeadResult> out(view.kv_heads);
  parallel_for(view.kv_heads, view.threads, [&](size_t h, int) {
    const auto head = static_cast<uint32_t>(h);
    const keys::KeySet fit = rows_.fit(sample_.keys(head), view.key_width);
    out[h] = measure_kv_distortion(
        {.contexts = contexts_,
         .head = head,
         .group = view.heads / view.kv_heads,
         .fit = fit,
         .place = {.seed = setting_.seed, .layer = static_cast<uint32_t>(view.layer), .head = head},
         .rule = {.scale = static_cast<double>(view.scale), .window = view.window, .sink = {}},
         .sink_positions = options_.sink_positions,
         .turn = turn ? &*turn : nullptr},
        codes_);
  });
  refuse_together(out);
  return out;
}

void KvDistortionObserver::end_keys(const tap::KeyView& view) {
  if (!contexts_.holds_a_layer()) return;
  if (can_be_coded(view)) {
    KvDistortionLayer layer{.layer = view.layer,
                            .width = view.key_width,
                            .attention = attention_json(view),
                            .heads = measure_heads(view),
                            .windows = {}};
    layer.windows = take_windows(layer.heads);
    layers_.push_back(std::move(layer));
  } else {
    without_keys_[view.layer] = "queries, keys or values that are not finite, or beyond 1e30";
  }
  sample_.release();
  contexts_.release();
}

}  // namespace rg::experiments
