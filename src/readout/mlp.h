// A small MLP from features to the router's logits: one hidden layer, Adam, batches in an order
// drawn by the seed. The same seed gives the same bits for any number of threads, within one
// instruction set and version of oneDNN.
//
// Backpropagation is written out (mlp_network.h): with one hidden layer it is two more products,
// which oneDNN's matmul does at the rate of its inner_product_backward primitives, while the losses
// exist in no library here. Eigen's products would be compiled for the oldest processors only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "readout/draws.h"
#include "readout/features.h"
#include "readout/mlp_network.h"

namespace rg::readout {

struct MlpOptions {
  uint32_t hidden = 512;     // a multiple of 64
  uint32_t batch = 512;      // a multiple of 128
  float rate = 1e-3f;        // of Adam (0.9, 0.999, 1e-8)
  float ranking_weight = 1;  // of the boundary's loss, see mlp_loss.h
  uint32_t epochs = 40;      // at most
  uint32_t patience = 3;
  Source source = {};
  uint32_t number = 0;  // tells fits of one layer apart
  int threads = 1;
};

struct Mlp {
  Standardiser inputs;
  MlpLayout layout;
  std::vector<float> weights;  // (layout.size())
};

struct MlpFit {
  Mlp mlp;                              // of the best epoch
  std::vector<double> validation_loss;  // mean; before the first epoch, and after each
  uint32_t best_epoch;                  // index into it
};

// Weights start at W normal with variance 2 / features (He et al. 2015), b = V = 0, c = the mean
// logits of the fitting rows: a constant guess. An epoch that doesn't lower the validation loss
// below the best so far halves the rate; `patience` of them in a row end the fit, as does an
// undefined loss; the best epoch's weights are returned. No document may have rows on both sides.
MlpFit train_mlp(const FeatureRows& features, const Standardiser& inputs, const MlpTargets& targets,
                 const Routes& routes, std::span<const uint32_t> train,
                 std::span<const uint32_t> validation, std::span<const uint32_t> document_of_row,
                 const MlpOptions& options);

// What train_mlp holds beside features, targets and routes: five copies of the weights, the buffers
// of a batch, the row indices. For 50,000 rows of 2048 features, 512 units and 64 outputs 30 MB.
size_t training_bytes(const MlpLayout& layout, uint32_t batch, size_t train_rows);

std::vector<float> predict(const Mlp& mlp, const FeatureRows& features,
                           std::span<const uint32_t> rows, int threads);

}  // namespace rg::readout
