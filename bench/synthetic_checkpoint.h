// Checkpoints with random weights in the shapes of released models, written to disk: what the
// benchmark streams.
#pragma once

#include <filesystem>

#include "base/json.h"

namespace rg::bench {

// OLMoE-1B-7B with 4 layers, bf16.
Json olmoe_shaped();
// DeepSeek-V3 with one dense and two MoE layers and a small vocabulary; FP8 with block scales.
Json deepseek_shaped();

// Writes config.json and model.safetensors with the tensors that the config's family asks for,
// unless the folder already holds files of this size.
void write_synthetic_checkpoint(const std::filesystem::path& folder, const Json& config);

}  // namespace rg::bench
