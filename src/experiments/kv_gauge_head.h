// What kv_gauge finds of one KV head, without the keys and the matrices: sums and stated numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/kv_gauge_options.h"
#include "experiments/kv_gauge_units.h"
#include "keys/fit.h"
#include "keys/residual.h"

namespace rg::experiments {

// Sums over a set of keys that aren't zero, in the coordinates of a gauge (docs/artifacts.md, 16).
struct KvSums {
  double cosines = 0, squared_norms = 0, sizes = 0, energy = 0, channel_squares = 0;
};

// Of a gauge that was searched in steps.
struct KvSearch {
  std::vector<double> path, trials;
  keys::Stop stop;
  std::optional<keys::Curvature> curvature;
  std::optional<keys::Decay> decay;
};

struct KvGauge {
  keys::GaugeKind kind;
  uint32_t number;
  std::string made_of, refused;  // refused: nothing below
  KvSums in_sample, held_out, sinks;
  std::vector<double> cosines;                       // (units)
  std::vector<double> squared_norms, sizes, energy;  // (units), where full()
  std::optional<KvSearch> search;

  bool usable() const { return refused.empty(); }
  bool full() const {
    return kind == keys::GaugeKind::identity || kind == keys::GaugeKind::itq_cosine;
  }
  bool random() const {
    return kind == keys::GaugeKind::signed_hadamard || kind == keys::GaugeKind::rotation;
  }
};

struct KvNoise {
  double fit_keys, in_sample_cosines;
  std::vector<double> nonzero, cosines, random_cosines;  // (units)
};

// Keys centred in one way, in the gauge that was learned on them.
struct KvCentred {
  double fit_keys, in_sample_cosines;
  std::vector<double> nonzero, zero, cosines;  // (units)
  double squared_norms, energy;                // over all units
};

struct KvCorrection {
  double turning_share;
  keys::ScoreCorrection of_scores;
};

struct KvHead {
  double fit_keys = 0, fit_zero_keys = 0;
  std::vector<double> nonzero, zero;  // (units): keys that are not zero, and zero keys
  double sink_nonzero = 0, sink_zero = 0;
  std::vector<KvGauge> gauges;
  std::optional<KvNoise> noise;
  std::optional<KvCentred> centred[3];  // in the order of kCentrings
  std::optional<KvCorrection> correction;
  std::vector<keys::ResidualShare> residual;
  std::optional<double> resting_share;

  const KvGauge& of(keys::GaugeKind kind) const;  // the first of a kind that was asked for
  const KvGauge& learned() const { return of(keys::GaugeKind::itq_cosine); }
};

// One head as it comes from the pass.
struct KvHeadKeys {
  std::span<const float> values;   // (sampled rows, width) keys
  std::span<const float> queries;  // (some, width) of its group, as before RoPE; or none
  uint32_t width;
  const keys::RotaryPlanes& planes;
  keys::Placement placement;
  keys::Place place;
  uint32_t positions;  // of a window
};

// Depends on the arguments alone; one thread.
KvHead measure_kv_head(const KvHeadKeys& head, const KvRows& rows, const KvGaugeOptions& options);

}  // namespace rg::experiments
