#include "formats/shard_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/json.h"

namespace rg::formats {
namespace {

constexpr JsonLimits kLimits = {.max_depth = 8, .max_bytes = uint64_t{256} << 20};

[[noreturn]] void malformed(const std::string& file, std::string object, std::string found,
                            std::string expected, std::string hint) {
  throw Error(ErrorId::ST013, {.file = file,
                               .object = std::move(object),
                               .found = std::move(found),
                               .expected = std::move(expected),
                               .hint = std::move(hint)});
}

Json parse(std::string_view text, const std::string& file) {
  try {
    return parse_json(text, kLimits, file);
  } catch (const Error& error) {
    throw Error(ErrorId::ST013, error.parts());
  }
}

std::optional<uint64_t> whole_number(const Json& value) {
  if (value.is_number_unsigned()) return value.get<uint64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double real = value.get<double>();
  constexpr double kExact = 9007199254740992;  // 2^53
  if (!(real >= 0 && real <= kExact) || real != std::floor(real)) return std::nullopt;
  return static_cast<uint64_t>(real);
}

}  // namespace

bool is_plain_file_name(std::string_view name) {
  constexpr size_t kMaxName = 255;
  return !name.empty() && name.size() <= kMaxName && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

ShardIndex parse_shard_index(std::string_view text, const std::string& file) {
  const Json root = parse(text, file);
  const std::string other = "This is not an index of safetensors shards. Fetch it again.";
  if (!root.is_object())
    malformed(file, "", root.type_name(), "an object with a weight_map", other);
  const auto map = root.find("weight_map");
  if (map == root.end()) malformed(file, "weight_map", "no such key", "an object", other);
  if (!map->is_object()) malformed(file, "weight_map", map->type_name(), "an object", other);
  if (map->empty()) {
    malformed(file, "weight_map", "no tensor", "at least one",
              "Whatever wrote the index saw no weights. Write the checkpoint again.");
  }

  std::map<std::string, uint32_t> shards;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string()) {
      malformed(file, tensor, shard.type_name(), "the name of a file",
                "The index is damaged. Fetch it again.");
    }
    const auto& name = shard.get_ref<const std::string&>();
    if (!is_plain_file_name(name)) {
      throw Error(
          ErrorId::ST015,
          {.file = file,
           .object = tensor,
           .found = fmt::format("\"{}\" ({} bytes)", escape_for_terminal(name), name.size()),
           .expected = "a plain file name of at most 255 bytes",
           .hint = "A shard name must be a plain file name: no path. Don't trust this "
                   "checkpoint."});
    }
    shards.emplace(name, 0);
  }
  ShardIndex index;
  for (auto& [name, number] : shards) {
    number = static_cast<uint32_t>(index.shards.size());
    index.shards.push_back(name);
  }
  index.weight_map.reserve(map->size());
  for (const auto& [tensor, shard] : map->items()) {
    index.weight_map.emplace_back(tensor, shards.at(shard.get_ref<const std::string&>()));
  }
  std::sort(index.weight_map.begin(), index.weight_map.end());

  // Only a note depends on it, so any metadata will do; some writers make the size a float.
  const auto metadata = root.find("metadata");
  if (metadata != root.end() && metadata->is_object() && metadata->contains("total_size")) {
    index.total_size = whole_number(metadata->at("total_size"));
  }
  return index;
}

}  // namespace rg::formats
