// The tensors that a released checkpoint stores, as its config.json states them: their types by
// dtype and quantization_config. For a config.json without weights, whose names and shapes the
// model's family asks for.
#pragma once

#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "formats/requested_tensors.h"

namespace rg::formats {

struct ReleasedTensors {
  RequestedTensors::Rules rules;
  std::vector<std::string> assumed;  // what the rules rest on, one sentence each
};

// Types: dtype (torch_dtype; bf16 without either); F32 where libraries keep it, for selection
// biases and for the scales of FP8 blocks; with quant_method fp8 F8_E4M3 for the matrices of the
// layers, but for routers and what modules_to_not_convert (ignored_layers) names; with mxfp4 blocks
// for experts that it doesn't name. A name matches as in transformers 5.24: from its start to a
// dot, `*` being any characters, or as the end of a module's name. Whether the quantisation can be
// read at all is the family's to say.
// CF002 for a dtype other than float32, float16 and bfloat16.
ReleasedTensors released_tensors(const Json& config);

}  // namespace rg::formats
