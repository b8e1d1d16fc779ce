#include "lab/facts.h"

#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <climits>

#include "base/json.h"
#include "gate/profile.h"
#include "lab/clock.h"
#include "lab/intervention_file.h"
#include "lab/version.h"

namespace rg::lab {
namespace {

uint64_t peak_memory_bytes() {  // of this process so far
  rusage usage = {};
  return ::getrusage(RUSAGE_SELF, &usage) == 0 ? static_cast<uint64_t>(usage.ru_maxrss) * 1024 : 0;
}

std::string window_procedure(const text::WindowSettings& windows) {
  return windows.packing == text::Packing::packed ? "packed" : "by_document";
}

std::string normal_path(const std::filesystem::path& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

Json circumstances(const Pass& pass, const stream::PassResult& result,
                   const std::filesystem::path& out) {
  utsname host = {};
  const bool known = ::uname(&host) == 0;
  Json domains = Json::object();
  for (const text::DomainSpec& domain : pass.samples().settings().domains) {
    domains[domain.name] = normal_path(domain.path);
  }
  return {{"created_utc", utc_now()},
          {"host", known ? host.nodename : ""},
          {"system", known ? std::string(host.sysname) + " " + host.release : ""},
          {"threads", pass.engine().threads},
          {"block_windows", pass.plan().block_windows},
          {"experts_per_slice", pass.plan().experts_per_slice},
          {"planned_peak_bytes", pass.plan().peak_bytes},
          {"peak_bytes", peak_memory_bytes()},
          {"spill_bytes", pass.plan().spill_bytes},
          {"weight_bytes_read", result.weight_bytes_read},
          {"pass_seconds", result.seconds},
          {"layer_seconds", result.layer_seconds},
          {"paths",
           {{"model", normal_path(pass.subject().checkpoint().location().folder)},
            {"domains", domains},
            {"out", normal_path(out)}}}};
}

// Every number of a layer from `from_layer` on depends on a weight that is NaN or infinite.
Json nonfinite_weights(const stream::PassResult& result) {
  if (result.nonfinite.empty()) return nullptr;
  Json tensors = Json::array();
  int from_layer = INT_MAX;
  for (const stream::NonFiniteTensor& tensor : result.nonfinite) {
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

Json effective_settings(const Pass& pass) {
  const ExperimentSettings& asked = pass.settings().experiments;
  Json parameters = Json::object();
  for (const std::string& name : asked.names) {
    // The texts of prompts are in the artifact; the file that they came from changes no result.
    for (const auto& [key, value] : parameters_for(declaration_of(name), asked.parameters)) {
      parameters[key] = value;
    }
  }
  const TextSettings& texts = pass.samples().settings();
  const text::WindowSettings& windows = texts.windows;
  const bool records = pass.settings().engine.nonfinite == stream::NonFinite::record;
  Json settings = {{"layers", pass.layers()},
                   {"compute", pass.compute() == stream::Compute::bf16 ? "bf16" : "f32"},
                   {"seed", windows.seed},
                   {"seq_len", windows.seq_len},
                   {"windows", "all"},
                   {"text_field", windows.text_field},
                   {"utf8", windows.utf8 == text::Utf8Policy::replace ? "replace" : "refuse"},
                   {"window_procedure", window_procedure(windows)},
                   {"max_decompressed_bytes", windows.max_decompressed_bytes},
                   {"allow_regex", texts.allow_regex},
                   {"allow_small_t", asked.allow_small_t},
                   {"nonfinite", records ? "record" : "stop"},
                   {"parameters", parameters}};
  if (windows.windows) settings["windows"] = *windows.windows;
  if (pass.intervention()) settings["intervention"] = to_json(*pass.intervention());
  return settings;
}

record::UsedCheckpoint used_checkpoint(const Subject& subject,
                                       std::span<const stream::TensorDigest> digests) {
  record::UsedCheckpoint used = {
      .name = subject.name(), .tensors = {}, .input_sha256 = subject.input_sha256()};
  for (const stream::TensorDigest& digest : digests) {
    const InputFile& shard = subject.checkpoint().shards()[digest.tensor->shard];
    used.tensors.push_back({.name = digest.tensor->name,
                            .dtype = std::string(dtype_name(digest.tensor->dtype)),
                            .shape = digest.tensor->shape,
                            .shard = shard.path().filename().string(),
                            .sha256 = digest.sha256});
  }
  return used;
}

record::RunFacts run_facts(const Pass& pass, const stream::PassResult& result,
                           const std::filesystem::path& out) {
  record::RunFacts facts;
  facts.program_version = program_version();
  const stream::Profile profile = stream::numeric_profile(pass.compute());
  facts.profile = {.isa = profile.isa, .compute = profile.compute, .onednn = profile.onednn};
  const Subject& subject = pass.subject();
  facts.model = used_checkpoint(subject, result.digests);
  facts.terminal_moe_layer = subject.model().moe_layers().back();
  facts.moe_layers = subject.model().moe_layers();
  facts.gate_semantics = gate::gate_profile(subject.model().gate());
  facts.settings = effective_settings(pass);
  facts.notes = subject.notes();
  facts.notes.insert(facts.notes.end(), result.notes.begin(), result.notes.end());
  facts.nonfinite = nonfinite_weights(result);
  facts.manifest = circumstances(pass, result, out);
  return facts;
}

record::DomainFacts domain_facts(const Pass& pass, size_t domain) {
  const TextSettings& texts = pass.samples().settings();
  const text::WindowSet& windows = pass.samples().domains()[domain];
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
                {"seed", texts.windows.seed},
                {"tokenizer", pass.subject().tokenizer()->sha256()},
                {"window_procedure", window_procedure(texts.windows)},
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
                {"notes", notes_of(windows)},
                {"doc_ids", documents}};
  facts.manifest = {{"path", normal_path(texts.domains[domain].path)}, {"files", files}};
  return facts;
}

}  // namespace rg::lab
