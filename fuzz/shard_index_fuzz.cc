// An accepted index names plain files only, uses each of them, and survives writing and reading.
#include <algorithm>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "formats/shard_index.h"
#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rg;
  using namespace rg::fuzz;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parse = [](std::string_view from) {
    return formats::parse_shard_index(from, "index.json");
  };
  const auto index = accepted("ST", [&] { return parse(text); });
  if (!index) return 0;
  require(!index->weight_map.empty(), "an index names at least one tensor");
  require(std::is_sorted(index->shards.begin(), index->shards.end()), "shards are in byte order");
  std::vector<bool> used(index->shards.size());
  for (size_t i = 0; i < index->weight_map.size(); ++i) {
    const auto& [tensor, shard] = index->weight_map[i];
    require(shard < index->shards.size(), "every tensor's shard exists");
    require(i == 0 || index->weight_map[i - 1].first < tensor, "tensors ascend, each once");
    used[shard] = true;
  }
  require(std::all_of(used.begin(), used.end(), [](bool each) { return each; }),
          "every shard holds a tensor");
  Json again = {{"weight_map", Json::object()}};
  for (const auto& [tensor, shard] : index->weight_map) {
    const std::string& name = index->shards[shard];
    require(formats::is_plain_file_name(name), "shards are plain file names");
    require(name.find('/') == name.npos && name.find('\0') == name.npos && name != "..",
            "a shard name leads nowhere else");
    again["weight_map"].get_ref<Json::object_t&>().Json::object_t::Container::emplace_back(tensor,
                                                                                           name);
  }
  if (index->total_size) again["metadata"]["total_size"] = *index->total_size;
  const auto second = parse(write_json(again, JsonLayout::compact));
  require(second.shards == index->shards && second.weight_map == index->weight_map &&
              second.total_size == index->total_size,
          "parse, write, parse gives the same");
  return 0;
}
