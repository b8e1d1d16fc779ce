#include "experiments/kv_distortion.h"

#include "experiments/common.h"
#include "experiments/kv_distortion_arrays.h"
#include "experiments/kv_distortion_estimates.h"
#include "experiments/kv_distortion_observer.h"
#include "experiments/kv_distortion_summary.h"

namespace rg::experiments {
namespace {

class KvDistortionExperiment : public ExperimentBase {
 public:
  explicit KvDistortionExperiment(const Setting& setting)
      : ExperimentBase(setting), observer_(setting, kv_distortion_options(setting)) {}

  tap::Needs needs() const override;
  void begin_keys(const tap::KeyView& view) override { observer_.begin_keys(view); }
  void on_keys(const tap::KeyView& view, const tap::KeyBlock& block) override {
    observer_.on_keys(view, block);
  }
  void end_keys(const tap::KeyView& view) override { observer_.end_keys(view); }
  void on_no_keys(int layer, std::string_view mixer) override {
    observer_.on_no_keys(layer, mixer);
  }
  record::Contribution reduce() override;

 private:
  Json measured_json() const;

  KvDistortionObserver observer_;
};

// The observer's, and the replicates of the reduction.
tap::Needs KvDistortionExperiment::needs() const {
  tap::Needs needs = observer_.needs();
  constexpr uint64_t kMeasurements = 2, kReplicatedAtOnce = kMeasurements * kKvBlockNames.size();
  const uint64_t replicates = static_cast<uint64_t>(setting_.integer("bootstrap"));
  needs.held_bytes += observer_.codes().size() * (setting_.layers.size() + 1) * kReplicatedAtOnce *
                      replicates * sizeof(double);
  return needs;
}

Json KvDistortionExperiment::measured_json() const {
  const KvContextRecord& contexts = observer_.contexts();
  const KvDocuments documents(contexts, setting_.window_document);
  Json windows = Json::array(), positions = Json::array();
  for (const KvContextRecord::Context& context : contexts.contexts()) {
    windows.push_back(context.window);
    positions.push_back(context.positions);
  }
  return {{"fit_keys", observer_.rows().fit_rows()},
          {"windows", std::move(windows)},
          {"documents", documents.of_window},
          {"positions", std::move(positions)}};
}

record::Contribution KvDistortionExperiment::reduce() {
  Nulls nulls;
  record::Contribution part{.fields = Json::object(), .notes = {}};
  Json& fields = part.fields;
  std::vector<int> with_keys;
  Json codes = Json::array();
  Json attention = Json::object(), heads = Json::object(), windows = Json::object();
  Json without = Json::object();
  for (const KvCode& code : observer_.codes()) codes.push_back(kv_code_json(code));
  for (const KvDistortionLayer& layer : observer_.layers()) {
    const std::string key = layer_key(layer.layer);
    with_keys.push_back(layer.layer);
    attention[key] = layer.attention;
    heads[key] = kv_distortion_heads_json(layer, observer_.codes(), nulls);
    windows[key] = kv_distortion_windows_json(layer);
  }
  for (const auto& [layer, reason] : observer_.without_keys()) without[layer_key(layer)] = reason;
  fields["layers"] = setting_.layers;
  fields["verification"] = verification_json(with_keys);
  fields["keys"] = kv_distortion_options_json(setting_);
  fields["codes"] = std::move(codes);
  fields["measured"] = measured_json();
  fields["without_keys"] = std::move(without);
  fields["attention"] = std::move(attention);
  fields["heads"] = std::move(heads);
  fields["per_window"] = {{"keys", observer_.rows().keys_of_window()},
                          {"sinks", observer_.rows().sinks_of_window()},
                          {"attention", std::move(windows)}};
  fields["summary"] =
      kv_distortion_summary({.layers = observer_.layers(),
                             .codes = observer_.codes(),
                             .contexts = observer_.contexts(),
                             .window_document = setting_.window_document,
                             .replicates = static_cast<uint32_t>(setting_.integer("bootstrap")),
                             .seed = setting_.seed,
                             .threads = setting_.threads},
                            nulls);
  nulls.add_to(fields);
  return part;
}

std::unique_ptr<Experiment> make_kv_distortion(const Setting& setting) {
  return std::make_unique<KvDistortionExperiment>(setting);
}

}  // namespace

Declaration kv_distortion_declaration() {
  return {.name = "kv_distortion",
          .version = "1.0",
          .summary = "What keys of 1 to 4 bits do to attention: measured, bounded and forecast.",
          .parameters = kv_distortion_parameters(),
          .prompts = nullptr,
          .compare = nullptr,
          .create = &make_kv_distortion,
          .by_name = true};
}

}  // namespace rg::experiments
