// Similarity of two experts' outputs: kappa = |a - b| / (|a| + |b|), its parts and its scale.
#pragma once

#include <cstddef>

namespace rg::experiments {

struct Redundancy {
  double kappa_hidden;  // |a - b| / (|a| + |b| + 1e-12), in [0, 1]
  double kappa_target;  // the same of the scalars w_next . a, w_next . b
  double jump;          // |w_a a - w_b b| / |u|; NaN where u is zero
  double cosine;        // 0 where an output is zero
  double log_ratio;     // ln |a|/|b|; 0 where an output is zero
  double kappa_orth;    // value for orthogonal outputs of these norms: sqrt(|a|^2+|b|^2)/(|a|+|b|)
};

// One expert's output, and the quantities that depend on it alone.
struct Output {
  const float* values;  // (d)
  double norm;          // |.|
  double target;        // w_next . values
  double weight;        // combination weight in its set
};
Output make_output(const float* values, const float* next_unembedding, double weight, size_t d);

double kappa_hidden(const Output& a, const Output& b, size_t d);
Redundancy compare(const Output& a, const Output& b, double update_norm, size_t d);

}  // namespace rg::experiments
