// What a checkpoint says about one tensor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace rg::formats {

// Where one tensor's bytes are. Row-major, little-endian.
struct TensorEntry {
  std::string name;
  DType dtype;
  std::vector<uint64_t> shape;  // its product, times the dtype's bytes, is size_bytes
  uint32_t shard;               // index into Checkpoint::shards()
  uint64_t offset_bytes;        // from the start of the shard file
  uint64_t size_bytes;

  uint64_t elements() const { return size_bytes / dtype_bytes(dtype); }
};

// A tensor whose dtype is known to the format but can't be a weight; refused (ST016) only if the
// family binds it. Readers of other files (routing logs) read integers from it.
struct UnsupportedTensor {
  std::string name;
  std::string dtype;
  std::vector<uint64_t> shape = {};
  uint64_t offset_bytes = 0;  // from the start of the file
  uint64_t size_bytes = 0;
};

// "[64, 2048]"
std::string shape_text(const std::vector<uint64_t>& shape);

}  // namespace rg::formats
