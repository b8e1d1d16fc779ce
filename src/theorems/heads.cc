#include "theorems/heads.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "theorems/extremes.h"
#include "theorems/families.h"
#include "theorems/gauge_invariance.h"
#include "theorems/givens.h"
#include "theorems/linear.h"
#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

Tensor inverse_transpose(const Tensor& matrix) { return linear::inverse(matrix).transpose(); }

// W becomes gauge W in every block of d rows.
void fold_rows(Tensor& weights, Eigen::Index block, const Tensor& gauge) {
  const Eigen::Index d = gauge.rows();
  weights.middleRows(block * d, d) = (gauge * weights.middleRows(block * d, d)).eval();
}

void same_output(const AttentionLayer& layer, const AttentionLayer& other, TensorView inputs,
                 Findings& findings) {
  const Tensor attention = attend(layer, inputs), changed = attend(other, inputs);
  findings.at_most("relative difference of the attention outputs",
                   relative_difference(changed, attention), 0, 1e-12);
  findings.at_most("relative difference behind the residual",
                   relative_difference(inputs + changed, inputs + attention), 0, 1e-12);
}

struct Mixing {
  double outside;  // largest singular value of a row block outside of its match
  double change;   // of a head's score between unit vectors
  double outside_norm;
};

Mixing mixing_of(TensorView rotation, Eigen::Index heads) {
  const Eigen::Index d = rotation.rows() / heads;
  Mixing out{.outside = 0, .change = 0, .outside_norm = 0};
  Tensor rest = rotation;
  for (Eigen::Index a = 0; a < heads; ++a) {
    const Tensor rows = rotation.middleRows(a * d, d);
    Eigen::Index match = 0;
    for (Eigen::Index b = 1; b < heads; ++b) {
      if (rows.middleCols(b * d, d).norm() > rows.middleCols(match * d, d).norm()) match = b;
    }
    rest.block(a * d, match * d, d, d).setZero();
    Tensor projection = Tensor::Zero(rotation.rows(), rotation.rows());
    projection.block(match * d, match * d, d, d).setIdentity();
    out.outside = worse(out.outside, spectral_norm(rest.middleRows(a * d, d)));
    out.change = worse(out.change, spectral_norm(rows.transpose() * rows - projection));
  }
  out.outside_norm = rest.norm();
  return out;
}

void check_mh_1(Draws& draws, Findings& findings) {
  constexpr Eigen::Index d = 8, width = 20;
  AttentionLayer layer{.heads = 4,
                       .kv_heads = 2,
                       .query = draws.normal(4 * d, width) / 3,
                       .key = draws.normal(2 * d, width) / 3,
                       .value = draws.normal(2 * d, width),
                       .output = draws.normal(width, 4 * d),
                       .rotary = {.frequencies = standard_frequencies(3, 1e4), .unrotated = 2},
                       .query_gauge = {},
                       .key_gauge = {}};
  const auto member = [&] {  // turned and scaled planes, anything where RoPE rests
    Tensor out = plane_turn(draws.normal_vector(3), 2);
    for (Eigen::Index j = 0; j < 3; ++j) out.middleRows(2 * j, 2) *= std::exp(draws.normal() / 3);
    out.bottomRightCorner(2, 2) = Tensor{{2, 1}, {0.5, -1}};
    return out;
  };
  const auto stretched_rotation = [&] {
    return Tensor(draws.rotation(d) * Vector::LinSpaced(d, 0.5, 2).asDiagonal() *
                  draws.rotation(d));
  };
  const std::vector<Tensor> values{stretched_rotation(), stretched_rotation()};
  findings.input("4 query heads on 2 key heads, 12 tokens, gauges folded before partial RoPE");
  folded_bundle(layer, draws.normal(12, width), {member(), member()}, values, findings);
  findings.input("the same layer, rotations behind RoPE");
  online_bundle(layer, draws.normal(12, width), {draws.rotation(d), hadamard(d)}, values, findings);
  findings.input("inverse transposes behind RoPE, large scores around a mean");
  online_bundle(layer, draws.cloud(12, width, 10), {stretched_rotation(), stretched_rotation()},
                values, findings);
}

void check_mh_2(Draws& draws, Findings& findings) {
  findings.input("two heads of one coordinate, turned by 45 degrees");
  const Tensor turn = plane_turn(Vector::Constant(1, std::acos(0.0) / 2), 0);
  const Vector query{{1, 0}}, key{{0, 1}};
  const Vector before = head_scores(query, key, 2);
  const Vector after = head_scores(turn * query, turn * key, 2);
  findings.equal("largest score before", before.cwiseAbs().maxCoeff(), 0, 0);
  findings.equal("score of the first head after", after[0], -0.5, 1e-12);
  findings.equal("score of the second head after", after[1], 0.5, 1e-12);
  head_mixing(turn, 2, findings);

  Tensor bundle = Tensor::Zero(12, 12);
  findings.input("three heads, turned and exchanged");
  for (Eigen::Index h = 0; h < 3; ++h) {
    bundle.block(4 * h, 4 * ((h + 1) % 3), 4, 4) = draws.rotation(4);
  }
  head_bundle(bundle, 3, findings);
  head_mixing(bundle, 3, findings);
  findings.input("random rotation of all heads at once");
  const Tensor across = draws.rotation(12);
  head_mixing(across, 3, findings);
  findings.above("largest change of a head's score", mixing_of(across, 3).change, 0.1);
  findings.input("a bundle, then two heads turned into each other by a thousandth");
  Tensor slight = Tensor::Identity(12, 12);
  slight(0, 0) = slight(4, 4) = std::cos(1e-3);
  slight(4, 0) = std::sin(1e-3);
  slight(0, 4) = -slight(4, 0);
  head_mixing(slight * bundle, 3, findings);
  findings.above("largest change of a head's score", mixing_of(slight * bundle, 3).change, 1e-4);
}

void check_mh_4(Draws& draws, Findings& findings) {
  constexpr Eigen::Index d = 8;
  std::vector<Tensor> heads;
  for (int h = 0; h < 3; ++h) heads.push_back(draws.signs(150, d) * draws.rotation(d));
  findings.input("three heads of turned lattice keys");
  cost_of_sharing(heads, draws.rotation(d), 15, findings);
  heads = {draws.normal(150, d), draws.sparse(150, d, 2), draws.cloud(150, d, 8)};
  findings.input("normal, sparse and mean-shifted heads");
  cost_of_sharing(heads, draws.rotation(d), 15, findings);
  findings.input("two-dimensional heads, exact maxima");
  exact_cost_of_sharing({draws.normal(50, 2), draws.signs(50, 2), draws.cloud(50, 2, 3)}, findings);
}

}  // namespace

void folded_bundle(const AttentionLayer& layer, TensorView inputs,
                   const std::vector<Tensor>& gauges, const std::vector<Tensor>& value_gauges,
                   Findings& findings) {
  AttentionLayer changed = in_gauge(layer, gauges, value_gauges);
  changed.query_gauge.clear();  // into the weights instead
  changed.key_gauge.clear();
  const Eigen::Index group = layer.heads / layer.kv_heads;
  for (Eigen::Index g = 0; g < layer.kv_heads; ++g) {
    fold_rows(changed.key, g, gauges[static_cast<size_t>(g)]);
  }
  for (Eigen::Index h = 0; h < layer.heads; ++h) {
    fold_rows(changed.query, h, inverse_transpose(gauges[static_cast<size_t>(h / group)]));
  }
  same_output(layer, changed, inputs, findings);
}

void online_bundle(const AttentionLayer& layer, TensorView inputs,
                   const std::vector<Tensor>& gauges, const std::vector<Tensor>& value_gauges,
                   Findings& findings) {
  same_output(layer, in_gauge(layer, gauges, value_gauges), inputs, findings);
}

Vector head_scores(VectorView query, VectorView key, Eigen::Index heads) {
  const Vector products = query.cwiseProduct(key);
  return products.reshaped(query.size() / heads, heads).colwise().sum().transpose();
}

void head_mixing(TensorView rotation, Eigen::Index heads, Findings& findings) {
  const Mixing mixing = mixing_of(rotation, heads);
  findings.equal("largest change of a head's score, against the part outside of its match",
                 mixing.change, mixing.outside, 1e-12);
}

void head_bundle(TensorView rotation, Eigen::Index heads, Findings& findings) {
  const Mixing mixing = mixing_of(rotation, heads);
  findings.at_most("Frobenius norm outside of the matched blocks", mixing.outside_norm, 0, 1e-12);
  findings.at_most("largest change of a head's score", mixing.change, 0, 1e-12);
}

void cost_of_sharing(const std::vector<Tensor>& keys, TensorView start, int steps,
                     Findings& findings) {
  const Eigen::Index n = keys[0].rows(), d = keys[0].cols();
  const auto heads = static_cast<Eigen::Index>(keys.size());
  Tensor stacked(n * heads, d), joined(n, d * heads), blocks = Tensor::Zero(d * heads, d * heads);
  for (Eigen::Index h = 0; h < heads; ++h) {
    stacked.middleRows(h * n, n) = joined.middleCols(h * d, d) = keys[static_cast<size_t>(h)];
  }
  const Itq shared = itq(stacked, start, steps, Vector::Ones(n * heads));
  double product = 0;
  for (Eigen::Index h = 0; h < heads; ++h) {
    const Itq own = itq(keys[static_cast<size_t>(h)], shared.rotation, steps, Vector::Ones(n));
    product += own.gains.back();
    blocks.block(h * d, h * d, d, d) = own.rotation;
  }
  const Itq across = itq(joined, blocks, steps, Vector::Ones(n));
  const double size = static_cast<double>(n * heads);
  findings.at_most("one-norm a key: one rotation for all heads, against one each",
                   shared.gains.back() / size, product / size, 1e-9);
  findings.at_most("one-norm a key: one rotation a head, against one across heads", product / size,
                   across.gains.back() / size, 1e-9);
}

void exact_cost_of_sharing(const std::vector<Tensor>& keys, Findings& findings) {
  Eigen::Index total = 0;
  for (const Tensor& head : keys) total += head.rows();
  Tensor stacked(total, 2);
  double product = 0;
  for (Eigen::Index at = 0; const Tensor& head : keys) {
    stacked.middleRows(at, head.rows()) = head;
    at += head.rows();
    product += best_plane_turn(head.col(0), head.col(1), Vector::Ones(head.rows())).gain;
  }
  findings.at_most("largest sum of one-norms: one rotation for all heads, against one each",
                   best_plane_turn(stacked.col(0), stacked.col(1), Vector::Ones(total)).gain,
                   product, 1e-12 * product);
}

std::span<const Check> head_checks() {
  static constexpr std::array kChecks{Check{"MH-1", check_mh_1}, Check{"MH-2", check_mh_2},
                                      Check{"MH-4", check_mh_4}};
  return kChecks;
}

}  // namespace rg::theorems
