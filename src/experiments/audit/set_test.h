// Does a change of the logits change the selected set? Millions of changes per layer are asked, so
// where the set is that of the largest logits their order is read off directly, and only near ties
// go through the gate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "experiments/audit/flip_bank.h"
#include "gate/gate.h"

namespace rg::experiments {

// One decision at a time; not to be shared by threads. The answer is always that of gate::select
// on the fp32 sums of logits and change.
class SetTest {
 public:
  SetTest(const gate::GateSpec& spec, std::span<const float> selection_bias);

  // The decision whose set is compared from now on: logits (E), which must stay.
  void decide(std::span<const float> logits);
  // How many of these rows of the bank change the set.
  uint32_t changes(const FlipBank& bank, std::span<const uint32_t> rows);

 private:
  bool by_gate(const float* change);

  const gate::GateSpec& spec_;
  std::span<const float> selection_bias_, logits_;
  std::vector<int32_t> top_;
  std::vector<uint8_t> selected_;        // (E)
  std::vector<float> inside_, outside_;  // (stride) logits, +inf and -inf where they don't count
  std::vector<float> changed_;           // (E)
  std::vector<float> lowest_, highest_, largest_;
  bool ordered_;  // the set is that of the k largest logits
};

}  // namespace rg::experiments
