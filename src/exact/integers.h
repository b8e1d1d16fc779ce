// Exact linear algebra over the integers: FLINT, hidden. Numbers of any length; nothing is rounded
// unless a function says so. On the calling thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rg::exact {

// A matrix of integers, zero at first. Indices must be in range.
class Integers {
 public:
  struct Store;

  Integers(size_t rows, size_t columns);
  Integers(const Integers& other);
  Integers(Integers&& other) noexcept;
  Integers& operator=(Integers other) noexcept;
  ~Integers();

  size_t rows() const noexcept;
  size_t columns() const noexcept;

  void set(size_t row, size_t column, int64_t value);
  // value 2^-exponent, which must be an integer (RT070).
  void set_scaled(size_t row, size_t column, double value, int exponent);
  void set_difference(size_t row, size_t column, const Integers& from, size_t minuend,
                      size_t subtrahend);  // from[minuend][column] - from[subtrahend][column]
  void copy(size_t row, size_t column, const Integers& from, size_t from_row);  // same column
  Integers part(size_t first_column, size_t count) const;
  void negate();

  int sign(size_t row, size_t column) const;
  size_t bits(size_t row, size_t column) const;  // of the absolute value; 0 for 0
  bool zero() const;

  std::string hex(size_t row, size_t column) const;  // "-1f", "0"
  // False unless `text` is what hex() writes.
  bool set_hex(size_t row, size_t column, std::string_view text);

  Store& store() noexcept { return *store_; }
  const Store& store() const noexcept { return *store_; }

 private:
  std::unique_ptr<Store> store_;
};

// The largest e such that every value, finite, is an integer times 2^e; 0 if all are zero.
int common_exponent(std::span<const double> values);

Integers sum(const Integers& left, const Integers& right);
Integers times_power_of_two(const Integers& matrix, size_t exponent);
Integers sum_of_squares(const Integers& column);  // (1, 1)
// value = mantissa 2^exponent; 0 has mantissa and exponent 0. RT070 unless finite.
struct Dyadic {
  int64_t mantissa;  // odd, or 0
  int exponent;
};
Dyadic dyadic(double value);

// Numbers p_i sqrt(a) + q_i sqrt(b), compared exactly: p, q (n, 1); a, b > 0 (1, 1).
struct RootSums {
  Integers p, q, a, b;

  int compare(size_t i, size_t j) const;  // the sign of their difference
  // (s_i - s_j) / (s_k - s_l), the divisor not zero; rounded.
  double ratio(size_t i, size_t j, size_t k, size_t l) const;
};

Integers product(const Integers& left, const Integers& right);

// x and d > 0 with matrix x = d right side, without a common factor; none if `matrix` (n, n) is
// singular. right_side (n, columns). By lifting modulo powers of a prime (Dixon 1982), which needs
// n^3 operations on words and then n^2 for each of about n digits of the result.
struct Solution {
  Integers numerators;   // x: (n, columns)
  Integers denominator;  // d: (1, 1)
};
std::optional<Solution> solve(const Integers& matrix, const Integers& right_side);

// Modulo a prime below 2^62: the columns that are no combination of columns before them, and as
// many rows likewise. Those columns are independent over the rationals as well; further ones may
// be, if the prime divides an unlucky minor.
struct Independent {
  std::vector<uint32_t> rows, columns;
};
Independent independent_modulo(const Integers& matrix, uint64_t prime);

}  // namespace rg::exact
