#include "exact/integers.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "exact/store.h"

namespace rg::exact {
namespace {

bool written_by_hex(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text == "0") return !negative;
  return !text.empty() && text.front() != '0' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

}  // namespace

Dyadic dyadic(double value) {
  check_internal(std::isfinite(value), "a number to be written as an integer is finite");
  if (value == 0) return {0, 0};
  // IEEE 754 binary64: 52 bits of the mantissa, a leading 1 unless the exponent field is 0.
  const auto bits = std::bit_cast<uint64_t>(value);
  const auto field = static_cast<int>(bits >> 52 & 0x7ff);
  uint64_t mantissa = bits & ((uint64_t{1} << 52) - 1);
  if (field != 0) mantissa |= uint64_t{1} << 52;
  const int zeros = std::countr_zero(mantissa);
  const auto odd = static_cast<int64_t>(mantissa >> zeros);
  return {value < 0 ? -odd : odd, std::max(field, 1) - 1075 + zeros};
}

Integers::Integers(size_t rows, size_t columns) : store_(std::make_unique<Store>(rows, columns)) {}
Integers::Integers(const Integers& other) : store_(std::make_unique<Store>(other.store())) {}
Integers::Integers(Integers&&) noexcept = default;
Integers& Integers::operator=(Integers other) noexcept {
  std::swap(store_, other.store_);
  return *this;
}
Integers::~Integers() = default;

size_t Integers::rows() const noexcept {
  return static_cast<size_t>(fmpz_mat_nrows(store_->matrix));
}
size_t Integers::columns() const noexcept {
  return static_cast<size_t>(fmpz_mat_ncols(store_->matrix));
}

void Integers::set(size_t row, size_t column, int64_t value) {
  fmpz_set_si(store_->at(row, column), value);
}

void Integers::set_scaled(size_t row, size_t column, double value, int exponent) {
  const Dyadic parts = dyadic(value);
  if (parts.mantissa == 0) return set(row, column, 0);
  check_internal(parts.exponent >= exponent, "a scaled number is an integer");
  fmpz* entry = store_->at(row, column);
  const auto shift = static_cast<unsigned>(parts.exponent - exponent);
  const int room = std::countl_zero(static_cast<uint64_t>(std::abs(parts.mantissa)));
  if (shift + 2 < static_cast<unsigned>(room)) {
    fmpz_set_si(entry, parts.mantissa * (int64_t{1} << shift));
    return;
  }
  fmpz_set_si(entry, parts.mantissa);
  fmpz_mul_2exp(entry, entry, shift);
}

void Integers::set_difference(size_t row, size_t column, const Integers& from, size_t minuend,
                              size_t subtrahend) {
  fmpz_sub(store_->at(row, column), from.store_->at(minuend, column),
           from.store_->at(subtrahend, column));
}

void Integers::copy(size_t row, size_t column, const Integers& from, size_t from_row) {
  fmpz_set(store_->at(row, column), from.store_->at(from_row, column));
}

Integers Integers::part(size_t first_column, size_t count) const {
  Integers out(rows(), count);
  for (size_t row = 0; row < rows(); ++row) {
    for (size_t i = 0; i < count; ++i) {
      fmpz_set(out.store_->at(row, i), store_->at(row, first_column + i));
    }
  }
  return out;
}

void Integers::negate() { fmpz_mat_neg(store_->matrix, store_->matrix); }

int Integers::sign(size_t row, size_t column) const { return fmpz_sgn(store_->at(row, column)); }

size_t Integers::bits(size_t row, size_t column) const {
  return static_cast<size_t>(fmpz_bits(store_->at(row, column)));
}

bool Integers::zero() const { return fmpz_mat_is_zero(store_->matrix) != 0; }

std::string Integers::hex(size_t row, size_t column) const {
  const fmpz* entry = store_->at(row, column);
  std::string text(fmpz_sizeinbase(entry, 16) + 2, '\0');
  fmpz_get_str(text.data(), 16, entry);
  text.resize(std::strlen(text.c_str()));
  return text;
}

bool Integers::set_hex(size_t row, size_t column, std::string_view text) {
  if (!written_by_hex(text)) return false;
  return fmpz_set_str(store_->at(row, column), std::string(text).c_str(), 16) == 0;
}

int common_exponent(std::span<const double> values) {
  int exponent = 0;
  bool found = false;
  for (const double value : values) {
    const Dyadic parts = dyadic(value);
    if (parts.mantissa == 0) continue;
    exponent = found ? std::min(exponent, parts.exponent) : parts.exponent;
    found = true;
  }
  return exponent;
}

}  // namespace rg::exact
