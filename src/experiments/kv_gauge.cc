#include "experiments/kv_gauge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/parallel.h"
#include "experiments/common.h"
#include "experiments/kv_gauge_arrays.h"
#include "experiments/kv_gauge_options.h"
#include "experiments/kv_gauge_summary.h"
#include "experiments/kv_gauge_units.h"
#include "experiments/kv_view.h"

namespace rg::experiments {
namespace {

constexpr float kLargest = 1e30f;  // of a coordinate: products in fp32 must not overflow
// For the plan, which is made before the width of heads is known: few heads are wider than the
// first, none narrower than the second in a model that is worth the question.
constexpr uint64_t kWideHead = 256, kNarrowHead = 32;
constexpr uint64_t kCopies = 6;  // of a head's keys, while it is measured

// A norm's gains are not shown, so they are taken to differ. In latent attention all heads share
// the rotated columns: a turn of one head's can't be folded either.
keys::Placement placement_of(const tap::KeyView& view, bool before_rope) {
  return {.rope = view.rotation.has_value(),
          .before_rope = before_rope,
          .gains_differ = view.norm != tap::KeyNorm::none || view.latent_width > 0};
}

bool can_be_coded(std::span<const float> keys) {
  return std::all_of(keys.begin(), keys.end(),
                     [](float value) { return std::abs(value) <= kLargest; });
}

class KvGaugeExperiment : public ExperimentBase {
 public:
  explicit KvGaugeExperiment(const Setting& setting)
      : ExperimentBase(setting),
        options_(kv_gauge_options(setting)),
        units_(setting.window_document),
        record_(sets(), setting.seed, options_.positions, options_.step),
        rows_(record_, units_, setting.seq_len, options_.sink_positions) {}

  tap::Needs needs() const override;
  void begin_keys(const tap::KeyView& view) override;
  void on_keys(const tap::KeyView& view, const tap::KeyBlock& block) override;
  void end_keys(const tap::KeyView& view) override;
  void on_no_keys(int layer, std::string_view mixer) override {
    if (slot_of(layer) >= 0) without_keys_[layer] = mixer;
  }
  record::Contribution reduce() override;

 private:
  // One position per window of the queries, for the correction of scores.
  bool keeps_queries() const { return options_.before_rope; }
  std::vector<float> queries_of(uint32_t head, const tap::KeyView& view) const;
  uint64_t kept_bytes() const;

  const KvGaugeOptions options_;
  const KvUnits units_;
  KeySampleRecord record_;
  const KvRows rows_;
  std::vector<float> queries_;  // (windows, heads * width) of the current layer
  std::vector<KvLayer> layers_;
  std::map<int, std::string> without_keys_;
};

// Of one KV head: sums by unit, single numbers, and at the end replicates.
uint64_t KvGaugeExperiment::kept_bytes() const {
  constexpr uint64_t kOtherArrays = 20, kNumbers = 64, kReplicated = 8;
  const uint64_t arrays = (options_.gauges() + kOtherArrays) * (units_.count + kNumbers);
  const auto replicates = static_cast<uint64_t>(setting_.integer("bootstrap"));
  return (arrays + kReplicated * replicates) * sizeof(double);
}

tap::Needs KvGaugeExperiment::needs() const {
  tap::Needs needs;
  needs.keys = true;
  needs.held_bytes = record_.index_bytes() + rows_.bytes() +
                     kCopies * static_cast<uint64_t>(setting_.threads) * record_.rows() *
                         kWideHead * sizeof(float);
  // What is kept of every layer and head grows with the heads, as rows of keys do.
  needs.held_key_rows =
      record_.rows() + setting_.layers.size() * kept_bytes() / (kNarrowHead * sizeof(float));
  if (keeps_queries()) needs.held_query_rows = windows();
  return needs;
}

void KvGaugeExperiment::begin_keys(const tap::KeyView& view) {
  if (slot_of(view.layer) < 0) return;
  if (options_.before_rope && view.latent_width > 0) {
    without_keys_[view.layer] = "latent attention, which has no keys before RoPE";
    return;
  }
  record_.begin(view);
  if (keeps_queries()) queries_.assign(windows() * view.heads * view.key_width, 0);
}

void KvGaugeExperiment::on_keys(const tap::KeyView& view, const tap::KeyBlock& block) {
  if (!record_.holds_a_layer()) return;
  record_.add(block);
  if (!keeps_queries()) return;
  const size_t width = size_t{view.heads} * view.key_width;
  const uint32_t position = std::min(options_.sink_positions, setting_.seq_len - 1);
  for_each_sequence(block, [&](const SequenceRows& window) {
    std::copy_n(block.queries.normed + (window.first + position) * width, width,
                queries_.data() + window.sequence * width);
  });
}

std::vector<float> KvGaugeExperiment::queries_of(uint32_t head, const tap::KeyView& view) const {
  std::vector<float> out;
  if (queries_.empty()) return out;
  const size_t group = view.heads / view.kv_heads, part = group * view.key_width;
  for (size_t window = 0; window < windows(); ++window) {
    const float* const from = queries_.data() + window * view.heads * view.key_width + head * part;
    out.insert(out.end(), from, from + part);
  }
  return out;
}

void KvGaugeExperiment::end_keys(const tap::KeyView& view) {
  if (!record_.holds_a_layer()) return;
  const keys::RotaryPlanes planes = kv_planes(view, setting_.seq_len);
  const keys::Placement placement = placement_of(view, options_.before_rope);
  KvLayer layer{.layer = view.layer,
                .width = view.key_width,
                .ceiling = placement.rope && !placement.before_rope,
                .attention = kv_attention_json(view, placement, options_.fit.gauges),
                .heads = std::vector<KvHead>(view.kv_heads)};
  bool finite = true;
  for (uint32_t h = 0; h < view.kv_heads; ++h) finite = finite && can_be_coded(record_.keys(h));
  if (finite) {
    parallel_for(view.kv_heads, view.threads, [&](size_t h, int) {
      const auto head = static_cast<uint32_t>(h);
      const std::vector<float> queries = queries_of(head, view);
      layer.heads[h] = measure_kv_head({.values = record_.keys(head),
                                        .queries = queries,
                                        .width = view.key_width,
                                        .planes = planes,
                                        .placement = placement,
                                        .place = {.seed = setting_.seed,
                                                  .layer = static_cast<uint32_t>(view.layer),
                                                  .head = head},
                                        .positions = setting_.seq_len},
                                       rows_, options_);
    });
    layers_.push_back(std::move(layer));
  } else {
    without_keys_[view.layer] = "keys that are not finite, or beyond 1e30";
  }
  record_.release();
  queries_ = {};
}

record::Contribution KvGaugeExperiment::reduce() {
  Nulls nulls;
  record::Contribution part{.fields = Json::object(), .notes = {}};
  Json& fields = part.fields;
  std::vector<int> with_keys;
  Json attention = Json::object(), heads = Json::object(), without = Json::object();
  for (const KvLayer& layer : layers_) {
    const std::string key = layer_key(layer.layer);
    with_keys.push_back(layer.layer);
    attention[key] = layer.attention;
    heads[key] = kv_heads_json(layer, nulls);
    if (kv_keys_per_width(layer) >= kKeysPerWidthNoted) continue;
    part.notes.push_back(
        fmt::format("layer {}: {:.0f} fitted keys per coordinate; below {:.0f} what a search "
                    "reaches in sample says little",
                    layer.layer, std::floor(kv_keys_per_width(layer)), kKeysPerWidthNoted));
  }
  for (const auto& [layer, reason] : without_keys_) without[layer_key(layer)] = reason;
  fields["layers"] = setting_.layers;
  fields["verification"] = verification_json(with_keys);
  fields["keys"] = kv_gauge_options_json(setting_);
  fields["units"] = {{"count", units_.count}, {"of_window", units_.of_window}};
  fields["without_keys"] = std::move(without);
  fields["attention"] = std::move(attention);
  fields["heads"] = std::move(heads);
  fields["per_window"] = {{"keys", rows_.keys_of_window()}, {"sinks", rows_.sinks_of_window()}};
  fields["summary"] =
      kv_summary({.layers = layers_,
                  .units = units_,
                  .replicates = static_cast<uint32_t>(setting_.integer("bootstrap")),
                  .seed = setting_.seed,
                  .threads = setting_.threads},
                 nulls);
  nulls.add_to(fields);
  return part;
}

std::unique_ptr<Experiment> make_kv_gauge(const Setting& setting) {
  return std::make_unique<KvGaugeExperiment>(setting);
}

}  // namespace

Declaration kv_gauge_declaration() {
  return {.name = "kv_gauge",
          .version = "1.0",
          .summary = "What 1-bit keys keep in learned and in random gauges, on held-out documents.",
          .parameters = kv_gauge_parameters(),
          .prompts = nullptr,
          .compare = nullptr,
          .create = &make_kv_gauge,
          .by_name = true};
}

}  // namespace rg::experiments
