#include "record/artifact.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"

namespace rg::record {
namespace {

// A name as one folder: never empty, never a path, never hidden.
std::string folder_name(const std::string& name) {
  std::string folder;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '/') {
      folder += "--";
    } else {
      folder += byte < 0x20 || byte == 0x7f ? '_' : c;
    }
  }
  if (folder.empty() || folder.front() == '.') folder.insert(0, "_");
  return folder;
}

Json inputs_of(const UsedCheckpoint& checkpoint) {
  Json inputs = Json::array();
  for (const auto& [name, sha256] : checkpoint.input_sha256) {
    inputs.push_back({{"name", name}, {"sha256", sha256}});
  }
  return inputs;
}

Json tensors_of(const UsedCheckpoint& checkpoint) {
  Json tensors = Json::array();
  for (const TensorHash& tensor : checkpoint.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"dtype", tensor.dtype},
                       {"shape", tensor.shape},
                       {"shard", tensor.shard},
                       {"sha256", tensor.sha256}});
  }
  return tensors;
}

Json json_of(const UsedCheckpoint& checkpoint) {
  return {{"ckpt", checkpoint.name},
          {"inputs", inputs_of(checkpoint)},
          {"tensors", tensors_of(checkpoint)}};
}

Json json_of(const NumericProfile& profile) {
  return {{"isa", profile.isa}, {"compute", profile.compute}, {"onednn", profile.onednn}};
}

Json model_of(const RunFacts& run) {
  return {{"ckpt", run.model.name},
          {"terminal_moe_layer", run.terminal_moe_layer},
          {"moe_layers", run.moe_layers}};
}

Json start(const TestVersion& test) {
  return {{"schema_version", test.schema_version}, {"test", test.test}};
}

void add_fields(Json& artifact, const Contribution& part) {
  for (const auto& [key, value] : part.fields.items()) {
    check_internal(!artifact.contains(key), "an experiment's members differ from the common ones");
    artifact[key] = value;
  }
}

void add_provenance(Json& artifact, const RunFacts& run) {
  artifact["numeric_profile"] = json_of(run.profile);
  artifact["program_version"] = run.program_version;
  artifact["settings"] = run.settings;
  artifact["inputs"] = inputs_of(run.model);
  artifact["tensors"] = tensors_of(run.model);
}

void add_stamp(Json& artifact, const RunFacts& run) {
  if (!run.family) return;
  artifact["family"] = {{"family_name", run.family->name}, {"sha256", run.family->sha256}};
}

// Of another part of the run: objects of one name are joined.
void join_manifest(Json& manifest, const Json& part) {
  for (const auto& [key, value] : part.items()) {
    Json& place = manifest[key];
    if (place.is_object() && value.is_object()) {
      place.update(value);
    } else {
      place = value;
    }
  }
}

void add_notes(Json& artifact, const std::vector<std::string>& notes, const Contribution& part) {
  Json all = notes;
  for (const std::string& note : part.notes) all.push_back(note);
  artifact["notes"] = std::move(all);
}

void finish(Json& artifact, Json manifest) {
  artifact["manifest"] = std::move(manifest);
  artifact["body_sha256"] = body_digest(artifact);
}

// What one pass gives on one domain. `edge`: null for an artifact of a model.
Json measured_in(const RunFacts& run, const DomainFacts& domain, const TestVersion& test,
                 const Contribution& part, const EdgeFacts* edge) {
  Json artifact = start(test);
  if (edge != nullptr) {
    artifact["edge"] = {{"ckpt_a", edge->ckpt_a},
                        {"ckpt_b", edge->ckpt_b},
                        {"edge_name", edge->name},
                        {"direction", edge->direction}};
  }
  artifact["model"] = model_of(run);
  artifact["domain"] = domain.name;
  artifact["data"] = domain.data;
  artifact["gate_semantics"] = run.gate_semantics;
  add_fields(artifact, part);
  add_provenance(artifact, run);
  if (edge != nullptr) artifact["other"] = json_of(edge->other);
  add_stamp(artifact, run);
  add_notes(artifact, run.notes, part);
  if (!run.nonfinite.is_null()) artifact["nonfinite"] = run.nonfinite;
  Json manifest = run.manifest;
  join_manifest(manifest, domain.manifest);
  finish(artifact, std::move(manifest));
  return artifact;
}

std::string run_log(const Artifact& artifact) {
  const Json& content = artifact.content;
  const auto text = [&](const char* key) {
    return write_json(content.at(key), JsonLayout::compact);
  };
  std::string log = fmt::format("test {}\nsubject {}\ndomain {}\nprogram {}\n",
                                content.at("test").get<std::string>(), artifact.subject,
                                artifact.domain, content.at("program_version").get<std::string>());
  for (const char* key : {"edge", "numeric_profile", "layers"}) {
    if (content.contains(key)) log += fmt::format("{} {}\n", key, text(key));
  }
  for (const Json& note : content.at("notes")) {
    log += fmt::format("note {}\n", escape_for_terminal(note.get<std::string>()));
  }
  return log + fmt::format("body_sha256 {}\n", content.at("body_sha256").get<std::string>());
}

std::string line(const Json& value) { return write_json(value, JsonLayout::indented) + "\n"; }

}  // namespace

Artifact assemble_artifact(const RunFacts& run, const DomainFacts& domain, const TestVersion& test,
                           const Contribution& part) {
  return {run.model.name, domain.name, "single", measured_in(run, domain, test, part, nullptr)};
}

Artifact assemble_edge_artifact(const RunFacts& run, const EdgeFacts& edge,
                                const DomainFacts& domain, const TestVersion& test,
                                const Contribution& part) {
  return {edge.name, domain.name, edge.direction, measured_in(run, domain, test, part, &edge)};
}

Artifact assemble_family_artifact(std::span<const RunFacts* const> passes,
                                  std::span<const DomainFacts> domains, const TestVersion& test,
                                  const Contribution& part) {
  const RunFacts& base = *passes.front();
  check_internal(base.family.has_value(), "a family's artifact names its file");
  Json artifact = start(test);
  Json names = Json::array(), data = Json::object(), others = Json::array();
  for (const RunFacts* pass : passes) names.push_back(pass->model.name);
  artifact["family"] = {{"family_name", base.family->name},
                        {"sha256", base.family->sha256},
                        {"base_ckpt", base.model.name},
                        {"ckpts", std::move(names)}};
  artifact["domains"] = Json::array();
  Json manifest = base.manifest;
  for (const DomainFacts& domain : domains) {
    artifact["domains"].push_back(domain.name);
    data[domain.name] = domain.data;
    join_manifest(manifest, domain.manifest);
  }
  artifact["data"] = std::move(data);
  artifact["gate_semantics"] = base.gate_semantics;
  add_fields(artifact, part);
  add_provenance(artifact, base);
  for (const RunFacts* pass : passes.subspan(1)) others.push_back(json_of(pass->model));
  artifact["checkpoints"] = std::move(others);
  std::vector<std::string> notes;
  for (const RunFacts* pass : passes) {
    for (const std::string& note : pass->notes) notes.push_back(pass->model.name + ": " + note);
  }
  add_notes(artifact, notes, part);
  finish(artifact, std::move(manifest));
  return {base.family->name, "all", "single", std::move(artifact)};
}

Artifact assemble_bundle(const RunFacts& run, const std::string& subject, const std::string& domain,
                         const TestVersion& test, const Contribution& part) {
  Json artifact = start(test);
  add_stamp(artifact, run);
  artifact["domain"] = domain;
  add_fields(artifact, part);
  artifact["program_version"] = run.program_version;
  add_notes(artifact, {}, part);
  finish(artifact, run.manifest);
  return {subject, domain, "single", std::move(artifact)};
}

std::string body_digest(const Json& artifact) {
  Json body = Json::object();
  for (const auto& [key, value] : artifact.items()) {
    if (key != "manifest" && key != "body_sha256") body[key] = value;
  }
  // Of the artifacts in a bundle, too, the circumstances are no results.
  for (const char* key : {"chart", "scan"}) {
    if (body.contains(key)) body[key].erase("manifest");
  }
  if (body.contains("scans")) {
    for (Json& scan : body["scans"]) scan.erase("manifest");
  }
  return sha256_hex(canonical_json(body));
}

WrittenArtifact write_artifact(const std::filesystem::path& out, const Artifact& artifact) {
  WrittenArtifact written{.test = artifact.content.at("test").get<std::string>(),
                          .subject = artifact.subject,
                          .domain = artifact.domain,
                          .path = {},
                          .body_sha256 = artifact.content.at("body_sha256").get<std::string>()};
  const auto folder = out / folder_name(written.test) / folder_name(artifact.subject) /
                      folder_name(artifact.domain) / artifact.variant;
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) {
    throw Error(ErrorId::IO004, {.file = folder.string(),
                                 .found = failure.message(),
                                 .expected = "a folder that can be created",
                                 .hint = "Check the permissions of --out."});
  }
  written.path = folder / "run.json";
  // run.json last: if it exists, so do the other two.
  write_file_atomically(folder / "run.log", run_log(artifact), IfExists::replace);
  write_file_atomically(folder / "manifest.json", line(artifact.content.at("manifest")),
                        IfExists::replace);
  write_file_atomically(written.path, line(artifact.content), IfExists::replace);
  return written;
}

}  // namespace rg::record
