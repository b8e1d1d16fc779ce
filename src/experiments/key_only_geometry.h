// What the weights say of one layer: what a router that reads the residual stream before attention
// through this router's matrix would see of it in the keys (KR-2, KR-9, KR-10).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "experiments/key_only_rows.h"
#include "readout/routes.h"

namespace rg::experiments {

struct RouterGeometry {
  uint32_t width;                   // d
  uint32_t rank;                    // of the keys' projection
  std::optional<double> condition;  // none for rank 0
  uint32_t directions;              // rank of the router's matrix less the mean of its rows
  std::optional<double> eta;        // none without directions
  double eta_null;
  std::optional<double> eta_sigma;  // none where a gain is 0 or nothing varies
  std::vector<double> angles;       // ascending, radians
  // Test rows, by their pair of experts at ranks k and k + 1.
  uint32_t seen = 0, undefined = 0, rows = 0;
  std::optional<double> median_ratio;
  // Test rows asked, and those whose keys determine the set; none where the gate is no plain top-k.
  struct Determined {
    uint32_t rows, determined;
  };
  std::optional<Determined> determined;
};

// Whether the gate's set is the k largest logits, of a product without bias.
bool is_plain_top_k(const gate::GateSpec& spec);
// None where one of the two norms is no RMS norm. `gate_is_rms`: of the router's.
std::optional<RouterGeometry> router_geometry(const tap::KeyView& keys, const tap::LayerView& gate,
                                              bool gate_is_rms, const readout::Routes& routes,
                                              const RouterSplit& split, const RouterRows& rows);

}  // namespace rg::experiments
