#include "keys/packed_keys.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "tensor/buffer.h"

namespace rg::keys {
namespace {

size_t aligned_bytes(size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

uint32_t block_rows_of(uint32_t width) { return std::clamp(131072 / width / 64 * 64, 64u, 1024u); }

std::vector<float> row_major(const linear::Matrix& matrix) {
  std::vector<float> out;
  out.reserve(static_cast<size_t>(matrix.size()));
  for (Eigen::Index i = 0; i < matrix.rows(); ++i) {
    for (Eigen::Index j = 0; j < matrix.cols(); ++j) {
      out.push_back(static_cast<float>(matrix(i, j)));
    }
  }
  return out;
}

struct PackedKeys::Packing {
  // One product, and the blocks that were packed for it.
  struct Blocks {
    kernels::WeightProduct product;
    Buffer<std::byte> memory;
    std::vector<kernels::PackedWeights> weights;

    Blocks(uint32_t rows, uint32_t in, uint32_t out, uint32_t blocks)
        : product(rows, in, out, kernels::Compute::f32),
          memory(std::max<size_t>(1, aligned_bytes(product.packed_bytes()) * blocks)) {}
    void add(const float* raw) {
      std::byte* place = memory.data() + aligned_bytes(product.packed_bytes()) * weights.size();
      weights.push_back(product.pack(raw, place));
    }
  };

  Blocks turning;                 // weights (block_rows, d): the block's keys
  std::optional<Blocks> moments;  // weights (d, block_rows): the same, transposed
  std::vector<float> partial;     // (d, d)
  kernels::Scratch scratch;
};

PackedKeys::PackedKeys(std::span<const float> rows, uint32_t width, Use use)
    : rows_(static_cast<uint32_t>(rows.size() / width)),
      width_(width),
      block_rows_(block_rows_of(width)),
      blocks_((rows_ + block_rows_ - 1) / block_rows_) {
  packing_ = std::make_unique<Packing>(
      Packing{Packing::Blocks(width, width, block_rows_, blocks_), std::nullopt, {}, {}});
  size_t scratch = packing_->turning.product.scratch_bytes();
  if (use == Use::turn_and_moments) {
    packing_->moments.emplace(width, block_rows_, width, blocks_);
    packing_->partial.resize(size_t{width} * width);
    scratch = std::max(scratch, packing_->moments->product.scratch_bytes());
  }
  packing_->scratch.reserve(scratch);
  std::vector<float> block(size_t{block_rows_} * width), across(block.size());
  for (uint32_t b = 0; b < blocks_; ++b) {
    const std::span<const float> part =
        rows.subspan(size_t{first_row(b)} * width, size_t{rows_in(b)} * width);
    std::copy(part.begin(), part.end(), block.begin());
    std::fill(block.begin() + static_cast<ptrdiff_t>(part.size()), block.end(), 0.0f);
    packing_->turning.add(block.data());
    if (!packing_->moments) continue;
    for (uint32_t n = 0; n < block_rows_; ++n) {
      for (uint32_t j = 0; j < width; ++j) {
        across[size_t{j} * block_rows_ + n] = block[size_t{n} * width + j];
      }
    }
    packing_->moments->add(across.data());
  }
}
PackedKeys::~PackedKeys() = default;
PackedKeys::PackedKeys(PackedKeys&&) noexcept = default;
PackedKeys& PackedKeys::operator=(PackedKeys&&) noexcept = default;

uint32_t PackedKeys::rows_in(uint32_t block) const {
  return std::min(block_rows_, rows_ - first_row(block));
}

size_t PackedKeys::bytes() const {
  return packing_->turning.memory.bytes() +
         (packing_->moments ? packing_->moments->memory.bytes() : 0);
}

void PackedKeys::turn(uint32_t block, std::span<const float> matrix,
                      std::span<float> turned) const {
  check_internal(
      matrix.size() == size_t{width_} * width_ && turned.size() == size_t{width_} * block_rows_,
      "shapes of a turned block of keys");
  const Packing::Blocks& turning = packing_->turning;
  turning.product.run(matrix.data(), turning.weights[block], turned.data(), packing_->scratch);
  packing_->scratch.throw_if_failed();
}

void PackedKeys::add_moment(uint32_t block, std::span<const float> coefficients,
                            linear::Matrix& moment) const {
  check_internal(packing_->moments.has_value(), "keys packed for moments");
  check_internal(coefficients.size() == size_t{width_} * block_rows_ && moment.rows() == width_ &&
                     moment.cols() == width_,
                 "shapes of a moment of keys");
  const Packing::Blocks& moments = *packing_->moments;
  std::vector<float>& partial = packing_->partial;
  moments.product.run(coefficients.data(), moments.weights[block], partial.data(),
                      packing_->scratch);
  packing_->scratch.throw_if_failed();
  for (uint32_t i = 0; i < width_; ++i) {
    for (uint32_t j = 0; j < width_; ++j) moment(i, j) += double{partial[size_t{i} * width_ + j]};
  }
}

linear::Matrix second_moments(const PackedKeys& keys) {
  const uint32_t d = keys.width();
  const std::vector<float> identity = row_major(linear::Matrix::Identity(d, d));
  std::vector<float> columns(size_t{d} * keys.block_rows());
  linear::Matrix moment = linear::Matrix::Zero(d, d);
  for (uint32_t block = 0; block < keys.blocks(); ++block) {
    keys.turn(block, identity, columns);  // exact: every sum has one term that isn't 0
    keys.add_moment(block, columns, moment);
  }
  return (moment + moment.transpose()) / 2;
}

}  // namespace rg::keys
