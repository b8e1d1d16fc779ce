#include "model/mamba2.h"

namespace rg::model {

void limit_time_steps(Decoder& decoder, Mamba2Spec& spec) {
  const auto limits = decoder.pair("time_step_limit");
  if (!limits) return;
  spec.least_step = static_cast<float>(limits->first);
  spec.largest_step = static_cast<float>(limits->second);
}

Mamba2 bind_mamba2(Decoder& decoder, const std::string& prefix, const Mamba2Spec& spec,
                   Mamba2Biases biases) {
  TensorBinder& tensors = decoder.tensors();
  const Dimension width = decoder.width(), heads = {spec.heads, "heads of Mamba"};
  const Dimension inner = {uint64_t{spec.heads} * spec.head_width, "heads of Mamba*their width"};
  const Dimension channels = {inner.size + uint64_t{2} * spec.groups * spec.state_width,
                              "channels of x, B and C"};
  const Dimension rows = {inner.size + channels.size + spec.heads, "gate, x, B, C and time steps"};
  Mamba2 mamba;
  mamba.spec = spec;
  mamba.in = tensors.matrix(prefix + "in_proj.weight", rows, width);
  mamba.convolution =
      tensors.taps(prefix + "conv1d.weight", channels, {spec.kernel, "tokens of the convolution"});
  mamba.decay_log = tensors.vector(prefix + "A_log", heads);
  mamba.skip = tensors.vector(prefix + "D", heads);
  mamba.step_bias = tensors.vector(prefix + "dt_bias", heads);
  mamba.norm = tensors.vector(prefix + "norm.weight", inner);
  mamba.out = tensors.matrix(prefix + "out_proj.weight", width, inner);
  if (biases.convolution) {
    mamba.convolution_bias = tensors.vector(prefix + "conv1d.bias", channels);
  }
  if (biases.projections) {
    mamba.in_bias = tensors.vector(prefix + "in_proj.bias", rows);
    mamba.out_bias = tensors.vector(prefix + "out_proj.bias", width);
  }
  return mamba;
}

}  // namespace rg::model
