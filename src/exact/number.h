// One integer of FLINT that frees itself, for the files of this folder.
#pragma once

#include <flint/fmpz.h>

namespace rg::exact {

struct Number {
  fmpz_t value;

  Number() { fmpz_init(value); }
  Number(const Number&) = delete;
  Number& operator=(const Number&) = delete;
  ~Number() { fmpz_clear(value); }
};

}  // namespace rg::exact
