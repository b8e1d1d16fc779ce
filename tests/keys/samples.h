// Keys for the tests of this floor: small sets as both this floor and the theorems' fp64 versions
// take them.
#pragma once

#include <cstdint>
#include <vector>

#include "keys/key_set.h"
#include "theorems/draws.h"
#include "theorems/tensors.h"

namespace rg::keys {

// Rows rounded to fp32, in documents of the given numbers of rows: 0, 1, ...
struct Sample {
  std::vector<float> values;
  uint32_t width;
  std::vector<uint32_t> documents;

  KeyView view() const { return {.values = values, .width = width, .documents = documents}; }
  KeySet set() const { return set_of(view()); }
  theorems::Tensor tensor() const {
    theorems::Tensor out(static_cast<Eigen::Index>(documents.size()), width);
    for (Eigen::Index i = 0; i < out.size(); ++i) {
      out.data()[i] = static_cast<double>(values[static_cast<size_t>(i)]);
    }
    return out;
  }
};

inline Sample sample_of(const theorems::Tensor& rows, uint32_t rows_per_document = 1u << 30) {
  Sample out{.values = {}, .width = static_cast<uint32_t>(rows.cols()), .documents = {}};
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    for (Eigen::Index j = 0; j < rows.cols(); ++j) {
      out.values.push_back(static_cast<float>(rows(i, j)));
    }
    out.documents.push_back(static_cast<uint32_t>(i) / rows_per_document);
  }
  return out;
}

// Normal keys of unequal channels around a mean.
inline Sample uneven_sample(uint64_t seed, uint32_t rows, uint32_t width,
                            uint32_t rows_per_document = 1u << 30) {
  theorems::Draws draws(seed, "keys");
  theorems::Tensor keys = draws.normal(rows, width);
  for (Eigen::Index j = 0; j < keys.cols(); ++j) {
    keys.col(j) *= 1.0 / (1.0 + 0.2 * static_cast<double>(j));
    keys.col(j).array() += j % 5 == 0 ? 0.4 : -0.1;
  }
  return sample_of(keys, rows_per_document);
}

}  // namespace rg::keys
