// Edges whose margins and disagreement a test invents position by position, without a model.
#pragma once

#include <functional>

#include "experiments/fake_engine.h"
#include "experiments/family/boundary_record.h"

namespace rg::experiments::testing {

struct Invented {
  float margin;
  uint32_t lost;  // experts of the reference's set that the other gate doesn't choose, 0 .. k
};

struct EdgeShape {
  uint32_t windows = 48, positions = 100, k = 2, layers = 1;
  uint64_t seed = 42;
  std::vector<int> required = {};  // layers; none: all
};

class InventedEdge {
 public:
  InventedEdge(const EdgeShape& shape,
               const std::function<Invented(uint32_t layer, uint32_t window, uint32_t t)>& invent);
  const BoundaryRecord& record() const { return record_; }

 private:
  static Setting setting_of(const EdgeShape& shape, const tap::SequenceSet& set);

  tap::SequenceSet set_;
  BoundaryRecord record_;
};

// A uniform number in (0, 1).
double uniform(uint64_t seed, uint32_t i, uint32_t j, uint32_t layer);

}  // namespace rg::experiments::testing
