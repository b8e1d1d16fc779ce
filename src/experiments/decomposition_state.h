// State of Decomposition while one layer runs; shared only by its three source files.
#pragma once

#include <array>
#include <cmath>
#include <vector>

#include "experiments/decomposition.h"

namespace rg::experiments {

struct Decomposition::WindowState {
  double defined = 0, share_tokens = 0, agreement_tokens = 0;
  std::array<double, kMaxParts> norm_share{}, num{}, margin{};
  double den = 0, margin_total = 0;
  std::array<uint64_t, kSubsets> kept{}, emptied{}, kept_replaced{};
  uint64_t top1 = 0, topk = 0;
  std::vector<double> sums;      // (parts, E): sum over positions of the centred contributions
  std::vector<double> raw_sums;  // (3, E): of gained projections, for the corpus mean
  double max_error = 0, scale = 0, ratio = 0;
};

struct Decomposition::WorkerState {
  std::vector<uint64_t> expert_counts, embedding_top1, rest_top1, embedding_topk, rest_topk;
  std::vector<double> v, total;                    // (parts, E), (E)
  std::vector<float> mixed;                        // (E)
  std::vector<uint8_t> member;                     // (E): selected at this position
  std::array<std::vector<int32_t>, kSubsets> top;  // (k)
};

struct Decomposition::Means {
  std::array<std::vector<float>, kMixParts> part;    // (d)
  std::array<std::vector<float>, kMixParts> gained;  // (E)
  Gram gram;
  std::vector<double> embedding_attention, embedding_experts;  // (distinct ids): e . mean part
  std::vector<int32_t> none_top, embedding_top;  // (k), (distinct ids, k): the gate's choice
};

inline double inverse_rms(double squared_norm, size_t d, float epsilon) {
  return 1 / std::sqrt(squared_norm / static_cast<double>(d) + static_cast<double>(epsilon));
}

inline uint32_t count_members(const uint8_t* member, const int32_t* set, uint32_t k) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < k; ++i) count += member[set[i]];
  return count;
}

}  // namespace rg::experiments
