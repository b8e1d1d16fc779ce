// run: everything checked, then one pass per model, artifacts, verdicts, the table.
#include <fmt/format.h>

#include <ctime>

#include "app/commands.h"
#include "app/facts.h"
#include "app/measurement.h"
#include "app/output.h"
#include "app/parameters.h"
#include "app/run_folder.h"
#include "app/run_summary.h"
#include "app/stop_watch.h"
#include "app/units.h"
#include "app/verdicts.h"
#include "app/version.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"
#include "record/artifact.h"
#include "verify/verify.h"

namespace rg::app {
namespace {

using Measurements = std::vector<std::unique_ptr<Measurement>>;

constexpr const char* kNothingWritten =
    "no artifact of this run was written, and those of earlier runs are as they were. "
    "Run the same command again to start over.";
constexpr const char* kSomeWritten =
    "some artifacts of this run may be written, and some of an earlier run not yet replaced; each "
    "is complete. Run the same command again to start over.";
constexpr const char* kArtifactsWritten =
    "the artifacts are written, the verdicts are not. `routegauge verify` on the output folder "
    "judges them; the same command again starts over.";

Json identity_of(const RunOptions& options, const Measurements& measurements) {
  Json inputs = Json::array(), settings = Json::array();
  for (const auto& measurement : measurements) {
    inputs.push_back(measurement->input_identity());
    settings.push_back(effective_settings(options, *measurement));
  }
  return {{"program", version_text()},
          {"experiments", options.experiments},
          {"settings", settings},
          {"prompts", prompt_texts(options)},
          {"inputs", inputs}};
}

// Room for the artifacts: numbers per window and layer as text, with a wide margin, twice because a
// new file is complete before it replaces the old one.
uint64_t expected_output_bytes(const Measurement& measurement) {
  constexpr uint64_t kNumberBytes = 24, kNumbersPerCell = 120, kFixed = 4u << 20;
  const uint64_t layers = measurement.layers().size();
  const uint64_t experts = measurement.open().model.gate().experts;
  uint64_t bytes = 0;
  for (const text::WindowSet& domain : measurement.domains()) {
    bytes += domain.windows() * layers * (kNumbersPerCell * kNumberBytes + experts * 6);
    bytes += layers * experts * (2 * experts * 8 + 20 * 16) + kFixed;
  }
  return 2 * bytes + measurement.plan().spill_bytes;
}

std::vector<verify::Judgement> judge(const std::vector<record::WrittenArtifact>& artifacts,
                                     const verify::Options& options) {
  std::vector<verify::Judgement> judgements;
  for (const record::WrittenArtifact& artifact : artifacts) {
    throw_if_stopped();
    judgements.push_back(verify::judge_file(artifact.path, options));
  }
  return judgements;
}

using Paths = std::vector<std::filesystem::path>;

Paths paths_of(const std::vector<record::WrittenArtifact>& artifacts) {
  Paths paths;
  for (const record::WrittenArtifact& artifact : artifacts) paths.push_back(artifact.path);
  return paths;
}

void print_outcome(const RunOptions& options, const GlobalOptions& global,
                   const std::vector<verify::Judgement>& judgements,
                   const verify::Options& judge_options, const Paths& files) {
  if (options.json) {
    print(verify::render_json(judgements, judge_options));
    return;
  }
  print(verify::render_table(judgements, table_style(options.shape)) +
        run_summary(options.out, files, options.shape, global.program));
}

int run_in_folder(const RunOptions& options, const GlobalOptions& global,
                  const Measurements& measurements, RunFolder& folder, ProgressPrinter& progress,
                  StopWatch& watch) {
  const Json identity = identity_of(options, measurements);
  verify::Options judge_options;
  judge_options.threads = effective_threads(options.threads);

  if (const auto done = folder.find_same_run(identity, options.experiments, options.overwrite)) {
    progress.step("this run is done already: nothing was measured again");
    progress.finish_line();
    auto paths = paths_of(*done);
    paths.push_back(folder.path() / "verdicts.json");
    print_outcome(options, global, judge(*done, judge_options), judge_options, paths);
    return static_cast<int>(ExitCode::done);
  }

  uint64_t output_bytes = 0;
  for (const auto& measurement : measurements) {
    measurement->prepare(folder.path());
    output_bytes += expected_output_bytes(*measurement);
    for (const std::string& note : measurement->notes()) progress.note(note);
  }
  folder.check_free_space(output_bytes);
  throw_if_stopped();

  struct Result {
    record::RunFacts facts;
    std::vector<record::DomainFacts> domains;
    struct Part {
      record::TestVersion test;
      size_t domain;
      record::Contribution contribution;
    };
    std::vector<Part> parts;
  };
  std::vector<Result> results;
  for (const auto& measurement : measurements) {
    const stream::PassResult pass = measurement->run(progress);
    Result result{.facts = run_facts(options, *measurement, pass), .domains = {}, .parts = {}};
    for (size_t d = 0; d < options.domains.size(); ++d) {
      result.domains.push_back(domain_facts(options, *measurement, d));
    }
    progress.step("summarising");
    for (Measurement::Part& part : measurement->parts()) {
      throw_if_stopped();
      result.parts.push_back({{part.declaration->name, part.declaration->version},
                              part.domain,
                              part.experiment->reduce()});
      for (const std::string& note : result.parts.back().contribution.notes) progress.note(note);
      part.experiment.reset();
    }
    results.push_back(std::move(result));
  }

  throw_if_stopped();
  watch.set_text(kSomeWritten);
  folder.begin(identity);
  std::vector<record::WrittenArtifact> artifacts;
  std::vector<record::ResultEntry> entries;
  for (const Result& result : results) {
    for (const auto& [test, domain, part] : result.parts) {
      throw_if_stopped();
      Json artifact = record::assemble_artifact(result.facts, result.domains[domain], test, part);
      artifacts.push_back(record::write_artifact(folder.path(), artifact));
      entries.push_back({artifacts.back(), std::move(artifact)});
    }
  }
  watch.set_text(kArtifactsWritten);
  progress.step("verifying");
  const auto judgements = judge(artifacts, judge_options);
  progress.finish_line();
  write_file_atomically(folder.path() / "verdicts.json",
                        verify::render_json(judgements, judge_options), IfExists::replace);
  auto paths = paths_of(artifacts);
  paths.push_back(folder.path() / "verdicts.json");
  std::vector<const Json*> bodies;
  for (const record::ResultEntry& entry : entries) bodies.push_back(&entry.artifact);
  const std::time_t now = std::time(nullptr);
  const Json index =
      record::assemble_results(folder.path(), entries, experiments::comparisons(bodies), now);
  paths.push_back(record::write_results(folder.path(), index, now));
  folder.finish(identity, artifacts);
  print_outcome(options, global, judgements, judge_options, paths);
  return static_cast<int>(ExitCode::done);
}

}  // namespace

int run_command(const RunOptions& options, const GlobalOptions& global) {
  ProgressPrinter progress(global);
  StopWatch watch(kNothingWritten);
  try {
    Measurements measurements;
    for (const std::string& model : chosen_models(options)) {
      measurements.push_back(std::make_unique<Measurement>(model, options, Purpose::run));
    }
    RunFolder folder(options.out);
    if (folder.note()) progress.note(*folder.note());
    for (const auto& measurement : measurements) measurement->read_texts(progress, folder.path());
    return run_in_folder(options, global, measurements, folder, progress, watch);
  } catch (const Interrupted& stop) {
    progress.finish_line();
    print_error("stopped: " + watch.text() + '\n');
    return 128 + stop.signal_number();
  }
}

}  // namespace rg::app
