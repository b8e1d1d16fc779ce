// From passes that ran to the artifacts of a run, and what identifies that run.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/programme.h"
#include "record/artifact.h"

namespace rg::lab {

// What one pass leaves for artifacts: nothing in it points at the pass.
struct Outcome {
  struct Part {
    record::TestVersion test;
    size_t domain;  // index into domains
    record::Contribution contribution;
  };
  record::RunFacts facts;
  std::vector<record::DomainFacts> domains;
  std::vector<Part> parts;
};

// Reduces the experiments of a pass that has run, and frees each. Their notes go to `progress`.
// `out`: the folder of the run.
Outcome conclude(Pass& pass, const stream::PassResult& result, const std::filesystem::path& out,
                 Progress& progress);

// One artifact per part, in order; each is complete when it gets its name. IO004, IO010.
void write_artifacts(const std::filesystem::path& out, const Outcome& outcome,
                     std::vector<record::ResultEntry>& entries);
// The same for one artifact.
void write_artifact(const std::filesystem::path& out, record::Artifact artifact,
                    std::vector<record::ResultEntry>& entries);

// Settings, inputs and profile of all passes: equal for runs with equal results.
Json run_identity(const Programme& programme, const ExperimentSettings& experiments);

// Room on disk that the run needs at most, roughly: artifacts, and what passes spill.
uint64_t expected_output_bytes(const Programme& programme);

}  // namespace rg::lab
