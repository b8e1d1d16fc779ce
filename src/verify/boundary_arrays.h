// The per-window arrays of boundary_amplification, read and checked against each other.
#pragma once

#include "verify/edge_strata.h"

namespace rg::verify::boundary {

inline constexpr size_t kDeciles = 10;

// A row of `deciles`: the tokens between two deciles of all margins of the layer.
struct Decile {
  int bin;  // from 0
  double margin_lo, margin_hi;
  double overlap;  // mean ov_k of the two gates
  int64_t tokens;
};

struct LayerRecord {
  edge::Strata strata;
  Windows mass;           // disagreement in experts, k - |intersection|, summed over tokens
  edge::ByLevel mass_le;  // the same over a stratum
  edge::ByLevel share;    // compression_F_per_window
  std::array<Windows, kDeciles> decile_mass, decile_tokens;
  std::vector<double> edges;    // 11; empty where the layer has no defined margin
  std::vector<Decile> deciles;  // of a published artifact, as stated
};

// "y_ref_A" or "y_ref_B", by the edge's direction.
std::string reference_name(const Header& header);
// compression_qs, decile_bins, what the reference says of itself, and that the other one is null.
void check_definition(const Case& c);
std::map<int, LayerRecord> read_record(const Case& c);

// Mean disagreement of the non-empty deciles, ascending in margin; `mass` and `tokens` are sums
// over windows.
std::vector<double> disagreement_by_decile(const std::array<double, kDeciles>& mass,
                                           const std::array<double, kDeciles>& tokens,
                                           uint32_t topk);
// The largest step from one to the next; none for fewer than two.
std::optional<double> largest_rise(const std::vector<double>& disagreement);

}  // namespace rg::verify::boundary
