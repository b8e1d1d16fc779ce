#include "formats/shard_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/json.h"

namespace rg::formats {
namespace {

constexpr JsonLimits kLimits = {.max_depth = 8, .max_bytes = uint64_t{256} << 20};

[[noreturn]] void malformed(const std::string& file, std::string object, std::string found,
                            std::string expected) {
  throw Error(ErrorId::ST013, {.file = file,
                               .object = std::move(object),
                               .found = std::move(found),
                               .expected = std::move(expected),
                               .hint = "The index is damaged. Fetch it again."});
}

Json parse(std::string_view text, const std::string& file) {
  try {
    return parse_json(text, kLimits, file);
  } catch (const Error& error) {
    throw Error(ErrorId::ST013, error.parts());
  }
}

}  // namespace

bool is_plain_file_name(std::string_view name) {
  constexpr size_t kMaxName = 255;
  return !name.empty() && name.size() <= kMaxName && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

ShardIndex parse_shard_index(std::string_view text, const std::string& file) {
  const Json root = parse(text, file);
  if (!root.is_object()) malformed(file, "", root.type_name(), "an object with a weight_map");
  const auto map = root.find("weight_map");
  if (map == root.end()) malformed(file, "weight_map", "no such key", "an object");
  if (!map->is_object()) malformed(file, "weight_map", map->type_name(), "an object");
  if (map->empty()) malformed(file, "weight_map", "no tensor", "at least one");

  std::map<std::string, uint32_t> shards;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string()) malformed(file, tensor, shard.type_name(), "the name of a file");
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

  const auto metadata = root.find("metadata");
  if (metadata != root.end() && metadata->is_object()) {
    const auto total = metadata->find("total_size");
    if (total != metadata->end() && total->is_number_unsigned()) {
      index.total_size = total->get<uint64_t>();
    }
  }
  return index;
}

}  // namespace rg::formats
