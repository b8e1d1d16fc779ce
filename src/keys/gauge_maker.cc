#include "keys/gauge_maker.h"

#include <fmt/format.h>

#include <algorithm>

#include "keys/givens.h"
#include "keys/hadamard.h"
#include "keys/rope_gauges.h"

namespace rg::keys {
namespace {

constexpr const char* kNoKeys = "no key to fit on";

bool has_key(const KeySet& keys) {
  return std::any_of(keys.values.begin(), keys.values.end(), [](float v) { return v != 0; });
}

Made refused(GaugeKind kind, uint32_t number, std::string why) {
  Made out;
  out.gauge.kind = kind;
  out.gauge.number = number;
  out.gauge.refused = std::move(why);
  return out;
}

Made made(GaugeKind kind, uint32_t number, std::string made_of, linear::Matrix matrix) {
  Made out;
  out.gauge = {.kind = kind,
               .number = number,
               .made_of = std::move(made_of),
               .refused = {},
               .matrix = std::move(matrix)};
  return out;
}

}  // namespace

Metric metric_of(GaugeKind kind) {
  if (kind == GaugeKind::itq_pooled) return Metric::beta_pooled;
  return kind == GaugeKind::itq_per_key ? Metric::beta_per_key : Metric::mean_cosine;
}

GaugeMaker::GaugeMaker(const PackedKeys& fit, const KeySet& fit_rows, const HeadKeys& head,
                       const FitOptions& options)
    : fit_(fit), fit_rows_(fit_rows), head_(head), options_(options) {
  if (has_key(fit_rows)) searched_.emplace(fit);
}

const linear::Matrix& GaugeMaker::moments() {
  if (!moments_) moments_ = second_moments(fit_);
  return *moments_;
}

const Axes& GaugeMaker::axes() {
  if (!axes_) axes_ = principal_axes(moments());
  return *axes_;
}

const std::vector<Start>& GaugeMaker::starts() {
  if (!starts_.empty()) return starts_;
  const uint32_t d = fit_.width();
  starts_.push_back({.name = "identity", .rotation = linear::Matrix::Identity(d, d)});
  if (hadamard_name(d)) {
    starts_.push_back(
        {.name = "principal axes and hadamard", .rotation = hadamard_matrix(d) * axes().rotation});
  }
  for (uint32_t number = 0; number < options_.rotation_starts; ++number) {
    starts_.push_back({.name = fmt::format("rotation {}", number),
                       .rotation = random_rotation(d, head_.place, number)});
  }
  return starts_;
}

Made GaugeMaker::make(GaugeKind kind, uint32_t number) {
  switch (kind) {
    case GaugeKind::identity:
    case GaugeKind::hadamard:
    case GaugeKind::signed_hadamard:
    case GaugeKind::rotation:
      return fixed(kind, number);
    default:
      break;
  }
  if (!searched_) return refused(kind, number, kNoKeys);
  switch (kind) {
    case GaugeKind::principal:
    case GaugeKind::principal_covariance:
    case GaugeKind::principal_hadamard:
      return of_axes(kind);
    case GaugeKind::torus:
    case GaugeKind::plane_scaling:
    case GaugeKind::foldable:
      return of_planes(kind);
    case GaugeKind::blocks:
      return in_blocks();
    case GaugeKind::givens:
      return refined();
    default:
      return learned(metric_of(kind), kind);
  }
}

Made GaugeMaker::fixed(GaugeKind kind, uint32_t number) {
  const uint32_t d = fit_.width();
  if (kind == GaugeKind::identity) return made(kind, number, "", linear::Matrix::Identity(d, d));
  if (kind == GaugeKind::rotation) {
    return made(kind, number, "", random_rotation(d, head_.place, number));
  }
  const std::optional<std::string> name = hadamard_name(d);
  if (!name) return refused(kind, number, why_no_hadamard(d));
  linear::Matrix matrix = hadamard_matrix(d);
  if (kind == GaugeKind::signed_hadamard) {
    const std::vector<double> signs = random_signs(d, head_.place, number);
    for (uint32_t j = 0; j < d; ++j) matrix.col(j) *= signs[j];
  }
  return made(kind, number, *name, std::move(matrix));
}

Made GaugeMaker::of_axes(GaugeKind kind) {
  const uint32_t d = fit_.width();
  if (kind == GaugeKind::principal) return made(kind, 0, "", axes().rotation);
  if (kind == GaugeKind::principal_covariance) {
    const linear::Matrix about_mean = covariance(moments(), mean_of(fit_rows_), fit_.rows());
    return made(kind, 0, "", principal_axes(about_mean).rotation);
  }
  const std::optional<std::string> name = hadamard_name(d);
  if (!name) return refused(kind, 0, why_no_hadamard(d));
  return made(kind, 0, *name, hadamard_matrix(d) * axes().rotation);
}

Made GaugeMaker::of_planes(GaugeKind kind) {
  const RotaryPlanes& planes = head_.planes;
  if (planes.pairs.empty()) return refused(kind, 0, "no planes: these keys are without RoPE");
  if (kind == GaugeKind::torus) {
    return made(kind, 0, "", torus_gauge(*searched_, planes, Metric::mean_cosine));
  }
  if (kind == GaugeKind::plane_scaling) {
    return made(kind, 0, "", plane_scaling(moments(), fit_.rows(), planes));
  }
  const ItqOptions options{.most_steps = options_.most_steps, .tolerance = options_.tolerance};
  return made(kind, 0, "", foldable_rotation(*searched_, planes, Metric::mean_cosine, options));
}

Made GaugeMaker::learned(Metric metric, GaugeKind kind) {
  if (kind == GaugeKind::itq_cosine && itq_cosine_) return *itq_cosine_;
  const ItqOptions options{.most_steps = options_.most_steps, .tolerance = options_.tolerance};
  Restarts found = search_from(*searched_, starts(), metric, options_.trial_steps, options);
  Made out = made(kind, 0, "from " + found.start, found.best.gauge);
  out.search = std::move(found.best);
  out.trials = std::move(found.trial_values);
  if (kind == GaugeKind::itq_cosine) itq_cosine_ = out;
  return out;
}

Made GaugeMaker::refined() {
  if (!itq_cosine_) learned(Metric::mean_cosine, GaugeKind::itq_cosine);
  Search found = givens_sweeps(*searched_, itq_cosine_->gauge.matrix, Metric::mean_cosine,
                               options_.sweeps, options_.tolerance);
  Made out = made(GaugeKind::givens, 0, "from itq_cosine", found.gauge);
  out.search = std::move(found);
  return out;
}

Made GaugeMaker::in_blocks() {
  const uint32_t d = fit_.width();
  std::vector<std::vector<uint32_t>> groups;
  for (uint32_t j = 0; j < d; ++j) {
    if (j % std::max(1u, options_.block_columns) == 0) groups.emplace_back();
    groups.back().push_back(j);
  }
  const ItqOptions options{.most_steps = options_.most_steps, .tolerance = options_.tolerance};
  return made(GaugeKind::blocks, 0, fmt::format("{} columns each", options_.block_columns),
              block_rotation(*searched_, groups, Metric::mean_cosine, options));
}

}  // namespace rg::keys
