// The safetensors header: 8 bytes N (little-endian), N bytes of JSON, then the tensors' bytes.
// Fully checked against the file's size before any tensor byte is read. Differences from the
// reference reader, all refusals: duplicate names (ST004), unknown fields of an entry (ST003),
// more than kMaxRank dimensions (ST008).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "formats/tensor_entry.h"

namespace rg::formats {

inline constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the reference's own limit
inline constexpr size_t kMaxRank = 8;

struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;            // by name; `shard` is 0
  std::vector<UnsupportedTensor> unsupported;  // by name
  uint64_t data_bytes = 0;                     // of all tensors
};

// `json` is the header's text, `file_bytes` the size of the whole file. ST003 to ST008, ST016.
// Memory needed in addition to `json`: about 150 bytes per tensor.
SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t file_bytes,
                                           const std::string& file);

// Reads and parses; also ST001, ST002, and ST007 for an empty file or a git-lfs pointer.
SafetensorsHeader read_safetensors_header(const InputFile& file);

}  // namespace rg::formats
