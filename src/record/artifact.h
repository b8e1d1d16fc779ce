// The files that a run writes: one run.json per test and domain, with manifest and digest, and one
// results file. The C++ side of schema/. `fields` come from an experiment; everything here is
// common to all tests. Field by field: docs/artifacts.md.
#pragma once

#include <ctime>
#include <filesystem>
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

// What all artifacts of a run share: results part (in the digest) ...
struct RunFacts {
  std::string program_version;
  NumericProfile profile;
  std::string model_name;           // display name, never a path
  int terminal_moe_layer = 0;       // l*
  std::vector<int> moe_layers;      // every layer with a gate, ascending
  Json gate_semantics;              // whole gate spec of the layers, named and versioned
  std::vector<TensorHash> tensors;  // every tensor used
  std::vector<std::pair<std::string, std::string>> input_sha256;  // config, index, tokenizer
  Json settings;  // effective settings, defaults included
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

struct WrittenArtifact {
  std::string test, domain;
  std::filesystem::path path;  // of run.json
  std::string body_sha256;
};

// Members in the order of docs/artifacts.md, digest included.
Json assemble_artifact(const RunFacts& run, const DomainFacts& domain, const TestVersion& test,
                       const Contribution& part);
std::string body_digest(const Json& artifact);  // over every member but manifest, body_sha256

// OUT/<test>/<model>/<domain>/single/{run.json,manifest.json,run.log}, each written atomically,
// run.json last. Names are made safe for a path: '/' becomes "--". IO004, IO010.
WrittenArtifact write_artifact(const std::filesystem::path& out, const Json& assembled);

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
