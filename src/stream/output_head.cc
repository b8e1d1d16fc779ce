#include "stream/output_head.h"

#include "kernels/elementwise.h"

namespace rg::stream {

uint32_t OutputHead::rows(const model::Model& model, kernels::Compute compute) {
  constexpr uint32_t kLeast = 64;  // fewer leave a core waiting for weights
  for (const uint32_t height : kernels::tile_heights(model.vocabulary, compute)) {
    if (height >= kLeast) return height;
  }
  return kernels::tallest_tile(compute);
}

OutputHead::OutputHead(const model::Model& model, kernels::Compute compute)
    : model_(model),
      rows_(rows(model, compute)),
      product_(rows_, model.width, model.vocabulary, compute) {}

void OutputHead::logits(const void* in, const Weights& weights, float* out,
                        kernels::Scratch& scratch) const noexcept {
  const size_t vocabulary = model_.vocabulary, count = rows_ * vocabulary;
  product_.run(in, *weights.unembedding, out, scratch);
  if (!weights.bias.empty()) {
    for (size_t at = 0; at < count; at += vocabulary) {
      kernels::add(weights.bias.data(), vocabulary, out + at);
    }
  }
  if (model_.logit_divisor != 1) {
    kernels::set_scaled(1 / model_.logit_divisor, out, count, out);
  }
  if (model_.logit_softcap) kernels::softcap(*model_.logit_softcap, count, out);
}

}  // namespace rg::stream
