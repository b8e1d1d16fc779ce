// What kv_distortion is told: its parameters, and what follows from them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/json.h"
#include "experiments/experiment.h"
#include "experiments/key_sample_record.h"
#include "experiments/kv_codes.h"

namespace rg::experiments {

struct KvDistortionOptions {
  KeySampleRecord::Step step = &tap::KeySteps::scored;  // where keys are stored
  KvCodeRange codes = {KvCodeChoice::scales, true, 1, 4};
  uint32_t windows = 32;         // measured: of those held out, evenly spread
  uint32_t queries = 4;          // sampled positions of each
  uint32_t fit_positions = 128;  // sampled keys of every window, of which the fitted ones are used
  uint32_t sink_positions = 4;   // never fitted on; exact in `sinks_exact`

  bool before_rope() const { return step != &tap::KeySteps::scored; }
};

std::vector<Parameter> kv_distortion_parameters();
// Of a setting whose parameters are complete. US003 for more fewest bits than most.
KvDistortionOptions kv_distortion_options(const Setting& setting);
Json kv_distortion_options_json(const Setting& setting);  // `keys` of the artifact

}  // namespace rg::experiments
