// Families of checkpoints over a vocabulary of three tokens, with one measured position per window.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "experiments/family/family_outputs.h"

namespace rg::experiments::testing {

// Logits of the three tokens; token 0 is the next one.
using ThreeLogits = std::array<float, 3>;
using LogitsOf = std::function<ThreeLogits(size_t checkpoint, size_t window)>;

class FamilyDomain {
 public:
  FamilyDomain(const std::string& name, size_t windows, size_t checkpoints,
               const LogitsOf& logits) {
    set_.lengths.assign(windows, 2);
    set_.ids.assign(2 * windows, 0);
    for (size_t c = 0; c < checkpoints; ++c) {
      records_.push_back(std::make_unique<OutputRecord>(&set_, 2));
      records_.back()->begin_layer({});
      for (size_t w = 0; w < windows; ++w) {
        const ThreeLogits own = logits(c, w), base = logits(0, w);
        records_.back()->on_logits({.set = &set_,
                                    .sequence = w,
                                    .first_position = 0,
                                    .rows = 1,
                                    .vocabulary = 3,
                                    .logits = own.data(),
                                    .reference_logits = c == 0 ? nullptr : base.data(),
                                    .worker = 0});
      }
    }
    outputs_ = {.name = name, .seq_len = 2, .window_document = {}, .of_checkpoint = {}};
    for (size_t w = 0; w < windows; ++w) {
      outputs_.window_document.push_back(static_cast<uint32_t>(w / 2));
    }
    for (const auto& record : records_) outputs_.of_checkpoint.push_back(record.get());
  }
  const DomainOutputs& outputs() const { return outputs_; }

 private:
  tap::SequenceSet set_;
  std::vector<std::unique_ptr<OutputRecord>> records_;
  DomainOutputs outputs_;
};

inline FamilyFacts three_checkpoints(uint64_t seed) {
  return {.ckpts = {"base", "sft", "dpo"},
          .edges = {{"base", "sft"}, {"sft", "dpo"}},
          .seed = seed,
          .replicates = 200,
          .threads = 1};
}

}  // namespace rg::experiments::testing
