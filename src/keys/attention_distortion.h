// How far coded keys (and values) move what one query reads: the measured distortion, the bounds
// B1 to B6 on it and its forecast. AD-2 to AD-6 of the theorem catalogue, of softmax attention with
// any scale of the scores, a window of keys, and a sink (a logit per query head without a value: a
// key that is never coded, whose value is 0). Keys and values are those that enter the products,
// after RoPE. No capped attention logits: no block of a layer computes them.
//
// z_i = scale q'k_i, delta_i = scale q'(k'_i - k_i), p = softmax(z), p' = softmax(z + delta),
// o = sum p_i v_i, o' = sum p'_i v'_i over what the query sees; osc is largest minus least, TV half
// the one-norm. Omega = largest osc of a channel of v, e = largest |v' - v| of an entry.
//
// All sums are fp64 in the order of positions (B6: of values); exp and log are pinned.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace rg::keys {

// Borrowed: keys and values of one KV head of one sequence, rows from position 0 on. Finite, at
// most 1e30 in size.
struct HeadRows {
  std::span<const float> keys;    // (rows, key_width)
  std::span<const float> values;  // (rows, value_width)
  uint32_t key_width, value_width;
};

struct AttentionRule {
  double scale = 1;                     // of the scores: 1 / sqrt(d), or the model's own
  std::optional<uint32_t> window = {};  // keys that a query sees, its own included; at least 1
  std::optional<double> sink = {};      // the query head's logit without a value
};

enum BoundIndex : size_t {
  kVariation,       // B1 = TV(p, p') Omega + e
  kTanh,            // B2 = tanh(osc(delta) / 4) Omega + e, AD-2 and AD-3
  kLinear,          // B3 = osc(delta) / 4 Omega + e
  kEuclidean,       // B4 = scale |q|_2 max_i |dk_i|_2 / 2 Omega + e, AD-4
  kEntrywise,       // B5 = scale |q|_1 max |dk_ij| / 2 Omega + e
  kMultiplicative,  // B6 = (exp(osc(delta)) - 1) max_c min_b E_p |v_c - b| + e, AD-6; where
                    // osc(delta) > 600 it is Omega + e, which always holds
};
inline constexpr size_t kBounds = 6;

// error <= B1 <= B2 <= B3 <= B4, B3 <= B5, error <= B6, up to rounding.
struct Distortion {
  double error;                          // M = |o' - o|_inf
  std::optional<double> relative_error;  // |o' - o|_2 / |o|_2; none if o is 0
  double variation;                      // TV(p, p')
  double divergence;                     // KL(p || p'), nats
  double score_spread;                   // osc(delta)
  double value_spread;                   // Omega
  double value_error;                    // e
  std::array<double, kBounds> bounds;
  // max_c |Cov_p(delta, v_c) + E_p (v'_c - v_c)|: no bound but what the error is to first order in
  // both errors; with exact values the covariance of AD-5.
  double forecast;
  // Root mean square over the coded keys of delta, and of scale |q| |dk| / sqrt(d): what it would
  // be if key errors had no preferred direction, AD-4 (c). 0 without coded keys.
  double score_error, isotropic_error;

  // The values that the query sees are all equal, or there is one: keys cannot matter.
  bool trivial() const { return value_spread == 0; }
  // The bound says no more than that averages of the exact values lie within their spread.
  bool vacuous(size_t bound) const { return bounds[bound] >= value_spread; }
};

// Exact attention of one query, made once for all codes of its head.
class ExactAttention {
 public:
  // The query (key_width) at `position`, a row of `rows`; both are borrowed.
  ExactAttention(const HeadRows& rows, std::span<const float> query, uint32_t position,
                 const AttentionRule& rule);

  // `coded`: the same rows as read back. Those of positions below `exact_first` count as stored
  // exactly, whatever `coded` holds there: sinks, usually.
  Distortion distortion(const HeadRows& coded, uint32_t exact_first) const;

 private:
  struct Moved;   // p', delta and sizes of key errors
  struct Change;  // of the output
  Moved moved(const HeadRows& coded, uint32_t exact_first) const;
  Change change(const HeadRows& coded, uint32_t exact_first, const Moved& now) const;
  // Without the error of the values.
  std::array<double, kBounds> bounds(const Moved& now, double variation, double osc) const;
  size_t seen() const { return end_ - first_; }

  HeadRows rows_;
  std::span<const float> query_;
  AttentionRule rule_;
  uint32_t first_, end_;         // positions that the query sees
  std::vector<double> scores_;   // z, the sink last
  std::vector<double> weights_;  // p, the same
  double log_total_;             // log sum exp(z)
  std::vector<double> output_;   // o (value_width)
  double value_spread_ = 0;      // Omega
  double value_deviation_ = 0;   // max_c min_b E_p |v_c - b|
};

}  // namespace rg::keys
