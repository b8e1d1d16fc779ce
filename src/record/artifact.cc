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

Json inputs_of(const RunFacts& run) {
  Json inputs = Json::array();
  for (const auto& [name, sha256] : run.input_sha256) {
    inputs.push_back({{"name", name}, {"sha256", sha256}});
  }
  return inputs;
}

Json tensors_of(const RunFacts& run) {
  Json tensors = Json::array();
  for (const TensorHash& tensor : run.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"dtype", tensor.dtype},
                       {"shape", tensor.shape},
                       {"shard", tensor.shard},
                       {"sha256", tensor.sha256}});
  }
  return tensors;
}

std::string run_log(const Json& artifact) {
  std::string log = fmt::format(
      "test {}\nmodel {}\ndomain {}\nprogram {}\nprofile {}\n",
      artifact.at("test").get<std::string>(), artifact.at("model").at("ckpt").get<std::string>(),
      artifact.at("domain").get<std::string>(), artifact.at("program_version").get<std::string>(),
      write_json(artifact.at("numeric_profile"), JsonLayout::compact));
  log += fmt::format("layers {}\n", write_json(artifact.at("layers"), JsonLayout::compact));
  for (const Json& note : artifact.at("notes")) {
    log += fmt::format("note {}\n", escape_for_terminal(note.get<std::string>()));
  }
  return log + fmt::format("body_sha256 {}\n", artifact.at("body_sha256").get<std::string>());
}

std::string line(const Json& value) { return write_json(value, JsonLayout::indented) + "\n"; }

}  // namespace

Json assemble_artifact(const RunFacts& run, const DomainFacts& domain, const TestVersion& test,
                       const Contribution& part) {
  Json artifact = Json::object();
  artifact["schema_version"] = test.schema_version;
  artifact["test"] = test.test;
  artifact["model"] = {{"ckpt", run.model_name},
                       {"terminal_moe_layer", run.terminal_moe_layer},
                       {"moe_layers", run.moe_layers}};
  artifact["domain"] = domain.name;
  artifact["data"] = domain.data;
  artifact["gate_semantics"] = run.gate_semantics;
  for (const auto& [key, value] : part.fields.items()) {
    check_internal(!artifact.contains(key), "an experiment's members differ from the common ones");
    artifact[key] = value;
  }
  artifact["numeric_profile"] = {
      {"isa", run.profile.isa}, {"compute", run.profile.compute}, {"onednn", run.profile.onednn}};
  artifact["program_version"] = run.program_version;
  artifact["settings"] = run.settings;
  artifact["inputs"] = inputs_of(run);
  artifact["tensors"] = tensors_of(run);
  Json notes = run.notes;
  for (const std::string& note : part.notes) notes.push_back(note);
  artifact["notes"] = std::move(notes);
  if (!run.nonfinite.is_null()) artifact["nonfinite"] = run.nonfinite;
  artifact["manifest"] = run.manifest;
  for (const auto& [key, value] : domain.manifest.items()) {
    Json& place = artifact["manifest"][key];
    if (place.is_object() && value.is_object()) {
      place.update(value);
    } else {
      place = value;
    }
  }
  artifact["body_sha256"] = body_digest(artifact);
  return artifact;
}

std::string body_digest(const Json& artifact) {
  Json body = Json::object();
  for (const auto& [key, value] : artifact.items()) {
    if (key != "manifest" && key != "body_sha256") body[key] = value;
  }
  return sha256_hex(canonical_json(body));
}

WrittenArtifact write_artifact(const std::filesystem::path& out, const Json& assembled) {
  WrittenArtifact written{.test = assembled.at("test").get<std::string>(),
                          .domain = assembled.at("domain").get<std::string>(),
                          .path = {},
                          .body_sha256 = assembled.at("body_sha256").get<std::string>()};
  const auto folder = out / folder_name(written.test) /
                      folder_name(assembled.at("model").at("ckpt").get<std::string>()) /
                      folder_name(written.domain) / "single";
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
  write_file_atomically(folder / "run.log", run_log(assembled), IfExists::replace);
  write_file_atomically(folder / "manifest.json", line(assembled.at("manifest")),
                        IfExists::replace);
  write_file_atomically(written.path, line(assembled), IfExists::replace);
  return written;
}

}  // namespace rg::record
