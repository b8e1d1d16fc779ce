#include "app/verdicts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "app/output.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "lab/subject.h"

namespace rg::app {
namespace {

constexpr uint64_t kMaxArtifactBytes = uint64_t{1} << 30;

// What a checkpoint holds under the names that artifacts use.
class ModelBytes {
 public:
  explicit ModelBytes(const std::string& model) : subject_(lab::Subject::open(model)) {
    for (const formats::HashedFile& file : subject_.checkpoint().metadata_files()) {
      inputs_[file.path.filename().string()] = file.sha256;
    }
    if (const auto path = subject_.checkpoint().tokenizer_path()) {
      inputs_["tokenizer.json"] = sha256_hex(read_whole_file(*path, kMaxArtifactBytes));
      add_side_files();
    }
  }

  // Hashes of config, index and tokenizer by file name.
  const std::map<std::string, std::string>& inputs() const { return inputs_; }

  const formats::TensorEntry* find(const std::string& name) const {
    return subject_.checkpoint().find(name);
  }

  // Each tensor is read once, however many artifacts list it.
  const std::string& sha256(const formats::TensorEntry& entry) {
    const auto known = hashes_.find(entry.name);
    if (known != hashes_.end()) return known->second;
    constexpr uint64_t kPieceBytes = 8u << 20;
    std::vector<std::byte> piece(std::min(kPieceBytes, entry.size_bytes));
    Sha256 digest;
    for (uint64_t at = 0; at < entry.size_bytes; at += kPieceBytes) {
      throw_if_stopped();
      const auto part = std::span(piece).first(std::min(kPieceBytes, entry.size_bytes - at));
      subject_.checkpoint().read(entry, at, part);
      digest.update(part);
    }
    return hashes_.emplace(entry.name, digest.hex()).first->second;
  }

  // Name of the gate's tensor; none for a layer without a gate.
  std::optional<std::string> gate_of(const Json& layer) const {
    const std::vector<int> gated = subject_.model().moe_layers();
    if (!layer.is_number_integer()) return std::nullopt;
    const auto number = layer.get<int64_t>();
    if (std::find(gated.begin(), gated.end(), number) == gated.end()) return std::nullopt;
    return subject_.model().layer(static_cast<int>(number)).router->matrix.values->name;
  }

 private:
  // tokenizer_config.json and its companions, where they change an id.
  void add_side_files() {
    try {
      subject_.open_tokenizer(true);
      for (const auto& [name, sha256] : subject_.tokenizer()->side_files()) inputs_[name] = sha256;
    } catch (const Error&) {
      // A tokenizer that is refused has measured nothing; tokenizer.json is compared all the same.
    }
  }

  lab::Subject subject_;
  std::map<std::string, std::string> inputs_, hashes_;
};

// The first difference, as a path and what is there; none if all that the artifact lists is
// this checkpoint's, and it lists enough.
struct Difference {
  std::string path, text;
};

std::string text_of(const Json& row, const char* key) {
  const auto member = row.find(key);
  return member != row.end() && member->is_string() ? member->get<std::string>() : std::string();
}

Json list_of(const Json& artifact, const char* name) {
  const auto member = artifact.find(name);
  return member != artifact.end() && member->is_array() ? *member : Json::array();
}

std::optional<Difference> compare_inputs(const Json& artifact, const ModelBytes& model) {
  std::set<std::string> listed;
  const Json inputs = list_of(artifact, "inputs");
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string path = fmt::format("inputs[{}]", i), name = text_of(inputs[i], "name");
    const std::string measured = text_of(inputs[i], "sha256");
    const auto found = model.inputs().find(name);
    if (found == model.inputs().end()) {
      return Difference{path, fmt::format("{} is not a file of that checkpoint", name)};
    }
    if (found->second != measured) {
      return Difference{path, fmt::format("{} has sha256 {}, the artifact measured {}", name,
                                          found->second, measured)};
    }
    listed.insert(name);
  }
  for (const auto& [name, sha256] : model.inputs()) {
    if (!listed.contains(name)) return Difference{"inputs", fmt::format("doesn't list {}", name)};
  }
  return std::nullopt;
}

std::optional<Difference> compare_tensors(const Json& artifact, ModelBytes& model) {
  std::set<std::string> listed;
  const Json tensors = list_of(artifact, "tensors");
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Json& row = tensors[i];
    const std::string path = fmt::format("tensors[{}]", i), name = text_of(row, "name");
    const formats::TensorEntry* entry = model.find(name);
    if (entry == nullptr) {
      return Difference{path, fmt::format("{} is not in that checkpoint", name)};
    }
    const auto shape = row.find("shape");
    if (text_of(row, "dtype") != dtype_name(entry->dtype) || shape == row.end() ||
        *shape != Json(entry->shape)) {
      return Difference{
          path,
          fmt::format("{} is {} {}, the artifact measured {} {}", name, dtype_name(entry->dtype),
                      write_json(Json(entry->shape), JsonLayout::compact), text_of(row, "dtype"),
                      shape == row.end() ? "" : write_json(*shape, JsonLayout::compact))};
    }
    const std::string measured = text_of(row, "sha256");
    if (model.sha256(*entry) != measured) {
      return Difference{path, fmt::format("{} has sha256 {}, the artifact measured {}", name,
                                          model.sha256(*entry), measured)};
    }
    listed.insert(name);
  }
  // A list that leaves out what was measured proves nothing about it.
  for (const Json& layer : list_of(artifact, "layers")) {
    const auto gate = model.gate_of(layer);
    const std::string number = write_json(layer, JsonLayout::compact);
    if (!gate) {
      return Difference{"layers", fmt::format("layer {} has no gate in that checkpoint", number)};
    }
    if (!listed.contains(*gate)) {
      return Difference{
          "tensors", fmt::format("doesn't list {}, the gate of measured layer {}", *gate, number)};
    }
  }
  return std::nullopt;
}

std::optional<Difference> difference_of(const verify::Judgement& judgement, ModelBytes& model) {
  const std::string text = read_whole_file(judgement.path, kMaxArtifactBytes);
  if (sha256_hex(text) != judgement.sha256) {
    return Difference{"", "the file has changed since it was judged"};
  }
  const Json artifact = parse_json(text, JsonLimits{}, judgement.path);
  if (const auto found = compare_inputs(artifact, model)) return found;
  return compare_tensors(artifact, model);
}

}  // namespace

void compare_with_model(std::vector<verify::Judgement>& judgements, const std::string& model) {
  ModelBytes bytes(model);
  for (verify::Judgement& judgement : judgements) {
    if (judgement.verdict == verify::Verdict::invalid ||
        judgement.verdict == verify::Verdict::over_budget) {
      continue;
    }
    const auto found = difference_of(judgement, bytes);
    if (!found) continue;
    judgement.verdict = verify::Verdict::fail;
    judgement.reasons.push_back({.id = std::string(error_name(ErrorId::AR022)),
                                 .check = "",
                                 .path = found->path,
                                 .text = found->text});
    judgement.sentence = "Not shown: that this artifact measured the checkpoint given by --model.";
  }
}

verify::TableStyle table_style(const TableShape& shape) {
  return {.wide = shape.wide,
          .details = shape.details,
          .times = false,
          .color = stdout_has_colour(),
          .columns = stdout_columns()};
}

}  // namespace rg::app
