// Keys, and values or latents, stored in few bits per coordinate: what is said of it, and the
// change of a pass that does it. Artifacts of an audit say it in settings.key_change
// (docs/artifacts.md, audit, stored keys).
#pragma once

#include <optional>
#include <vector>

#include "experiments/audit/stored_key_scales.h"
#include "lab/key_change_study.h"

namespace rg::lab {

// Of keys of normed and scored: each row of a head; values, if any, in the same way. Of latents:
// each latent, and each rotated part that all heads share.
struct StoredKeys {
  model::KeyStep step;
  keys::QuantiserSpec spec;                      // its centring is raw
  bool values;                                   // at KeyStep::latent always
  std::vector<int> layers;                       // of the model, ascending, each with the step
  std::optional<experiments::StoredKeyFit> fit;  // none iff every row has its own scale
};

// "scored keys and values in 4 bits".
std::string name_of(const StoredKeys& stored);
// {bits, scale, rule, values, fit}.
Json describe(const StoredKeys& stored);

// Rows with an entry that is not finite, or beyond 1e30, become NaN, which KeyChangeStudy finds in
// the predictions (RT012). The model outlives the trial.
KeyChangeTrial trial_of(const StoredKeys& stored, const model::Model& model);

}  // namespace rg::lab
