#include "app/inputs.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <thread>

#include "app/units.h"
#include "base/error.h"

namespace rg::app {

OpenModel open_model(const std::string& argument) {
  formats::Checkpoint checkpoint = formats::Checkpoint::open(formats::resolve_model(argument));
  model::Model model = model::bind_model(checkpoint);
  return {std::move(checkpoint), std::move(model)};
}

OpenModel open_model_or_config(const std::string& argument) {
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
    if (!formats::lacks_weights(location)) return open_model(argument);
  }
  formats::Checkpoint checkpoint = formats::Checkpoint::open_config(location, file);
  model::Model model = model::bind_model(checkpoint);
  return {std::move(checkpoint), std::move(model)};
}

text::Tokenizer open_tokenizer(const OpenModel& model, bool allow_regex) {
  const auto path = model.checkpoint.tokenizer_path();
  if (!path) {
    throw Error(ErrorId::TK002,
                {.file = model.checkpoint.location().folder.string(),
                 .object = "tokenizer.json",
                 .found = "no such file",
                 .expected = "the model's tokenizer",
                 .hint = "Text can't be read without it; inspect and trace --tokens work."});
  }
  const Json& config = model.checkpoint.config();
  const auto text_of = [&](const char* key) {
    const Json value = config.value(key, Json());
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  auto tokenizer = text::Tokenizer::load_for_model(
      {.tokenizer_json = *path,
       .config = model.checkpoint.member_path("tokenizer_config.json"),
       .special_tokens_map = model.checkpoint.member_path("special_tokens_map.json"),
       .added_tokens = model.checkpoint.member_path("added_tokens.json"),
       .model_type = text_of("model_type"),
       .tokenizer_class = text_of("tokenizer_class")},
      allow_regex ? text::UnknownPatterns::allow : text::UnknownPatterns::refuse);
  tokenizer.limit_ids(model.model.vocabulary);
  return tokenizer;
}

std::vector<int> measured_layers(const model::Model& model,
                                 const std::optional<std::vector<int>>& wanted) {
  const std::vector<int> gated = model.moe_layers();
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

void check_sequence_length(const OpenModel& model, uint64_t tokens, const std::string& what,
                           const std::string& hint) {
  if (tokens <= model.model.positions) return;
  throw Error(ErrorId::CF017, {.file = model.checkpoint.location().folder.string(),
                               .object = what,
                               .found = fmt::format("{} tokens", tokens),
                               .expected = fmt::format("at most {}, {}", model.model.positions,
                                                       model.model.positions_source),
                               .hint = hint});
}

tap::SequenceSet sequences_of(const text::WindowSet& windows) {
  return {.name = "domain:" + windows.domain,
          .lengths = std::vector<uint32_t>(windows.windows(), windows.seq_len),
          .ids = windows.ids,
          .causal = true};
}

int effective_threads(int wanted) {
  if (wanted > 0) return wanted;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

stream::Settings engine_settings(const PassOptions& options, stream::Compute compute,
                                 const std::filesystem::path& spill_folder) {
  stream::Settings settings;
  settings.compute = compute;
  settings.threads = effective_threads(options.threads);
  settings.block_windows = options.block_windows;
  settings.memory_bytes = options.memory_bytes;
  settings.nonfinite = options.nonfinite;
  settings.spill_folder = spill_folder;
  settings.disk_bytes_per_s = options.disk_bytes_per_s;
  return settings;
}

}  // namespace rg::app
