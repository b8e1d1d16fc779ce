// Makes the gauges of one head from its fitting half, each shared part (moments, axes, starts)
// once.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "keys/fit.h"
#include "keys/itq.h"
#include "keys/principal.h"

namespace rg::keys {

struct Made {
  Gauge gauge;
  std::optional<Search> search;  // of iterated ones
  std::vector<double> trials;
};

class GaugeMaker {
 public:
  // Everything is borrowed. `fit` packed for moments.
  GaugeMaker(const PackedKeys& fit, const KeySet& fit_rows, const HeadKeys& head,
             const FitOptions& options);

  Made make(GaugeKind kind, uint32_t number);
  // None if the fitting half has no key that isn't zero.
  const ItqKeys* searched() const { return searched_ ? &*searched_ : nullptr; }

 private:
  const PackedKeys& fit_;
  const KeySet& fit_rows_;
  const HeadKeys& head_;
  const FitOptions& options_;
  std::optional<ItqKeys> searched_;
  std::optional<linear::Matrix> moments_;
  std::optional<Axes> axes_;
  std::vector<Start> starts_;
  std::optional<Made> itq_cosine_;  // givens goes on from it

  const linear::Matrix& moments();
  const Axes& axes();
  const std::vector<Start>& starts();
  Made fixed(GaugeKind kind, uint32_t number);  // needs no keys
  Made of_axes(GaugeKind kind);
  Made of_planes(GaugeKind kind);
  Made learned(Metric metric, GaugeKind kind);
  Made refined();
  Made in_blocks();
};

// The metric that a kind of gauge climbs.
Metric metric_of(GaugeKind kind);

}  // namespace rg::keys
