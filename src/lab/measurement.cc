#include "lab/measurement.h"

namespace rg::lab {

Measurement::Measurement(const std::vector<std::string>& models, Purpose purpose,
                         const TextSettings& texts, const PassSettings& settings)
    : experiments_(settings.experiments) {
  for (const std::string& model : models) {
    Subject& subject = programme_.add_reader(model, purpose, texts.allow_regex);
    programme_.add(subject, programme_.samples_for(subject, texts, experiments_), settings);
  }
}

void Measurement::take(Pass& pass, const stream::PassResult& result,
                       const std::filesystem::path& out, Progress& progress) {
  outcomes_.push_back(conclude(pass, result, out, progress));
}

std::vector<record::ResultEntry> Measurement::write(const std::filesystem::path& out) {
  std::vector<record::ResultEntry> entries;
  for (const Outcome& outcome : outcomes_) write_artifacts(out, outcome, entries);
  return entries;
}

}  // namespace rg::lab
