// attention_router on prompts and probes, by both conventions: the exact decomposition in the
// causal pass, and the published computation in the unmasked one (raw residual entering the layer,
// no norm, everything that is not the embedding called attention).
#pragma once

#include <vector>

#include "experiments/common.h"

namespace rg::experiments {

class PromptRecords {
 public:
  PromptRecords(const Setting& setting, size_t layers);

  // One sequence of either prompt set; scratch buffers 0 (d) and 1 to 3 (E) of the worker.
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block,
               const SequenceRows& sequence, size_t slot, Scratch& scratch);

  struct Row {
    double ratio = kNaN, embedding_norm = kNaN, attention_norm = kNaN;
    int32_t embedding_top = -1, attention_top = -1, top = -1;
  };
  uint64_t bytes() const { return (exact_.size() + published_.size()) * sizeof(Row); }
  const Row& exact(size_t slot, size_t prompt) const { return exact_[at(slot, prompt)]; }
  const Row& published(size_t slot, size_t prompt) const { return published_[at(slot, prompt)]; }

 private:
  size_t at(size_t slot, size_t prompt) const { return slot * setting_.prompts.size() + prompt; }

  const Setting& setting_;
  std::vector<Row> exact_, published_;  // (layers, prompts)
};

}  // namespace rg::experiments
