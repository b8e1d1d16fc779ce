#include "experiments/key_only_router.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "experiments/common.h"
#include "experiments/key_only_estimates.h"
#include "experiments/key_only_summary.h"
#include "readout/mlp.h"
#include "readout/moments.h"
#include "readout/scores.h"

namespace rg::experiments {
namespace {

constexpr uint32_t kHiddenStep = 64;  // of the MLP's width
// For the plan, which is made before the width of keys is known: keys and values together are
// rarely wider.
constexpr uint64_t kWidestPerWidth = 2;

std::vector<Parameter> router_parameters() {
  const auto integer = [](int64_t low, int64_t high, int64_t otherwise) {
    return IntegerValues{.low = low, .high = high, .otherwise = otherwise};
  };
  return {bootstrap_parameter(),
          {.key = "router_positions",
           .help = "sampled rows per window",
           .values = integer(1, 65'536, 64)},
          {.key = "mlp_hidden",
           .help = "hidden units of the MLP, rounded up to a multiple of 64; 0 for no MLP",
           .values = integer(0, 4096, 128)},
          {.key = "mlp_epochs",
           .help = "at most so many passes of the MLP over the fitted rows",
           .values = integer(1, 1000, 20)}};
}

uint32_t router_count(const Setting& setting, const char* key) {
  return static_cast<uint32_t>(setting.integer(key));
}

class KeyOnlyRouter : public ExperimentBase {
 public:
  explicit KeyOnlyRouter(const Setting& setting)
      : ExperimentBase(setting),
        positions_(router_count(setting, "router_positions")),
        hidden_((router_count(setting, "mlp_hidden") + kHiddenStep - 1) / kHiddenStep *
                kHiddenStep),
        rows_each_(std::min(positions_, setting.seq_len)),
        split_(setting.window_document, rows_each_, setting.seed),
        rows_(split_, *setting.windows, rows_each_, setting.seed) {}

  tap::Needs needs() const override;
  void begin_layer(const tap::LayerView& view) override;
  void begin_keys(const tap::KeyView& view) override;
  void on_keys(const tap::KeyView& view, const tap::KeyBlock& block) override;
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;
  void end_keys(const tap::KeyView& view) override;
  void on_gates_done(const tap::LayerView& view) override;
  void on_no_keys(int layer, std::string_view mixer) override {
    if (slot_of(layer) >= 0) not_measured_.emplace(layer, mixer);
  }
  record::Contribution reduce() override;

 private:
  uint64_t fit_bytes() const;
  uint64_t kept_bytes() const;
  void measure(const tap::KeyView& keys);
  std::vector<double> unit_rows() const;

  const uint32_t positions_, hidden_, rows_each_;
  const RouterSplit split_;
  RouterRows rows_;
  const tap::LayerView* gate_ = nullptr;  // of the layer between its begin and on_gates_done
  std::vector<RouterLayer> layers_;
  std::map<int, std::string> not_measured_;
};

// The largest of what one layer's fits hold at a time, and its geometry.
uint64_t KeyOnlyRouter::fit_bytes() const {
  const uint64_t rows = rows_.rows(), experts = setting_.spec.experts, k = setting_.spec.top_k;
  const uint64_t width = setting_.width, widest = kWidestPerWidth * width;
  const auto threads = static_cast<uint64_t>(setting_.threads);
  const uint64_t moments =
      readout::MomentSums::bytes(static_cast<uint32_t>(widest + experts), setting_.threads);
  const uint64_t solved = threads * widest * (widest + 3 * experts) * sizeof(double);
  const uint64_t routes = rows * (2 * k + 3 + 3 * experts) * sizeof(float);
  const uint64_t scores = 4 * uint64_t{split_.documents} * sizeof(readout::DocumentScores);
  const uint64_t weights = readout::training_bytes({.features = static_cast<uint32_t>(widest),
                                                    .hidden = std::max(hidden_, kHiddenStep),
                                                    .outputs = static_cast<uint32_t>(experts)},
                                                   512, rows);
  const uint64_t geometry = 12 * width * width * sizeof(double);
  return moments + std::max(solved + weights, geometry) + routes + scores + (uint64_t{1} << 20);
}

// Of all layers: sums by unit, and at the end replicates.
uint64_t KeyOnlyRouter::kept_bytes() const {
  constexpr uint64_t kPredictors = 20, kArrays = 8, kNumbers = 64;
  const auto replicates = static_cast<uint64_t>(setting_.integer("bootstrap"));
  const uint64_t layer = kPredictors * (kArrays * (split_.units + replicates) + kNumbers) +
                         2 * uint64_t{setting_.spec.experts} +
                         std::size(kRouterNumbers) * replicates;
  return (setting_.layers.size() * layer + split_.units * replicates) * sizeof(double);
}

tap::Needs KeyOnlyRouter::needs() const {
  tap::Needs needs;
  needs.keys = true;
  needs.key_projection = true;
  needs.held_bytes = split_.bytes() + rows_.index_bytes() +
                     rows_.row_bytes(setting_.width, setting_.spec.experts) + fit_bytes() +
                     kept_bytes();
  needs.held_key_rows = 3 * rows_.rows();
  needs.held_value_rows = 2 * rows_.rows();
  return needs;
}

void KeyOnlyRouter::begin_layer(const tap::LayerView& view) {
  gate_ = &view;
  if (split_.usable()) rows_.begin_gate(view);
}

void KeyOnlyRouter::begin_keys(const tap::KeyView& view) {
  if (slot_of(view.layer) < 0) return;
  if (!split_.usable()) {
    not_measured_[view.layer] = "fewer than three documents";
  } else if (gate_->spec->ids_from_table) {
    not_measured_[view.layer] = "ids from a table";
  } else {
    rows_.begin(view);
  }
}

void KeyOnlyRouter::on_keys(const tap::KeyView& view, const tap::KeyBlock& block) {
  if (rows_.holds_keys()) rows_.add(view, block);
}

void KeyOnlyRouter::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  if (split_.usable()) rows_.add(view, block);
}

void KeyOnlyRouter::end_keys(const tap::KeyView& view) {
  if (!rows_.holds_keys()) return;
  if (router_rows_are_sound(rows_)) {
    measure(view);
  } else {
    not_measured_[view.layer] = "features or logits that are not finite, or beyond 1e15";
  }
  rows_.release();
}

void KeyOnlyRouter::on_gates_done(const tap::LayerView&) {
  rows_.end_gate();
  gate_ = nullptr;
}

void KeyOnlyRouter::measure(const tap::KeyView& keys) {
  const readout::Gate gate{.spec = *gate_->spec,
                           .selection_bias = gate_->selection_bias,
                           .scale_per_expert = gate_->per_expert_scale};
  const readout::Routes routes = readout::routes_of(gate, rows_.logits.span());
  layers_.push_back(
      {.layer = keys.layer,
       .experts = gate.experts(),
       .top_k = gate.top_k(),
       .architecture = router_architecture_json(keys, *gate_),
       .geometry = router_geometry(keys, *gate_, setting_.rms_gate_norm, routes, split_, rows_),
       .predictors = router_predictors(gate, routes, split_, rows_,
                                       {.mlp_hidden = hidden_,
                                        .mlp_epochs = router_count(setting_, "mlp_epochs"),
                                        .seed = setting_.seed,
                                        .layer = keys.layer,
                                        .threads = keys.threads})});
}

std::vector<double> KeyOnlyRouter::unit_rows() const {
  std::vector<double> out(split_.units, 0);
  for (const int unit : split_.of_window) {
    if (unit >= 0) out[static_cast<size_t>(unit)] += rows_each_;
  }
  return out;
}

record::Contribution KeyOnlyRouter::reduce() {
  Nulls nulls;
  record::Contribution part{.fields = Json::object(), .notes = {}};
  Json& fields = part.fields;
  std::vector<int> measured_layers;
  for (const RouterLayer& layer : layers_) {
    measured_layers.push_back(layer.layer);
    const double per_feature = rows_per_feature(layer, split_);
    if (per_feature >= kRowsPerFeatureNoted) continue;
    part.notes.push_back(fmt::format(
        "layer {}: {:.1f} fitted rows per feature; below {:.0f} a predictor may fail for want of "
        "rows",
        layer.layer, std::floor(per_feature * 10) / 10, kRowsPerFeatureNoted));
  }
  const auto of_layers = [&](const auto& value) {
    Json out = Json::object();
    for (const RouterLayer& layer : layers_) out[layer_key(layer.layer)] = value(layer);
    return out;
  };
  fields["layers"] = setting_.layers;
  fields["verification"] = verification_json(measured_layers);
  fields["prediction"] = {{"positions", positions_},
                          {"mlp_hidden", hidden_},
                          {"mlp_epochs", setting_.integer("mlp_epochs")},
                          {"ceiling_draws", kCeilingDraws}};
  fields["split"] = router_split_json(split_);
  Json& without = fields["not_measured"] = Json::object();
  for (const auto& [layer, reason] : not_measured_) without[layer_key(layer)] = reason;
  fields["architecture"] = of_layers([](const RouterLayer& layer) { return layer.architecture; });
  fields["geometry"] =
      of_layers([&](const RouterLayer& layer) { return router_geometry_json(layer, nulls); });
  fields["truth"] =
      of_layers([](const RouterLayer& layer) { return router_truth_json(layer.predictors); });
  fields["predictors"] =
      of_layers([&](const RouterLayer& layer) { return router_predictors_json(layer, nulls); });
  fields["ceiling"] =
      of_layers([&](const RouterLayer& layer) { return router_ceiling_json(layer, nulls); });
  fields["per_window"] = {{"rows", std::vector<uint32_t>(windows(), rows_each_)}};
  fields["summary"] = router_summary({.layers = layers_,
                                      .split = split_,
                                      .unit_rows = unit_rows(),
                                      .replicates = router_count(setting_, "bootstrap"),
                                      .seed = setting_.seed,
                                      .threads = setting_.threads},
                                     nulls);
  nulls.add_to(fields);
  return part;
}

std::unique_ptr<Experiment> make_key_only_router(const Setting& setting) {
  require_competitor(setting, "key_only_router");
  return std::make_unique<KeyOnlyRouter>(setting);
}

}  // namespace

Declaration key_only_router_declaration() {
  return {.name = "key_only_router",
          .version = "1.0",
          .summary = "How well keys tell a router's choice, against what else could be read.",
          .parameters = router_parameters(),
          .prompts = nullptr,
          .compare = nullptr,
          .create = &make_key_only_router,
          .by_name = true};
}

}  // namespace rg::experiments
