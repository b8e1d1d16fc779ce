// Which layers have a gate, by the rules that several families share.
#pragma once

#include <vector>

#include "model/decoder.h"

namespace rg::model {

// Layer i unless mlp_only_layers names it or (i + 1) isn't a multiple of decoder_sparse_step.
std::vector<bool> qwen_sparse_layers(Decoder& decoder);

// mlp_layer_types if the config has it; else all but the first first_k_dense_replace layers.
// `dense`: class default of that number.
std::vector<bool> layers_after_dense_ones(Decoder& decoder, uint32_t dense);

}  // namespace rg::model
