#include <array>
#include <cmath>
#include <optional>

#include "theorems/families.h"
#include "theorems/key_only.h"
#include "theorems/linear.h"

namespace rg::theorems {
namespace {

constexpr Eigen::Index kWidth = 24, kKeys = 8, kExperts = 12, kTop = 3;

// A gate made from the keys, and a vector that shifts all logits equally.
Tensor gate_from_keys(Draws& draws, const Tensor& keys) {
  const Tensor mix = draws.normal(kExperts, keys.rows());
  return mix * keys + Vector::Ones(kExperts) * draws.normal_vector(keys.cols()).transpose();
}

Vector gains(Draws& draws, Eigen::Index size) { return draws.normal_vector(size).array() + 2; }

SerialBlock small_block(Draws& draws, Eigen::Index heads, Eigen::Index kv_heads, double epsilon) {
  constexpr Eigen::Index d = 4;
  return {.attention_norm = {.gain = gains(draws, kWidth), .epsilon = epsilon},
          .attention = {.heads = heads,
                        .kv_heads = kv_heads,
                        .query = draws.normal(heads * d, kWidth) / 5,
                        .key = draws.normal(kv_heads * d, kWidth) / 5,
                        .value = draws.normal(kv_heads * d, kWidth) / 5,
                        .output = draws.normal(kWidth, heads * d) / 2,
                        .rotary = {.frequencies = standard_frequencies(d / 2, 1e4), .unrotated = 0},
                        .query_gauge = {},
                        .key_gauge = {}},
          .gate_norm = {.gain = gains(draws, kWidth), .epsilon = epsilon},
          .gate = draws.normal(kExperts, kWidth)};
}

void check_kr_1(Draws& draws, Findings& findings) {
  for (int table = 0; table < 4; ++table) {
    const bool coarse = table % 2 == 0;
    findings.input(coarse ? "summaries on a lattice: many coincide" : "summaries: all distinct");
    const Tensor summaries = coarse ? draws.signs(60, 3) : draws.normal(60, 3);
    // The routes of the first coarse table are a function of the summaries; those of the second
    // aren't.
    const Tensor logits =
        table == 0 ? Tensor(summaries * draws.normal(3, kExperts)) : draws.normal(60, kExperts);
    const std::vector<Set> sets = routes(logits, kTop);
    factorisation_criterion(summaries, sets, findings);
    findings.equal("a function exists", factors(summaries, sets) ? 1 : 0, table == 2 ? 0 : 1, 0);
  }
}

void check_kr_2(Draws& draws, Findings& findings) {
  const Tensor keys = draws.normal(kKeys, kWidth);
  findings.input("gate made from the keys");
  linear_factorisation(keys, gate_from_keys(draws, keys), draws.cloud(50, kWidth, 10), kTop,
                       findings);
  findings.input("random gate");
  linear_obstruction(keys, draws.normal(kExperts, kWidth), kTop, findings);
  findings.input("random gate, top 1 and keys of very unequal size");
  const Tensor uneven = Vector::LinSpaced(kKeys, 0, 6).array().exp().matrix().asDiagonal() * keys;
  linear_obstruction(uneven, draws.normal(kExperts, kWidth), 1, findings);
  findings.input("gate made from the keys, except for a part in a million");
  const Tensor nearly = gate_from_keys(draws, keys) + 1e-6 * draws.normal(kExperts, kWidth);
  linear_obstruction(keys, nearly, kTop, findings);
}

void check_kr_3(Draws& draws, Findings& findings) {
  const Tensor key_weights = draws.normal(kKeys, kWidth), inputs = draws.cloud(50, kWidth, 10);
  for (const double epsilon : {0.0, 1e-6, 1.0}) {
    findings.input("epsilon " + std::to_string(epsilon));
    const RmsNorm key_norm{.gain = gains(draws, kWidth), .epsilon = epsilon};
    const RmsNorm gate_norm{.gain = gains(draws, kWidth), .epsilon = epsilon};
    const Tensor keys = key_weights * key_norm.gain.asDiagonal();
    const Tensor gate_weights =
        gate_from_keys(draws, keys) * gate_norm.gain.cwiseInverse().asDiagonal();
    normed_factorisation(key_weights, key_norm, gate_weights, draws.normal_vector(kExperts),
                         gate_norm, inputs, kTop, findings);
    normed_obstruction(key_weights, key_norm, draws.normal(kExperts, kWidth), gate_norm, kTop,
                       findings);
  }
  findings.input("two epsilons, no router bias");
  const RmsNorm key_norm{.gain = gains(draws, kWidth), .epsilon = 1e-5};
  const RmsNorm gate_norm{.gain = Vector::Ones(kWidth), .epsilon = 0.5};
  const Tensor gate = gate_from_keys(draws, key_weights * key_norm.gain.asDiagonal());
  normed_factorisation(key_weights, key_norm, gate, Vector::Zero(kExperts), gate_norm, inputs, kTop,
                       findings);
}

void check_kr_4(Draws& draws, Findings& findings) {
  findings.input("8 keys of width 24, 12 experts");
  too_few_keys(draws.normal(kKeys, kWidth), draws.normal(kExperts, kWidth), kTop, findings);
  findings.input("23 keys of width 24, 12 experts");
  too_few_keys(draws.normal(kWidth - 1, kWidth), draws.normal(kExperts, kWidth), kTop, findings);
  findings.input("8 keys along what the gate sees most: the bound is met");
  const Tensor gate = draws.normal(kExperts, kWidth);
  const Svd seen = svd_of(expert_centred(gate));
  const Tensor strongest = seen.right.leftCols(kKeys).transpose();
  too_few_keys(strongest, gate, kTop, findings);
  findings.equal(
      "eta, against the share of energy beyond 8 singular values", invisible_share(strongest, gate),
      seen.values.tail(kExperts - kKeys).squaredNorm() / seen.values.squaredNorm(), 1e-12);
  findings.input("2 keys, 2 experts, top 1");
  too_few_keys(draws.normal(2, kWidth), draws.normal(2, kWidth), 1, findings);
}

void check_kr_5(Draws& draws, Findings& findings) {
  const Tensor keys = draws.normal(kWidth, kWidth), gate = draws.normal(kExperts, kWidth);
  findings.input("24 keys of width 24");
  square_keys(keys, gate, draws.cloud(200, kWidth, 3),
              {.gain = gains(draws, kWidth), .epsilon = 1e-6}, kTop, findings);
  findings.input("orthogonal keys, well-conditioned");
  square_keys(draws.rotation(kWidth), gate, draws.normal(200, kWidth),
              {.gain = Vector::Ones(kWidth), .epsilon = 0}, kTop, findings);
  findings.input("4 heads with a norm each");
  Vector x = draws.normal_vector(kWidth);
  for (int attempt = 0; attempt < 100; ++attempt) {
    Findings trial;
    per_head_norm_collision(keys, 4, gate, x, kTop, trial);
    if (trial.all_hold()) break;
    x = draws.normal_vector(kWidth);
  }
  per_head_norm_collision(keys, 4, gate, x, kTop, findings);
}

void check_kr_6(Draws& draws, Findings& findings) {
  SerialBlock block = small_block(draws, 4, 2, 0);
  findings.input("two contexts of 6 tokens");
  const Tensor context = draws.normal(6, kWidth);
  Tensor other = context;
  for (int attempt = 0; attempt < 100; ++attempt) {
    other.topRows(5) = 3 * draws.normal(5, kWidth);
    if (top_k(last_logits(block, context), kTop) != top_k(last_logits(block, other), kTop)) break;
  }
  context_collision(block, context, other, kTop, findings);
  findings.input("a token and its multiple at position 0, epsilon 0");
  Vector x = draws.normal_vector(kWidth);
  for (int attempt = 0; attempt < 100; ++attempt) {
    Findings trial;
    scale_collision(block, x, kTop, trial);
    if (trial.all_hold()) break;
    x = draws.normal_vector(kWidth);
  }
  scale_collision(block, x, kTop, findings);
  findings.input("a key-invisible token and its negative at position 0");
  block.attention_norm.epsilon = block.gate_norm.epsilon = 1e-5;
  const Tensor keys = block.attention.key * block.attention_norm.gain.asDiagonal();
  kernel_collision(block, kernel_basis(keys).col(0), kTop, findings);
  findings.input("keys of x and of a large multiple, epsilon 1e-5");
  scale_seen_through_epsilon(draws.normal_vector(kWidth), 1e-5, findings);
  findings.input("the same for a small x");
  scale_seen_through_epsilon(0.02 * draws.normal_vector(kWidth), 1e-5, findings);
}

void check_kr_7(Draws& draws, Findings& findings) {
  constexpr Eigen::Index kVocabulary = 5, kPrompts = 60, kLength = 4;
  findings.input("60 prompts of 4 tokens out of 5, two layers");
  const Tensor embedding = draws.normal(kVocabulary, kWidth);
  const SerialBlock first = small_block(draws, 4, 2, 1e-5), second = small_block(draws, 4, 2, 1e-5);
  const Eigen::Index m = first.attention.key.rows();
  Tensor own(kPrompts, m), whole(kPrompts, m * kLength), next(kPrompts, m);
  std::vector<Set> sets;
  for (Eigen::Index p = 0; p < kPrompts; ++p) {
    Tensor prompt(kLength, kWidth);
    for (Eigen::Index n = 0; n < kLength; ++n) {
      const Tensor token = embedding.row(draws.below(kVocabulary));
      prompt.row(n) = token;
      whole.row(p).segment(n * m, m) = own_keys(first, token);  // one row: equal to the bit
    }
    own.row(p) = whole.row(p).tail(m);
    next.row(p) = own_keys(second, after_attention(first, prompt)).bottomRows(1);
    sets.push_back(top_k(last_logits(first, prompt), kTop));
  }
  reachable_factorisation(own, whole, next, sets, findings);
}

void check_kr_8(Draws& draws, Findings& findings) {
  const Tensor keys = draws.normal(kWidth, kWidth), gate = draws.normal(kExperts, kWidth);
  const Tensor surrogate = gate * pseudo_inverse(keys);
  findings.input("200 random inputs, 24 keys of width 24");
  const Tensor inputs = draws.normal(200, kWidth);
  lipschitz_bound(inputs * keys.transpose(), inputs * gate.transpose(), surrogate, kTop, findings);
  findings.input("pairs of inputs close together");
  Tensor close(200, kWidth);
  close.topRows(100) = draws.normal(100, kWidth);
  close.bottomRows(100) = close.topRows(100) + 0.05 * draws.normal(100, kWidth);
  lipschitz_bound(close * keys.transpose(), close * gate.transpose(), surrogate, kTop, findings);
  findings.input("two experts, keys -1 and 1: the bound is met");
  const Tensor two{{-1}, {1}}, linear{{3}, {-3}};
  lipschitz_bound(two, two * linear.transpose(), linear, 1, findings);
  findings.equal("Lipschitz constant, against sqrt(2) margin / distance", spectral_norm(linear),
                 std::sqrt(2.0) * 6 / 2, 1e-12);
}

void check_kr_9(Draws& draws, Findings& findings) {
  const Tensor keys = draws.normal(kKeys, kWidth), gate = draws.normal(kExperts, kWidth);
  const Tensor root = draws.normal(kWidth, kWidth) *
                      Vector::LinSpaced(kWidth, 0, -4).array().exp().matrix().asDiagonal();
  const Tensor samples = draws.normal(2000, kWidth) * root.transpose();
  findings.input("2000 samples of unequal variances");
  residue_of_fit(samples, keys, gate, findings);
  residue_of_law(samples, root * root.transpose(), keys, gate, findings);
  findings.input("repeated keys, samples around a mean");
  Tensor repeated(2 * kKeys, kWidth);
  repeated << keys, 2 * keys;
  residue_of_fit(draws.cloud(100, kWidth, 20), repeated, gate, findings);
  findings.input("random keys and gate");
  residue_by_angles(keys, gate, findings);
  findings.input("gate partly made from the keys");
  Tensor mixed = gate_from_keys(draws, keys);
  mixed.topRows(4) += draws.normal(4, kWidth);
  residue_by_angles(keys, mixed, findings);
  findings.input("200 random gates");
  Vector shares(200);
  for (double& share : shares) share = invisible_share(keys, draws.normal(kExperts, kWidth));
  residue_null(shares, kKeys, kWidth, findings);
}

// Random rows in the kernel of `keyed`, their lengths between 0 and the rim, or on the sphere.
Tensor members(Draws& draws, const KeyClass& keyed, Eigen::Index n) {
  Tensor ys = (draws.normal(n, kWidth) * keyed.projection).rowwise().normalized();
  for (Eigen::Index i = 0; i < n; ++i) {
    const double size = i == 0 ? 1 - 1e-9 : i == 1 ? keyed.inner / keyed.rim : draws.uniform();
    ys.row(i) *= keyed.room == 0 ? keyed.inner : size * keyed.rim;
  }
  return ys;
}

void check_kr_10(Draws& draws, Findings& findings) {
  const Tensor keys = draws.normal(kKeys, kWidth);
  // Mostly made from the keys, so that the keys determine some tokens and not others.
  const Tensor gate = gate_from_keys(draws, keys) + 0.05 * draws.normal(kExperts, kWidth);
  for (const double epsilon : {0.0, 1e-6, 0.5}) {
    findings.input("30 tokens, epsilon " + std::to_string(epsilon));
    double determined = 0;
    for (int token = 0; token < 30; ++token) {
      const Vector x0 = draws.normal_vector(kWidth);
      const KeyClass keyed = key_class(keys, x0, epsilon);
      class_has_one_key(keys, x0, epsilon, members(draws, keyed, 5), findings);
      if (determinacy(keyed, gate, x0, keyed.rim, kTop).slack >= 0) {
        ++determined;
        determined_by_keys(keys, gate, x0, epsilon, draws.normal(20, kWidth), kTop, findings);
      } else {
        undetermined_by_keys(keys, gate, x0, epsilon, kTop, findings);
      }
    }
    findings.above("share of tokens that the keys determine", determined / 30, 0);
    findings.below("share of tokens that the keys determine", determined / 30, 1);
  }
  findings.input("a small token, epsilon 1, that the sphere calls determined");
  for (int attempt = 0; attempt < 200; ++attempt) {
    const Vector x0 = 0.03 * draws.normal_vector(kWidth);
    const KeyClass keyed = key_class(keys, x0, 1);
    if (determinacy(keyed, gate, x0, keyed.inner, kTop).slack < 0) continue;
    if (determinacy(keyed, gate, x0, keyed.rim, kTop).slack >= 0) continue;
    sphere_is_too_small(keys, gate, x0, 1, kTop, findings);
    return;
  }
  findings.holds("such a token was found", false);
}

}  // namespace

std::span<const Check> key_only_checks() {
  static constexpr std::array kChecks{Check{"KR-1", check_kr_1}, Check{"KR-2", check_kr_2},
                                      Check{"KR-3", check_kr_3}, Check{"KR-4", check_kr_4},
                                      Check{"KR-5", check_kr_5}, Check{"KR-6", check_kr_6},
                                      Check{"KR-7", check_kr_7}, Check{"KR-8", check_kr_8},
                                      Check{"KR-9", check_kr_9}, Check{"KR-10", check_kr_10}};
  return kChecks;
}

}  // namespace rg::theorems
