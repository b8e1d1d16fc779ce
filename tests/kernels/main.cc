// The kernel tests run twice: as the CPU is, and under RG_MAX_ISA=avx2.
#include <gtest/gtest.h>

#include <cstdlib>

#include "kernels/elementwise.h"
#include "kernels/product.h"

int main(int argc, char** argv) {
  const char* limit = std::getenv("RG_MAX_ISA");
  if (limit != nullptr && *limit != '\0') {
    rg::kernels::limit_to_avx2();
    rg::kernels::limit_products_to_avx2();
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
