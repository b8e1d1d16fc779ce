// How fast one core turns packed weights into numbers, beside a copy of what it writes.
#pragma once

#include <string>
#include <vector>

namespace rg::bench {

struct DecodeRate {
  std::string name;
  double packed_per_s;   // bytes of the file, scales included
  double written_per_s;  // bytes of fp32 or bf16
  double vs_copy;        // written bytes per second, relative to memcpy of as many
};

// FP8 with 128 x 128 scales at the shape of DeepSeek-V3's experts and MXFP4 at GPT-OSS's, in the
// pieces of stream/tensor_reader.h: decoded to fp32 scratch (the kernel alone), then copied or
// rounded into the weight, as the reader does. One thread, best of several repeats.
std::vector<DecodeRate> decode_rates();

}  // namespace rg::bench
