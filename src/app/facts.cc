#include "app/facts.h"

#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <climits>

#include "app/clock.h"
#include "app/parameters.h"
#include "app/version.h"
#include "base/json.h"
#include "gate/profile.h"

namespace rg::app {
namespace {

std::string window_procedure(const RunOptions& options) {
  return options.windows.packing == text::Packing::packed ? "packed" : "by_document";
}

Json circumstances(const RunOptions& options, const Measurement& measurement,
                   const stream::PassResult& pass) {
  utsname host = {};
  const bool known = ::uname(&host) == 0;
  const auto absolute = [](const std::filesystem::path& path) {
    return std::filesystem::absolute(path).lexically_normal().string();
  };
  Json domains = Json::object();
  for (const text::DomainSpec& domain : options.domains)
    domains[domain.name] = absolute(domain.path);
  return {{"created_utc", utc_now()},
          {"host", known ? host.nodename : ""},
          {"system", known ? std::string(host.sysname) + " " + host.release : ""},
          {"threads", measurement.settings().threads},
          {"block_windows", measurement.plan().block_windows},
          {"experts_per_slice", measurement.plan().experts_per_slice},
          {"planned_peak_bytes", measurement.plan().peak_bytes},
          {"peak_bytes", peak_memory_bytes()},
          {"spill_bytes", measurement.plan().spill_bytes},
          {"weight_bytes_read", pass.weight_bytes_read},
          {"pass_seconds", pass.seconds},
          {"layer_seconds", pass.layer_seconds},
          {"paths",
           {{"model", absolute(measurement.open().checkpoint.location().folder)},
            {"domains", domains},
            {"out", absolute(options.out)}}}};
}

// Every number of a layer from `from_layer` on depends on a weight that is NaN or infinite.
Json nonfinite_weights(const stream::PassResult& pass) {
  if (pass.nonfinite.empty()) return nullptr;
  Json tensors = Json::array();
  int from_layer = INT_MAX;
  for (const stream::NonFiniteTensor& tensor : pass.nonfinite) {
    const int layer = std::max(tensor.layer, 0);  // tables belong to all layers
    from_layer = std::min(from_layer, layer);
    tensors.push_back({{"name", tensor.name},
                       {"first", tensor.first},
                       {"count", tensor.count},
                       {"layer", layer}});
  }
  return {{"from_layer", from_layer}, {"tensors", std::move(tensors)}};
}

}  // namespace

uint64_t peak_memory_bytes() {
  rusage usage = {};
  return ::getrusage(RUSAGE_SELF, &usage) == 0 ? static_cast<uint64_t>(usage.ru_maxrss) * 1024 : 0;
}

Json effective_settings(const RunOptions& options, const Measurement& measurement) {
  Json parameters = Json::object();
  for (const std::string& name : options.experiments) {
    // The texts of prompts are in the artifact; the file that they came from changes no result.
    for (const auto& [key, value] : parameters_for(declaration_of(name), options)) {
      parameters[key] = value;
    }
  }
  const text::WindowSettings& windows = options.windows;
  Json settings = {
      {"layers", measurement.layers()},
      {"compute", measurement.compute() == stream::Compute::bf16 ? "bf16" : "f32"},
      {"seed", windows.seed},
      {"seq_len", windows.seq_len},
      {"windows", "all"},
      {"text_field", windows.text_field},
      {"utf8", windows.utf8 == text::Utf8Policy::replace ? "replace" : "refuse"},
      {"window_procedure", window_procedure(options)},
      {"max_decompressed_bytes", windows.max_decompressed_bytes},
      {"allow_regex", options.allow_regex},
      {"allow_small_t", options.allow_small_t},
      {"nonfinite", options.nonfinite == stream::NonFinite::record ? "record" : "stop"},
      {"parameters", parameters}};
  if (windows.windows) settings["windows"] = *windows.windows;
  return settings;
}

record::RunFacts run_facts(const RunOptions& options, const Measurement& measurement,
                           const stream::PassResult& pass) {
  record::RunFacts facts;
  facts.program_version = program_version();
  const stream::Profile profile = stream::numeric_profile(measurement.compute());
  facts.profile = {.isa = profile.isa, .compute = profile.compute, .onednn = profile.onednn};
  const OpenModel& open = measurement.open();
  facts.model_name = open.checkpoint.location().display_name;
  facts.terminal_moe_layer = open.model.moe_layers().back();
  facts.moe_layers = open.model.moe_layers();
  facts.gate_semantics = gate::gate_profile(open.model.gate());
  for (const stream::TensorDigest& digest : pass.digests) {
    const InputFile& shard = open.checkpoint.shards()[digest.tensor->shard];
    facts.tensors.push_back({.name = digest.tensor->name,
                             .dtype = std::string(dtype_name(digest.tensor->dtype)),
                             .shape = digest.tensor->shape,
                             .shard = shard.path().filename().string(),
                             .sha256 = digest.sha256});
  }
  facts.input_sha256 = measurement.input_sha256();
  facts.settings = effective_settings(options, measurement);
  facts.notes = measurement.open().checkpoint.notes();
  const auto& more = measurement.tokenizer().notes();
  facts.notes.insert(facts.notes.end(), more.begin(), more.end());
  facts.notes.insert(facts.notes.end(), pass.notes.begin(), pass.notes.end());
  facts.nonfinite = nonfinite_weights(pass);
  facts.manifest = circumstances(options, measurement, pass);
  return facts;
}

record::DomainFacts domain_facts(const RunOptions& options, const Measurement& measurement,
                                 size_t domain) {
  const text::WindowSet& windows = measurement.domains()[domain];
  const text::CorpusRecord& corpus = windows.corpus;
  Json documents = Json::array(), files = Json::array();
  for (const uint32_t index : windows.document) documents.push_back(windows.document_ids[index]);
  for (const auto& [path, sha256] : corpus.file_sha256) {
    files.push_back({{"path", path}, {"sha256", sha256}});
  }
  record::DomainFacts facts;
  facts.name = windows.domain;
  facts.data = {{"source", windows.domain},
                {"n_windows", windows.windows()},
                {"seq_len", windows.seq_len},
                {"seed", options.windows.seed},
                {"tokenizer", measurement.tokenizer().sha256()},
                {"window_procedure", window_procedure(options)},
                {"domain_index", domain},
                {"corpus_sha256", corpus.corpus_sha256},
                {"ids_sha256", windows.ids_sha256},
                {"documents", corpus.documents},
                {"bytes", corpus.bytes},
                {"tokens", corpus.tokens},
                {"windows_available", corpus.windows_available},
                {"skipped_short", corpus.skipped_short},
                {"skipped_extension", corpus.skipped_extension},
                {"skipped_not_utf8", corpus.skipped_not_utf8},
                {"skipped_links", corpus.skipped_links},
                {"replaced_utf8", corpus.replaced_utf8},
                {"notes", windows.notes},
                {"doc_ids", documents}};
  facts.manifest = {
      {"path", std::filesystem::absolute(options.domains[domain].path).lexically_normal().string()},
      {"files", files}};
  return facts;
}

}  // namespace rg::app
