// Sets of keys to test statements about all keys, adversarial ones included.
#pragma once

#include <string>
#include <vector>

#include "theorems/draws.h"

namespace rg::theorems {

struct KeySample {
  std::string name;  // "sparse keys, n = 60, d = 16"
  Tensor keys;       // (n, d), no row zero
};

// Normal, on the sign lattice, sparse, one-hot, with exact zeros and equal magnitudes, around a
// mean, with two massive channels as in language models, on slow RoPE planes, and fewer keys than
// coordinates. d even, at least 4.
std::vector<KeySample> key_samples(Draws& draws, Eigen::Index d);

// Normal keys whose first `massive` channels are scaled by `factor` and shifted by `factor`: (n,
// d).
Tensor massive_channel_keys(Draws& draws, Eigen::Index n, Eigen::Index d, Eigen::Index massive,
                            double factor);
// A common mean turned by RoPE to the positions 0..n-1, plus normal noise of the given size: fast
// planes average to nothing, slow ones keep the mean. Planes as in rotary.h; d even: (n, d).
Tensor rope_keys(Draws& draws, Eigen::Index n, Eigen::Index d, double base, double noise);

// Every vector of -1 and +1, (2^d, d); d <= 16.
Tensor all_sign_vectors(Eigen::Index d);

}  // namespace rg::theorems
