#include "lab/intervention.h"

#include "base/cancel.h"
#include "experiments/intervention_summary.h"
#include "lab/intervention_file.h"

namespace rg::lab {

InterventionStudy::InterventionStudy(const std::string& model,
                                     const std::filesystem::path& intervention,
                                     const ReadRoutes& read_routes, Purpose purpose,
                                     const TextSettings& texts, const PassSettings& settings) {
  const Subject& subject = programme_.add_reader(model, purpose, texts.allow_regex);
  const Samples& samples = programme_.samples_for(subject, texts, settings.experiments);
  plain_ = &programme_.add(subject, samples, settings);
  touched_ = &programme_.add(subject, samples, settings);
  InterventionFile file = read_intervention(intervention, subject.model());
  if (file.routes) {
    routes_ = read_routes(file.routes->log);
    if (!file.routes->weights) {
      for (auto& [layer, recorded] : routes_->layers) recorded.weights = {};
    }
    impose(*routes_, file.routes->weights, subject.model(), file.intervention);
  }
  touched_->intervene(std::move(file.intervention));
  std::map<std::string, Json> given = settings.experiments.parameters;
  given.erase("layers");  // the pass's
  replicates_ = experiments::effective_parameters(experiments::intervention_parameters(), given,
                                                  plain_->layers())
                    .at("bootstrap")
                    .get<uint32_t>();
}

void InterventionStudy::read(const EngineSettings& engine,
                             const std::filesystem::path& spill_folder, Progress& progress) {
  Study::read(engine, spill_folder, progress);
  if (routes_) require_same_tokens(*routes_, plain_->samples());
  watch(spill_folder);
}

void InterventionStudy::assume() {
  Study::assume();
  if (routes_) require_same_sequences(*routes_, plain_->samples());
  watch({});
}

// Adds what watches both passes, now that their windows are known.
void InterventionStudy::watch(const std::filesystem::path& folder) {
  plain_states_.emplace(folder);
  plain_->keep_final_states(*plain_states_);
  touched_->compare_with(plain_->subject(), *plain_states_);
  for (size_t d = 0; d < plain_->samples().domains().size(); ++d) {
    const experiments::Setting setting = plain_->setting(d);
    const auto outputs = [&] {
      return std::make_unique<experiments::OutputRecord>(setting.windows, setting.seq_len);
    };
    Domain domain{.routes = std::make_unique<experiments::RouteRecord>(setting),
                  .plain = outputs(),
                  .touched = outputs(),
                  .change = nullptr};
    domain.change =
        std::make_unique<experiments::RouteChange>(setting, *domain.routes, *domain.plain);
    plain_->watch(*domain.routes);
    plain_->watch(*domain.plain);
    touched_->watch(*domain.touched);
    touched_->watch(*domain.change);
    domains_.push_back(std::move(domain));
  }
}

std::vector<std::string> InterventionStudy::tests() const { return {experiments::kIntervention}; }

Json InterventionStudy::identity() const {
  Json identity = run_identity(programme_, {});
  identity["experiments"] = tests();
  identity["bootstrap"] = replicates_;
  return identity;
}

void InterventionStudy::take(Pass& pass, const stream::PassResult& result,
                             const std::filesystem::path& out, Progress& progress) {
  if (&pass == plain_) {
    plain_ = nullptr;
    return;
  }
  outcome_ = conclude(pass, result, out, progress);
  outcome_.facts.settings["parameters"]["bootstrap"] = replicates_;
  reduce(pass, progress);
  touched_ = nullptr;
}

void InterventionStudy::reduce(const Pass& touched, Progress& progress) {
  const stream::Intervention& intervention = *touched.intervention();
  experiments::InterventionFacts facts{
      .intervention = to_json(intervention), .lowest_layer = {}, .replicates = replicates_};
  if (!intervention.layers.empty()) facts.lowest_layer = intervention.layers.begin()->first;
  for (size_t d = 0; d < domains_.size(); ++d) {
    throw_if_stopped();
    const Domain& domain = domains_[d];
    outcome_.parts.push_back(
        {{experiments::kIntervention, experiments::kInterventionVersion},
         d,
         experiments::reduce_intervention(touched.setting(d), facts, *domain.plain, *domain.touched,
                                          *domain.change)});
    for (const std::string& note : outcome_.parts.back().contribution.notes) progress.note(note);
  }
}

std::vector<record::ResultEntry> InterventionStudy::write(const std::filesystem::path& out) {
  std::vector<record::ResultEntry> entries;
  write_artifacts(out, outcome_, entries);
  return entries;
}

}  // namespace rg::lab
