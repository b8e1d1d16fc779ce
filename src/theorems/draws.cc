#include "theorems/draws.h"

#include <bit>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "stats/pinned_math.h"

namespace rg::theorems {
namespace {

// FNV-1a: spreads the short ids of checks over the streams of the generator.
uint32_t hash_of(std::string_view text) {
  uint32_t hash = 2166136261u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

}  // namespace

Draws::Draws(uint64_t seed, std::string_view check_id) : seed_(seed), stream_(hash_of(check_id)) {}

uint32_t Draws::word() {
  const uint64_t at = next_++;
  return draw_word(
      seed_, Purpose::theorem_check,
      {.i = static_cast<uint32_t>(at), .j = static_cast<uint32_t>(at >> 32), .layer = stream_}, 0);
}

double Draws::uniform() {
  const uint64_t high = word() >> 6, low = word() >> 6;  // 26 bits each
  return (static_cast<double>(high << 26 | low) + 0.5) * 0x1p-52;
}

double Draws::normal() { return stats::normal_quantile(uniform()); }

double Draws::sign() { return (word() & 1u) != 0 ? 1.0 : -1.0; }

uint32_t Draws::below(uint32_t n) {
  check_internal(n >= 1, "a choice among at least one");
  return static_cast<uint32_t>(uniform() * n);
}

Vector Draws::normal_vector(Eigen::Index size) {
  Vector out(size);
  for (double& value : out) value = normal();
  return out;
}

Tensor Draws::normal(Eigen::Index rows, Eigen::Index columns) {
  Tensor out(rows, columns);
  for (double& value : out.reshaped<Eigen::RowMajor>()) value = normal();
  return out;
}

Tensor Draws::signs(Eigen::Index rows, Eigen::Index columns) {
  Tensor out(rows, columns);
  for (double& value : out.reshaped<Eigen::RowMajor>()) value = sign();
  return out;
}

Tensor Draws::sparse(Eigen::Index rows, Eigen::Index columns, Eigen::Index nonzeros) {
  check_internal(nonzeros <= columns, "no more nonzeros than coordinates");
  Tensor out = Tensor::Zero(rows, columns);
  std::vector<Eigen::Index> places(static_cast<size_t>(columns));
  for (Eigen::Index row = 0; row < rows; ++row) {
    std::iota(places.begin(), places.end(), Eigen::Index{0});
    for (Eigen::Index i = 0; i < nonzeros; ++i) {
      const Eigen::Index other = i + below(static_cast<uint32_t>(columns - i));
      std::swap(places[static_cast<size_t>(i)], places[static_cast<size_t>(other)]);
      out(row, places[static_cast<size_t>(i)]) = normal();
    }
  }
  return out;
}

Tensor Draws::cloud(Eigen::Index rows, Eigen::Index columns, double mean_norm) {
  const Vector mean = normal_vector(columns).normalized() * mean_norm;
  Tensor out = normal(rows, columns);
  out.rowwise() += mean.transpose();
  return out;
}

Tensor Draws::rotation(Eigen::Index size) {
  const linear::Qr qr = linear::qr_of(normal(size, size));
  Tensor out = qr.q;
  for (Eigen::Index i = 0; i < size; ++i) {
    if (qr.r(i, i) < 0) out.col(i) = -out.col(i);
  }
  return out;
}

Tensor Draws::signed_permutation(Eigen::Index size) {
  std::vector<Eigen::Index> places(static_cast<size_t>(size));
  std::iota(places.begin(), places.end(), Eigen::Index{0});
  Tensor out = Tensor::Zero(size, size);
  for (Eigen::Index i = 0; i < size; ++i) {
    const Eigen::Index other = i + below(static_cast<uint32_t>(size - i));
    std::swap(places[static_cast<size_t>(i)], places[static_cast<size_t>(other)]);
    out(i, places[static_cast<size_t>(i)]) = sign();
  }
  return out;
}

Tensor hadamard(Eigen::Index size) {
  check_internal(size >= 1 && std::has_single_bit(static_cast<uint64_t>(size)),
                 "a Hadamard matrix of a power of two");
  Tensor out(size, size);
  const double entry = 1 / std::sqrt(static_cast<double>(size));
  for (Eigen::Index i = 0; i < size; ++i) {
    for (Eigen::Index j = 0; j < size; ++j) {
      const bool odd = (std::popcount(static_cast<uint64_t>(i & j)) & 1) != 0;
      out(i, j) = odd ? -entry : entry;
    }
  }
  return out;
}

}  // namespace rg::theorems
