// What the MLP learns: the true gate's probabilities, and which expert wins at the boundary of the
// true set.
//
// Loss of predicted logits z of one row: cross-entropy with the true probabilities p, plus
// `ranking_weight` times ln(1 + exp(-(z_i - z_j - tie))), i and j the experts at ranks k and k+1.
// Softmax over the experts where the gate's scores are a softmax or the logits themselves; one
// sigmoid per expert, summed, where they are sigmoids.
#pragma once

#include <cstdint>
#include <vector>

#include "readout/routes.h"

namespace rg::readout {

struct MlpTargets {
  uint32_t experts;
  bool sigmoid;
  std::vector<float> probabilities;      // (n, E)
  std::vector<int32_t> inside, outside;  // (n) experts at ranks k and k+1; -1: no such pair
  // (n) The z_i - z_j at which the pair ties: 0; with a selection bias the true gap of logits minus
  // margin / slope, slope the mean derivative of the two scores by their own logits.
  std::vector<float> tie;

  const float* probabilities_of(uint32_t row) const {
    return probabilities.data() + size_t{row} * experts;
  }
};
MlpTargets mlp_targets(const Gate& gate, const Routes& routes);

// In fp64, without libm.
double row_loss(const MlpTargets& targets, uint32_t row, const float* logits, float ranking_weight);
// Its derivative by the logits times `scale`, (E), fp32.
void row_gradient(const MlpTargets& targets, uint32_t row, const float* logits,
                  float ranking_weight, float scale, float* gradient);

}  // namespace rg::readout
