// Artifacts with per-window arrays drawn under known conditions: a null, or an effect of known
// size. Everything else in them is that of the synthetic artifacts of tests/verify; their summaries
// are left out, since the verifier recomputes them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"

namespace rg::levels {

struct Size {
  uint32_t windows = 200, seq_len = 256, replicates = 2000;
  uint32_t positions() const { return seq_len - 1; }  // T
};

// `criteria`: by criterion of the test, its per-window values (windows), positive on the claim's
// side of the threshold; their mean over their standard deviation is the standardised effect.
struct Simulated {
  Json artifact;
  std::vector<std::vector<double>> criteria;
};
// One artifact per run, with the run's number as seed of its bootstrap.
using Draw = std::function<Simulated(uint64_t run)>;

// How the reference's margins tie.
enum class Margins { continuous, partly_tied, all_equal };

// boundary_amplification, one layer, k = 2: a position's disagreement has probability
// 0.06 (1 + slope (1 - 2 u)), u its margin's rank in (0, 1); 0 is the null. Criteria: F - n_le/T of
// the four quantiles.
Draw amplification(const Size& size, Margins margins, double slope);
// behavior_compression, one layer: |change of log-probability| that ignores the margin.
Draw control(const Size& size);

enum class Shape { symmetric, left_skewed };  // of kappa over positions
// chart_compatibility, one layer: kappa of the pair at the boundary is lower than that in the
// interior and that with another partner by these. Criteria: C1, C1_matched, C2, C2_unselected.
struct ChartEffect {
  Shape shape;
  double below_interior, below_partner;
};
Draw chart(const Size& size, const ChartEffect& effect);

// terminal_ovk_scan of three layers with these mean overlaps. Criteria: the terminal jump, its lead
// over the other one.
using Profile = std::array<double, 3>;
Draw scan(const Size& size, const Profile& profile);
// terminal_tracking: a scan that surely passes, and one with this profile.
Draw tracking(const Size& size, const Profile& profile);
// terminal_compatibility of both.
Draw compatibility(const Size& size, const ChartEffect& effect, const Profile& profile);

// kl_edge_dominance along one edge, in one or two domains: drift surely grows, forgetting in each
// domain by so many standard deviations of a window. Criteria: forgetting by domain.
Draw growth(const Size& size, const std::vector<double>& effects);
// kl_bounded_adaptation: drift and forgetting of `runs` runs, independent of each other.
Draw adaptation(size_t runs);

}  // namespace rg::levels
