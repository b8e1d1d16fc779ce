#include "readout/ridge.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "linear/decompositions.h"
#include "readout/products.h"
#include "tensor/buffer.h"

namespace rg::readout {
namespace {

constexpr uint32_t kTileRows = 128;
constexpr double kLeastRidgeCondition = 1e-14;  // reciprocal

linear::Column to_column(const std::vector<float>& values) {
  linear::Column out(static_cast<Eigen::Index>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    out[static_cast<Eigen::Index>(i)] = static_cast<double>(values[i]);
  }
  return out;
}

std::vector<float> row_major(const linear::Matrix& columns_of_rows) {
  std::vector<float> out(static_cast<size_t>(columns_of_rows.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>(columns_of_rows.data()[i]);
  }
  return out;
}

}  // namespace

std::vector<double> ridge_grid() { return {1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 1e1, 1e2, 1e3}; }

std::vector<std::optional<LinearReadout>> ridge_path(const SecondMoments& moments, Columns features,
                                                     Columns targets, std::span<const double> grid,
                                                     int threads) {
  const Standardiser inputs =
      standardiser_of(moments.mean.segment(features.begin, features.count()),
                      moments.covariance.diagonal().segment(features.begin, features.count()));
  const linear::Column scale = to_column(inputs.scale);
  const linear::Matrix right = scale.asDiagonal() * moments.of(features, targets);
  const std::vector<float> intercept =
      row_major(moments.mean.segment(targets.begin, targets.count()));
  std::vector<std::optional<LinearReadout>> path(grid.size());
  parallel_for(grid.size(), threads, [&](size_t step, int) {
    linear::Matrix matrix =
        scale.asDiagonal() * moments.of(features, features) * scale.asDiagonal();
    matrix.diagonal().array() += grid[step];
    const auto weights = linear::solve_positive(matrix, right, kLeastRidgeCondition);
    if (!weights || !weights->allFinite()) return;
    path[step] = LinearReadout{.lambda = grid[step],
                               .inputs = inputs,
                               .weights = row_major(*weights),
                               .intercept = intercept};
  });
  return path;
}

std::vector<float> predict(const LinearReadout& readout, const FeatureRows& features,
                           std::span<const uint32_t> rows, int threads) {
  const auto targets = static_cast<uint32_t>(readout.intercept.size());
  check_internal(readout.inputs.mean.size() == features.width, "as many features as fitted on");
  const kernels::HeadProduct product =
      product_of({kTileRows, features.width, targets, kernels::HeadProduct::Right::transposed,
                  features.width, features.width, targets});
  struct Worker {
    Buffer<float> inputs, outputs;
    kernels::Scratch scratch;
  };
  std::vector<Worker> workers(static_cast<size_t>(threads));
  for (Worker& worker : workers) {
    worker.inputs = Buffer<float>(size_t{kTileRows} * features.width);
    worker.outputs = Buffer<float>(size_t{kTileRows} * targets);
    worker.scratch.reserve(product.scratch_bytes());
  }
  std::vector<float> out(rows.size() * targets);
  parallel_for((rows.size() + kTileRows - 1) / kTileRows, threads, [&](size_t tile, int index) {
    Worker& worker = workers[static_cast<size_t>(index)];
    const size_t begin = tile * kTileRows, end = std::min(rows.size(), begin + kTileRows);
    std::fill(worker.inputs.span().begin(), worker.inputs.span().end(), 0.0f);
    for (size_t n = begin; n < end; ++n) {
      readout.inputs.apply(features.row(rows[n]),
                           worker.inputs.data() + (n - begin) * features.width);
    }
    product.run(worker.inputs.data(), readout.weights.data(), worker.outputs.data(),
                worker.scratch);
    worker.scratch.throw_if_failed();
    for (size_t i = 0; i < (end - begin) * targets; ++i) {
      out[begin * targets + i] = worker.outputs[i] + readout.intercept[i % targets];
    }
  });
  return out;
}

}  // namespace rg::readout
