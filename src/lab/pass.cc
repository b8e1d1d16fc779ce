#include "lab/pass.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/cores.h"
#include "base/numbers.h"
#include "lab/intervention_file.h"
#include "stream/other_gates.h"

namespace rg::lab {

Pass::Pass(const Subject& subject, const Samples& samples, PassSettings settings)
    : subject_(subject),
      samples_(samples),
      settings_(std::move(settings)),
      layers_(subject.measured_layers(settings_.layers)),
      compute_(stream::choose_compute(settings_.engine.compute)) {
  samples.check_fit(subject);
}

void Pass::watch(tap::Observer& observer) { others_.push_back(&observer); }

void Pass::ask_gates_of(const Subject& other) {
  stream::require_same_gates(subject_.model(), {&other.checkpoint(), &other.model(), other.name()});
  gates_asked_.push_back(&other);
}

void Pass::keep_final_states(stream::FinalStates& states) { kept_states_ = &states; }

void Pass::compare_with(const Subject& reference, const stream::FinalStates& states) {
  reference_ = &reference;
  reference_states_ = &states;
}

void Pass::intervene(stream::Intervention intervention) {
  stream::require_fits(intervention, subject_.model());
  intervention_ = std::move(intervention);
}

experiments::Setting Pass::setting(size_t domain) const {
  const model::Model& model = subject_.model();
  const text::WindowSet& windows = samples_.domains()[domain];
  return {.seed = samples_.settings().windows.seed,
          .moe_layers = model.moe_layers(),
          .layers = layers_,
          .spec = model.gate(),
          .width = model.width,
          .rms_gate_norm = model.has_rms_gate_norms(),
          .plain_updates = model.adds_plain_outputs(),
          .gated_experts = model.routed().spec.has_gate(),
          .expert_width = model.expert_width(),
          .allow_small_t = settings_.experiments.allow_small_t,
          .parameters = {},
          .windows = &samples_.sequences()[domain],
          .seq_len = windows.seq_len,
          .window_document = windows.document,
          .domain_index = static_cast<uint32_t>(domain),
          .threads = effective_threads(settings_.engine.threads),
          .prompts = {},
          .prompt_set = nullptr,
          .prompt_set_unmasked = nullptr};
}

void Pass::make_parts() {
  for (const std::string& name : settings_.experiments.names) {
    const experiments::Declaration& declaration = declaration_of(name);
    for (size_t d = 0; d < samples_.domains().size(); ++d) {
      experiments::Setting of_domain = setting(d);
      of_domain.parameters = parameters_for(declaration, settings_.experiments.parameters);
      if (declaration.prompts != nullptr) {
        const Prompts& prompts = *samples_.prompts();
        of_domain.prompts = prompts.prompts;
        of_domain.prompt_set = &prompts.causal;
        of_domain.prompt_set_unmasked = &prompts.unmasked;
      }
      parts_.push_back({&declaration, d, declaration.make(of_domain)});
    }
  }
}

std::vector<tap::Observer*> Pass::observers() const {
  std::vector<tap::Observer*> observers;
  for (const Part& part : parts_) observers.push_back(part.experiment.get());
  observers.insert(observers.end(), others_.begin(), others_.end());
  return observers;
}

void Pass::make_plan(const std::filesystem::path& spill_folder) {
  make_parts();
  engine_ = stream_settings(settings_.engine, compute_, spill_folder);
  for (const Subject* other : gates_asked_) {
    engine_.other_models.push_back({&other->checkpoint(), &other->model(), other->name()});
  }
  engine_.intervention = intervention_ ? &*intervention_ : nullptr;
  engine_.keep_final_states = kept_states_;
  if (reference_ != nullptr) {
    engine_.reference = {&reference_->checkpoint(), &reference_->model(), reference_states_,
                         reference_->name()};
  }
  const auto sets = samples_.sets();
  auto all = observers();
  const bool logits = std::any_of(all.begin(), all.end(), [](const tap::Observer* observer) {
    return observer->needs().logits;
  });
  if (!logits) engine_.last_layer = layers_.back();
  plan_ = stream::make_plan(subject_.model(), sets, all, engine_);
  parts_.clear();  // what they hold is memory of this pass alone
}

stream::PassResult Pass::run(Progress& progress) {
  make_parts();
  const auto sets = samples_.sets();
  auto all = observers();
  return stream::run_pass(subject_.checkpoint(), subject_.model(), sets, all, engine_, plan_,
                          progress);
}

std::vector<std::string> Pass::notes() const {
  std::vector<std::string> notes = subject_.checkpoint().notes();
  const auto add = [&](const std::vector<std::string>& more) {
    for (const std::string& note : more) {  // those of the tokenizer are each domain's, too
      if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
    }
  };
  if (subject_.tokenizer() != nullptr) add(subject_.tokenizer()->notes());
  for (const text::WindowSet& windows : samples_.domains()) add(notes_of(windows));
  return notes;
}

std::vector<std::string> Pass::assumed() const {
  std::vector<std::string> all = subject_.checkpoint().assumed();
  all.insert(all.end(), samples_.assumed().begin(), samples_.assumed().end());
  for (const std::string& name : settings_.experiments.names) {
    if (!declaration_of(name).by_name) continue;
    all.push_back(fmt::format(
        "{}: its own work, seconds for every KV head or layer, is not in the expected time", name));
  }
  if (samples_.prompts() != nullptr && subject_.tokenizer() == nullptr) {
    all.push_back(fmt::format("no tokenizer.json: a token for every {} bytes of a prompt",
                              kAssumedBytesPerToken));
  }
  all.push_back(fmt::format("the disk reads {} per second (--disk)",
                            format_bytes(static_cast<uint64_t>(engine_.disk_bytes_per_s))));
  return all;
}

Json Pass::identity() const {
  const stream::Profile profile = stream::numeric_profile(compute_);
  Json identity = subject_.identity();
  identity["domains"] = samples_.identity();
  identity["layers"] = layers_;
  for (const Subject* other : gates_asked_) {
    identity["other_gates"].push_back(other->identity());
  }
  if (reference_ != nullptr) identity["reference"] = reference_->identity();
  if (intervention_) identity["intervention"] = to_json(*intervention_);
  identity["profile"] = {
      {"isa", profile.isa}, {"compute", profile.compute}, {"onednn", profile.onednn}};
  return identity;
}

}  // namespace rg::lab
