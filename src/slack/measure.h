// Runs checks on a layer's samples.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "slack/check.h"

namespace rg::slack {

struct TheoremFound {
  std::string why_not;       // empty: it applies
  std::vector<Found> found;  // per quantity, where it applies
};

// One per check. `head(g)` makes the sample of KV head g, asked for once, at most `threads` at a
// time; never called for a layer without keys. The same result for any number of threads.
std::vector<TheoremFound> measure_layer(std::span<const TheoremCheck> checks,
                                        const LayerFacts& layer, const GateSample& gate,
                                        const std::function<HeadSample(uint32_t head)>& head,
                                        int threads);

}  // namespace rg::slack
