// One decision of two runs side by side: what left the set of the reference A, what entered, and
// how far from the boundary. Gates with equal logits and rule give equal answers; nothing here
// depends on a model.
#pragma once

#include <cstdint>
#include <span>

#include "gate/gate.h"

namespace rg::experiments {

// Where the experts that enter stand in A's ranking, from 1; one that A may not select is at E.
enum class FlipDistance : uint8_t {
  none,       // the sets are equal
  neighbour,  // exactly e_k leaves, and e_{k+1} enters
  middle,     // neither of the others
  far,        // some expert enters whose rank is above 2k
};

struct Flip {
  uint32_t mass = 0;  // k - |R_A ∩ R_B|, in experts
  FlipDistance distance = FlipDistance::none;
  // Over the entering experts whose score in A is finite: the sum of s_(k) - s_e, in A's scores
  // (gate::score_space), and their number.
  double depth_sum = 0;
  uint32_t depth_n = 0;
  bool reordered = false;   // an equal set in another order of ranks
  bool reweighted = false;  // an equal set, some expert's combination weight differs in a bit
};

// A run's own decision: its k selected experts in rank order, and their weights.
struct Choice {
  std::span<const int32_t> selected;  // (k)
  std::span<const float> weights;     // (k)
};

// `reference`: A's whole decision of the token, with a finite margin; its weights are those of `a`.
Flip compare_choices(const gate::GateSpec& spec, const gate::DecisionView& reference,
                     const Choice& a, const Choice& b) noexcept;

// k - |R ∩ R'|: how many experts of one set the other lacks. A metric on sets.
uint32_t set_distance(std::span<const int32_t> a, std::span<const int32_t> b) noexcept;

}  // namespace rg::experiments
