// What the two tests of an edge share: strata of tokens near the reference's routing boundary, and
// how much more of a per-window mass they hold than an even spread over the tokens would give.
#pragma once

#include <array>

#include "verify/analysis.h"

namespace rg::verify::edge {

// The stratum of level q: tokens whose margin is at most Quantile_q of the window's margins.
struct Level {
  const char* key;
  Fraction q;
};
inline constexpr std::array<Level, 4> kLevels = {
    Level{"q01", {1, 100}}, {"q05", {1, 20}}, {"q10", {1, 10}}, {"q20", {1, 5}}};
using ByLevel = std::array<Windows, kLevels.size()>;

// One layer's strata. A published artifact counts no undefined positions and no ties: there
// `defined` is T, and the strata are empty vectors.
struct Strata {
  Windows defined;  // T_def, the positions whose margin in the reference is finite
  ByLevel n_le;     // tokens at or below the threshold
  ByLevel m_thr;    // the threshold, in score space; none where T_def is 0
};

// compression_qs.
void check_levels(const Case& c);
// An array per level, {"q01": [...], ...}: numbers or nulls, or integers in [0, largest].
ByLevel read_levels(const Case& c, const At& at, Range range);
ByLevel read_level_counts(const Case& c, const At& at, int64_t largest);
// An array of integers in [0, largest].
Windows read_counts(const Case& c, const At& at, int64_t largest);
// T_def from the counts of undefined positions; all T for a published artifact.
Windows defined_positions(const Case& c, const Windows& undefined);

// The members of an object keyed by layer, which names exactly the measured layers.
std::map<int, At> members_by_layer(const Case& c, const At& at);
// Values undefined exactly where T_def is 0.
void check_undefined(const Case& c, const Windows& defined, const ByLevel& values,
                     const std::string& path);
// Strata as large as their quantiles make them, with ascending thresholds. `n_le`, `m_thr`: where
// they are stored.
void check_strata(const Case& c, const Strata& strata, const std::string& n_le,
                  const std::string& m_thr);
// The share of the mass that each stratum holds: 0 where there is no mass, else mass_le / mass.
void check_shares(const Case& c, const Windows& mass, const ByLevel& mass_le, const ByLevel& share,
                  const std::string& path);

// The share minus what an even spread gives: by the published rule ceil(q T_def)/T_def; with ties
// at the threshold n_le/T_def, over all windows and over those that have any mass.
struct Excess {
  ColumnId published, tie_aware, over_disagreeing;
  ColumnId share, even;    // the share itself and n_le/T_def
  ColumnId share_minus_q;  // share - q: a published summary may mean this one
  ColumnId judged;         // the one that the verdict uses
};
using Baseline = ColumnId Excess::*;
using LayerExcess = std::array<Excess, kLevels.size()>;
// `mass` is empty for a published artifact, which is judged by the published rule.
LayerExcess add_excess(const Case& c, Analysis& analysis, const Strata& strata,
                       const ByLevel& share, const Windows& mass);
// Delta blocks {published, tie_aware, over_disagreeing} of one level.
void claim_excess(const Analysis& analysis, Claims& claims, const Claims::Path& at,
                  const Excess& excess);

// A layer's criterion: the stratum that exceeds an even spread by the most standard errors.
Criterion clearest(const Analysis& analysis, const LayerExcess& excess, const char* name, int layer,
                   bool holds);

// Windows with defined positions but without any mass.
int64_t windows_without(const Strata& strata, const Windows& mass);

}  // namespace rg::verify::edge
