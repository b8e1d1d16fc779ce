// What a certificate is about: the matrices through which one layer's keys and its router read the
// same residual x of width D, keys K x / rho(x) and logits G x / rho'(x), with rho and rho'
// positive numbers that depend on |x| alone (RMS norms; any epsilon). A certificate is a pair of
// residuals with equal keys and different top-k sets of logits: the route is then no function of
// the keys (KR-1). A bias of the keys, RoPE at a known position and a QK-norm are functions of K x
// / rho(x) and change nothing. The theorems need a plain top-k without bias of the router and
// without groups: see decision_table.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "linear/matrix.h"

namespace rg::certificates {

using linear::Column;  // of this floor's files
using linear::Matrix;

// A stored matrix W (rows, columns), row-major: bf16, fp16 and fp32 are fp32 exactly. It reads an
// input that is multiplied by `gains` (columns), as the model multiplies (so with 1 added where its
// norm adds 1); none: by 1.
struct StoredMatrix {
  std::span<const float> values;
  uint32_t rows, columns;
  std::span<const float> gains;
};

// Attention at position 0, where it sees one key: h(x) = x + W_O W_V N(x), N the norm in front of
// the keys, whose gains `values` reads as well. No bias of values or output, no sink, and nothing
// between W_O and the sum.
struct FirstPosition {
  StoredMatrix values;  // (kv_heads d, D)
  StoredMatrix output;  // (D, heads d); head i reads the values of KV head i kv_heads / heads
  uint32_t heads, kv_heads;
  double epsilon;  // of N: x / sqrt(|x|^2 / D + epsilon)
};

struct Question {
  StoredMatrix keys;    // all key heads of a token, stacked: (m, D)
  StoredMatrix router;  // (E, D)
  uint32_t top_k;       // 1 <= k < E
  // The router reads h(x) at position 0 (KR-6 (d)); none: it reads x (KR-3).
  std::optional<FirstPosition> attention;
};

struct Shape {
  uint32_t keys, width, experts, top_k;  // m, D, E, k
  bool operator==(const Shape&) const = default;
};
Shape shape_of(const Question& question);

// W diag(gains), exactly: a product of two fp32 numbers fits into an fp64. RT070 for sizes that
// don't fit each other and for a value that isn't finite.
Matrix folded(const StoredMatrix& stored);
// Values as W_O reads them: the rows of each KV head repeated for its heads. (heads d, ...)
Matrix repeated(const Matrix& by_kv_head, const FirstPosition& attention);

// Why there is no certificate. Only the first is proved.
enum class Missing {
  keys_determine_input,  // rank K = D: only x = 0 has keys 0 (then KR-5, or KR-6 (b) after
                         // attention)
  router_in_keys,     // the row space of C_E G lies in that of K (KR-2), to all that was computed
  keys_dependent,     // the rows of K couldn't be shown to be independent in fp64
  within_error,       // the sets can't be told apart in fp64
  keys_decide_token,  // all residuals of this norm with the token's keys take its route (KR-10)
  tied,               // the token's own set has a tie at its boundary
  prime_unlucky,      // the choice modulo a prime didn't hold over the rationals
};
std::string_view name(Missing missing) noexcept;

template <typename Certificate>
struct Made {
  std::optional<Certificate> certificate;
  Missing missing;  // read only without a certificate
};

}  // namespace rg::certificates
