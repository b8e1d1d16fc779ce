#include "experiments/theorem_slack.h"

#include <map>

#include "experiments/common.h"
#include "experiments/theorem_slack_json.h"
#include "experiments/theorem_slack_sample.h"
#include "slack/measure.h"

namespace rg::experiments {
namespace {

// For the plan, which is made before the widths are known: few heads are wider, few narrower.
constexpr uint64_t kWidestHead = 256, kNarrowestHead = 32;
constexpr uint64_t kCopiesInDouble = 8;  // of a head's sample, while checks run
constexpr uint64_t kSharesOfKey = 32;    // quantities of a key

uint32_t parameter_of(const Setting& setting, const char* key) {
  return static_cast<uint32_t>(setting.integer(key));
}

class TheoremSlack : public ExperimentBase {
 public:
  explicit TheoremSlack(const Setting& setting)
      : ExperimentBase(setting),
        checks_(slack::all_slack_checks()),
        sample_(choose_contexts(static_cast<uint32_t>(windows()), setting.seq_len,
                                parameter_of(setting, "contexts"),
                                parameter_of(setting, "context_positions"),
                                parameter_of(setting, "context_queries"), setting.seed)) {}

  tap::Needs needs() const override;
  void begin_layer(const tap::LayerView& view) override {
    if (measured(view)) sample_.begin_gate(view);
  }
  void begin_keys(const tap::KeyView& view) override;
  void on_keys(const tap::KeyView& view, const tap::KeyBlock& block) override {
    if (slot_of(view.layer) >= 0) sample_.add_keys(view, block);
  }
  void on_no_keys(int layer, std::string_view mixer) override {
    if (slot_of(layer) >= 0) without_keys_ = mixer;
  }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override {
    if (measured(view)) sample_.add_gate(view, block);
  }
  void on_outputs(const tap::LayerView& view, const tap::ExpertOutputs& answer) override {
    if (measured(view)) sample_.add_outputs(answer);
  }
  void end_keys(const tap::KeyView& view) override;
  void end_layer(const tap::LayerView& view) override;
  record::Contribution reduce() override;

 private:
  Json sample_json() const;

  const std::vector<slack::TheoremCheck> checks_;
  SlackSample sample_;
  // Of the current layer.
  std::string without_keys_;
  std::optional<slack::KeyFacts> key_facts_;
  Json attention_;
  std::vector<SlackLayer> layers_;
};

tap::Needs TheoremSlack::needs() const {
  const slack::Contexts& sample = sample_.choice().contexts;
  const uint64_t rows = sample.rows(), tokens = sample.tokens();
  const double share =
      static_cast<double>(setting_.layers.size()) / static_cast<double>(setting_.moe_layers.size());
  const double all_rows = static_cast<double>(windows()) * setting_.seq_len;
  tap::Needs needs;
  needs.keys = true;
  needs.expert_outputs = true;
  // Of each token at a query position the experts of rank k and k + 1; the first is routed to.
  needs.extra_outputs_per_row = static_cast<double>(tokens) / all_rows * share;
  needs.stored_outputs_per_row = 2 * static_cast<double>(tokens) / all_rows;
  // Gate inputs and outputs in fp32 and as read in fp64, logits, the router.
  const uint64_t numbers = 4 * tokens * setting_.width + rows * setting_.spec.experts;
  needs.held_bytes = sample_.index_bytes() + numbers * (sizeof(float) + sizeof(double)) +
                     uint64_t{setting_.spec.experts} * setting_.width * sizeof(double) +
                     static_cast<uint64_t>(setting_.threads) * kCopiesInDouble * rows *
                         kWidestHead * sizeof(double);
  needs.held_key_rows = rows + sample.positions +
                        rows * kSharesOfKey * sizeof(double) / (kNarrowestHead * sizeof(float));
  needs.held_query_rows = tokens + sample.query_positions.size();
  needs.held_value_rows = rows;
  return needs;
}

void TheoremSlack::begin_keys(const tap::KeyView& view) {
  if (slot_of(view.layer) >= 0) sample_.begin_keys(view);
}

void TheoremSlack::end_keys(const tap::KeyView& view) {
  if (slot_of(view.layer) < 0) return;
  if (!sample_.usable_keys()) {
    without_keys_ = "keys, queries or values that are not finite, or beyond 1e30";
    return;
  }
  key_facts_ = key_facts(view, sample_.before_rope(), setting_.seq_len);
  attention_ = slack_attention_json(view, *key_facts_);
}

void TheoremSlack::end_layer(const tap::LayerView& view) {
  if (!measured(view)) return;
  slack::LayerFacts facts{.layer = view.layer,
                          .seed = setting_.seed,
                          .contexts = sample_.choice().contexts,
                          .keys = std::exchange(key_facts_, std::nullopt),
                          .gate = gate_facts(*view.spec)};
  facts.gate.finite = sample_.finite_gate();
  const slack::GateSample gate = sample_.gate(facts, view);
  const auto head = [&](uint32_t h) { return sample_.head(facts, h, gate); };
  layers_.push_back({.layer = view.layer,
                     .without_keys = std::exchange(without_keys_, {}),
                     .attention = std::exchange(attention_, nullptr),
                     .gate = facts.gate,
                     .found = slack::measure_layer(checks_, facts, gate, head, view.threads)});
  sample_.release();
}

Json TheoremSlack::sample_json() const {
  const SlackChoice& choice = sample_.choice();
  return {{"contexts", setting_.integer("contexts")},
          {"context_positions", setting_.integer("context_positions")},
          {"context_queries", setting_.integer("context_queries")},
          {"windows", choice.chosen},
          {"positions", choice.contexts.positions},
          {"query_positions", choice.contexts.query_positions},
          {"rows", choice.contexts.rows()}};
}

record::Contribution TheoremSlack::reduce() {
  Nulls nulls;
  record::Contribution part{.fields = Json::object(), .notes = {}};
  Json& fields = part.fields;
  Json without = Json::object(), attention = Json::object(), gates = Json::object();
  Json not_applicable = Json::object(), cases = Json::object();
  for (const SlackLayer& layer : layers_) {
    const std::string key = layer_key(layer.layer);
    if (layer.without_keys.empty()) {
      attention[key] = layer.attention;
    } else {
      without[key] = layer.without_keys;
    }
    gates[key] = slack_gate_json(layer.gate);
    not_applicable[key] = slack_not_applicable_json(checks_, layer);
    cases[key] = slack_cases_json(checks_, layer, nulls);
  }
  std::vector<uint32_t> rows(windows(), 0);
  for (const uint32_t window : sample_.choice().chosen) {
    rows[window] = sample_.choice().contexts.positions;
  }
  fields["layers"] = setting_.layers;
  fields["verification"] = verification_json(setting_.layers);
  fields["sample"] = sample_json();
  fields["theorems"] = slack_theorems_json(checks_);
  fields["no_check"] = slack_no_check_json();
  fields["without_keys"] = std::move(without);
  fields["attention"] = std::move(attention);
  fields["gates"] = std::move(gates);
  fields["not_applicable"] = std::move(not_applicable);
  fields["cases"] = std::move(cases);
  fields["per_window"] = {{"rows", rows}};
  Json& summary = fields["summary"] = {{"bootstrap", Statistician(setting_).bootstrap_json()}};
  summary.update(slack_summary_json(checks_, layers_, nulls));
  nulls.add_to(fields);
  return part;
}

std::vector<Parameter> slack_parameters() {
  const auto integer = [](int64_t low, int64_t high, int64_t otherwise) {
    return IntegerValues{.low = low, .high = high, .otherwise = otherwise};
  };
  return {bootstrap_parameter(),
          {.key = "contexts",
           .help = "windows whose first positions are looked at",
           .values = integer(1, 64, 8)},
          {.key = "context_positions",
           .help = "how many positions of each",
           .values = integer(2, 1024, 64)},
          {.key = "context_queries",
           .help = "how many of these positions ask as queries and are compared with the token "
                   "before",
           .values = integer(1, 64, 8)}};
}

std::unique_ptr<Experiment> make_theorem_slack(const Setting& setting) {
  return std::make_unique<TheoremSlack>(setting);
}

}  // namespace

Declaration theorem_slack_declaration() {
  return {.name = "theorem_slack",
          .version = "1.0",
          .summary = "How much of what the theorems allow real keys, gates and experts use.",
          .parameters = slack_parameters(),
          .prompts = nullptr,
          .compare = nullptr,
          .create = &make_theorem_slack,
          .by_name = true};
}

}  // namespace rg::experiments
