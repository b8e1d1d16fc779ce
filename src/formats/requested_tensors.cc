#include "formats/requested_tensors.h"

#include "base/checked.h"

namespace rg::formats {

bool RequestedTensors::has(std::string_view name, bool usual) const {
  return find(name) != nullptr || rules_.has(name).value_or(usual);
}

const TensorEntry* RequestedTensors::find(std::string_view name) const {
  const auto at = made_.find(name);
  return at == made_.end() ? nullptr : &at->second;
}

const TensorEntry* RequestedTensors::request(const TensorRequest& wanted) {
  if (const TensorEntry* before = find(wanted.name)) return before;
  if (is_full()) return nullptr;
  const auto other = rules_.other_dtype ? rules_.other_dtype(wanted) : std::nullopt;
  const DType dtype = wanted.dtype.value_or(other.value_or(rules_.dtype));
  std::optional<uint64_t> bytes = dtype_bytes(dtype);
  for (const uint64_t size : wanted.shape) {
    bytes = checked_mul(*bytes, size);
    if (!bytes) return nullptr;
  }
  const auto at =
      made_.emplace(wanted.name, TensorEntry{.name = std::string(wanted.name),
                                             .dtype = dtype,
                                             .shape = {wanted.shape.begin(), wanted.shape.end()},
                                             .shard = 0,
                                             .offset_bytes = 0,
                                             .size_bytes = *bytes});
  return &at.first->second;
}

}  // namespace rg::formats
