// ITQ (Gong and Lazebnik 2011) with weights that match a metric: alternately the signs under the
// rotation and the best rotation for these signs. Never falls (GS-1), and where it rests the
// Hessian is negative semidefinite (LH-4): a local answer, hence several starts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "keys/packed_keys.h"
#include "keys/polar.h"
#include "keys/search.h"

namespace rg::keys {

struct ItqOptions {
  uint32_t most_steps = 50;
  double tolerance = 1e-6;  // relative gain of a step below which it stops
};

// sum_n w_n sgn(R k_n) k_n', (d, d), with the metric's weights; and the metric at R: the sum of
// R_ij times its entries is sum_n w_n |R k_n|_1, so it costs no product of its own.
struct SignMoment {
  linear::Matrix moment;
  double value;
};

// The next rotation: the one with the largest sum of R_ij times the moment's entries, plus a little
// of the last one (2e-4 of the moment's size). Coordinates that never change sign, as those of keys
// with a large mean, make moments singular: that little keeps what they leave open as it was. No
// step falls for it: what the sum would lose, nearness to the last rotation could not outweigh.
linear::Matrix itq_step(PolarFactor& polar, const linear::Matrix& moment,
                        const linear::Matrix& rotation);

// Keys with their lengths, ready for any number of searches. One caller at a time.
class ItqKeys {
 public:
  // Keys packed for turns and moments, kept by the caller. At least one key that isn't zero; zero
  // keys weigh nothing.
  explicit ItqKeys(const PackedKeys& keys);
  // Some of the columns of `whole`, with the weights of the whole keys.
  ItqKeys(const PackedKeys& part, const ItqKeys& whole);

  SignMoment sign_moment(const linear::Matrix& rotation, Metric metric) const;
  Search search(const linear::Matrix& start, Metric metric, const ItqOptions& options) const;

  const PackedKeys& keys() const { return keys_; }
  double nonzero_keys() const { return nonzero_; }
  double energy() const { return energy_; }
  // w_n, (blocks * block_rows), anything for padding. For the mean cosine and the pooled beta.
  std::span<const float> weights(Metric metric) const;

 private:
  const PackedKeys& keys_;
  std::vector<float> inverse_norms_, ones_;
  double nonzero_ = 0, energy_ = 0;
};

struct Start {
  std::string name;  // "identity", "pca, then hadamard", "rotation 1"
  linear::Matrix rotation;
};
// Of all starts `trial_steps` steps, then the best of them to its end: the one with the highest
// value in sample. 0: every start to its end.
struct Restarts {
  Search best;
  std::string start;                 // its name
  std::vector<double> trial_values;  // one per start, after the trial
};
Restarts search_from(const ItqKeys& keys, std::span<const Start> starts, Metric metric,
                     uint32_t trial_steps, const ItqOptions& options);

}  // namespace rg::keys
