// Residuals that a model really has: what enters layers for a prompt of one token, which at
// position 0 is what enters them in any prompt that begins so, and a sample of what enters them in
// windows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/progress.h"
#include "lab/samples.h"
#include "lab/settings.h"
#include "lab/subject.h"

namespace rg::lab {

// (n, D) by layer.
using LayerRows = std::map<int, std::vector<float>>;

// Distinct tokens that windows begin with, in order of appearance, at most so many.
std::vector<int32_t> first_tokens(const Samples& samples, size_t most);

// Computed in fp32 for prompts of one token each: row i is of token i. Layers with keys, ascending.
// TK010, CF017; errors of the pass.
LayerRows token_residuals(const Subject& subject, const std::vector<int32_t>& tokens,
                          const std::vector<int>& layers, const EngineSettings& engine,
                          const std::filesystem::path& spill_folder, Progress& progress);

// Of all windows, spread evenly over them; at most so many rows. Positions by the seed of the
// windows (Purpose::key_positions). A pass with the engine's compute type.
LayerRows sampled_residuals(const Subject& subject, const Samples& samples,
                            const std::vector<int>& layers, size_t most,
                            const EngineSettings& engine, const std::filesystem::path& spill_folder,
                            Progress& progress);

// token_residuals() of one token after the other, each pass up to `deepest` at least, so that the
// certificates of a folder share it.
class TokenResiduals {
 public:
  // All outlive this.
  TokenResiduals(const Subject& subject, const EngineSettings& engine,
                 std::filesystem::path spill_folder, Progress& progress, int deepest);

  // (D), what enters a layer with a gate and keys.
  std::span<const float> of(int32_t token, int layer);

 private:
  const Subject& subject_;
  const EngineSettings& engine_;
  std::filesystem::path spill_folder_;
  Progress& progress_;
  int deepest_;
  std::map<int32_t, LayerRows> known_;
};

}  // namespace rg::lab
