#include "lab/subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "base/numbers.h"

namespace rg::lab {
namespace {

// What config.json says under `key`; empty if that is no text.
std::string config_text(const formats::Checkpoint& checkpoint, const char* key) {
  const Json value = checkpoint.config().value(key, Json());
  return value.is_string() ? value.get<std::string>() : std::string();
}

}  // namespace

Subject::Subject(formats::Checkpoint checkpoint)
    : checkpoint_(std::move(checkpoint)), model_(model::bind_model(checkpoint_)) {}

Subject Subject::open(const std::string& argument) {
  return Subject(formats::Checkpoint::open(formats::resolve_model(argument)));
}

Subject Subject::open_or_config(const std::string& argument) {
  namespace fs = std::filesystem;
  std::string file = "config.json";
  formats::ModelLocation location;
  std::error_code ignored;
  if (const fs::path path = argument;
      path.extension() == ".json" && fs::is_regular_file(path, ignored)) {
    location = formats::resolve_model(fs::absolute(path).parent_path().string());
    file = path.filename().string();
    if (file != "config.json") location.display_name = path.stem().string();
  } else {
    location = formats::resolve_model(argument);
    if (!formats::lacks_weights(location)) return open(argument);
  }
  return Subject(formats::Checkpoint::open_config(location, file));
}

void Subject::open_tokenizer(bool allow_regex) {
  const auto path = checkpoint_.tokenizer_path();
  if (!path) {
    throw Error(ErrorId::TK002,
                {.file = checkpoint_.location().folder.string(),
                 .object = "tokenizer.json",
                 .found = "no such file",
                 .expected = "the model's tokenizer",
                 .hint = "Text can't be read without it; inspect and trace --tokens work."});
  }
  auto tokenizer = text::Tokenizer::load_for_model(
      {.tokenizer_json = *path,
       .config = checkpoint_.member_path("tokenizer_config.json"),
       .special_tokens_map = checkpoint_.member_path("special_tokens_map.json"),
       .added_tokens = checkpoint_.member_path("added_tokens.json"),
       .model_type = config_text(checkpoint_, "model_type"),
       .tokenizer_class = config_text(checkpoint_, "tokenizer_class")},
      allow_regex ? text::UnknownPatterns::allow : text::UnknownPatterns::refuse);
  tokenizer.limit_ids(model_.vocabulary);
  tokenizer_ = std::move(tokenizer);
}

bool Subject::reads_like(const Subject& other) const {
  if (!tokenizer_ || !other.tokenizer_) return false;
  for (const char* key : {"model_type", "tokenizer_class"}) {
    if (config_text(checkpoint_, key) != config_text(other.checkpoint_, key)) return false;
  }
  return tokenizer_->sha256() == other.tokenizer_->sha256() &&
         tokenizer_->side_files() == other.tokenizer_->side_files() &&
         tokenizer_->notes() == other.tokenizer_->notes() &&
         model_.vocabulary == other.model_.vocabulary;
}

std::vector<int> Subject::measured_layers(const std::optional<std::vector<int>>& wanted) const {
  const std::vector<int> gated = model_.moe_layers();
  if (!wanted) return gated;
  for (const int layer : *wanted) {
    if (!std::binary_search(gated.begin(), gated.end(), layer)) {
      throw Error(ErrorId::US001,
                  {.object = "--layers",
                   .found = std::to_string(layer),
                   .expected = fmt::format("layers with a gate: {}", format_ranges(gated))});
    }
  }
  return *wanted;
}

void Subject::check_sequence_length(uint64_t tokens, const std::string& what,
                                    const std::string& hint) const {
  if (tokens <= model_.positions) return;
  throw Error(ErrorId::CF017,
              {.file = checkpoint_.location().folder.string(),
               .object = what,
               .found = fmt::format("{} tokens", tokens),
               .expected = fmt::format("at most {}, {}", model_.positions, model_.positions_source),
               .hint = hint});
}

std::vector<std::string> Subject::notes() const {
  std::vector<std::string> notes = checkpoint_.notes();
  if (tokenizer_) notes.insert(notes.end(), tokenizer_->notes().begin(), tokenizer_->notes().end());
  return notes;
}

std::vector<std::pair<std::string, std::string>> Subject::input_sha256() const {
  std::vector<std::pair<std::string, std::string>> hashes;
  for (const formats::HashedFile& file : checkpoint_.metadata_files()) {
    hashes.emplace_back(file.path.filename().string(), file.sha256);
  }
  if (!tokenizer_) return hashes;
  hashes.emplace_back("tokenizer.json", tokenizer_->sha256());
  for (const auto& file : tokenizer_->side_files()) hashes.push_back(file);
  return hashes;
}

Json Subject::identity() const {
  Json files = Json::object();
  for (const auto& [name, sha256] : input_sha256()) files[name] = sha256;
  Json shards = Json::array();
  for (const InputFile& shard : checkpoint_.shards()) {
    shards.push_back({{"name", shard.path().filename().string()},
                      {"bytes", shard.bytes()},
                      {"modified_s", shard.stamp().modified_s},
                      {"modified_ns", shard.stamp().modified_ns}});
  }
  return {{"model", name()}, {"files", files}, {"shards", shards}};
}

}  // namespace rg::lab
