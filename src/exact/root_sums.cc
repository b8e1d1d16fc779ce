// Sums of integers and square roots, compared by squaring.
#include <flint/fmpz_mat.h>

#include <algorithm>
#include <cmath>

#include "exact/integers.h"
#include "exact/number.h"
#include "exact/store.h"

namespace rg::exact {
namespace {

// A number of any size: mantissa 2^exponent, rounded to an fp64's precision.
struct Rounded {
  double mantissa;
  slong exponent;
};
Rounded rounded(const fmpz* value) {
  Rounded out{.mantissa = 0, .exponent = 0};
  out.mantissa = fmpz_get_d_2exp(&out.exponent, value);
  return out;
}

// difference * sqrt(radicand)
Rounded times_root(const fmpz* difference, const fmpz* radicand) {
  const Rounded factor = rounded(difference), square = rounded(radicand);
  const slong odd = square.exponent & 1;
  return {
      .mantissa = factor.mantissa * std::sqrt(std::ldexp(square.mantissa, static_cast<int>(odd))),
      .exponent = factor.exponent + (square.exponent - odd) / 2};
}

Rounded plus(const Rounded& a, const Rounded& b) {
  if (a.mantissa == 0) return b;
  if (b.mantissa == 0) return a;
  const slong exponent = std::max(a.exponent, b.exponent);
  const auto at = [&](const Rounded& x) {
    return std::ldexp(x.mantissa, static_cast<int>(std::max(x.exponent - exponent, slong{-4000})));
  };
  return {.mantissa = at(a) + at(b), .exponent = exponent};
}

}  // namespace

Integers sum(const Integers& left, const Integers& right) {
  Integers out(left.rows(), left.columns());
  fmpz_mat_add(out.store().matrix, left.store().matrix, right.store().matrix);
  return out;
}

Integers times_power_of_two(const Integers& matrix, size_t exponent) {
  Integers out(matrix.rows(), matrix.columns());
  fmpz_mat_scalar_mul_2exp(out.store().matrix, matrix.store().matrix, exponent);
  return out;
}

Integers sum_of_squares(const Integers& column) {
  Integers out(1, 1);
  for (size_t i = 0; i < column.rows(); ++i) {
    fmpz_addmul(out.store().at(0, 0), column.store().at(i, 0), column.store().at(i, 0));
  }
  return out;
}

int RootSums::compare(size_t i, size_t j) const {
  Number whole, other;
  fmpz_sub(whole.value, p.store().at(i, 0), p.store().at(j, 0));
  fmpz_sub(other.value, q.store().at(i, 0), q.store().at(j, 0));
  const int sign = fmpz_sgn(whole.value), other_sign = fmpz_sgn(other.value);
  if (sign == 0 || other_sign == 0 || sign == other_sign) return sign != 0 ? sign : other_sign;
  fmpz_mul(whole.value, whole.value, whole.value);
  fmpz_mul(whole.value, whole.value, a.store().at(0, 0));
  fmpz_mul(other.value, other.value, other.value);
  fmpz_mul(other.value, other.value, b.store().at(0, 0));
  const int larger = fmpz_cmp(whole.value, other.value);
  return larger == 0 ? 0 : larger > 0 ? sign : other_sign;
}

double RootSums::ratio(size_t i, size_t j, size_t k, size_t l) const {
  const auto apart = [&](size_t first, size_t second) {
    Number whole, other;
    fmpz_sub(whole.value, p.store().at(first, 0), p.store().at(second, 0));
    fmpz_sub(other.value, q.store().at(first, 0), q.store().at(second, 0));
    return plus(times_root(whole.value, a.store().at(0, 0)),
                times_root(other.value, b.store().at(0, 0)));
  };
  const Rounded above = apart(i, j), below = apart(k, l);
  const slong shift = std::clamp(above.exponent - below.exponent, slong{-4000}, slong{4000});
  return std::ldexp(above.mantissa / below.mantissa, static_cast<int>(shift));
}

}  // namespace rg::exact
