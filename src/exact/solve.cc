#include <flint/nmod_mat.h>

#include "base/error.h"
#include "exact/integers.h"
#include "exact/number.h"
#include "exact/store.h"

namespace rg::exact {
namespace {

// A matrix of residues that frees itself.
struct Residues {
  nmod_mat_t matrix;

  Residues(slong rows, slong columns, uint64_t prime) {
    nmod_mat_init(matrix, rows, columns, prime);
  }
  Residues(const Residues&) = delete;
  Residues& operator=(const Residues&) = delete;
  ~Residues() { nmod_mat_clear(matrix); }
};

// The first nonzero column of every row of a reduced echelon form of `rank`.
std::vector<uint32_t> pivots(const Residues& reduced, slong rank) {
  std::vector<uint32_t> found;
  slong column = 0;
  for (slong row = 0; row < rank; ++row) {
    while (nmod_mat_entry(reduced.matrix, row, column) == 0) ++column;
    found.push_back(static_cast<uint32_t>(column));
  }
  return found;
}

}  // namespace

Integers product(const Integers& left, const Integers& right) {
  check_internal(left.columns() == right.rows(), "factors of an exact product fit");
  Integers out(left.rows(), right.columns());
  fmpz_mat_mul(out.store().matrix, left.store().matrix, right.store().matrix);
  return out;
}

std::optional<Solution> solve(const Integers& matrix, const Integers& right_side) {
  check_internal(matrix.rows() == matrix.columns() && matrix.rows() == right_side.rows(),
                 "an exact system is square");
  Solution out{Integers(right_side.rows(), right_side.columns()), Integers(1, 1)};
  fmpz* denominator = out.denominator.store().at(0, 0);
  fmpz_mat_struct* numerators = out.numerators.store().matrix;
  if (fmpz_mat_solve_dixon_den(numerators, denominator, matrix.store().matrix,
                               right_side.store().matrix) == 0) {
    return std::nullopt;
  }
  Number factor;
  fmpz_mat_content(factor.value, numerators);
  fmpz_gcd(factor.value, factor.value, denominator);
  if (fmpz_sgn(denominator) < 0) fmpz_neg(factor.value, factor.value);
  fmpz_divexact(denominator, denominator, factor.value);
  fmpz_mat_scalar_divexact_fmpz(numerators, numerators, factor.value);
  return out;
}

Independent independent_modulo(const Integers& matrix, uint64_t prime) {
  const auto rows = static_cast<slong>(matrix.rows());
  const auto columns = static_cast<slong>(matrix.columns());
  Residues residues(rows, columns, prime);
  fmpz_mat_get_nmod_mat(residues.matrix, matrix.store().matrix);
  Residues transposed(columns, rows, prime);
  nmod_mat_transpose(transposed.matrix, residues.matrix);
  const slong rank = nmod_mat_rref(residues.matrix);
  Independent out{.rows = {}, .columns = pivots(residues, rank)};
  // Rows of the matrix are independent if they are on those columns.
  Residues chosen(rank, rows, prime);
  for (slong i = 0; i < rank; ++i) {
    for (slong row = 0; row < rows; ++row) {
      nmod_mat_entry(chosen.matrix, i, row) = nmod_mat_entry(
          transposed.matrix, static_cast<slong>(out.columns[static_cast<size_t>(i)]), row);
    }
  }
  out.rows = pivots(chosen, nmod_mat_rref(chosen.matrix));
  return out;
}

}  // namespace rg::exact
