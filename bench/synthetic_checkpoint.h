// A checkpoint of OLMoE's shape with random weights, written to disk: what the benchmark streams.
#pragma once

#include <cstdint>
#include <filesystem>

namespace rg::bench {

struct Shape {
  uint32_t width = 2048, experts = 64, top_k = 8, expert_width = 1024, layers = 4, heads = 16,
           vocabulary = 50304;
};

// Writes config.json and model.safetensors (bf16) unless the folder already holds this shape.
void write_synthetic_checkpoint(const std::filesystem::path& folder, const Shape& shape);

}  // namespace rg::bench
