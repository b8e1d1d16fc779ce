// The entries of a safetensors header's JSON: names, dtypes, shapes and byte ranges, each valid by
// itself. safetensors.cc checks that they fit each other and the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tensor_entry.h"

namespace rg::formats {

// Byte range of a tensor in the data part.
struct ByteRange {
  uint64_t begin, end;
};

struct UnsupportedEntry {
  std::string name, dtype;
  std::vector<uint64_t> shape;
  ByteRange range;
};

struct HeaderTable {
  std::vector<TensorEntry> tensors;
  std::vector<UnsupportedEntry> unsupported;
};

// In file order. ST003, ST004 for `__metadata__` twice, ST005 for offsets that are not a range,
// ST006, ST008, ST016.
HeaderTable read_header_table(std::string_view json, const std::string& file);
// Byte offsets of every occurrence of a top-level key.
std::vector<size_t> find_header_key(std::string_view json, const std::string& file,
                                    std::string_view key);

}  // namespace rg::formats
