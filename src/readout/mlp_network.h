// A network with one hidden layer, z = V relu(W x + b) + c, and its gradient by the products of
// `kernels`. Every product has one shape, whatever the number of threads, and no sum is split over
// threads: hidden units, rows or columns of inputs are, so the bits don't depend on threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "readout/mlp_loss.h"

namespace rg::readout {

// Where the weights are in one run of floats: W (hidden, width), b (hidden), V (outputs, hidden),
// c (outputs). Inputs are padded with zeros to a multiple of 128.
struct MlpLayout {
  uint32_t features, hidden, outputs;  // hidden: a multiple of 64

  uint32_t width() const { return (features + 127) / 128 * 128; }
  size_t in_bias() const { return size_t{hidden} * width(); }
  size_t out() const { return in_bias() + hidden; }
  size_t out_bias() const { return out() + size_t{outputs} * hidden; }
  size_t size() const { return out_bias() + outputs; }
};

inline constexpr uint32_t kMlpTileRows = 128;

// Reads input row `row` into `to` (width), padding included.
using ReadInput = std::function<void(uint32_t row, float* to)>;

// Gradients of mean losses of batches.
class MlpGradient {
 public:
  // batch: a multiple of kMlpTileRows.
  MlpGradient(const MlpLayout& layout, uint32_t batch, int threads);
  ~MlpGradient();
  static size_t bytes(const MlpLayout& layout, uint32_t batch);  // of its buffers

  // gradient (layout.size()): of the mean loss over `rows`, at most a batch of them.
  void run(std::span<const float> weights, const ReadInput& read, const MlpTargets& targets,
           std::span<const uint32_t> rows, float ranking_weight, std::span<float> gradient);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// z of every row, (rows, outputs), in tiles of kMlpTileRows.
std::vector<float> mlp_outputs(const MlpLayout& layout, std::span<const float> weights,
                               const ReadInput& read, std::span<const uint32_t> rows, int threads);

}  // namespace rg::readout
