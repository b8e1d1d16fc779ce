// What a pass changes, at two places of a layer. Its routes: a decision is changed right after the
// gate made it, before experts are scheduled and before observers see it. Its keys and values: they
// are changed before attention scores are computed (model/blocks/key_change.h); observers are shown
// the step at which that happens as it was before, later steps as they follow from the change.
// Layers after it see what follows. Where nothing is said, nothing is touched.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "gate/gate.h"
#include "model/blocks/block.h"
#include "model/model.h"

namespace rg::stream {

// Multiplies the combination weight of an expert where it is selected, after everything else.
struct ExpertScale {
  int32_t expert;
  float factor;
};

// One layer's. Experts are distinct ids within each list.
struct LayerIntervention {
  // The gate decides as if it had no such experts (gate::decide_without).
  std::vector<int32_t> masked = {};
  // Selected by every token: each takes the place of the last selected expert that isn't forced
  // itself, unless it is selected already. Weights by the gate's rule on the new set.
  std::vector<int32_t> forced = {};
  std::vector<ExpertScale> scaled = {};
  // (rows,k) the selected experts of every row of the pass (its sets in order) instead of the
  // gate's own; empty: not imposed. The caller's memory, as long as the pass runs.
  std::span<const int32_t> imposed_ids = {};
  // (rows,k) their combination weights; empty: by the gate's rule on its own logits.
  std::span<const float> imposed_weights = {};
};

const char* key_step_name(model::KeyStep step);  // "normed", "scored", "latent"

// Of one layer, with a gate or without.
struct LayerKeyChange {
  model::KeyStep step;
  model::KeyChange* change;  // the caller's, as long as the pass runs
};

struct Intervention {
  std::string source;                       // where it comes from, in messages
  std::map<int, LayerIntervention> layers;  // routes, by index in the model
  std::map<int, LayerKeyChange> keys = {};  // by index in the model

  const LayerIntervention* of(int layer) const;    // null: the layer's routes are left alone
  const LayerKeyChange* keys_of(int layer) const;  // null: its keys are left alone
  uint64_t imposed_bytes() const;                  // of the routes, which the caller holds
  // Of one worker's scratch, for sequences of up to `length` tokens.
  uint64_t key_scratch_bytes(const model::Model& model, uint32_t length) const;
};

// US001 for a layer without a gate, an expert that the model lacks or that is named twice, an
// expert masked and also forced or scaled, fewer than k experts left to choose from, more than k
// forced, ids imposed on a layer with masked or forced experts, and a factor that is not finite;
// for keys of a layer that the model or its mixer lacks, or at a step that they don't have.
void require_fits(const Intervention& intervention, const model::Model& model);
// US001 where imposed routes aren't k distinct experts of the layer for each of `rows`.
void require_routes(const Intervention& intervention, const model::Model& model, uint64_t rows);

// What a decision was made from.
struct GateInputs {
  const gate::GateSpec& spec;
  std::span<const float> logits, selection_bias;  // (E), as for gate::decide
  std::span<const float> per_expert_scale;        // (E), read iff spec.per_expert_scale
};

// Changes `ranked` and `weights` of a finished decision; scores and margins stay the gate's own.
// The last rank becomes the best expert that is not selected now, or -1. `row` of the pass.
void intervene(const LayerIntervention& how, size_t row, const GateInputs& inputs,
               gate::DecisionView& decision) noexcept;

}  // namespace rg::stream
