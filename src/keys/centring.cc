#include "keys/centring.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"

namespace rg::keys {
namespace {

// q' T_t mean as a sum over planes of along cos(tw) + across sin(tw), and a constant.
struct PlaneTerm {
  double along, across;
};

}  // namespace

KeySet centred(const KeySet& keys, Centring centring, const linear::Column& mean) {
  KeySet out = keys;
  if (centring == Centring::raw) return out;
  check_internal(centring == Centring::key_dc || mean.size() == keys.width, "a mean of keys");
  for (uint32_t n = 0; n < keys.rows(); ++n) {
    float* const row = out.values.data() + size_t{n} * keys.width;
    double own = 0;
    for (uint32_t j = 0; j < keys.width; ++j) own += static_cast<double>(row[j]) / keys.width;
    for (uint32_t j = 0; j < keys.width; ++j) {
      const double removed = centring == Centring::key_dc ? own : mean[j];
      row[j] = static_cast<float>(static_cast<double>(row[j]) - removed);
    }
  }
  return out;
}

std::optional<CentringEffect> centring_effect(const CodeSums& raw, const CodeSums& centred) {
  const double keys = raw.keys + raw.zero_keys;
  if (!(raw.energy > 0) || !(centred.energy > 0)) return std::nullopt;
  const double eta = 1 - centred.energy / raw.energy;
  const double beta = raw.squared_norms / raw.energy;
  CentringEffect out{.eta = eta,
                     .raw_error = (raw.energy - raw.squared_norms) / keys,
                     .centred_error = (centred.energy - centred.squared_norms) / keys,
                     .needed_beta = (beta - eta) / (1 - eta),
                     .helps = false};
  out.helps = out.centred_error < out.raw_error;
  return out;
}

double turning_share(const linear::Column& mean, const RotaryPlanes& planes) {
  check_planes(planes, static_cast<uint32_t>(mean.size()));
  double turning = 0;
  for (size_t plane = 0; plane < planes.pairs.size(); ++plane) {
    if (planes.frequencies[plane] == 0) continue;
    for (const uint32_t column : planes.pairs[plane]) turning += mean[column] * mean[column];
  }
  const double energy = mean.squaredNorm();
  return energy == 0 ? 0 : std::min(turning / energy, 1.0);  // all of it, up to rounding
}

ScoreCorrection score_correction(std::span<const float> queries, const linear::Column& mean,
                                 const RotaryPlanes& planes, uint32_t positions) {
  const auto d = static_cast<uint32_t>(mean.size());
  check_planes(planes, d);
  const size_t count = queries.size() / d, all = planes.pairs.size();
  if (count == 0 || positions == 0) return {.rms = 0, .spread = 0};
  std::vector<double> cosines(all * positions), sines(all * positions);
  for (size_t plane = 0; plane < all; ++plane) {
    for (uint32_t t = 0; t < positions; ++t) {
      cosines[t * all + plane] = std::cos(t * planes.frequencies[plane]);
      sines[t * all + plane] = std::sin(t * planes.frequencies[plane]);
    }
  }
  std::vector<PlaneTerm> terms(all);
  double squares = 0, spreads = 0;
  for (size_t query = 0; query < count; ++query) {
    const std::span<const float> q = queries.subspan(query * d, d);
    double constant = 0;
    for (const uint32_t j : planes.unrotated(d)) constant += static_cast<double>(q[j]) * mean[j];
    for (size_t plane = 0; plane < all; ++plane) {
      const auto [i, j] = planes.pairs[plane];
      const double qi = q[i], qj = q[j];
      terms[plane] = {.along = qi * mean[i] + qj * mean[j], .across = qj * mean[i] - qi * mean[j]};
    }
    double sum = 0, square = 0;
    for (uint32_t t = 0; t < positions; ++t) {
      double score = constant;
      for (size_t plane = 0; plane < all; ++plane) {
        score += terms[plane].along * cosines[t * all + plane] +
                 terms[plane].across * sines[t * all + plane];
      }
      sum += score / positions;
      square += score * score / positions;
    }
    squares += square / static_cast<double>(count);
    spreads += std::max(0.0, square - sum * sum) / static_cast<double>(count);
  }
  return {.rms = std::sqrt(squares), .spread = std::sqrt(spreads)};
}

}  // namespace rg::keys
