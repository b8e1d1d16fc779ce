// GI's functions on synthetic tensors.
#include <array>
#include <cmath>

#include "theorems/families.h"
#include "theorems/gauge_invariance.h"
#include "theorems/key_samples.h"
#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

// An invertible matrix far from orthogonal, singular values between 1/2 and 2.
Tensor invertible(Draws& draws, Eigen::Index size) {
  const Tensor left = draws.rotation(size), right = draws.rotation(size);
  Vector stretch(size);
  for (double& value : stretch) value = std::exp2(2 * draws.uniform() - 1);
  return left * stretch.asDiagonal() * right;
}

void check_gi_1(Draws& draws, Findings& findings) {
  const Eigen::Index d = 64;
  const Tensor rotation = draws.rotation(d);
  for (const KeySample& sample : key_samples(draws, d)) {
    findings.input(sample.name);
    score_invariance(draws.normal(20, d), sample.keys, rotation, findings);
  }
  findings.input("sparse queries and keys around a mean, d = 64");
  score_invariance(draws.sparse(20, d, 3), draws.cloud(50, d, 40), rotation, findings);
}

void check_gi_2(Draws& draws, Findings& findings) {
  const Eigen::Index d = 32;
  const Tensor gauge = invertible(draws, d), rotation = draws.rotation(d);
  findings.input("M and its inverse transposed, d = 32");
  score_keeping_pair(linear::inverse(gauge).transpose(), gauge, findings);
  findings.input("one rotation for both, d = 32");
  score_keeping_pair(rotation, rotation, findings);
  findings.input("M for both, M not orthogonal, d = 32");
  findings.above("max |M'M - I|: scores of unit vectors change", score_defect(gauge, gauge), 0.1);
  findings.input("a rotation for queries alone, d = 32");
  findings.above("max |R' - I|: scores of unit vectors change",
                 score_defect(rotation, Tensor::Identity(d, d)), 0.1);
}

void check_gi_3(Draws& draws, Findings& findings) {
  const Eigen::Index d = 32, d_v = 24, width = 48;
  const Tensor key_gauge = invertible(draws, d), value_gauge = invertible(draws, d_v);
  for (const KeySample& sample : key_samples(draws, d)) {
    findings.input(sample.name);
    const Head head{.query = draws.normal_vector(d),
                    .keys = sample.keys,
                    .values = draws.normal(sample.keys.rows(), d_v),
                    .output = draws.normal(width, d_v)};
    same_output(head, in_gauge(head, key_gauge, value_gauge), findings);
  }
  findings.input("normal keys, n = 100, d = 32");
  const Head head{.query = draws.normal_vector(d),
                  .keys = draws.normal(100, d),
                  .values = draws.normal(100, d_v),
                  .output = draws.normal(width, d_v)};
  same_output_in_fp32(head, in_gauge(head, key_gauge, value_gauge), findings);
}

void check_gi_4(Draws& draws, Findings& findings) {
  const Eigen::Index d = 64;
  for (const KeySample& sample : key_samples(draws, d)) {
    findings.input(sample.name);
    keeps_cosines(sample.keys, draws.signed_permutation(d), findings);
  }
  findings.input("signed permutation, d = 64");
  findings.equal("max |T e_i|_1 - 1", spread_of_axes(draws.signed_permutation(d)), 0, 0);
  findings.input("random rotation, d = 64");
  findings.above("max |T e_i|_1 - 1", spread_of_axes(draws.rotation(d)), 1);
  findings.input("two axes turned by 0.001, d = 64");
  Tensor slight = Tensor::Identity(d, d);
  slight.topLeftCorner(2, 2) << std::cos(1e-3), -std::sin(1e-3), std::sin(1e-3), std::cos(1e-3);
  findings.equal("max |T e_i|_1 - 1, against cos + sin - 1", spread_of_axes(slight),
                 std::cos(1e-3) + std::sin(1e-3) - 1, 1e-15);
  findings.above("c(T e_1) > c(e_1) = 1/8", cos_1bit(slight.col(0)), 0.125);
}

void check_gi_5(Draws& draws, Findings& findings) {
  const Eigen::Index d = 12, width = 40, experts = 24, k = 4, tokens = 60;
  const AttentionLayer layer{
      .heads = 4,
      .kv_heads = 2,
      .query = draws.normal(4 * d, width) / std::sqrt(width),
      .key = draws.normal(2 * d, width) / std::sqrt(width),
      .value = draws.normal(2 * d, width) / std::sqrt(width),
      .output = draws.normal(width, 4 * d) / std::sqrt(width),
      .rotary = {.frequencies = standard_frequencies(d / 2, 10000), .unrotated = 0},
      .query_gauge = {},
      .key_gauge = {}};
  Tensor router = draws.normal(experts, width);
  router.row(experts - 1) = router.row(0);  // two experts that always tie
  const Tensor inputs = draws.normal(tokens, width);
  const Tensor scores = router_scores(layer, router, inputs);
  const AttentionLayer gauged = in_gauge(layer, {invertible(draws, d), invertible(draws, d)},
                                         {invertible(draws, d), invertible(draws, d)});
  findings.input("4 heads on 2 key heads, 60 tokens, top 4 of 24 experts, two of them equal");
  const Tensor gauged_scores = router_scores(gauged, router, inputs);
  same_scores(scores, gauged_scores, findings);
  decided_sets_stay(scores, gauged_scores, k, findings);
  findings.input("the same scores with errors as large as many margins");
  const Tensor noisy = scores + 0.3 * draws.signs(tokens, experts);
  decided_sets_stay(scores, noisy, k, findings);
  findings.above("tokens that choose other experts, with any margin",
                 static_cast<double>(changed_sets(scores, noisy, k)), 0);
}

void check_gi_6(Draws& draws, Findings& findings) {
  const Eigen::Index d = 64;
  const Tensor gauge = invertible(draws, d), rotation = draws.rotation(d);
  const Quantiser identity = [](TensorView keys) { return Tensor(keys); };
  const Quantiser one_bit = [](TensorView keys) { return mmse_code(keys); };
  for (const KeySample& sample : key_samples(draws, d)) {
    findings.input(sample.name);
    lossless_codec(sample.keys, gauge, identity, findings);
    codec_error(sample.keys, rotation, one_bit, findings);
    folded_scores(draws.normal(20, d), sample.keys, gauge, one_bit, findings);
  }
}

}  // namespace

std::span<const Check> gauge_invariance_checks() {
  static constexpr std::array kChecks{Check{"GI-1", check_gi_1}, Check{"GI-2", check_gi_2},
                                      Check{"GI-3", check_gi_3}, Check{"GI-4", check_gi_4},
                                      Check{"GI-5", check_gi_5}, Check{"GI-6", check_gi_6}};
  return kChecks;
}

}  // namespace rg::theorems
