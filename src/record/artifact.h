// The files that a run writes: run.json with manifest and digest for each test, and one results
// file. The C++ side of schema/. `fields` come from an experiment; everything here is common to all
// tests. Field by field: docs/artifacts.md.
#pragma once

#include <ctime>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"

namespace rg::record {

struct NumericProfile {
  std::string isa;      // "avx512_core_bf16", "avx2", ... oneDNN's effective level
  std::string compute;  // "bf16" or "f32"
  std::string onednn;   // "2.6.3"
};

struct TensorHash {
  std::string name, dtype;
  std::vector<uint64_t> shape;
  std::string shard, sha256;
};

// What was read of a checkpoint.
struct UsedCheckpoint {
  std::string name;                                               // display name, never a path
  std::vector<TensorHash> tensors;                                // every tensor used
  std::vector<std::pair<std::string, std::string>> input_sha256;  // config, index, tokenizer
};

// The family file that a suite ran by.
struct FamilyStamp {
  std::string name, sha256;
};

// What all artifacts of a run share: results part (in the digest) ...
struct RunFacts {
  std::string program_version;
  NumericProfile profile;
  UsedCheckpoint model;
  int terminal_moe_layer = 0;   // l*
  std::vector<int> moe_layers;  // every layer with a gate, ascending
  Json gate_semantics;          // whole gate spec of the layers, named and versioned
  Json settings;                // effective settings, defaults included
  std::optional<FamilyStamp> family;
  std::vector<std::string> notes;
  Json nonfinite;  // weights that are NaN or infinite, and from which layer on; null: none
  // ... and circumstances (outside the digest): created_utc, host, threads, block_windows, paths,
  // times.
  Json manifest;
};

struct DomainFacts {
  std::string name;
  Json data;      // `data{source,n_windows,seq_len,seed,tokenizer,doc_ids,...}`
  Json manifest;  // paths
};

// The experiment that an artifact is of, and the version of its schema.
struct TestVersion {
  std::string test, schema_version;
};

// The body an experiment contributes: its own top-level members, in order: layers, verification,
// test-specific members, per_window, summary.
struct Contribution {
  Json fields;
  std::vector<std::string> notes;
};

// An artifact's content, digest included, and the folder it goes to.
struct Artifact {
  std::string subject, domain, variant;  // OUT/<test>/<subject>/<domain>/<variant>
  Json content;                          // members in the order of docs/artifacts.md
};

// Of one model on one domain.
Artifact assemble_artifact(const RunFacts& run, const DomainFacts& domain, const TestVersion& test,
                           const Contribution& part);

struct EdgeFacts {
  std::string ckpt_a, ckpt_b, name;
  std::string direction;  // "AtoB": the reference, whose pass `run` is, is a; "BtoA": b
  UsedCheckpoint other;   // what was used of the one that is not the reference
};
Artifact assemble_edge_artifact(const RunFacts& run, const EdgeFacts& edge,
                                const DomainFacts& domain, const TestVersion& test,
                                const Contribution& part);

// Of a whole family on all of its domains; `passes` of the base first, then of its descendants.
Artifact assemble_family_artifact(std::span<const RunFacts* const> passes,
                                  std::span<const DomainFacts> domains, const TestVersion& test,
                                  const Contribution& part);

// Of whole artifacts: what was measured stands in them.
Artifact assemble_bundle(const RunFacts& run, const std::string& subject, const std::string& domain,
                         const TestVersion& test, const Contribution& part);

// Over every member but manifest and body_sha256, and but the manifests of bundled artifacts.
std::string body_digest(const Json& artifact);

struct WrittenArtifact {
  std::string test, subject, domain;
  std::filesystem::path path;  // of run.json
  std::string body_sha256;
};

// {run.json,manifest.json,run.log} in the artifact's folder below `out`, each written atomically,
// run.json last. Names are made safe for a path: '/' becomes "--". IO004, IO010.
WrittenArtifact write_artifact(const std::filesystem::path& out, const Artifact& artifact);

// The results file of a run: a list of what was written, and `comparisons`, by test a table of all
// of its artifacts.
inline constexpr const char* kResultsVersion = "1.0";
struct ResultEntry {
  WrittenArtifact written;
  Json artifact;  // as assembled
};
Json assemble_results(const std::filesystem::path& out, std::span<const ResultEntry> entries,
                      const Json& comparisons, std::time_t now);
// OUT/results/results_YYYYMMDD_HHMMSS.json in UTC; if that name is taken, the next free second.
std::filesystem::path write_results(const std::filesystem::path& out, const Json& results,
                                    std::time_t now);

}  // namespace rg::record
