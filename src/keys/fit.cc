#include "keys/fit.h"

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "keys/gauge_maker.h"
#include "keys/noise.h"

namespace rg::keys {
namespace {

uint32_t how_many(GaugeKind kind, const FitOptions& options) {
  if (kind == GaugeKind::signed_hadamard) return options.signed_hadamards;
  return kind == GaugeKind::rotation ? options.rotations : 1;
}

GaugeReport report_of(Made made, const HeadKeys& head, const GaugeMaker& maker,
                      const PackedKeys& fit, const PackedKeys& held_out) {
  GaugeReport out;
  out.gauge = std::move(made.gauge);
  out.cost = cost_of(out.gauge.kind, head.placement);
  if (!out.gauge.refused.empty()) return out;
  out.in_sample = total_of(code_sums(fit, out.gauge.matrix, head.halves.fit.documents));
  out.held_out = code_sums(held_out, out.gauge.matrix, head.halves.held_out.documents);
  if (head.query_moments) {
    out.scores =
        score_sums(held_out, out.gauge.matrix, *head.query_moments, head.halves.held_out.documents);
  }
  out.trials = std::move(made.trials);
  if (!made.search) return out;
  out.path = std::move(made.search->values);
  out.stop = made.search->stop;
  out.decay = decay_of(out.path);
  const Metric metric = metric_of(out.gauge.kind);
  if (metric != Metric::beta_per_key) {
    out.curvature = curvature_at(*maker.searched(), out.gauge.matrix, metric);
  }
  return out;
}

// All gauges asked, of one head's keys or of the noise in their place.
std::vector<GaugeReport> reports_of(const HeadKeys& head, const FitOptions& options,
                                    const std::vector<GaugeKind>& kinds) {
  const KeySet& fit = head.halves.fit;
  const KeySet& held_out = head.halves.held_out;
  const PackedKeys packed_fit(fit.values, fit.width, PackedKeys::Use::turn_and_moments);
  const PackedKeys packed_held_out(held_out.values, held_out.width, PackedKeys::Use::turn);
  GaugeMaker maker(packed_fit, fit, head, options);
  std::vector<GaugeReport> out;
  for (const GaugeKind kind : kinds) {
    for (uint32_t number = 0; number < how_many(kind, options); ++number) {
      out.push_back(report_of(maker.make(kind, number), head, maker, packed_fit, packed_held_out));
    }
  }
  return out;
}

HeadKeys noise_like(const HeadKeys& head) {
  const KeySet& fit = head.halves.fit;
  const PackedKeys packed(fit.values, fit.width, PackedKeys::Use::turn_and_moments);
  const linear::Column mean = mean_of(fit);
  const linear::Matrix spread = covariance(second_moments(packed), mean, fit.rows());
  HeadKeys out = head;
  out.halves.fit = gaussian_keys(mean, spread, fit, head.place, Draw::noise_fit);
  out.halves.held_out =
      gaussian_keys(mean, spread, head.halves.held_out, head.place, Draw::noise_held_out);
  return out;
}

bool is_zero(std::span<const float> row) {
  return std::all_of(row.begin(), row.end(), [](float value) { return value == 0; });
}

}  // namespace

HeadReport fit_gauges(const HeadKeys& head, const FitOptions& options) {
  const KeySet& fit = head.halves.fit;
  check_internal(fit.width == head.halves.held_out.width, "halves of one head");
  check_planes(head.planes, fit.width);
  HeadReport out;
  for (uint32_t n = 0; n < fit.rows(); ++n)
    (is_zero(fit.row(n)) ? out.fit_zero_keys : out.fit_keys) += 1;
  out.fit_keys_per_width = out.fit_keys / fit.width;
  out.held_out_documents = head.halves.held_out.documents;
  out.gauges = reports_of(head, options, options.gauges);
  if (out.fit_keys > 0 && !options.on_noise.empty()) {
    out.on_noise = reports_of(noise_like(head), options, options.on_noise);
  }
  return out;
}

}  // namespace rg::keys
