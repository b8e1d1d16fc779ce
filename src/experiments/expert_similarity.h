// Are the experts of a layer variations of one network or unrelated? From the matrices of eight
// drawn experts at the first, middle and last MoE layer: the rank of their differences from the
// mean, and the cosines between them (attention_router, docs/artifacts.md section 5).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/json_fwd.h"
#include "tap/tap.h"

namespace rg::experiments {

inline constexpr size_t kProjections = 3;  // gate, up, down

// Of one projection at one layer.
struct ProjectionSimilarity {
  // By drawn expert: the fewest squared singular values of W_e - mean W, descending, that add up to
  // 95 % of their sum; 0 where W_e equals the mean.
  std::vector<uint32_t> rank95;
  double rank95_share = 0;  // mean rank95 / min(rows, columns)
  // Over pairs of drawn experts: <W_a, W_b>/(|W_a| |W_b|), 0 where one is zero.
  double cosine_mean = 0, cosine_min = 0, cosine_max = 0;
};

// The same projection of some experts, (rows, columns) row-major each.
struct ProjectionMatrices {
  std::vector<const float*> of_expert;
  size_t rows, columns;
};
// One result for each; threads share (projection, expert) pairs.
std::vector<ProjectionSimilarity> compare_matrices(std::span<const ProjectionMatrices> projections,
                                                   int threads);

// "upcycled" iff every cosine_mean >= 0.5, "trained from scratch" iff every one lies within +-0.1,
// else "unclear". The two bounds are this project's own convention.
const char* similarity_verdict(std::span<const double> cosine_means);

class ExpertSimilarity {
 public:
  // Of E experts, at the first, middle (index count/2) and last of the model's MoE layers. The
  // experts are the same at every layer: Philox purpose 11, counter (step, 0, 0).
  ExpertSimilarity(const std::vector<int>& moe_layers, uint32_t experts, uint64_t seed);
  ~ExpertSimilarity();

  // The drawn experts, ascending, at those layers; none elsewhere.
  std::span<const int32_t> wanted(int layer) const;
  void take(int layer, const tap::ExpertMatrices& matrices);  // copies
  void end_layer(int layer, int threads);                     // reduces, and frees the copies
  // The most it holds at once, for the plan.
  uint64_t bytes(uint32_t width, uint32_t expert_width, int threads) const;
  Json json() const;  // after the last layer

 private:
  struct Layer;

  std::vector<int32_t> experts_;
  std::map<int, std::unique_ptr<Layer>> layers_;
};

}  // namespace rg::experiments
