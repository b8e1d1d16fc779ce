// Levels against their defining conditions, scales against closed forms and hand-made keys.
#include "keys/quantiser.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.h"
#include "keys/draws.h"
#include "keys/normal_levels.h"
#include "samples.h"
#include "theorems/one_bit.h"

namespace rg::keys {
namespace {

using theorems::Tensor;

constexpr ScaleRule kRules[] = {ScaleRule::least_squares, ScaleRule::norm, ScaleRule::unbiased};
constexpr ScaleOf kScalesOf[] = {ScaleOf::key, ScaleOf::channel, ScaleOf::head};

QuantiserSpec spec_of(uint32_t bits, ScaleOf of, ScaleRule rule,
                      Centring centring = Centring::raw) {
  return {.bits = bits, .scale_of = of, .rule = rule, .centring = centring};
}

double density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }
double above(double x) { return std::erfc(x / std::numbers::sqrt2) / 2; }

// The keys as read back, (n, d).
Tensor read_of(const KeyScales& scales, const Tensor& keys) {
  Tensor out(keys.rows(), keys.cols());
  QuantiserScratch scratch;
  for (Eigen::Index n = 0; n < keys.rows(); ++n) {
    linear::Column key = keys.row(n).transpose();
    quantise(scales, key, scratch);
    out.row(n) = key.transpose();
  }
  return out;
}

TEST(NormalLevels, AreCentroidsOfCellsThatEndHalfway) {
  constexpr double kErrors[] = {0.3634, 0.1175, 0.0345, 0.0095};
  for (uint32_t bits = 1; bits <= kMostBits; ++bits) {
    const std::span<const double> levels = normal_levels(bits);
    ASSERT_EQ(levels.size(), size_t{1} << (bits - 1));
    double error = 0;
    for (size_t i = 0; i < levels.size(); ++i) {
      const bool last = i + 1 == levels.size();
      const double from = i == 0 ? 0 : (levels[i - 1] + levels[i]) / 2;
      const double to = last ? 40 : (levels[i] + levels[i + 1]) / 2;
      const double mass = above(from) - above(to), moment = density(from) - density(to);
      EXPECT_NEAR(levels[i], moment / mass, 1e-12) << bits << " bits, level " << i;
      // The boundary is where the choice changes, and belongs to the outer cell.
      EXPECT_EQ(nearest_level(levels, from), levels[i]);
      EXPECT_EQ(nearest_level(levels, std::nextafter(from, 50)), levels[i]);
      if (!last) {
        EXPECT_EQ(nearest_level(levels, std::nextafter(to, 0)), levels[i]);
      }
      const double squares = mass + from * density(from) - to * density(to);
      error += 2 * (squares - 2 * levels[i] * moment + levels[i] * levels[i] * mass);
    }
    EXPECT_NEAR(error, kErrors[bits - 1], 5e-5) << bits;
  }
  EXPECT_THROW(normal_levels(0), Error);
  EXPECT_THROW(normal_levels(5), Error);
}

TEST(NormalLevels, ZeroIsPositiveAndTheRestIsOdd) {
  for (uint32_t bits = 1; bits <= kMostBits; ++bits) {
    const std::span<const double> levels = normal_levels(bits);
    EXPECT_EQ(nearest_level(levels, 0.0), levels[0]);
    EXPECT_EQ(nearest_level(levels, -0.0), levels[0]);
    EXPECT_EQ(nearest_level(levels, -1e-300), -levels[0]);
    EXPECT_EQ(nearest_level(levels, -1e300), -levels.back());
    EXPECT_EQ(nearest_level(levels, 1.1), -nearest_level(levels, -1.1));
  }
}

TEST(Quantiser, OneBitHasTheThreeErrorsOfTheThreeScales) {
  theorems::Draws draws(1, "quantiser");
  Tensor keys = draws.normal(20, 12);
  keys.row(3).tail(11).setZero();  // one-hot: the largest errors
  keys.row(4).setConstant(-3);     // on the lattice: none
  const KeySet none{.width = 12, .values = {}, .documents = {}};
  for (const ScaleRule rule : kRules) {
    const Tensor read = read_of(fit_scales(none, spec_of(1, ScaleOf::key, rule)), keys);
    for (Eigen::Index n = 0; n < keys.rows(); ++n) {
      const double c = theorems::cos_1bit(keys.row(n).transpose());
      const double expected = rule == ScaleRule::least_squares ? 1 - c * c
                              : rule == ScaleRule::norm        ? 2 * (1 - c)
                                                               : 1 / (c * c) - 1;
      const double energy = keys.row(n).squaredNorm();
      EXPECT_NEAR((read.row(n) - keys.row(n)).squaredNorm() / energy, expected,
                  1e-12 * (1 + expected));
      const double own = read.row(n).dot(keys.row(n)) / energy;
      if (rule == ScaleRule::least_squares) {
        EXPECT_NEAR(own, c * c, 1e-12);
      }
      if (rule == ScaleRule::norm) {
        EXPECT_NEAR(read.row(n).squaredNorm() / energy, 1, 1e-12);
      }
      if (rule == ScaleRule::unbiased) {
        EXPECT_NEAR(own, 1, 1e-12);
      }
    }
    if (rule == ScaleRule::least_squares) {
      EXPECT_LE((read - theorems::mmse_code(keys)).cwiseAbs().maxCoeff(), 1e-12);
    }
  }
}

TEST(Quantiser, AKeysOwnSpreadIsItsRootMeanSquare) {
  // Both keys have root mean square 1; of 2 bits the cells meet at 0.9816.
  const Tensor keys{{0.985, std::sqrt(2 - 0.985 * 0.985)}, {0.975, std::sqrt(2 - 0.975 * 0.975)}};
  const KeySet none{.width = 2, .values = {}, .documents = {}};
  const Tensor read =
      read_of(fit_scales(none, spec_of(2, ScaleOf::key, ScaleRule::least_squares)), keys);
  EXPECT_EQ(read(0, 0), read(0, 1));
  EXPECT_LT(read(1, 0), 0.5 * read(1, 1));
}

// Groups of coordinates that share a scale: sums of y'y, y'y', (y' - y)^2 over a group.
struct GroupSums {
  double own = 0, product = 0, read = 0, error = 0;
};
std::vector<GroupSums> groups_of(ScaleOf of, const Tensor& keys, const Tensor& read) {
  const Eigen::Index n = keys.rows(), d = keys.cols();
  const Eigen::Index count = of == ScaleOf::key ? n : of == ScaleOf::channel ? d : 1;
  std::vector<GroupSums> out(static_cast<size_t>(count));
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index j = 0; j < d; ++j) {
      GroupSums& group = out[static_cast<size_t>(of == ScaleOf::key       ? i
                                                 : of == ScaleOf::channel ? j
                                                                          : 0)];
      group.own += keys(i, j) * keys(i, j);
      group.product += keys(i, j) * read(i, j);
      group.read += read(i, j) * read(i, j);
      group.error += (read(i, j) - keys(i, j)) * (read(i, j) - keys(i, j));
    }
  }
  return out;
}

TEST(Quantiser, EveryRuleHoldsInEveryGroupAtEveryRate) {
  const Sample sample = uneven_sample(2, 50, 9);
  const Tensor keys = sample.tensor();
  for (uint32_t bits = 1; bits <= kMostBits; ++bits) {
    for (const ScaleOf of : kScalesOf) {
      std::vector<std::vector<GroupSums>> by_rule;
      for (const ScaleRule rule : kRules) {
        const KeyScales scales = fit_scales(sample.set(), spec_of(bits, of, rule));
        by_rule.push_back(groups_of(of, keys, read_of(scales, keys)));
      }
      for (size_t g = 0; g < by_rule[0].size(); ++g) {
        const GroupSums &least = by_rule[0][g], &norm = by_rule[1][g], &unbiased = by_rule[2][g];
        // The error is orthogonal to the code: no other scale of it has a smaller one.
        EXPECT_NEAR(least.product, least.read, 1e-12 * least.own);
        EXPECT_NEAR(norm.read, norm.own, 1e-12 * norm.own);
        EXPECT_NEAR(unbiased.product, unbiased.own, 1e-12 * unbiased.own);
        EXPECT_LE(least.error, norm.error + 1e-12 * least.own);
        EXPECT_LE(norm.error, unbiased.error + 1e-12 * least.own);
      }
    }
  }
}

TEST(Quantiser, NormalKeysLoseWhatTheLevelsLose) {
  constexpr double kErrors[] = {0.3634, 0.1175, 0.0345, 0.0095};
  theorems::Draws draws(3, "normal keys");
  const Sample fit = sample_of(3 * draws.normal(2000, 64));
  const Sample held_out = sample_of(3 * draws.normal(2000, 64));
  for (uint32_t bits = 1; bits <= kMostBits; ++bits) {
    const double expected = kErrors[bits - 1];
    double last = 0;
    for (const ScaleOf of : kScalesOf) {
      const KeyScales scales = fit_scales(fit.set(), spec_of(bits, of, ScaleRule::least_squares));
      const CodingError sums = coding_error(scales, held_out.set());
      EXPECT_EQ(sums.keys, 2000);
      EXPECT_EQ(sums.energy, sums.centred_energy);
      const double error = sums.error / sums.energy;
      // Coordinates over their own key's length are bounded: a little less is lost.
      const bool own = of == ScaleOf::key;
      EXPECT_GE(error, (own ? 0.92 : 0.98) * expected) << bits;
      EXPECT_LE(error, (own ? 0.99 : 1.02) * expected) << bits;
      EXPECT_NE(error, last);  // three different codes
      last = error;
    }
  }
}

TEST(Quantiser, UnevenChannelsWantTheirOwnScalesAndUnevenKeysTheirs) {
  theorems::Draws draws(4, "uneven");
  Tensor channels = draws.normal(300, 16), keys = channels;
  for (Eigen::Index j = 0; j < 16; ++j) channels.col(j) *= std::exp2(j);
  for (Eigen::Index n = 0; n < 300; ++n) keys.row(n) *= std::exp2(n % 16);
  const auto error = [](const Tensor& of, ScaleOf scale_of) {
    const KeySet set = sample_of(of).set();
    const CodingError sums =
        coding_error(fit_scales(set, spec_of(2, scale_of, ScaleRule::least_squares)), set);
    return sums.error / sums.energy;
  };
  EXPECT_NEAR(error(channels, ScaleOf::channel), 0.1175, 0.02);
  EXPECT_GT(error(channels, ScaleOf::head), 0.2);
  EXPECT_GT(error(channels, ScaleOf::key), 0.2);
  EXPECT_NEAR(error(keys, ScaleOf::key), 0.1175, 0.02);
  EXPECT_GT(error(keys, ScaleOf::head), 0.2);
  EXPECT_GT(error(keys, ScaleOf::channel), 0.2);
}

TEST(Quantiser, CodesInTheGaugeAndReadsInTheKeysOwnCoordinates) {
  theorems::Draws draws(5, "lattice");
  const linear::Matrix gauge = random_rotation(8, {.seed = 1}, 0);
  const Tensor lattice = 2 * draws.signs(30, 8) * Tensor(gauge);  // rows gauge' s
  const KeySet set = sample_of(lattice).set();
  const QuantiserSpec spec = spec_of(1, ScaleOf::key, ScaleRule::least_squares);
  const KeyScales in_gauge = fit_scales(set, spec, gauge), plain = fit_scales(set, spec);
  EXPECT_LE((read_of(in_gauge, lattice) - lattice).cwiseAbs().maxCoeff(), 1e-12);
  EXPECT_GT((read_of(plain, lattice) - lattice).norm(), 0.1 * lattice.norm());
  const Tensor keys = draws.normal(30, 8);
  const Tensor expected =
      theorems::mmse_code(theorems::turned(keys, Tensor(gauge))) * Tensor(gauge);
  EXPECT_LE((read_of(in_gauge, keys) - expected).cwiseAbs().maxCoeff(), 1e-12);
  EXPECT_EQ(read_of(fit_scales(set, spec, linear::Matrix::Identity(8, 8)), keys),
            read_of(plain, keys));
  EXPECT_THROW(fit_scales(set, spec, 1.001 * gauge), Error);
  EXPECT_THROW(fit_scales(set, spec, linear::Matrix::Identity(7, 7)), Error);
}

TEST(Quantiser, CentringTakesAMeanAwayAndGivesItBack) {
  theorems::Draws draws(6, "mean");
  Tensor keys = draws.normal(200, 8);
  keys.rowwise() += Tensor{{9, -7, 5, 8, -9, 6, 4, -8}}.row(0);
  const KeySet set = sample_of(keys).set();
  const auto error = [&](Centring centring, double* product) {
    const CodingError sums =
        coding_error(fit_scales(set, spec_of(2, ScaleOf::key, ScaleRule::unbiased, centring)), set);
    *product = sums.product / sums.centred_energy;
    return sums.error;
  };
  double raw_product = 0, product = 0;
  EXPECT_LT(error(Centring::dataset_mean, &product), 0.5 * error(Centring::raw, &raw_product));
  EXPECT_NEAR(product, 1, 1e-12);
  EXPECT_NEAR(raw_product, 1, 1e-12);
  // A constant plus a sign vector of mean 0.
  const Tensor shifted{{7, 7, 3, 3}, {-1, 1, -1, 1}};
  const KeyScales dc =
      fit_scales(sample_of(shifted).set(),
                 spec_of(1, ScaleOf::key, ScaleRule::least_squares, Centring::key_dc));
  EXPECT_LE((read_of(dc, shifted) - shifted).cwiseAbs().maxCoeff(), 1e-14);
}

TEST(Quantiser, WhatHasNoEnergyIsReadAsNothing) {
  const Tensor keys{{0, 2, 5}, {0, 2, -5}, {0, 2, 4}};  // a zero, a constant channel
  const KeySet set = sample_of(keys).set();
  const Tensor other{{3, 2, 5}, {0, 0, 0}};
  for (uint32_t bits = 1; bits <= kMostBits; ++bits) {
    for (const ScaleRule rule : kRules) {
      const KeyScales channels = fit_scales(set, spec_of(bits, ScaleOf::channel, rule));
      const Tensor read = read_of(channels, other);
      EXPECT_EQ(read(0, 0), 0);
      EXPECT_NEAR(read(0, 1), 2, 1e-14);
      EXPECT_EQ(read_of(fit_scales(set, spec_of(bits, ScaleOf::key, rule)), other).row(1).norm(),
                0);
    }
  }
  const KeySet zeros = sample_of(Tensor::Zero(4, 3)).set();
  for (const ScaleOf of : kScalesOf) {
    const KeyScales scales = fit_scales(zeros, spec_of(2, of, ScaleRule::unbiased));
    EXPECT_EQ(read_of(scales, Tensor::Zero(1, 3)).norm(), 0);
  }
}

TEST(Quantiser, NotANumberStaysInItsKeyAndFillsIt) {
  const Sample sample = uneven_sample(7, 10, 6);
  const float inf = std::numeric_limits<float>::infinity();
  for (const ScaleOf of : kScalesOf) {
    const KeyScales scales = fit_scales(sample.set(), spec_of(2, of, ScaleRule::norm));
    std::vector<float> clean = sample.values, keys = sample.values;
    quantise(scales, clean.data(), 10, 6);
    keys[6 * 3 + 2] = std::nanf("");
    keys[6 * 5] = -inf;
    quantise(scales, keys.data(), 10, 6);
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i / 6 == 3 || i / 6 == 5) {
        EXPECT_TRUE(std::isnan(keys[i])) << i;
      } else {
        EXPECT_EQ(keys[i], clean[i]) << i;
      }
    }
  }
}

TEST(Quantiser, RefusesWhatItCannotFit) {
  const KeySet none{.width = 4, .values = {}, .documents = {}};
  const Sample sample = uneven_sample(8, 5, 4);
  const ScaleRule rule = ScaleRule::least_squares;
  EXPECT_THROW(fit_scales(sample.set(), spec_of(0, ScaleOf::key, rule)), Error);
  EXPECT_THROW(fit_scales(sample.set(), spec_of(5, ScaleOf::key, rule)), Error);
  EXPECT_THROW(fit_scales(none, spec_of(1, ScaleOf::channel, rule)), Error);
  EXPECT_THROW(fit_scales(none, spec_of(1, ScaleOf::head, rule)), Error);
  EXPECT_THROW(fit_scales(none, spec_of(1, ScaleOf::key, rule, Centring::dataset_mean)), Error);
  EXPECT_NO_THROW(fit_scales(none, spec_of(1, ScaleOf::key, rule)));
}

TEST(Quantiser, AKeyReadsTheSameInAnyBlock) {
  const Sample sample = uneven_sample(9, 40, 24);
  const linear::Matrix gauge = random_rotation(24, {.seed = 2}, 0);
  constexpr size_t kStride = 31;
  for (const ScaleOf of : kScalesOf) {
    const KeyScales scales = fit_scales(
        sample.set(), spec_of(3, of, ScaleRule::least_squares, Centring::dataset_mean), gauge);
    std::vector<float> whole = sample.values, single = sample.values;
    quantise(scales, whole.data(), 40, 24);
    EXPECT_NE(whole, sample.values);
    for (size_t n = 40; n-- > 0;) quantise(scales, single.data() + n * 24, 1, 24);
    EXPECT_EQ(single, whole);
    std::vector<float> wide(40 * kStride, 5);
    for (size_t i = 0; i < whole.size(); ++i) {
      wide[i / 24 * kStride + i % 24] = sample.values[i];
    }
    quantise(scales, wide.data(), 7, kStride);
    quantise(scales, wide.data() + 7 * kStride, 33, kStride);
    for (size_t i = 0; i < wide.size(); ++i) {
      const size_t row = i / kStride, column = i % kStride;
      EXPECT_EQ(wide[i], column < 24 ? whole[row * 24 + column] : 5.0f);
    }
  }
}

TEST(Quantiser, CountsTheNumbersOfAKey) {
  const ScaleRule rule = ScaleRule::norm;
  EXPECT_EQ(stored_bits(spec_of(2, ScaleOf::head, rule), 128), 2);
  EXPECT_EQ(stored_bits(spec_of(2, ScaleOf::channel, rule, Centring::dataset_mean), 128), 2);
  EXPECT_EQ(stored_bits(spec_of(1, ScaleOf::key, rule), 128), 1.125);
  EXPECT_EQ(stored_bits(spec_of(1, ScaleOf::key, rule, Centring::key_dc), 64), 1.5);
}

}  // namespace
}  // namespace rg::keys
