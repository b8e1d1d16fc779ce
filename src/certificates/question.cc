#include "certificates/question.h"

#include <cmath>

#include "base/error.h"

namespace rg::certificates {

Shape shape_of(const Question& question) {
  const Shape shape{.keys = question.keys.rows,
                    .width = question.keys.columns,
                    .experts = question.router.rows,
                    .top_k = question.top_k};
  check_internal(question.router.columns == shape.width, "keys and router read one width");
  check_internal(shape.keys > 0 && shape.width > 0, "there are keys");
  check_internal(shape.top_k >= 1 && shape.top_k < shape.experts, "1 <= k < E");
  if (question.attention) {
    const FirstPosition& attention = *question.attention;
    check_internal(attention.kv_heads > 0 && attention.heads % attention.kv_heads == 0 &&
                       attention.values.rows % attention.kv_heads == 0,
                   "heads share KV heads evenly");
    check_internal(attention.values.columns == shape.width &&
                       attention.output.rows == shape.width &&
                       attention.output.columns ==
                           attention.values.rows / attention.kv_heads * attention.heads,
                   "values and output fit the residual");
    check_internal(std::isfinite(attention.epsilon) && attention.epsilon >= 0, "epsilon >= 0");
  }
  return shape;
}

Matrix folded(const StoredMatrix& stored) {
  const size_t rows = stored.rows, columns = stored.columns;
  check_internal(stored.values.size() == rows * columns, "a stored matrix has all its values");
  check_internal(stored.gains.empty() || stored.gains.size() == columns, "one gain per column");
  Matrix out(stored.rows, stored.columns);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t column = 0; column < columns; ++column) {
      const double gain = stored.gains.empty() ? 1.0 : double{stored.gains[column]};
      const double value = double{stored.values[row * columns + column]} * gain;
      check_internal(std::isfinite(value), "weights are finite");
      out(static_cast<Eigen::Index>(row), static_cast<Eigen::Index>(column)) = value;
    }
  }
  return out;
}

Matrix repeated(const Matrix& by_kv_head, const FirstPosition& attention) {
  const Eigen::Index width = by_kv_head.rows() / attention.kv_heads;
  Matrix out(width * attention.heads, by_kv_head.cols());
  for (uint32_t head = 0; head < attention.heads; ++head) {
    const uint32_t shared = head / (attention.heads / attention.kv_heads);
    out.middleRows(head * width, width) = by_kv_head.middleRows(shared * width, width);
  }
  return out;
}

std::string_view name(Missing missing) noexcept {
  switch (missing) {
    case Missing::keys_determine_input:
      return "keys_determine_input";
    case Missing::router_in_keys:
      return "router_in_keys";
    case Missing::keys_dependent:
      return "keys_dependent";
    case Missing::within_error:
      return "within_error";
    case Missing::keys_decide_token:
      return "keys_decide_token";
    case Missing::tied:
      return "tied";
    case Missing::prime_unlucky:
      return "prime_unlucky";
  }
  return "";
}

}  // namespace rg::certificates
