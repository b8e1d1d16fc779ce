#include "lab/outcome.h"

#include "base/cancel.h"
#include "lab/facts.h"
#include "lab/version.h"

namespace rg::lab {
namespace {

// Numbers per window and layer as text, with a wide margin, twice because a new file is complete
// before it replaces the old one.
uint64_t expected_artifact_bytes(const Pass& pass) {
  constexpr uint64_t kNumberBytes = 24, kNumbersPerCell = 120, kFixed = 4u << 20;
  const uint64_t layers = pass.layers().size();
  const uint64_t experts = pass.subject().model().gate().experts;
  uint64_t bytes = 0;
  for (const text::WindowSet& domain : pass.samples().domains()) {
    bytes += domain.windows() * layers * (kNumbersPerCell * kNumberBytes + experts * 6);
    bytes += layers * experts * (2 * experts * 8 + 20 * 16) + kFixed;
  }
  return 2 * bytes;
}

}  // namespace

Outcome conclude(Pass& pass, const stream::PassResult& result, const std::filesystem::path& out,
                 Progress& progress) {
  Outcome outcome{.facts = run_facts(pass, result, out), .domains = {}, .parts = {}};
  for (size_t d = 0; d < pass.samples().domains().size(); ++d) {
    outcome.domains.push_back(domain_facts(pass, d));
  }
  progress.step("summarising");
  for (Pass::Part& part : pass.parts()) {
    throw_if_stopped();
    outcome.parts.push_back({{part.declaration->name, part.declaration->version},
                             part.domain,
                             part.experiment->reduce()});
    for (const std::string& note : outcome.parts.back().contribution.notes) progress.note(note);
    part.experiment.reset();
  }
  return outcome;
}

void write_artifact(const std::filesystem::path& out, record::Artifact artifact,
                    std::vector<record::ResultEntry>& entries) {
  throw_if_stopped();
  record::WrittenArtifact written = record::write_artifact(out, artifact);
  entries.push_back({std::move(written), std::move(artifact.content)});
}

void write_artifacts(const std::filesystem::path& out, const Outcome& outcome,
                     std::vector<record::ResultEntry>& entries) {
  for (const auto& [test, domain, part] : outcome.parts) {
    write_artifact(out,
                   record::assemble_artifact(outcome.facts, outcome.domains[domain], test, part),
                   entries);
  }
}

Json run_identity(const Programme& programme, const ExperimentSettings& experiments) {
  Json inputs = Json::array(), settings = Json::array();
  for (const auto& pass : programme.passes()) {
    inputs.push_back(pass->identity());
    settings.push_back(effective_settings(*pass));
  }
  return {{"program", version_text()},
          {"experiments", experiments.names},
          {"settings", settings},
          {"prompts", prompt_texts(experiments)},
          {"inputs", inputs}};
}

uint64_t expected_output_bytes(const Programme& programme) {
  uint64_t bytes = programme.cost().spill_bytes;
  for (const auto& pass : programme.passes()) bytes += expected_artifact_bytes(*pass);
  return bytes;
}

}  // namespace rg::lab
