// The arrays of kv_gauge (docs/artifacts.md, kv_gauge), read and checked against each other.
// Errors: defects in the inspector; nothing is thrown.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "verify/kv_common.h"

namespace rg::verify::kv {

inline constexpr size_t kCentrings = 3;
inline constexpr std::array<const char*, kCentrings> kCentringNames = {"raw", "key_dc",
                                                                       "dataset_mean"};

// `keys`: what was asked for.
struct Parameters {
  bool scored = true;     // keys after RoPE; else after QK-norm and before RoPE
  size_t centring = 0;    // of kCentringNames
  int64_t positions = 0;  // sampled per window, sinks included
  int64_t sink_positions = 0;
  bool all_gauges = false;
  int64_t signed_hadamards = 0, rotations = 0, residual_rank = 0;
};

// A gauge's name and its number among those of its kind.
struct GaugeName {
  std::string kind;
  int64_t number;
  bool operator==(const GaugeName&) const = default;
};
// All of a head, in order.
std::vector<GaugeName> gauge_names(const Parameters& parameters);

// Over a set of keys of width d, in a gauge's coordinates (docs/artifacts.md, Sums).
struct Sums {
  double cosines = 0, squared_norms = 0, sizes = 0, energy = 0;
  double channel_squares = 0;  // 0 of sinks, which have none
};

struct Gauge {
  GaugeName name;
  bool refused = false;  // then nothing below is there
  Sums in_sample, held_out, sinks;
  Windows cosines;                       // (units)
  Windows squared_norms, sizes, energy;  // (units); of identity and itq_cosine, else empty
};

// The same search on Gaussian keys. Arrays: (units).
struct Noise {
  double fit_keys = 0, in_sample_cosines = 0;
  Windows keys, cosines, random_cosines;
};

// itq_cosine fitted on keys that are centred so. Arrays: (units); the last two over all units.
struct Centred {
  double fit_keys = 0, in_sample_cosines = 0;
  Windows keys, zero_keys, cosines;
  double squared_norms = 0, energy = 0;
};

struct Head {
  double fit_keys = 0, fit_zero_keys = 0, sink_keys = 0, sink_zero_keys = 0;
  Windows keys, zero_keys;  // (units)
  std::vector<Gauge> gauges;
  std::optional<Noise> noise;
  std::array<std::optional<Centred>, kCentrings> centring;  // as kCentringNames
  std::vector<int64_t> residual_ranks;
  std::optional<double> resting_share;  // of the ceiling; none without one

  const Gauge& learned() const;  // itq_cosine
  bool defined() const;          // learned not refused, and keys held out
  double held_out() const;       // keys of all units
};

// A layer that has keys.
struct LayerKeys {
  int64_t width = 0, rotated_columns = 0;
  std::vector<Head> heads;  // KV heads
};

struct Record {
  Parameters parameters;
  Units units;
  Windows keys, sinks;              // (windows) counts
  std::map<int, LayerKeys> layers;  // that have keys, ascending
};

// Everything below `root` but the summary; defects are in the inspector.
Record read_record(const Case& c);
// `heads` of one layer (kv_gauge_heads.cc).
void read_heads(const Case& c, const Record& record, const At& list, int64_t count,
                LayerKeys& layer);
// Of one head: noise, centring, residual, ceiling (kv_gauge_parts.cc).
void read_parts(const Case& c, const Record& record, const At& at, const LayerKeys& layer,
                Head& head);
// What is stated of a gauge that was found by steps; `givens` has no trials.
void check_search(const Case& c, const At& gauge, bool givens);
// What must hold between the numbers of a record whose shapes are right (kv_gauge_checks.cc).
void check_record(const Case& c, const Record& record);
// Numbers that look copied: warnings (kv_gauge_copies.cc).
void warn_copies(const Case& c, const Record& record);

}  // namespace rg::verify::kv
