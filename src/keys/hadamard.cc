#include "keys/hadamard.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <vector>

#include "base/error.h"

namespace rg::keys {
namespace {

enum class Construction { sylvester, paley_1, paley_2, product };

struct Way {
  Construction construction;
  uint32_t left = 0, right = 0;  // of a product: orders of its factors
};

bool is_prime(uint32_t q) {
  if (q < 2) return false;
  for (uint32_t f = 2; uint64_t{f} * f <= q; ++f) {
    if (q % f == 0) return false;
  }
  return true;
}

std::optional<Way> way_to(uint32_t order) {
  if (order == 0) return std::nullopt;
  if (std::has_single_bit(order)) return Way{.construction = Construction::sylvester};
  if (order % 4 != 0) return std::nullopt;
  if (order % 8 != 0) {  // no factor 2 to take out
    if ((order - 1) % 4 == 3 && is_prime(order - 1))
      return Way{.construction = Construction::paley_1};
    const uint32_t q = order / 2 - 1;
    if (q % 4 == 1 && is_prime(q)) return Way{.construction = Construction::paley_2};
  }
  for (uint32_t left = order / 2; left >= 2; --left) {  // a large Sylvester part, if there is one
    if (order % left != 0 || !std::has_single_bit(left)) continue;
    if (way_to(order / left)) return Way{Construction::product, left, order / left};
  }
  for (uint32_t left = 4; left <= order / 4; left += 4) {
    if (order % left != 0 || std::has_single_bit(left)) continue;
    if (way_to(left) && way_to(order / left)) return Way{Construction::product, left, order / left};
  }
  if ((order - 1) % 4 == 3 && is_prime(order - 1))
    return Way{.construction = Construction::paley_1};
  return std::nullopt;
}

// 1 for a square modulo q, -1 for another residue, 0 for 0.
std::vector<int> quadratic_characters(uint32_t q) {
  std::vector<int> out(q, -1);
  out[0] = 0;
  for (uint64_t x = 1; x < q; ++x) out[x * x % q] = 1;
  return out;
}

linear::Matrix kronecker(const linear::Matrix& a, const linear::Matrix& b) {
  linear::Matrix out(a.rows() * b.rows(), a.cols() * b.cols());
  for (Eigen::Index i = 0; i < a.rows(); ++i) {
    for (Eigen::Index j = 0; j < a.cols(); ++j) {
      out.block(i * b.rows(), j * b.cols(), b.rows(), b.cols()) = a(i, j) * b;
    }
  }
  return out;
}

linear::Matrix sylvester(uint32_t order) {
  linear::Matrix out(order, order);
  for (uint32_t i = 0; i < order; ++i) {
    for (uint32_t j = 0; j < order; ++j) out(i, j) = std::popcount(i & j) % 2 == 0 ? 1 : -1;
  }
  return out;
}

// The bordered Jacobsthal matrix C (q + 1): C C' = q I; symmetric for q = 1 mod 4, else skew.
linear::Matrix conference(uint32_t q) {
  const std::vector<int> character = quadratic_characters(q);
  const int border = q % 4 == 1 ? 1 : -1;
  linear::Matrix out = linear::Matrix::Zero(q + 1, q + 1);
  for (uint32_t i = 0; i < q; ++i) {
    out(0, i + 1) = 1;
    out(i + 1, 0) = border;
    for (uint32_t j = 0; j < q; ++j) out(i + 1, j + 1) = character[(j + q - i) % q];
  }
  return out;
}

linear::Matrix signs_of_order(uint32_t order) {
  const std::optional<Way> way = way_to(order);
  check_internal(way.has_value(), "a Hadamard matrix that can be made");
  switch (way->construction) {
    case Construction::sylvester:
      return sylvester(order);
    case Construction::paley_1:
      return conference(order - 1) + linear::Matrix::Identity(order, order);
    case Construction::paley_2: {
      linear::Matrix along(2, 2), diagonal(2, 2);
      along << 1, 1, 1, -1;
      diagonal << 1, -1, -1, -1;
      return kronecker(conference(order / 2 - 1), along) +
             kronecker(linear::Matrix::Identity(order / 2, order / 2), diagonal);
    }
    default:
      return kronecker(signs_of_order(way->left), signs_of_order(way->right));
  }
}

}  // namespace

std::optional<std::string> hadamard_name(uint32_t order) {
  const std::optional<Way> way = way_to(order);
  if (!way) return std::nullopt;
  switch (way->construction) {
    case Construction::sylvester:
      return fmt::format("sylvester {}", order);
    case Construction::paley_1:
      return fmt::format("paley-1 {}", order);
    case Construction::paley_2:
      return fmt::format("paley-2 {}", order);
    default:
      return *hadamard_name(way->left) + " x " + *hadamard_name(way->right);
  }
}

std::string why_no_hadamard(uint32_t order) {
  if (order > 2 && order % 4 == 0) {
    return fmt::format("no Hadamard matrix of order {} by Sylvester's and Paley's constructions",
                       order);
  }
  return fmt::format("no Hadamard matrix of order {}: orders are 1, 2 and multiples of 4", order);
}

linear::Matrix hadamard_matrix(uint32_t order) {
  return signs_of_order(order) / std::sqrt(static_cast<double>(order));
}

}  // namespace rg::keys
