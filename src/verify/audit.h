// The arrays of an audit (docs/artifacts.md, audit), read and checked against each other, and the
// summary that they give.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "verify/analysis.h"

namespace rg::verify::audit {

inline constexpr size_t kDeciles = 10;
inline constexpr int64_t kDraws = 64;  // of a forecast by draws
inline constexpr size_t kFlippedBins = 7;
inline constexpr const char* kMarginKinds[] = {"set", "logit", "group"};
inline constexpr const char* kDrawnForecasts[] = {"F2", "F3", "F4"};

// The lowest number of flipped layers of each bin; the last bin is open.
inline constexpr std::array<int64_t, kFlippedBins> kFlippedFrom = {0, 1, 2, 3, 5, 9, 17};

// Decisions by A's margin, one array of windows per decile.
struct Deciles {
  std::vector<double> edges;  // 11, ascending, in units of the margin
  std::array<Windows, kDeciles> decisions, flips, mass;
};

// Decisions of a window that `s` of the draws would flip.
struct DrawnLevel {
  uint32_t s;
  uint32_t decisions, flips;
};
using DrawnWindows = std::vector<std::vector<DrawnLevel>>;  // (windows), s ascending

// One layer; every array has one entry per window. Counts unless said otherwise; masses are
// experts chosen by one routing and not by the other, summed over decisions.
struct LayerRecord {
  Windows decisions;  // T less the undefined ones
  Windows total, local, inherited, through_a;
  Windows flips, reordered, reweighted;
  Windows neighbour, middle, far;
  Windows depth_sum, depth_n;  // depth_sum: score units
  Windows onset;
  std::map<std::string, Deciles> deciles;  // by kind of margin; a kind without edges is left out
  Windows guaranteed, guaranteed_flips;    // empty unless the gates are equal
  Windows lower, upper, pair;              // sums of probabilities; empty without bounds
  std::map<std::string, DrawnWindows> forecasts;  // by name; empty without folds
  Windows gates_flips, gates_mass, gates_ties;    // of A's logits rounded to bf16
  Windows pass_decisions, pass_flips, pass_mass;  // of A's other number type; empty without
};

struct Record {
  std::map<int, LayerRecord> layers;
  bool gates_equal = false;
  bool bounds = false, other_compute = false, groups = false;
  std::vector<int64_t> folds;  // (windows) 0 or 1; empty with a single document
  std::array<Windows, kFlippedBins> tokens, kl_sum, loss_delta_sum;
  Windows kl, loss_a, loss_b, loss_ab, loss_ba;  // nats, window means
  Windows top1_equal;
};

// Reads everything, then checks what must add up. Defects are in the inspector.
Record read_record(const Case& c);
// What must hold between the arrays of a record whose shapes are right (audit_checks.cc).
void check_record(const Case& c, const Record& record);

// An audit of a checkpoint and itself with its keys stored in few bits (audit_keys.cc).
struct KeyChange {
  std::string name;
  int lowest_layer;  // changed, measured or not
};
// `settings.key_change`, whose every defect is `key_change_stated`: what was stored how, and one
// checkpoint on both sides. None in another audit.
std::optional<KeyChange> read_key_change(const Case& c);
// Below the lowest changed layer nothing may differ.
void check_below(const Case& c, const Record& record, const KeyChange& change);

// Whether nothing differs at all.
bool identical(const Case& c, const Record& record);

}  // namespace rg::verify::audit
