#include "keys/quantiser.h"

#include <cmath>
#include <limits>

#include "base/error.h"
#include "keys/normal_levels.h"

namespace rg::keys {
namespace {

constexpr double kOrthogonal = 1e-6;
constexpr double kStoredNumberBits = 16;

struct LevelSums {
  double squares = 0;  // y'y
  double product = 0;  // y'l
  double levels = 0;   // l'l

  void add(double y, double level) {
    squares += y * y;
    product += y * level;
    levels += level * level;
  }
};

// 0 without energy. With energy the product is positive: a level has the sign of its coordinate.
double scale_of_sums(ScaleRule rule, const LevelSums& sums) {
  if (sums.squares == 0) return 0;
  switch (rule) {
    case ScaleRule::least_squares:
      return sums.product / sums.levels;
    case ScaleRule::norm:
      return std::sqrt(sums.squares / sums.levels);
    case ScaleRule::unbiased:
      return sums.squares / sums.product;
  }
  check_internal(false, "a rule for scales");
  return 0;
}

double level_at(std::span<const double> levels, double spread, double y) {
  return spread == 0 ? 0.0 : nearest_level(levels, y / spread);
}

linear::Column widened(std::span<const float> key) {
  return Eigen::Map<const Eigen::VectorXf>(key.data(), static_cast<Eigen::Index>(key.size()))
      .cast<double>();
}

// What centring leaves of a key, and the DC that it took.
struct Centre {
  const KeyScales& scales;
  double dc = 0;

  void take(linear::Column& key) {
    if (scales.spec.centring == Centring::key_dc) {
      dc = key.mean();
      key.array() -= dc;
    } else if (scales.spec.centring == Centring::dataset_mean) {
      key -= scales.mean;
    }
  }
  void give_back(linear::Column& key) const {
    if (scales.spec.centring == Centring::key_dc) {
      key.array() += dc;
    } else if (scales.spec.centring == Centring::dataset_mean) {
      key += scales.mean;
    }
  }
};

void turn_key(const KeyScales& scales, const linear::Column& key, linear::Column& turned) {
  if (scales.gauge.size() == 0) {
    turned = key;
  } else {
    turned.noalias() = scales.gauge * key;
  }
}

void read_back(const KeyScales& scales, const linear::Column& coded, linear::Column& key) {
  if (scales.gauge.size() == 0) {
    key = coded;
  } else {
    key.noalias() = scales.gauge.transpose() * coded;
  }
}

void code_with_own_scale(const QuantiserSpec& spec, const linear::Column& turned,
                         linear::Column& coded) {
  const std::span<const double> levels = normal_levels(spec.bits);
  const auto width = static_cast<double>(turned.size());
  const double spread = std::sqrt(turned.squaredNorm() / width);
  LevelSums sums;
  for (Eigen::Index j = 0; j < turned.size(); ++j) {
    coded[j] = level_at(levels, spread, turned[j]);
    sums.add(turned[j], coded[j]);
  }
  coded *= scale_of_sums(spec.rule, sums);
}

void code_with_fitted_scale(const KeyScales& scales, const linear::Column& turned,
                            linear::Column& coded) {
  const std::span<const double> levels = normal_levels(scales.spec.bits);
  const bool by_channel = scales.spec.scale_of == ScaleOf::channel;
  for (Eigen::Index j = 0; j < turned.size(); ++j) {
    const size_t at = by_channel ? static_cast<size_t>(j) : 0;
    coded[j] = scales.scale[at] * level_at(levels, scales.spread[at], turned[j]);
  }
}

// f(turned key, its coordinates), key after key.
template <typename F>
void for_each_turned(const KeySet& keys, const KeyScales& scales, const F& f) {
  linear::Column turned(keys.width);
  for (uint32_t n = 0; n < keys.rows(); ++n) {
    linear::Column key = widened(keys.row(n));
    Centre{scales}.take(key);
    turn_key(scales, key, turned);
    f(turned);
  }
}

void fit_shared(const KeySet& fit, KeyScales& scales) {
  check_internal(fit.rows() > 0, "keys to fit scales on");
  const bool by_channel = scales.spec.scale_of == ScaleOf::channel;
  const size_t groups = by_channel ? fit.width : 1;
  const auto members = static_cast<double>(fit.rows()) * (by_channel ? 1.0 : fit.width);
  const std::span<const double> levels = normal_levels(scales.spec.bits);
  const auto group = [&](Eigen::Index j) { return by_channel ? static_cast<size_t>(j) : 0; };
  std::vector<double> squares(groups);
  for_each_turned(fit, scales, [&](const linear::Column& turned) {
    for (Eigen::Index j = 0; j < turned.size(); ++j) squares[group(j)] += turned[j] * turned[j];
  });
  scales.spread.resize(groups);
  for (size_t g = 0; g < groups; ++g) scales.spread[g] = std::sqrt(squares[g] / members);
  std::vector<LevelSums> sums(groups);
  for_each_turned(fit, scales, [&](const linear::Column& turned) {
    for (Eigen::Index j = 0; j < turned.size(); ++j) {
      const double spread = scales.spread[group(j)];
      sums[group(j)].add(turned[j], level_at(levels, spread, turned[j]));
    }
  });
  for (const LevelSums& of_group : sums) {
    scales.scale.push_back(scale_of_sums(scales.spec.rule, of_group));
  }
}

KeyScales scales_in(const KeySet& fit, const QuantiserSpec& spec, linear::Matrix gauge) {
  check_internal(spec.bits >= 1 && spec.bits <= kMostBits, "1 to 4 bits per coordinate");
  check_internal(fit.width > 0, "keys of a width");
  KeyScales out{.spec = spec,
                .width = fit.width,
                .gauge = std::move(gauge),
                .mean = linear::Column::Zero(fit.width),
                .spread = {},
                .scale = {}};
  if (spec.centring == Centring::dataset_mean) {
    check_internal(fit.rows() > 0, "keys to take a mean of");
    out.mean = mean_of(fit);
  }
  if (spec.scale_of != ScaleOf::key) fit_shared(fit, out);
  return out;
}

}  // namespace

double stored_bits(const QuantiserSpec& spec, uint32_t width) {
  double numbers = 0;
  if (spec.scale_of == ScaleOf::key) numbers += 1;
  if (spec.centring == Centring::key_dc) numbers += 1;
  return spec.bits + kStoredNumberBits * numbers / width;
}

KeyScales fit_scales(const KeySet& fit, const QuantiserSpec& spec) {
  return scales_in(fit, spec, linear::Matrix());
}

KeyScales fit_scales(const KeySet& fit, const QuantiserSpec& spec, const linear::Matrix& gauge) {
  const Eigen::Index d = fit.width;
  check_internal(gauge.rows() == d && gauge.cols() == d, "a gauge of the keys' width");
  const linear::Matrix defect = gauge.transpose() * gauge - linear::Matrix::Identity(d, d);
  check_internal(defect.cwiseAbs().maxCoeff() <= kOrthogonal, "an orthogonal gauge");
  return scales_in(fit, spec, gauge);
}

void quantise(const KeyScales& scales, linear::Column& key, QuantiserScratch& scratch) {
  if (!key.allFinite()) {
    key.setConstant(std::numeric_limits<double>::quiet_NaN());
    return;
  }
  Centre centre{scales};
  centre.take(key);
  scratch.turned.resize(scales.width);
  scratch.coded.resize(scales.width);
  turn_key(scales, key, scratch.turned);
  if (scales.spec.scale_of == ScaleOf::key) {
    code_with_own_scale(scales.spec, scratch.turned, scratch.coded);
  } else {
    code_with_fitted_scale(scales, scratch.turned, scratch.coded);
  }
  read_back(scales, scratch.coded, key);
  centre.give_back(key);
}

void quantise(const KeyScales& scales, float* keys, size_t count, size_t stride) {
  QuantiserScratch scratch;
  for (size_t n = 0; n < count; ++n) {
    float* const key = keys + n * stride;
    linear::Column wide = widened({key, scales.width});
    quantise(scales, wide, scratch);
    for (uint32_t j = 0; j < scales.width; ++j) key[j] = static_cast<float>(wide[j]);
  }
}

CodingError coding_error(const KeyScales& scales, const KeySet& keys) {
  check_internal(keys.width == scales.width, "keys of the scales' width");
  CodingError sums;
  QuantiserScratch scratch;
  for (uint32_t n = 0; n < keys.rows(); ++n) {
    const linear::Column key = widened(keys.row(n));
    linear::Column read = key, centred = key;
    Centre centre{scales};
    centre.take(centred);
    const linear::Column mean = key - centred;
    quantise(scales, read, scratch);
    sums.keys += 1;
    sums.energy += key.squaredNorm();
    sums.centred_energy += centred.squaredNorm();
    sums.error += (read - key).squaredNorm();
    sums.product += centred.dot(read - mean);
  }
  return sums;
}

}  // namespace rg::keys
