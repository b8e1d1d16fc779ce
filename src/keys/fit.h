// Gauges of one KV head: fitted on one half of the documents, reported on the other, with what a
// search reached in sample and what the same search reaches on noise beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "keys/curvature.h"
#include "keys/draws.h"
#include "keys/gauge.h"
#include "keys/key_set.h"
#include "keys/one_bit.h"
#include "keys/rotary_planes.h"
#include "keys/score_error.h"
#include "keys/search.h"

namespace rg::keys {

struct FitOptions {
  std::vector<GaugeKind> gauges;   // in the order of the report
  uint32_t signed_hadamards = 10;  // numbers of random ones
  uint32_t rotations = 3;
  // Searches start at the identity, at principal axes with Hadamard (where there is one), and at
  // this many of the random rotations. Each start makes `trial_steps` steps, the best one goes on:
  // 0 to let all go on.
  uint32_t rotation_starts = 3;
  uint32_t trial_steps = 4;
  uint32_t most_steps = 50;  // of ITQ, trial included
  double tolerance = 1e-6;   // relative gain of a step below which ITQ stops
  uint32_t sweeps = 1;       // of givens, at most
  uint32_t block_columns = 32;
  std::vector<GaugeKind> on_noise = {GaugeKind::itq_cosine};  // fitted on Gaussian keys as well
};

// The keys of one KV head, after whatever centring; of its place in RoPE.
struct HeadKeys {
  Halves halves;        // fit and held out, of one width
  RotaryPlanes planes;  // none: no RoPE
  Placement placement;
  Place place;  // seed, layer, head of the draws
  // Second moments (d, d) of the queries that read these keys, all of the group: then the error of
  // scores is reported too.
  std::optional<linear::Matrix> query_moments = {};
};

struct GaugeReport {
  Gauge gauge;
  Cost cost = Cost::free;
  CodeSums in_sample;              // of all fitting documents; for a refused gauge nothing
  std::vector<CodeSums> held_out;  // one per held-out document
  std::vector<ScoreSums> scores;   // the same, if moments of queries are given
  // Of a search that is iterated:
  std::vector<double> path;  // its own metric, in sample
  std::optional<Stop> stop;
  std::vector<double> trials;          // the metric of every start after its trial
  std::optional<Curvature> curvature;  // where it ended; mean cosine and pooled beta
  std::optional<Decay> decay;
};

struct HeadReport {
  double fit_keys = 0, fit_zero_keys = 0;  // without the zero ones; they alone
  double fit_keys_per_width = 0;           // N / d: below 100, in-sample values say little (GS-5)
  std::vector<Document> held_out_documents;
  std::vector<GaugeReport> gauges;    // in the order asked; several of a random kind
  std::vector<GaugeReport> on_noise;  // the same searches on Gaussian keys (noise.h)
};

// Refuses single gauges by name (GaugeReport::gauge.refused), never the head: without RoPE the
// gauges of planes, without a key in the fitting half all that are fitted. The results depend on
// the arguments alone. One thread; call it for several heads at once.
HeadReport fit_gauges(const HeadKeys& head, const FitOptions& options);

}  // namespace rg::keys
