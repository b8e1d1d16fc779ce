// A .npy file of expert ids, and one of router logits: a record or an LG error.
#include "log_property.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  rg::fuzz::read_one_log("ids", bytes);
  rg::fuzz::read_one_log("router-logits", bytes, {.top_k = 2});
  return 0;
}
