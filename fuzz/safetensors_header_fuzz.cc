// Input: two bytes, the size of the data part (little-endian); then the header's JSON. Accepted
// headers describe tensors that lie within the file, fill it, and are named once.
#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/safetensors.h"
#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rg;
  using namespace rg::fuzz;
  if (size < 2) return 0;
  const uint64_t data_bytes = data[0] | uint64_t{data[1]} << 8;
  const std::string_view json(reinterpret_cast<const char*>(data) + 2, size - 2);
  const uint64_t start = 8 + json.size();
  const auto header = accepted(
      "ST", [&] { return formats::parse_safetensors_header(json, start + data_bytes, "input"); });
  if (!header) return 0;
  require(header->data_bytes == data_bytes, "the data part is what the file holds");
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const formats::TensorEntry& tensor : header->tensors) {
    uint64_t bytes = dtype_bytes(tensor.dtype);
    for (const uint64_t dimension : tensor.shape) bytes *= dimension;  // bounded by data_bytes
    require(bytes == tensor.size_bytes, "a tensor's bytes are its shape's");
    require(tensor.shape.size() <= formats::kMaxRank, "the rank is bounded");
    require(tensor.offset_bytes >= start && bytes <= data_bytes &&
                tensor.offset_bytes - start <= data_bytes - bytes,
            "a tensor lies within the file");
    ranges.emplace_back(tensor.offset_bytes, tensor.offset_bytes + bytes);
  }
  std::sort(ranges.begin(), ranges.end());
  uint64_t covered = 0;
  for (size_t i = 0; i < ranges.size(); ++i) {
    require(i == 0 || ranges[i - 1].second <= ranges[i].first, "no two tensors overlap");
    covered += ranges[i].second - ranges[i].first;
  }
  require(header->unsupported.empty() ? covered == data_bytes : covered <= data_bytes,
          "tensors fill the file");
  require(std::adjacent_find(header->tensors.begin(), header->tensors.end(),
                             [](const auto& a, const auto& b) { return a.name >= b.name; }) ==
              header->tensors.end(),
          "names ascend, each once");
  return 0;
}
