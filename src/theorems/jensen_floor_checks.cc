// JF's functions on synthetic keys.
#include <array>
#include <cmath>
#include <numbers>

#include "theorems/families.h"
#include "theorems/jensen_floor.h"
#include "theorems/key_samples.h"
#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

void on_samples(Draws& draws, Findings& findings, Eigen::Index d,
                void (*check)(TensorView, Findings&)) {
  for (const KeySample& sample : key_samples(draws, d)) {
    findings.input(sample.name);
    check(sample.keys, findings);
  }
}

Tensor rows(std::initializer_list<std::initializer_list<double>> values) {
  Tensor out(static_cast<Eigen::Index>(values.size()),
             static_cast<Eigen::Index>(values.begin()->size()));
  Eigen::Index row = 0;
  for (const auto& line : values) {
    Eigen::Index column = 0;
    for (const double value : line) out(row, column++) = value;
    ++row;
  }
  return out;
}

void check_jf_1(Draws& draws, Findings& findings) {
  on_samples(draws, findings, 64,
             [](TensorView keys, Findings& out) { cosine_formula(keys, sign_code(keys), out); });
  findings.input("sparse keys, d = 64, with -1 as the sign of 0");
  const Tensor keys = draws.sparse(60, 64, 3);
  cosine_formula(keys, -sign_code(-keys), findings);
  findings.input("one-hot key, d = 64, with 0 as the sign of 0");
  const Vector key = Vector::Unit(64, 5);
  const double claimed = key.dot(key) / (key.norm() * key.norm());  // the key is its own sign
  findings.above("cosine under that convention exceeds c", claimed, cos_1bit(key));
}

void check_jf_2(Draws& draws, Findings& findings) {
  on_samples(draws, findings, 64, [](TensorView keys, Findings& out) {
    cosine_range(keys, out);
    cosine_extremes(keys, out);
  });
  findings.input("sign-lattice and one-hot keys with one coordinate moved by 0.001, d = 16");
  Tensor keys(20, 16);
  keys << draws.signs(10, 16), draws.sparse(10, 16, 1);
  for (Eigen::Index n = 0; n < keys.rows(); ++n) {
    keys(n, draws.below(16)) += 0.001 * draws.sign();
  }
  cosine_range(keys, findings);
  cosine_extremes(keys, findings);
}

void check_jf_3(Draws& draws, Findings& findings) {
  on_samples(draws, findings, 64, residual_energy);
}

void check_jf_4(Draws& draws, Findings& findings) {
  on_samples(draws, findings, 10, best_pattern_of_all);
  const Tensor flips = draws.signs(500, 64);
  for (const KeySample& sample : key_samples(draws, 64)) {
    findings.input(sample.name);
    best_pattern(sample.keys, flips, findings);
  }
}

void check_jf_5(Draws& draws, Findings& findings) {
  on_samples(draws, findings, 64, three_scales);
  findings.input("formulas at c^2 = 2/pi");
  const double c = std::sqrt(2 / std::numbers::pi);
  findings.equal("1 - c^2", 1 - c * c, 0.3634, 5e-5);
  findings.equal("2 (1 - c)", 2 * (1 - c), 0.4042, 5e-5);
  findings.equal("1/c^2 - 1", 1 / (c * c) - 1, 0.5708, 5e-5);
  findings.input("attention, normal keys, n = 200, d = 64");
  scales_in_attention(draws.normal(200, 64), 1 / std::sqrt(64.0), findings);
}

void check_jf_6(Draws& draws, Findings& findings) {
  on_samples(draws, findings, 64, variance_identity);
}

void check_jf_7(Draws& draws, Findings& findings) {
  on_samples(draws, findings, 64, aggregate_order);
  findings.input("all keys and all channels with the same L1 norm");
  const Tensor equal = rows({{3, 1}, {1, 3}});
  findings.equal("beta_pool = beta_E", beta_pooled(equal), beta_per_key(equal), 1e-12);
  findings.equal("beta_pool = beta_ch", beta_pooled(equal), beta_per_channel(equal), 1e-12);
  findings.input("one big key: (3, 3), (1, 1)");
  const Tensor key = rows({{3, 3}, {1, 1}});
  findings.below("beta_pool < beta_E", beta_pooled(key), beta_per_key(key));
  findings.below("beta_ch < beta_E", beta_per_channel(key), beta_per_key(key));
  findings.input("one big channel: (3, 1), (3, 1)");
  const Tensor channel = rows({{3, 1}, {3, 1}});
  findings.below("beta_pool < beta_ch", beta_pooled(channel), beta_per_channel(channel));
  findings.below("beta_E < beta_ch", beta_per_key(channel), beta_per_channel(channel));
  findings.input("the long key on the lattice: (3, 3), (1, 0)");
  const Tensor long_even = rows({{3, 3}, {1, 0}});
  findings.below("(mean c)^2 < beta_E", std::pow(mean_cosine(long_even), 2),
                 beta_per_key(long_even));
  findings.input("the long key off the lattice: (1, 1), (3, 0)");
  const Tensor long_odd = rows({{1, 1}, {3, 0}});
  findings.above("(mean c)^2 > beta_E", std::pow(mean_cosine(long_odd), 2), beta_per_key(long_odd));
}

}  // namespace

std::span<const Check> jensen_floor_checks() {
  static constexpr std::array kChecks{Check{"JF-1", check_jf_1}, Check{"JF-2", check_jf_2},
                                      Check{"JF-3", check_jf_3}, Check{"JF-4", check_jf_4},
                                      Check{"JF-5", check_jf_5}, Check{"JF-6", check_jf_6},
                                      Check{"JF-7", check_jf_7}};
  return kChecks;
}

}  // namespace rg::theorems
