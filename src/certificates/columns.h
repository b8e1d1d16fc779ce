// Which columns of K carry an exact kernel vector: level A's choice.
#pragma once

#include <optional>
#include <vector>

#include "certificates/question.h"
#include "exact/integers.h"

namespace rg::certificates {

// K on `rows` and `columns` is square and regular (as far as the choice can tell); the vector on
// columns and `extra` that K maps to zero parts the experts.
struct Columns {
  std::vector<uint32_t> rows, columns;
  uint32_t extra;
};

// By pivoted QR in fp64; of all extra columns the one whose vector, at length 1, has the widest
// smaller gap between the k-th and the next logit, at both its signs. None if K has full column
// rank, or if no gap exceeds what fp64 resolves.
std::optional<Columns> columns_by_size(const Matrix& keys, const Matrix& router, uint32_t top_k);

// By echelon forms modulo a prime: `found` is set if K modulo the prime has a kernel vector with
// unequal logits, which makes it so over the rationals where the choice holds at all. Else
// `full_rank`, proved, tells why not; or the router's differences are combinations of keys modulo
// the prime.
struct ColumnsModulo {
  std::optional<Columns> found;
  bool full_rank;
};
ColumnsModulo columns_modulo(const Matrix& keys, const Matrix& router);

// Rows of a matrix at the columns named, as integers: each row over its own power of two, or all
// over one.
enum class Scale { per_row, common };
exact::Integers integers(const Matrix& matrix, const std::vector<uint32_t>& rows,
                         const std::vector<uint32_t>& columns, Scale scale);
// All of a matrix over one power of two: matrix = values 2^exponent.
struct Scaled {
  exact::Integers values;
  int exponent;
};
Scaled over_one_power(const Matrix& matrix);
std::vector<uint32_t> first_numbers(size_t count);  // 0 .. count - 1

}  // namespace rg::certificates
