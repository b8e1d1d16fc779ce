// OLMoE (allenai/OLMoE-1B-7B-0924, -0125 and their post-trained siblings): every layer MoE, softmax
// over all experts, top-k as it is, RMSNorm over the full projected q and k, optional clip.
#pragma once

#include "formats/checkpoint.h"
#include "model/model.h"

namespace rg::model {

Model bind_olmoe(const formats::Checkpoint& checkpoint);

}  // namespace rg::model
