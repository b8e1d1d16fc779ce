// Decisions of a layer by the deciles of the reference's margin over all windows: how many, how
// many of them flip, and how many experts they lose (docs/artifacts.md).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace rg::experiments {

inline constexpr size_t kMarginDeciles = 10;

struct MarginDeciles {
  // e_0: the smallest margin; e_i = Quantile_{i/10}. Bin i holds [e_i, e_{i+1}), the last e_10 too.
  std::array<float, kMarginDeciles + 1> edges{};
  // By bin, (windows).
  std::array<std::vector<uint32_t>, kMarginDeciles> decisions, flips, mass;
};

// margins, defined and mass: (windows, T), window after window; undefined decisions are left out.
// None where no decision is defined, all margins are equal, or a defined decision's is not finite.
std::optional<MarginDeciles> margin_deciles(std::span<const float> margins,
                                            std::span<const uint8_t> defined,
                                            std::span<const uint16_t> mass, size_t windows);

}  // namespace rg::experiments
