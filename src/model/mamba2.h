// Mamba-2 as Granite 4 and Nemotron-H name its tensors.
#pragma once

#include <string>

#include "model/decoder.h"

namespace rg::model {

struct Mamba2Biases {
  bool convolution = false, projections = false;
};

// time_step_limit, if the config has it.
void limit_time_steps(Decoder& decoder, Mamba2Spec& spec);

// in_proj, conv1d, A_log, D, dt_bias, norm, out_proj.
Mamba2 bind_mamba2(Decoder& decoder, const std::string& prefix, const Mamba2Spec& spec,
                   Mamba2Biases biases);

}  // namespace rg::model
