#include "experiments/attention_router.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "experiments/attention_summary.h"
#include "experiments/common.h"
#include "experiments/expert_similarity.h"
#include "experiments/model_comparison.h"

namespace rg::experiments {
namespace {

constexpr size_t kBuffers = 4;  // of a worker: one of (rows, d), three of (rows, E)

class AttentionRouter : public ExperimentBase {
 public:
  explicit AttentionRouter(const Setting& setting)
      : ExperimentBase(setting),
        experts_(setting.spec.experts),
        k_(setting.spec.top_k),
        tokens_(*setting.windows),
        decomposition_(setting_, tokens_, setting.layers.size()),
        sources_(setting_, static_cast<uint32_t>(setting.integer("source_positions"))),
        token_statistics_(setting_, tokens_),
        prompts_(setting_, setting.layers.size()),
        selected_(setting.windows->rows() * k_),
        token_rows_(setting.layers.size()),
        geometry_(setting.layers.size()),
        longest_(setting.seq_len) {
    if (setting.flag("expert_similarity")) {
      similarity_.emplace(setting.moe_layers, experts_, setting.seed);
    }
    for (const tap::SequenceSet* set : {setting.prompt_set, setting.prompt_set_unmasked}) {
      if (set == nullptr) continue;
      check_internal(set->sequences() == setting.prompts.size(), "every prompt is a sequence");
      watch(set);
      for (const uint32_t length : set->lengths) longest_ = std::max(longest_, length);
    }
    check_internal(setting.prompts.empty() ||
                       (setting.prompt_set != nullptr && setting.prompt_set_unmasked != nullptr),
                   "prompts come with both of their sets");
  }

  tap::Needs needs() const override {
    tap::Needs needs;
    needs.residual_in = needs.attention_out = needs.parts = needs.update = true;
    needs.held_bytes = tokens_.bytes() + decomposition_.bytes() + sources_.bytes() +
                       token_statistics_.bytes() + prompts_.bytes() +
                       selected_.size() * sizeof(int32_t) +
                       static_cast<uint64_t>(setting_.threads) * longest_ *
                           (setting_.width + (kBuffers - 1) * experts_) * sizeof(float);
    if (similarity_) {
      needs.held_bytes +=
          similarity_->bytes(setting_.width, setting_.expert_width, setting_.threads);
    }
    return needs;
  }
  std::span<const int32_t> wanted_experts(int layer) const override {
    return similarity_ ? similarity_->wanted(layer) : std::span<const int32_t>{};
  }
  void begin_layer(const tap::LayerView& view) override;
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;
  void on_gates_done(const tap::LayerView& view) override {
    if (measured(view)) decomposition_.on_gates_done(view);
  }
  void on_expert(const tap::LayerView& view, const tap::ExpertMatrices& matrices) override {
    similarity_->take(view.layer, matrices);
  }
  void on_update(const tap::LayerView& view, const tap::UpdateBlock& block) override;
  void end_layer(const tap::LayerView& view) override;
  record::Contribution reduce() override;

 private:
  void keep_sets(const tap::GateBlock& block, const SequenceRows& window);

  const uint32_t experts_, k_;
  TokenIndex tokens_;
  Decomposition decomposition_;
  SourceTable sources_;
  TokenStatistics token_statistics_;
  PromptRecords prompts_;
  std::vector<int32_t> selected_;  // (rows, k) ascending, of the current layer
  std::vector<TokenStatisticsRow> token_rows_;
  std::vector<GateGeometry> geometry_;
  std::optional<ExpertSimilarity> similarity_;
  uint32_t longest_;
  Scratch scratch_;
};

void AttentionRouter::begin_layer(const tap::LayerView& view) {
  scratch_.prepare(view.threads, longest_, view.width, experts_, kBuffers - 1);
  if (measured(view)) decomposition_.begin_layer(view, scratch_);
}

void AttentionRouter::keep_sets(const tap::GateBlock& block, const SequenceRows& window) {
  for (uint32_t t = 0; t < window.length; ++t) {
    int32_t* set = selected_.data() + (window.first_in_set + t) * k_;
    std::copy_n(block.ranked + (window.first + t) * (k_ + 1), k_, set);
    std::sort(set, set + k_);
  }
}

void AttentionRouter::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  const int slot = slot_of(view.layer);
  for_each_sequence(block, [&](const SequenceRows& sequence) {
    if (block.set == setting_.windows) {
      sources_.on_gate(view, block, sequence);
      if (slot < 0) return;
      keep_sets(block, sequence);
      decomposition_.on_gate(view, block, sequence, static_cast<size_t>(slot), scratch_);
    } else if (slot >= 0) {
      prompts_.on_gate(view, block, sequence, static_cast<size_t>(slot), scratch_);
    }
  });
}

void AttentionRouter::on_update(const tap::LayerView& view, const tap::UpdateBlock& block) {
  if (block.set != setting_.windows) return;
  for_each_sequence(block, [&](const SequenceRows& window) {
    sources_.on_update(view, block, window);
    if (measured(view)) decomposition_.on_update(view, block, window);
  });
}

void AttentionRouter::end_layer(const tap::LayerView& view) {
  if (similarity_) similarity_->end_layer(view.layer, view.threads);
  const int measured_slot = slot_of(view.layer);
  if (measured_slot < 0) return;
  const auto slot = static_cast<size_t>(measured_slot);
  decomposition_.end_layer(view, slot);
  sources_.end_layer(view, slot, scratch_);
  token_rows_[slot] = token_statistics_.measure(selected_, view.threads);
  geometry_[slot] = measure_geometry(view.router_weight, experts_, view.width);
}

record::Contribution AttentionRouter::reduce() {
  record::Contribution part{.fields = Json::object(),
                            .notes = notes(decomposition_.record().undefined)};
  Json& fields = part.fields;
  const std::string convention = setting_.word("convention");
  fields["layers"] = setting_.layers;
  fields["convention"] = convention;
  fields["source_positions"] = sources_.positions_per_window();
  fields["verification"] = verification_json(required_layers(setting_));
  if (similarity_) fields["expert_similarity"] = similarity_->json();
  reduce_attention({.setting = setting_,
                    .parts = decomposition_.parts(),
                    .convention = convention,
                    .decomposition = decomposition_.record(),
                    .sources = sources_,
                    .token_statistics = token_statistics_,
                    .token_rows = token_rows_,
                    .geometry = geometry_,
                    .prompts = prompts_},
                   fields);
  return part;
}

std::unique_ptr<Experiment> make_router(const Setting& setting) {
  require_competitor(setting, "attention_router");
  if (!setting.rms_gate_norm) {
    throw Error(ErrorId::RT007,
                {.object = "attention_router",
                 .found = "no norm, or a LayerNorm, in front of the router",
                 .expected = "an RMS norm",
                 .hint = "The parts of the residual stream have their shares of the logits through "
                         "it alone. Leave this experiment out."});
  }
  if (setting.flag("expert_similarity") && !setting.gated_experts) {
    throw Error(ErrorId::RT007,
                {.object = "--parameter expert_similarity",
                 .found = "experts without a gate projection",
                 .expected = "experts with gate, up and down projections",
                 .hint = "The comparison is of these three. Leave the parameter out."});
  }
  return std::make_unique<AttentionRouter>(setting);
}

}  // namespace

Declaration attention_router_declaration() {
  return {
      .name = "attention_router",
      .version = "1.0",
      .summary =
          "Who writes what each router reads, and does routing follow the token or its "
          "context?",
      .parameters = {bootstrap_parameter(),
                     {.key = "prompts", .help = "texts of the prompts", .values = PromptValues{}},
                     {.key = "convention",
                      .help = "which convention the tables show, though both are stored",
                      .values = WordValues{{"exact", "published"}}},
                     {.key = "source_positions",
                      .help = "sampled positions per window",
                      .values = IntegerValues{.low = 1, .high = 64, .otherwise = 4}},
                     {.key = "expert_similarity",
                      .help = "whether the matrices of eight experts at three layers are "
                              "compared",
                      .values = FlagValues{false}}},
      .prompts = &published_prompts(),
      .compare = &compare_models,
      .create = &make_router};
}

}  // namespace rg::experiments
