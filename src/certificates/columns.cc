#include "certificates/columns.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "certificates/top_sets.h"
#include "linear/decompositions.h"

namespace rg::certificates {
namespace {

constexpr double kResolved = 1e-10;               // of the largest length of a router row
constexpr uint64_t kPrime = 2305843009213693951;  // 2^61 - 1

Matrix columns_of(const Matrix& matrix, std::span<const Eigen::Index> order) {
  Matrix out(matrix.rows(), static_cast<Eigen::Index>(order.size()));
  for (size_t j = 0; j < order.size(); ++j) {
    out.col(static_cast<Eigen::Index>(j)) = matrix.col(order[j]);
  }
  return out;
}

std::vector<uint32_t> ascending(std::span<const Eigen::Index> numbers) {
  std::vector<uint32_t> out;
  for (const Eigen::Index number : numbers) out.push_back(static_cast<uint32_t>(number));
  std::sort(out.begin(), out.end());
  return out;
}

// Rows that are independent on the columns chosen.
std::vector<uint32_t> rows_by_size(const Matrix& chosen) {
  if (chosen.cols() == 0) return {};
  if (chosen.rows() == chosen.cols()) return first_numbers(static_cast<size_t>(chosen.rows()));
  const linear::PivotedQr qr = linear::pivoted_qr(chosen.transpose());
  return ascending(std::span(qr.order).first(static_cast<size_t>(chosen.cols())));
}

// K above the router's differences, as integers: each row is a sum of exact values over its own
// power of two, so the differences are formed exactly.
exact::Integers stacked(const Matrix& keys, const Matrix& router) {
  const std::vector<uint32_t> all = first_numbers(static_cast<size_t>(keys.cols()));
  const exact::Integers above =
      integers(keys, first_numbers(static_cast<size_t>(keys.rows())), all, Scale::per_row);
  const exact::Integers below =
      integers(router, first_numbers(static_cast<size_t>(router.rows())), all, Scale::common);
  exact::Integers out(above.rows() + below.rows() - 1, all.size());
  for (size_t column = 0; column < all.size(); ++column) {
    for (size_t row = 0; row < above.rows(); ++row) out.copy(row, column, above, row);
    for (size_t row = 1; row < below.rows(); ++row) {
      out.set_difference(above.rows() + row - 1, column, below, row, 0);
    }
  }
  return out;
}

}  // namespace

std::vector<uint32_t> first_numbers(size_t count) {
  std::vector<uint32_t> out(count);
  std::iota(out.begin(), out.end(), 0u);
  return out;
}

exact::Integers integers(const Matrix& matrix, const std::vector<uint32_t>& rows,
                         const std::vector<uint32_t>& columns, Scale scale) {
  std::vector<double> values;
  for (const uint32_t row : rows) {
    for (const uint32_t column : columns) values.push_back(matrix(row, column));
  }
  exact::Integers out(rows.size(), columns.size());
  const int common = exact::common_exponent(values);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto row = std::span(values).subspan(i * columns.size(), columns.size());
    const int exponent = scale == Scale::common ? common : exact::common_exponent(row);
    for (size_t j = 0; j < row.size(); ++j) out.set_scaled(i, j, row[j], exponent);
  }
  return out;
}

Scaled over_one_power(const Matrix& matrix) {
  const int exponent = exact::common_exponent({matrix.data(), static_cast<size_t>(matrix.size())});
  Scaled out{.values = exact::Integers(static_cast<size_t>(matrix.rows()),
                                       static_cast<size_t>(matrix.cols())),
             .exponent = exponent};
  for (Eigen::Index column = 0; column < matrix.cols(); ++column) {
    for (Eigen::Index row = 0; row < matrix.rows(); ++row) {
      out.values.set_scaled(static_cast<size_t>(row), static_cast<size_t>(column),
                            matrix(row, column), exponent);
    }
  }
  return out;
}

std::optional<Columns> columns_by_size(const Matrix& keys, const Matrix& router, uint32_t top_k) {
  const linear::PivotedQr qr = linear::pivoted_qr(keys);
  const Eigen::Index rank = qr.triangle.rows(), others = keys.cols() - rank;
  if (others == 0) return std::nullopt;
  const auto order = std::span(qr.order);
  const auto pivots = order.first(static_cast<size_t>(rank));
  // The kernel vector of another column is 1 there and minus these on the pivots.
  Matrix weights(rank, others);
  Matrix logits = columns_of(router, order.subspan(pivots.size()));
  if (rank > 0) {
    weights = linear::solve_triangle(qr.triangle.leftCols(rank), qr.triangle.rightCols(others));
    logits.noalias() -= columns_of(router, pivots) * weights;
  }
  double best = kResolved * router.rowwise().norm().maxCoeff();
  std::optional<Eigen::Index> extra;
  for (Eigen::Index j = 0; j < others; ++j) {
    const double length = std::sqrt(1 + (rank > 0 ? weights.col(j).squaredNorm() : 0));
    const double gap = smaller_gap(logits.col(j), top_k) / length;
    if (gap <= best) continue;
    best = gap;
    extra = j;
  }
  if (!extra) return std::nullopt;
  return Columns{.rows = rows_by_size(columns_of(keys, pivots)),
                 .columns = ascending(pivots),
                 .extra = static_cast<uint32_t>(order[static_cast<size_t>(rank + *extra)])};
}

ColumnsModulo columns_modulo(const Matrix& keys, const Matrix& router) {
  const exact::Integers matrix =
      integers(keys, first_numbers(static_cast<size_t>(keys.rows())),
               first_numbers(static_cast<size_t>(keys.cols())), Scale::per_row);
  const exact::Independent of_keys = exact::independent_modulo(matrix, kPrime);
  if (of_keys.columns.size() == static_cast<size_t>(keys.cols())) {
    return {.found = {}, .full_rank = true};
  }
  const exact::Independent of_both = exact::independent_modulo(stacked(keys, router), kPrime);
  for (const uint32_t column : of_both.columns) {
    if (std::binary_search(of_keys.columns.begin(), of_keys.columns.end(), column)) continue;
    // A combination of keys before it, and no such combination once the router's rows are added.
    return {.found = Columns{.rows = of_keys.rows, .columns = of_keys.columns, .extra = column},
            .full_rank = false};
  }
  return {.found = {}, .full_rank = false};
}

}  // namespace rg::certificates
