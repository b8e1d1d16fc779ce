#include "readout/moments.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "readout/products.h"
#include "tensor/buffer.h"

namespace rg::readout {
namespace {

constexpr uint32_t kTileColumns = 128;

uint32_t padded(uint32_t columns) {
  return (columns + kTileColumns - 1) / kTileColumns * kTileColumns;
}

}  // namespace

struct MomentSums::State {
  struct Tile {
    uint32_t down, across;  // first columns; down <= across
  };

  uint32_t columns, width;  // width: padded with columns of zeros
  int threads;
  uint64_t rows = 0;
  uint32_t held = 0;         // rows in the block
  bool shifted = false;      // the shift is known
  std::vector<float> shift;  // (columns)
  linear::Column sums;       // (columns), of rows minus shift
  Buffer<float> block;       // (width, kMomentRows): column by column
  linear::Matrix products;   // (width, width), upper half
  kernels::HeadProduct product;
  std::vector<Tile> tiles;
  std::vector<Buffer<float>> partial;  // (kTileColumns, kTileColumns) each
  std::vector<kernels::Scratch> scratch;

  State(uint32_t columns_, int threads_)
      : columns(columns_),
        width(padded(columns_)),
        threads(threads_),
        shift(columns_, 0.0f),
        sums(linear::Column::Zero(columns_)),
        block(size_t{width} * kMomentRows),
        products(linear::Matrix::Zero(width, width)),
        product(product_of({kTileColumns, kMomentRows, kTileColumns,
                            kernels::HeadProduct::Right::transposed, kMomentRows, kMomentRows,
                            kTileColumns})),
        scratch(static_cast<size_t>(threads_)) {
    std::fill(block.span().begin(), block.span().end(), 0.0f);
    for (uint32_t across = 0; across < width; across += kTileColumns) {
      for (uint32_t down = 0; down <= across; down += kTileColumns) tiles.push_back({down, across});
    }
    for (int thread = 0; thread < threads; ++thread) {
      partial.emplace_back(size_t{kTileColumns} * kTileColumns);
      scratch[static_cast<size_t>(thread)].reserve(product.scratch_bytes());
    }
  }

  void add_tile(const Tile& tile, size_t worker) {
    float* const out = partial[worker].data();
    product.run(block.data() + size_t{tile.across} * kMomentRows,
                block.data() + size_t{tile.down} * kMomentRows, out, scratch[worker]);
    scratch[worker].throw_if_failed();
    for (uint32_t i = 0; i < kTileColumns; ++i) {
      double* const to = products.data() + size_t{tile.across + i} * width + tile.down;
      const float* const from = out + size_t{i} * kTileColumns;
      for (uint32_t j = 0; j < kTileColumns; ++j) to[j] += static_cast<double>(from[j]);
    }
  }

  // The shift from the first block, which is then moved by it.
  void find_shift() {
    shifted = true;
    for (uint32_t j = 0; j < columns; ++j) {
      float* const column = block.data() + size_t{j} * kMomentRows;
      double sum = 0;
      for (uint32_t n = 0; n < held; ++n) sum += static_cast<double>(column[n]);
      shift[j] = static_cast<float>(sum / held);
      for (uint32_t n = 0; n < held; ++n) column[n] -= shift[j];
    }
  }

  void add_block() {
    if (held == 0) return;
    if (!shifted) find_shift();
    for (uint32_t j = 0; j < columns; ++j) {
      float* const column = block.data() + size_t{j} * kMomentRows;
      std::fill(column + held, column + kMomentRows, 0.0f);
      double sum = 0;
      for (uint32_t n = 0; n < held; ++n) sum += static_cast<double>(column[n]);
      sums[j] += sum;
    }
    parallel_for(tiles.size(), threads, [&](size_t tile, int worker) {
      add_tile(tiles[tile], static_cast<size_t>(worker));
    });
    rows += held;
    held = 0;
  }
};

MomentSums::MomentSums(uint32_t columns, int threads)
    : state_(std::make_unique<State>(columns, threads)) {}
MomentSums::~MomentSums() = default;

size_t MomentSums::bytes(uint32_t columns, int threads) {
  const size_t width = padded(columns);
  return width * width * sizeof(double) + width * kMomentRows * sizeof(float) +
         size_t{kTileColumns} * kTileColumns * sizeof(float) * static_cast<size_t>(threads);
}

void MomentSums::add(std::span<const float> rows) {
  State& state = *state_;
  check_internal(rows.size() % state.columns == 0, "rows of moments");
  for (size_t at = 0; at < rows.size(); at += state.columns) {
    for (uint32_t j = 0; j < state.columns; ++j) {
      state.block[size_t{j} * kMomentRows + state.held] =
          state.shifted ? rows[at + j] - state.shift[j] : rows[at + j];
    }
    if (++state.held == kMomentRows) state.add_block();
  }
}

SecondMoments MomentSums::finish() {
  State& state = *state_;
  state.add_block();
  check_internal(state.rows >= 1, "rows of moments");
  const auto rows = static_cast<double>(state.rows);
  const uint32_t n = state.columns;
  const linear::Column offset = state.sums / rows;
  SecondMoments out{.rows = state.rows, .mean = offset, .covariance = std::move(state.products)};
  if (state.width != n) out.covariance.conservativeResize(n, n);
  for (uint32_t j = 0; j < n; ++j) {
    out.mean[j] += static_cast<double>(state.shift[j]);
    for (uint32_t i = 0; i <= j; ++i) {
      out.covariance(i, j) = out.covariance(i, j) / rows - offset[i] * offset[j];
    }
    out.covariance(j, j) = std::max(out.covariance(j, j), 0.0);
  }
  out.covariance.triangularView<Eigen::StrictlyLower>() = out.covariance.transpose();
  return out;
}

}  // namespace rg::readout
