#include "app/verdicts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "formats/checkpoint.h"

namespace rg::app {
namespace {

class TensorHashes {
 public:
  explicit TensorHashes(const std::string& model)
      : checkpoint_(formats::Checkpoint::open(formats::resolve_model(model))) {}

  // None if the checkpoint has no such tensor.
  std::optional<std::string> of(const std::string& name) {
    const formats::TensorEntry* tensor = checkpoint_.find(name);
    if (tensor == nullptr) return std::nullopt;
    const auto known = hashes_.find(name);
    if (known != hashes_.end()) return known->second;
    const formats::TensorEntry& entry = *tensor;
    constexpr uint64_t kPieceBytes = 8u << 20;
    std::vector<std::byte> piece(std::min(kPieceBytes, entry.size_bytes));
    Sha256 digest;
    for (uint64_t at = 0; at < entry.size_bytes; at += kPieceBytes) {
      throw_if_stopped();
      const auto part = std::span(piece).first(std::min(kPieceBytes, entry.size_bytes - at));
      checkpoint_.read(entry, at, part);
      digest.update(part);
    }
    return hashes_.emplace(name, digest.hex()).first->second;
  }

 private:
  formats::Checkpoint checkpoint_;
  std::map<std::string, std::string> hashes_;
};

void compare(verify::Judgement& judgement, TensorHashes& hashes) {
  const Json artifact =
      parse_json(read_whole_file(judgement.path, uint64_t{1} << 30), JsonLimits{}, judgement.path);
  const auto tensors = artifact.find("tensors");
  const auto differs = [&](const std::string& path, std::string text) {
    judgement.verdict = verify::Verdict::fail;
    judgement.reasons.push_back({.id = std::string(error_name(ErrorId::AR022)),
                                 .check = "",
                                 .path = path,
                                 .text = std::move(text)});
    judgement.sentence = "It measured other bytes than those of the checkpoint given by --model.";
  };
  if (tensors == artifact.end() || !tensors->is_array() || tensors->empty()) {
    differs("tensors", "lists no tensor hashes to compare");
    return;
  }
  for (size_t i = 0; i < tensors->size(); ++i) {
    const Json& row = (*tensors)[i];
    const std::string path = fmt::format("tensors[{}]", i);
    if (!row.is_object() || !row.contains("name") || !row["name"].is_string() ||
        !row.contains("sha256") || !row["sha256"].is_string()) {
      return differs(path, "is not a tensor's name and hash");
    }
    const auto name = row["name"].get<std::string>();
    const auto found = hashes.of(name);
    if (!found) return differs(path, fmt::format("{} is not in that checkpoint", name));
    if (*found != row["sha256"].get<std::string>()) {
      return differs(path, fmt::format("{} has sha256 {}, the artifact measured {}", name, *found,
                                       row["sha256"].get<std::string>()));
    }
  }
}

}  // namespace

void compare_with_model(std::vector<verify::Judgement>& judgements, const std::string& model) {
  TensorHashes hashes(model);
  for (verify::Judgement& judgement : judgements) {
    if (judgement.verdict != verify::Verdict::invalid) compare(judgement, hashes);
  }
}

}  // namespace rg::app
