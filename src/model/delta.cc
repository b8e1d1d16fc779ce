#include "model/delta.h"

namespace rg::model {

KimiDelta bind_kimi_delta(Decoder& decoder, const std::string& prefix, const KimiDeltaSpec& spec,
                          const std::string& output) {
  TensorBinder& tensors = decoder.tensors();
  const Dimension width = decoder.width(), heads = {spec.heads, "heads"};
  const Dimension inner = {uint64_t{spec.heads} * spec.head_width, "heads*head_dim"};
  const Dimension head = {spec.head_width, "head_dim"}, kernel = {spec.kernel, "kernel"};
  const std::string decay =
      tensors.has(prefix + "forget_gate.A_log") ? prefix + "forget_gate." : prefix;
  // One matrix, or two with `latent` between them.
  const auto bind = [&](const std::string& name, uint32_t latent, Weight& down, Weight& last) {
    if (latent == 0) {
      last = tensors.matrix(name + "_proj.weight", inner, width);
      return;
    }
    const Dimension middle = {latent, "head_dim"};
    down = tensors.matrix(name + "_a_proj.weight", middle, width);
    last = tensors.matrix(name + "_b_proj.weight", inner, middle);
  };
  KimiDelta delta;
  delta.spec = spec;
  delta.q = tensors.matrix(prefix + "q_proj.weight", inner, width);
  delta.k = tensors.matrix(prefix + "k_proj.weight", inner, width);
  delta.v = tensors.matrix(prefix + "v_proj.weight", inner, width);
  delta.b = tensors.matrix(prefix + "b_proj.weight", heads, width);
  bind(decay + "f", spec.decay_latent, delta.decay_down, delta.decay);
  bind(prefix + "g", spec.gate_latent, delta.gate_down, delta.gate);
  if (tensors.has(prefix + "conv1d.weight")) {
    delta.q_convolution =
        tensors.taps(prefix + "conv1d.weight", {3 * inner.size, "3*" + inner.key}, kernel);
  } else {
    delta.q_convolution = tensors.taps(prefix + "q_conv1d.weight", inner, kernel);
    delta.k_convolution = tensors.taps(prefix + "k_conv1d.weight", inner, kernel);
    delta.v_convolution = tensors.taps(prefix + "v_conv1d.weight", inner, kernel);
  }
  delta.decay_log = tensors.numbers(decay + "A_log", heads);
  delta.decay_bias = tensors.numbers(decay + "dt_bias", inner);
  delta.norm = tensors.vector(prefix + "o_norm.weight", head);
  delta.out = tensors.matrix(prefix + output + ".weight", width, inner);
  return delta;
}

}  // namespace rg::model
