// Answers of servers with routed experts: a record or an LG error.
#include "log_property.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  rg::fuzz::read_one_log("engine", bytes);
  rg::fuzz::read_one_log("engine", bytes, {.layers = std::vector<int>{0, 3}, .top_k = 2});
  return 0;
}
