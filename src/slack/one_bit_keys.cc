// JF, MR, IF on real keys: what one bit per coordinate keeps.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "slack/walk.h"
#include "theorems/extremes.h"
#include "theorems/isotropic_floor.h"
#include "theorems/key_samples.h"
#include "theorems/one_bit.h"

namespace rg::slack {
namespace {

constexpr Eigen::Index kSlice = 8;  // coordinates whose 2^8 signs are listed

double root_of(Eigen::Index d) { return std::sqrt(static_cast<double>(d)); }

Vector signs_of(const Vector& key) { return theorems::sign_code(key.transpose()).transpose(); }

// |k - scale s|^2 / |k|^2.
double relative_error(const Vector& key, const Vector& signs, double scale) {
  return (key - scale * signs).squaredNorm() / key.squaredNorm();
}

void jf_1(const HeadSample& sample, Row& row) {
  for_each_key(sample, row, [&](const Vector& key, const Place& place) {
    const Vector signs = signs_of(key);
    row.see(0,
            {.value = key.dot(signs) / (key.norm() * signs.norm()),
             .bound = theorems::cos_1bit(key),
             .allowance = kRounding},
            place);
  });
}

void jf_2(const HeadSample& sample, Row& row) {
  for_each_key(sample, row, [&](const Vector& key, const Place& place) {
    const double c = theorems::cos_1bit(key);
    row.see(0, {.value = 1 / root_of(key.size()), .bound = c, .allowance = kRounding}, place);
    row.see(1, {.value = c, .bound = 1, .allowance = kRounding}, place);
  });
}

void jf_3(const HeadSample& sample, Row& row) {
  for_each_key(sample, row, [&](const Vector& key, const Place& place) {
    row.see(0,
            {.value = relative_error(key, signs_of(key), key.cwiseAbs().mean()),
             .bound = 1 - theorems::beta(key),
             .allowance = kRounding},
            place);
  });
}

// The nearest other pattern: the sign of the smallest coordinate flipped, with its best scale.
void jf_4(const HeadSample& sample, Row& row) {
  for_each_key(sample, row, [&](const Vector& key, const Place& place) {
    Vector pattern = signs_of(key);
    Eigen::Index smallest = 0;
    key.cwiseAbs().minCoeff(&smallest);
    pattern[smallest] = -pattern[smallest];
    const double scale = std::max(0.0, key.dot(pattern)) / static_cast<double>(key.size());
    row.see(0,
            {.value = 1 - theorems::beta(key),
             .bound = relative_error(key, pattern, scale),
             .allowance = kRounding},
            place);
  });
}

void jf_5(const HeadSample& sample, Row& row) {
  for_each_key(sample, row, [&](const Vector& key, const Place& place) {
    const Vector signs = signs_of(key);
    const double c = theorems::cos_1bit(key), sum = key.lpNorm<1>();
    const double least = relative_error(key, signs, sum / static_cast<double>(key.size()));
    const double kept = relative_error(key, signs, key.norm() / root_of(key.size()));
    const double unbiased = relative_error(key, signs, key.squaredNorm() / sum);
    const auto identity = [&](size_t quantity, double error, double formula) {
      row.see(quantity, {.value = error, .bound = formula, .allowance = kRounding * (1 + formula)},
              place);
    };
    identity(0, least, 1 - c * c);
    identity(1, kept, 2 - 2 * c);
    identity(2, unbiased, 1 / (c * c) - 1);
    row.see(3, {.value = least, .bound = kept, .allowance = kRounding}, place);
    row.see(4, {.value = kept, .bound = unbiased, .allowance = kRounding * (1 + unbiased)}, place);
  });
}

void jf_6(const HeadSample& sample, Row& row) {
  for_each_key(sample, row, [&](const Vector& key, const Place& place) {
    const double variance = (key.cwiseAbs().array() - key.cwiseAbs().mean()).square().mean();
    row.see(0,
            {.value = 1 - theorems::beta(key),
             .bound = variance / key.cwiseAbs2().mean(),
             .allowance = kRounding},
            place);
  });
}

void jf_7(const HeadSample& sample, Row& row) {
  const Tensor keys = without_zero_rows(sample.keys);
  if (keys.rows() == 0) return row.skip_all();
  const double pooled = theorems::beta_pooled(keys), mean = theorems::mean_cosine(keys);
  const double bounds[] = {theorems::beta_per_key(keys), theorems::beta_per_channel(keys),
                           theorems::cosines_1bit(keys).cwiseAbs2().mean()};
  const double values[] = {pooled, pooled, mean * mean};
  for (size_t i = 0; i < 3; ++i) {
    row.see(i, {.value = values[i], .bound = bounds[i], .allowance = kRounding}, {sample.head});
  }
}

void mr_1(const HeadSample& sample, Row& row) {
  if (sample.keys.isZero(0)) return row.skip_all();
  const double ratio = theorems::beta_pooled(sample.keys), mean = sample.keys.cwiseAbs().mean();
  const double variance = (sample.keys.cwiseAbs().array() - mean).square().mean();
  row.see(0, {.value = ratio, .bound = 1, .allowance = kRounding}, {sample.head});
  row.see(1,
          {.value = 1 - ratio,
           .bound = variance / sample.keys.cwiseAbs2().mean(),
           .allowance = kRounding},
          {sample.head});
}

void if_6(const HeadSample& sample, Row& row) {
  const Tensor signs = theorems::all_sign_vectors(kSlice), hadamard = theorems::hadamard(kSlice);
  for (Eigen::Index n = 0; n < sample.keys.rows(); ++n) {
    const Vector key = sample.keys.row(n).head(kSlice).transpose();
    if (key.isZero(0)) {
      row.skip_all();
      continue;
    }
    const Place place{sample.head, static_cast<uint32_t>(n)};
    const Tensor turned = theorems::turned(signs * key.asDiagonal(), hadamard);
    const Vector squares = turned.cwiseAbs2().colwise().mean() / key.squaredNorm();
    const double cosine = theorems::mean_cosine(turned);
    const double third = theorems::third_moment_bound(key);
    row.see(0,
            {.value = theorems::largest_size(squares.array() - 1.0 / kSlice),
             .bound = 0,
             .allowance = kRounding},
            place);
    row.see(1, {.value = 1 / std::numbers::sqrt2, .bound = cosine, .allowance = kRounding}, place);
    row.see(2,
            {.value = std::abs(cosine - std::sqrt(2 / std::numbers::pi)),
             .bound = third,
             .allowance = kRounding},
            place);
    row.see(3,
            {.value = third,
             .bound = key.lpNorm<Eigen::Infinity>() / key.norm(),
             .allowance = kRounding},
            place);
  }
}

std::optional<std::string> needs_a_slice(const LayerFacts& layer) {
  if (!layer.keys) return needs_keys(layer);
  if (layer.keys->key_width >= kSlice) return std::nullopt;
  return "keys of fewer than 8 coordinates";
}

constexpr Quantity kJf1[] = {{"cosine", Relation::equal, Unit::key}};
constexpr Quantity kJf2[] = {{"least", Relation::at_most, Unit::key},
                             {"most", Relation::at_most, Unit::key}};
constexpr Quantity kJf3[] = {{"error", Relation::equal, Unit::key}};
constexpr Quantity kJf4[] = {{"pattern", Relation::at_most, Unit::key}};
constexpr Quantity kJf5[] = {{"least_error", Relation::equal, Unit::key},
                             {"norm_kept", Relation::equal, Unit::key},
                             {"unbiased", Relation::equal, Unit::key},
                             {"least_to_kept", Relation::at_most, Unit::key},
                             {"kept_to_unbiased", Relation::at_most, Unit::key}};
constexpr Quantity kJf6[] = {{"variance", Relation::equal, Unit::key}};
constexpr Quantity kJf7[] = {{"pooled_to_key", Relation::at_most, Unit::head},
                             {"pooled_to_channel", Relation::at_most, Unit::head},
                             {"cosine_to_square", Relation::at_most, Unit::head}};
constexpr Quantity kMr1[] = {{"ratio", Relation::at_most, Unit::head},
                             {"variance", Relation::equal, Unit::head}};
constexpr Quantity kIf6[] = {{"second_moment", Relation::equal, Unit::key},
                             {"mean_cosine", Relation::at_most, Unit::key},
                             {"third_moment", Relation::at_most, Unit::key},
                             {"largest", Relation::at_most, Unit::key}};

}  // namespace

std::span<const TheoremCheck> one_bit_slack() {
  static constexpr std::array kChecks{
      TheoremCheck{"JF-1", kJf1, needs_keys, jf_1, nullptr, nullptr},
      TheoremCheck{"JF-2", kJf2, needs_keys, jf_2, nullptr, nullptr},
      TheoremCheck{"JF-3", kJf3, needs_keys, jf_3, nullptr, nullptr},
      TheoremCheck{"JF-4", kJf4, needs_keys, jf_4, nullptr, nullptr},
      TheoremCheck{"JF-5", kJf5, needs_keys, jf_5, nullptr, nullptr},
      TheoremCheck{"JF-6", kJf6, needs_keys, jf_6, nullptr, nullptr},
      TheoremCheck{"JF-7", kJf7, needs_keys, jf_7, nullptr, nullptr},
      TheoremCheck{"MR-1", kMr1, needs_keys, mr_1, nullptr, nullptr},
      TheoremCheck{"IF-6", kIf6, needs_a_slice, if_6, nullptr, nullptr}};
  return kChecks;
}

}  // namespace rg::slack
