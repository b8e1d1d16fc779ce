#include "certificates/claims.h"

#include <algorithm>
#include <cmath>

namespace rg::certificates {

bool is_column(std::span<const double> values, uint32_t width) {
  return values.size() == width && std::all_of(values.begin(), values.end(),
                                               [](double value) { return std::isfinite(value); });
}

Column column_of(std::span<const double> values) {
  return Eigen::Map<const Column>(values.data(), static_cast<Eigen::Index>(values.size()));
}

Column column_of(std::span<const float> values) {
  return Eigen::Map<const Eigen::VectorXf>(values.data(), static_cast<Eigen::Index>(values.size()))
      .cast<double>();
}

std::optional<Enclosure> stated_rows(const Question& question, const IndependentRows& rows) {
  const size_t m = question.keys.rows;
  ScaledKeys keys = scaled_rows(folded(question.keys));
  if (rows.exponents != keys.exponents || rows.inverse.size() != m * (m + 1) / 2) {
    return std::nullopt;
  }
  return Enclosure::of(std::move(keys.matrix),
                       symmetric_of(rows.inverse, static_cast<Eigen::Index>(m)));
}

}  // namespace rg::certificates
