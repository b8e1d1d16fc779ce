#include "lab/key_change_study.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/cancel.h"
#include "base/error.h"
#include "lab/audit_passes.h"
#include "lab/facts.h"

namespace rg::lab {
namespace {

using Compared = experiments::TokenOutputs::Compared;

Json key_change_json(const KeyChangeTrial& trial) {
  return {{"name", trial.name},
          {"description", trial.description},
          {"step", stream::key_step_name(trial.step)},
          {"layers", trial.layers}};
}

void require_names(const std::vector<KeyChangeTrial>& trials) {
  const auto refuse = [](const char* found, const char* expected) {
    throw Error(ErrorId::US001,
                {.object = "changes of keys", .found = found, .expected = expected});
  };
  if (trials.empty()) refuse("none", "one or more");
  for (size_t i = 0; i < trials.size(); ++i) {
    const std::string& name = trials[i].name;
    if (name.empty()) refuse("one without a name", "a name for each");
    for (size_t j = 0; j < i; ++j) {
      if (trials[j].name == name) refuse("a name given twice", "a name of its own for each");
    }
  }
}

Json pass_facts(const std::string& name, const stream::PassResult& result) {
  return {{"model", name},
          {"weight_bytes_read", result.weight_bytes_read},
          {"pass_seconds", result.seconds}};
}

}  // namespace

KeyChangeStudy::KeyChangeStudy(const std::string& model, const MakeKeyChanges& changes,
                               Purpose purpose, const TextSettings& texts,
                               const PassSettings& settings)
    : experiments_(settings.experiments) {
  const Subject& subject = programme_.add_reader(model, purpose, texts.allow_regex);
  const Samples& samples = programme_.add_samples(subject, texts, experiments_);
  name_ = subject.name();
  plain_ = &programme_.add(subject, samples, settings);
  plain_->ask_gates_of(subject);
  compute_ = compute_name(plain_->compute());
  other_compute_ = other_compute_of(plain_->compute());
  if (other_compute_) {
    PassSettings again = settings;
    again.engine.compute = *other_compute_;
    again_ = &programme_.add(subject, samples, again);
  }
  std::vector<KeyChangeTrial> given = changes(subject.model());
  require_names(given);
  for (KeyChangeTrial& one : given) {
    Trial& trial = trials_.emplace_back();
    trial.name = fmt::format("{} ({})", name_, one.name);
    trial.given = std::move(one);
    for (Pass** pass : {&trial.changed, &trial.with_routes, &trial.own_routes}) {
      *pass = &programme_.add(subject, samples, settings);
    }
    trial.changed->ask_gates_of(subject);
    trial.changed->intervene(keys_of(trial));
  }
}

stream::Intervention KeyChangeStudy::keys_of(const Trial& trial) const {
  stream::Intervention intervention{"the change of keys '" + trial.given.name + "'", {}, {}};
  for (const int layer : trial.given.layers) {
    intervention.keys[layer] = {trial.given.step, trial.given.change.get()};
  }
  return intervention;
}

void KeyChangeStudy::read(const EngineSettings& engine, const std::filesystem::path& spill_folder,
                          Progress& progress) {
  Study::read(engine, spill_folder, progress);
  watch(spill_folder);
}

void KeyChangeStudy::assume() {
  Study::assume();
  watch({});
}

// Adds what watches each pass, now that their windows are known.
void KeyChangeStudy::watch(const std::filesystem::path& folder) {
  const Samples& samples = plain_->samples();
  const model::Model& model = plain_->subject().model();
  uint64_t rows = 0;
  for (const tap::SequenceSet* set : samples.sets()) rows += set->rows();
  plain_routes_.emplace(model.moe_layers(), rows, model.gate().top_k);
  changed_routes_.emplace(model.moe_layers(), rows, model.gate().top_k);
  states_.emplace(folder);
  plain_->keep_final_states(*states_);
  uint64_t first_row = 0;
  for (size_t d = 0; d < samples.domains().size(); ++d) {
    watch_plain(d, first_row, folder);
    first_row += samples.sequences()[d].rows();
  }
  for (Trial& trial : trials_) {
    trial.changed->compare_with(plain_->subject(), *states_);
    trial.with_routes->intervene(imposing(*changed_routes_, trial.name));
    stream::Intervention both = imposing(*plain_routes_, name_);
    both.keys = keys_of(trial).keys;
    trial.own_routes->intervene(std::move(both));
    for (size_t d = 0; d < domains_.size(); ++d) watch_change(trial, d);
  }
}

// Every observer tells the plan what earlier passes left in memory beside it.
void KeyChangeStudy::watch_plain(size_t domain, uint64_t first_row,
                                 const std::filesystem::path& folder) {
  experiments::Setting setting = plain_->setting(domain);
  setting.parameters = experiments_.parameters;
  for (const Trial& trial : trials_) {
    if (trial.given.watch_plain) plain_->watch(trial.given.watch_plain(setting, first_row));
  }
  const uint64_t routes = 2 * plain_routes_->bytes_of(setting.windows->rows());
  Plain& plain = domains_.emplace_back();
  plain.reference = std::make_unique<experiments::ReferenceRecord>(setting, *plain_routes_,
                                                                   first_row, folder, routes);
  plain.outputs = std::make_unique<experiments::TokenOutputs>(setting.windows, setting.seq_len,
                                                              Compared::no, 0);
  plain.kept_bytes = plain.reference->kept_bytes() + plain.outputs->kept_bytes();
  plain_->watch(*plain.reference);
  plain_->watch(*plain.outputs);
  if (again_ == nullptr) return;
  const uint64_t held = plain.kept_bytes + routes;
  plain.floor = std::make_unique<experiments::RouteFloor>(*plain.reference, *plain_routes_, held);
  plain.kept_bytes += plain.floor->needs().held_bytes - held;
  again_->watch(*plain.floor);
}

void KeyChangeStudy::watch_change(Trial& trial, size_t domain) {
  const Plain& plain = domains_[domain];
  const experiments::Setting& setting = plain.reference->setting();
  const uint64_t routes = plain_routes_->bytes_of(setting.windows->rows());
  const auto outputs = [&](Compared compared, uint64_t held) {
    return std::make_unique<experiments::TokenOutputs>(setting.windows, setting.seq_len, compared,
                                                       held);
  };
  uint64_t held = plain.kept_bytes;
  Watch& watch = trial.watches.emplace_back();
  watch.record = std::make_unique<experiments::AuditRecord>(
      setting, *plain.reference, *plain_routes_, *changed_routes_, held + 2 * routes);
  watch.record->set_gates_equal(true);  // they are one gate's
  watch.b = outputs(Compared::yes, 0);
  held += watch.record->kept_bytes() + watch.b->kept_bytes() + routes;  // imposed ones are counted
  watch.ab = outputs(Compared::no, held);
  watch.ba = outputs(Compared::no, held + watch.ab->kept_bytes());
  trial.changed->watch(*watch.record);
  trial.changed->watch(*watch.b);
  trial.with_routes->watch(*watch.ab);
  trial.own_routes->watch(*watch.ba);
}

Json KeyChangeStudy::identity() const {
  Json identity = run_identity(programme_, experiments_);
  identity["audit"] = name_;
  for (const Trial& trial : trials_) {
    identity["key_changes"].push_back(key_change_json(trial.given));
  }
  identity["bootstrap"] = experiments_.parameters.at("bootstrap");
  return identity;
}

void KeyChangeStudy::take(Pass& pass, const stream::PassResult& result,
                          const std::filesystem::path& out, Progress& progress) {
  if (&pass == plain_) {
    outcome_ = conclude(pass, result, out, progress);
    plain_ = nullptr;
  } else if (&pass == again_) {
    outcome_.facts.manifest["passes"].push_back(pass_facts(name_, result));
    again_ = nullptr;
  } else {
    const auto trial = std::find_if(trials_.begin(), trials_.end(),
                                    [](const Trial& one) { return one.own_routes != nullptr; });
    take_trial(*trial, pass, result, progress);
  }
}

void KeyChangeStudy::take_trial(Trial& trial, Pass& pass, const stream::PassResult& result,
                                Progress& progress) {
  const bool last = &trial == &trials_.back();
  if (&pass == trial.changed) {
    trial.facts = outcome_.facts;
    trial.facts.settings["key_change"] = key_change_json(trial.given);
    trial.used = used_checkpoint(pass.subject(), result.digests);
    trial.used.name = trial.name;
    if (last) {
      states_.reset();
      for (Plain& plain : domains_) plain.reference->release();
    }
  }
  const bool changed = &pass != trial.with_routes;
  trial.facts.manifest["passes"].push_back(pass_facts(changed ? trial.name : name_, result));
  if (&pass != trial.own_routes) return;
  trial.changed = trial.with_routes = trial.own_routes = nullptr;
  reduce(trial, progress);
  if (!last) return;
  domains_.clear();
  plain_routes_.reset();
  changed_routes_.reset();
}

void KeyChangeStudy::reduce(Trial& trial, Progress& progress) {
  progress.step("comparing the two");
  for (size_t d = 0; d < trial.watches.size(); ++d) {
    throw_if_stopped();
    const Watch& watch = trial.watches[d];
    trial.contributions.push_back(experiments::reduce_audit(
        {.record = *watch.record,
         .outputs = {.a = *domains_[d].outputs, .b = *watch.b, .ab = *watch.ab, .ba = *watch.ba},
         .floor = domains_[d].floor.get(),
         .compute = compute_,
         .other_compute = other_compute_}));
    for (const std::string& note : trial.contributions.back().notes) progress.note(note);
  }
  trial.watches.clear();
}

std::vector<record::ResultEntry> KeyChangeStudy::write(const std::filesystem::path& out) {
  std::vector<record::ResultEntry> entries;
  for (const Trial& trial : trials_) {
    const record::EdgeFacts edge{.ckpt_a = name_,
                                 .ckpt_b = trial.name,
                                 .name = name_ + "__to__" + trial.name,
                                 .direction = "AtoB",
                                 .other = trial.used};
    for (size_t d = 0; d < trial.contributions.size(); ++d) {
      write_artifact(out,
                     record::assemble_edge_artifact(trial.facts, edge, outcome_.domains[d],
                                                    {"audit", "1.0"}, trial.contributions[d]),
                     entries);
    }
  }
  return entries;
}

}  // namespace rg::lab
