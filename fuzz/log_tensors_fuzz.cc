// A safetensors file as every reader of such files takes it: a record or an LG error.
#include "log_property.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  for (const char* format : {"routegauge", "trace", "ids", "router-logits", ""}) {
    rg::fuzz::read_one_log(format, bytes, {.top_k = 2});
  }
  return 0;
}
