// model.safetensors.index.json: which shard holds which tensor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rg::formats {

struct ShardIndex {
  std::vector<std::string> shards;  // file names, in byte order, each once
  // (tensor, index into shards), by tensor name.
  std::vector<std::pair<std::string, uint32_t>> weight_map;
  std::optional<uint64_t> total_size;  // metadata.total_size where it is a whole number
};

// ST013 for anything but a map of names to names, ST015 for a shard name that isn't a plain file
// name.
ShardIndex parse_shard_index(std::string_view text, const std::string& file);

// A file's own name, 1 to 255 bytes, without a path: no '/', '\\', NUL, "." or "..".
bool is_plain_file_name(std::string_view name);

}  // namespace rg::formats
