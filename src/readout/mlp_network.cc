#include "readout/mlp_network.h"

#include <algorithm>

#include "base/error.h"
#include "base/parallel.h"
#include "kernels/product.h"
#include "readout/products.h"
#include "tensor/buffer.h"

namespace rg::readout {
namespace {

using kernels::HeadProduct;

constexpr uint32_t kTileHidden = 64, kTileInputs = 128;

void run_product(const HeadProduct& product, const float* a, const float* b, float* c,
                 kernels::Scratch& scratch) {
  product.run(a, b, c, scratch);
  scratch.throw_if_failed();
}

// x = max(x + bias, 0), of rows with a stride.
void add_bias_and_cut(float* x, size_t rows, size_t stride, std::span<const float> bias) {
  for (size_t n = 0; n < rows; ++n) {
    float* const row = x + n * stride;
    for (size_t j = 0; j < bias.size(); ++j) row[j] = std::max(row[j] + bias[j], 0.0f);
  }
}

}  // namespace

struct MlpGradient::State {
  MlpLayout layout;
  uint32_t batch;
  int threads;
  Buffer<float> inputs;                        // (batch, width)
  Buffer<float> hidden, hidden_gradient;       // (batch, hidden)
  Buffer<float> outputs;                       // (batch, outputs), then their gradient
  Buffer<float> hidden_across, output_across;  // gradients transposed: (hidden or outputs, batch)
  HeadProduct up, out, back, in_weights, out_weights;
  std::vector<kernels::Scratch> scratch;

  State(const MlpLayout& of, uint32_t batch_, int threads_)
      : layout(of),
        batch(batch_),
        threads(threads_),
        inputs(size_t{batch_} * of.width()),
        hidden(size_t{batch_} * of.hidden),
        hidden_gradient(size_t{batch_} * of.hidden),
        outputs(size_t{batch_} * of.outputs),
        hidden_across(size_t{batch_} * of.hidden),
        output_across(size_t{batch_} * of.outputs),
        up(product_of({batch_, of.width(), kTileHidden, HeadProduct::Right::transposed, of.width(),
                       of.width(), of.hidden})),
        out(product_of({kMlpTileRows, of.hidden, of.outputs, HeadProduct::Right::transposed,
                        of.hidden, of.hidden, of.outputs})),
        back(product_of({kMlpTileRows, of.outputs, of.hidden, HeadProduct::Right::plain, of.outputs,
                         of.hidden, of.hidden})),
        in_weights(product_of({of.hidden, batch_, kTileInputs, HeadProduct::Right::plain, batch_,
                               of.width(), of.width()})),
        out_weights(product_of({of.outputs, batch_, of.hidden, HeadProduct::Right::plain, batch_,
                                of.hidden, of.hidden})),
        scratch(static_cast<size_t>(threads_)) {
    size_t bytes = 0;
    for (const HeadProduct* product : {&up, &out, &back, &in_weights, &out_weights}) {
      bytes = std::max(bytes, product->scratch_bytes());
    }
    for (kernels::Scratch& one : scratch) one.reserve(bytes);
  }

  size_t tiles() const { return batch / kMlpTileRows; }

  // Rows past the given ones are zeros.
  void read_inputs(const ReadInput& read, std::span<const uint32_t> rows) {
    parallel_for(tiles(), threads, [&](size_t tile, int) {
      for (size_t n = tile * kMlpTileRows; n < (tile + 1) * kMlpTileRows; ++n) {
        float* const to = inputs.data() + n * layout.width();
        if (n < rows.size()) {
          read(rows[n], to);
        } else {
          std::fill(to, to + layout.width(), 0.0f);
        }
      }
    });
  }

  void hidden_units(std::span<const float> weights) {
    parallel_for(layout.hidden / kTileHidden, threads, [&](size_t tile, int worker) {
      const size_t first = tile * kTileHidden;
      run_product(up, inputs.data(), weights.data() + first * layout.width(), hidden.data() + first,
                  scratch[static_cast<size_t>(worker)]);
      add_bias_and_cut(hidden.data() + first, batch, layout.hidden,
                       weights.subspan(layout.in_bias() + first, kTileHidden));
    });
  }

  // Outputs of one tile of rows, replaced by their gradient; rows past the given ones get 0.
  void output_gradient(size_t tile, std::span<const float> weights, const MlpTargets& targets,
                       std::span<const uint32_t> rows, float ranking_weight,
                       kernels::Scratch& room) {
    const uint32_t experts = layout.outputs;
    const size_t begin = tile * kMlpTileRows;
    run_product(out, hidden.data() + begin * layout.hidden, weights.data() + layout.out(),
                outputs.data() + begin * experts, room);
    const float scale = 1 / static_cast<float>(rows.size());
    std::vector<float> logits(experts);
    for (size_t n = begin; n < begin + kMlpTileRows; ++n) {
      float* const row = outputs.data() + n * experts;
      if (n >= rows.size()) {
        std::fill(row, row + experts, 0.0f);
      } else {
        for (uint32_t e = 0; e < experts; ++e) logits[e] = row[e] + weights[layout.out_bias() + e];
        row_gradient(targets, rows[n], logits.data(), ranking_weight, scale, row);
      }
      for (uint32_t e = 0; e < experts; ++e) output_across[size_t{e} * batch + n] = row[e];
    }
  }

  // Gradients of one tile's hidden units; 0 where a unit is cut.
  void hidden_gradients(size_t tile, std::span<const float> weights, kernels::Scratch& room) {
    const size_t begin = tile * kMlpTileRows;
    float* const to = hidden_gradient.data() + begin * layout.hidden;
    run_product(back, outputs.data() + begin * layout.outputs, weights.data() + layout.out(), to,
                room);
    for (size_t n = 0; n < kMlpTileRows; ++n) {
      const float* const unit = hidden.data() + (begin + n) * layout.hidden;
      for (size_t h = 0; h < layout.hidden; ++h) {
        hidden_across[h * batch + begin + n] = unit[h] > 0 ? to[n * layout.hidden + h] : 0.0f;
      }
    }
  }

  void bias_gradients(std::span<float> gradient) const {
    const auto sums = [&](const Buffer<float>& across, size_t count, float* to) {
      for (size_t i = 0; i < count; ++i) {
        double sum = 0;
        for (size_t n = 0; n < batch; ++n) sum += static_cast<double>(across[i * batch + n]);
        to[i] = static_cast<float>(sum);
      }
    };
    sums(hidden_across, layout.hidden, gradient.data() + layout.in_bias());
    sums(output_across, layout.outputs, gradient.data() + layout.out_bias());
  }

  void weight_gradients(std::span<float> gradient) {
    const size_t slices = layout.width() / kTileInputs;
    parallel_for(slices + 2, threads, [&](size_t item, int worker) {
      kernels::Scratch& room = scratch[static_cast<size_t>(worker)];
      if (item < slices) {
        run_product(in_weights, hidden_across.data(), inputs.data() + item * kTileInputs,
                    gradient.data() + item * kTileInputs, room);
      } else if (item == slices) {
        run_product(out_weights, output_across.data(), hidden.data(),
                    gradient.data() + layout.out(), room);
      } else {
        bias_gradients(gradient);
      }
    });
  }
};

MlpGradient::MlpGradient(const MlpLayout& layout, uint32_t batch, int threads) {
  check_internal(layout.hidden % kTileHidden == 0 && batch % kMlpTileRows == 0 && batch > 0,
                 "hidden units and rows in whole tiles");
  state_ = std::make_unique<State>(layout, batch, threads);
}
MlpGradient::~MlpGradient() = default;

size_t MlpGradient::bytes(const MlpLayout& layout, uint32_t batch) {
  return size_t{batch} * (layout.width() + 3 * layout.hidden + 2 * layout.outputs) * sizeof(float);
}

void MlpGradient::run(std::span<const float> weights, const ReadInput& read,
                      const MlpTargets& targets, std::span<const uint32_t> rows,
                      float ranking_weight, std::span<float> gradient) {
  State& state = *state_;
  check_internal(!rows.empty() && rows.size() <= state.batch &&
                     weights.size() == state.layout.size() && gradient.size() == weights.size(),
                 "shapes of a gradient");
  state.read_inputs(read, rows);
  state.hidden_units(weights);
  parallel_for(state.tiles(), state.threads, [&](size_t tile, int worker) {
    kernels::Scratch& room = state.scratch[static_cast<size_t>(worker)];
    state.output_gradient(tile, weights, targets, rows, ranking_weight, room);
    state.hidden_gradients(tile, weights, room);
  });
  state.weight_gradients(gradient);
}

std::vector<float> mlp_outputs(const MlpLayout& layout, std::span<const float> weights,
                               const ReadInput& read, std::span<const uint32_t> rows, int threads) {
  const HeadProduct up =
      product_of({kMlpTileRows, layout.width(), layout.hidden, HeadProduct::Right::transposed,
                  layout.width(), layout.width(), layout.hidden});
  const HeadProduct down =
      product_of({kMlpTileRows, layout.hidden, layout.outputs, HeadProduct::Right::transposed,
                  layout.hidden, layout.hidden, layout.outputs});
  struct Worker {
    Buffer<float> inputs, hidden, outputs;
    kernels::Scratch scratch;
  };
  std::vector<Worker> workers(static_cast<size_t>(threads));
  for (Worker& worker : workers) {
    worker.inputs = Buffer<float>(size_t{kMlpTileRows} * layout.width());
    worker.hidden = Buffer<float>(size_t{kMlpTileRows} * layout.hidden);
    worker.outputs = Buffer<float>(size_t{kMlpTileRows} * layout.outputs);
    worker.scratch.reserve(std::max(up.scratch_bytes(), down.scratch_bytes()));
  }
  std::vector<float> out(rows.size() * layout.outputs);
  parallel_for((rows.size() + kMlpTileRows - 1) / kMlpTileRows, threads, [&](size_t tile, int w) {
    Worker& worker = workers[static_cast<size_t>(w)];
    const size_t begin = tile * kMlpTileRows, end = std::min(rows.size(), begin + kMlpTileRows);
    std::fill(worker.inputs.span().begin(), worker.inputs.span().end(), 0.0f);
    for (size_t n = begin; n < end; ++n) {
      read(rows[n], worker.inputs.data() + (n - begin) * layout.width());
    }
    run_product(up, worker.inputs.data(), weights.data(), worker.hidden.data(), worker.scratch);
    add_bias_and_cut(worker.hidden.data(), kMlpTileRows, layout.hidden,
                     weights.subspan(layout.in_bias(), layout.hidden));
    run_product(down, worker.hidden.data(), weights.data() + layout.out(), worker.outputs.data(),
                worker.scratch);
    for (size_t i = 0; i < (end - begin) * layout.outputs; ++i) {
      out[begin * layout.outputs + i] =
          worker.outputs[i] + weights[layout.out_bias() + i % layout.outputs];
    }
  });
  return out;
}

}  // namespace rg::readout
