// What stands behind exact::Integers, for the files of this folder: a matrix of FLINT.
#pragma once

#include <flint/fmpz_mat.h>

#include "exact/integers.h"

namespace rg::exact {

struct Integers::Store {
  fmpz_mat_t matrix;

  Store(size_t rows, size_t columns) {
    fmpz_mat_init(matrix, static_cast<slong>(rows), static_cast<slong>(columns));
  }
  Store(const Store& other) { fmpz_mat_init_set(matrix, other.matrix); }
  Store& operator=(const Store&) = delete;
  ~Store() { fmpz_mat_clear(matrix); }

  fmpz* at(size_t row, size_t column) {
    return fmpz_mat_entry(matrix, static_cast<slong>(row), static_cast<slong>(column));
  }
  const fmpz* at(size_t row, size_t column) const {
    return fmpz_mat_entry(matrix, static_cast<slong>(row), static_cast<slong>(column));
  }
};

}  // namespace rg::exact
