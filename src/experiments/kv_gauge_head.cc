#include "experiments/kv_gauge_head.h"

#include <algorithm>

#include "base/error.h"
#include "keys/anchors.h"
#include "keys/centring.h"
#include "keys/packed_keys.h"

namespace rg::experiments {
namespace {

constexpr const char* kVanishes = "it turns keys that are not zero into zero in fp32";

KvSums kv_sums(const keys::CodeSums& sums) {
  KvSums out{.cosines = sums.cosines,
             .squared_norms = sums.squared_norms,
             .sizes = 0,
             .energy = sums.energy,
             .channel_squares = 0};
  for (const double channel : sums.channels) {
    out.sizes += channel;
    out.channel_squares += channel * channel;
  }
  return out;
}

// Held-out sums of a gauge by unit, and apart from them those of the sinks.
struct ByUnit {
  std::vector<keys::CodeSums> units;
  keys::CodeSums sinks;

  std::vector<double> column(double keys::CodeSums::*member) const {
    std::vector<double> out;
    for (const keys::CodeSums& unit : units) out.push_back(unit.*member);
    return out;
  }
};

ByUnit by_unit(const std::vector<keys::CodeSums>& held_out,
               const std::vector<keys::Document>& documents, uint32_t units) {
  ByUnit out{.units = std::vector<keys::CodeSums>(units), .sinks = {}};
  for (size_t i = 0; i < held_out.size(); ++i) {
    const uint32_t index = documents[i].index;
    (index < units ? out.units[index] : out.sinks) = held_out[i];
  }
  return out;
}

std::vector<double> sizes_of(const std::vector<keys::CodeSums>& units) {
  std::vector<double> out;
  for (const keys::CodeSums& unit : units) out.push_back(kv_sums(unit).sizes);
  return out;
}

KvGauge kv_gauge_of(const keys::GaugeReport& report, const keys::HeadReport& head,
                    const KvHead& counts, uint32_t units) {
  KvGauge out{.kind = report.gauge.kind,
              .number = report.gauge.number,
              .made_of = report.gauge.made_of,
              .refused = report.gauge.refused,
              .in_sample = {},
              .held_out = {},
              .sinks = {},
              .cosines = {},
              .squared_norms = {},
              .sizes = {},
              .energy = {},
              .search = {}};
  if (!out.usable()) return out;
  const ByUnit found = by_unit(report.held_out, head.held_out_documents, units);
  if (report.in_sample.keys != counts.fit_keys ||
      found.column(&keys::CodeSums::keys) != counts.nonzero ||
      found.sinks.keys != counts.sink_nonzero) {
    out.refused = kVanishes;
    return out;
  }
  out.in_sample = kv_sums(report.in_sample);
  out.held_out = kv_sums(keys::total_of(found.units));
  out.sinks = kv_sums(found.sinks);
  out.cosines = found.column(&keys::CodeSums::cosines);
  if (out.full()) {
    out.squared_norms = found.column(&keys::CodeSums::squared_norms);
    out.sizes = sizes_of(found.units);
    out.energy = found.column(&keys::CodeSums::energy);
  }
  if (report.stop) {
    out.search = KvSearch{.path = report.path,
                          .trials = report.trials,
                          .stop = *report.stop,
                          .curvature = report.curvature,
                          .decay = report.decay};
  }
  return out;
}

const keys::GaugeReport* learned_of(const std::vector<keys::GaugeReport>& reports) {
  const auto at = std::find_if(reports.begin(), reports.end(), [](const keys::GaugeReport& one) {
    return one.gauge.kind == keys::GaugeKind::itq_cosine;
  });
  return at == reports.end() || !at->gauge.refused.empty() ? nullptr : &*at;
}

std::optional<KvNoise> noise_of(const keys::HeadReport& report, uint32_t units) {
  const keys::GaugeReport* const learned = learned_of(report.on_noise);
  if (learned == nullptr) return std::nullopt;
  const ByUnit found = by_unit(learned->held_out, report.held_out_documents, units);
  KvNoise out{.fit_keys = learned->in_sample.keys,
              .in_sample_cosines = learned->in_sample.cosines,
              .nonzero = found.column(&keys::CodeSums::keys),
              .cosines = found.column(&keys::CodeSums::cosines),
              .random_cosines = std::vector<double>(units, 0)};
  double number = 0;
  for (const keys::GaugeReport& one : report.on_noise) {
    if (one.gauge.kind == keys::GaugeKind::itq_cosine || !one.gauge.refused.empty()) continue;
    const ByUnit random = by_unit(one.held_out, report.held_out_documents, units);
    for (uint32_t unit = 0; unit < units; ++unit) {
      out.random_cosines[unit] += random.units[unit].cosines;
    }
    number += 1;
  }
  for (double& sum : out.random_cosines) sum /= number;
  return out;
}

std::optional<KvCentred> centred_of(const keys::HeadReport& report, uint32_t units) {
  const keys::GaugeReport* const learned = learned_of(report.gauges);
  if (learned == nullptr) return std::nullopt;
  const ByUnit found = by_unit(learned->held_out, report.held_out_documents, units);
  const keys::CodeSums total = keys::total_of(found.units);
  return KvCentred{.fit_keys = learned->in_sample.keys,
                   .in_sample_cosines = learned->in_sample.cosines,
                   .nonzero = found.column(&keys::CodeSums::keys),
                   .zero = found.column(&keys::CodeSums::zero_keys),
                   .cosines = found.column(&keys::CodeSums::cosines),
                   .squared_norms = total.squared_norms,
                   .energy = total.energy};
}

// Counts by the identity, which is never refused.
void count_keys(const keys::HeadReport& report, uint32_t units, KvHead& out) {
  const ByUnit identity = by_unit(report.gauges.front().held_out, report.held_out_documents, units);
  out.fit_keys = report.fit_keys;
  out.fit_zero_keys = report.fit_zero_keys;
  out.nonzero = identity.column(&keys::CodeSums::keys);
  out.zero = identity.column(&keys::CodeSums::zero_keys);
  out.sink_nonzero = identity.sinks.keys;
  out.sink_zero = identity.sinks.zero_keys;
}

std::vector<uint32_t> ranks_up_to(uint32_t largest, uint32_t width) {
  std::vector<uint32_t> ranks;
  for (uint32_t rank = 1; rank <= std::min(largest, width); rank *= 2) ranks.push_back(rank);
  return ranks;
}

// What needs products of its own with the keys that the verdict is about.
void add_moments(const keys::HeadKeys& head, const keys::HeadReport& report, uint32_t sink_rows,
                 uint32_t positions, const KvGaugeOptions& options, KvHead& out) {
  if (out.fit_keys == 0) return;
  const keys::KeySet& fit = head.halves.fit;
  const keys::PackedKeys packed(fit.values, fit.width, keys::PackedKeys::Use::turn_and_moments);
  if (head.placement.rope && !head.placement.before_rope) {
    constexpr double kCycles = 1;
    out.resting_share =
        keys::resting_share(keys::second_moments(packed), head.planes, positions, kCycles);
  }
  const keys::GaugeReport* const learned = learned_of(report.gauges);
  const std::vector<uint32_t> ranks = ranks_up_to(options.residual_rank, fit.width);
  if (learned == nullptr || ranks.empty()) return;
  const keys::KeySet& held_out = head.halves.held_out;
  const auto all = std::span<const float>(held_out.values);
  const keys::PackedKeys rest(all.first(all.size() - size_t{sink_rows} * fit.width), fit.width,
                              keys::PackedKeys::Use::turn);
  if (rest.rows() == 0) return;
  out.residual = keys::residual_shares(packed, rest, learned->gauge.matrix, ranks)
                     .value_or(std::vector<keys::ResidualShare>{});
}

}  // namespace

const KvGauge& KvHead::of(keys::GaugeKind kind) const {
  const auto at = std::find_if(gauges.begin(), gauges.end(),
                               [&](const KvGauge& gauge) { return gauge.kind == kind; });
  check_internal(at != gauges.end(), "a gauge that was asked for");
  return *at;
}

KvHead measure_kv_head(const KvHeadKeys& head, const KvRows& rows, const KvGaugeOptions& options) {
  const keys::Halves raw{.fit = rows.fit(head.values, head.width),
                         .held_out = rows.held_out(head.values, head.width)};
  const linear::Column mean = keys::mean_of(raw.fit);
  keys::FitOptions learned_alone = options.fit;
  learned_alone.gauges = {keys::GaugeKind::itq_cosine};
  learned_alone.on_noise = {};
  KvHead out;
  for (size_t i = 0; i < std::size(kCentrings); ++i) {
    const keys::Centring centring = kCentrings[i];
    const bool main = centring == options.centring;
    const keys::HeadKeys centred_keys{
        .halves = {.fit = keys::centred(raw.fit, centring, mean),
                   .held_out = keys::centred(raw.held_out, centring, mean)},
        .planes = head.planes,
        .placement = head.placement,
        .place = head.place};
    const keys::HeadReport report =
        keys::fit_gauges(centred_keys, main ? options.fit : learned_alone);
    if (main) {
      count_keys(report, rows.units(), out);
      for (const keys::GaugeReport& gauge : report.gauges) {
        out.gauges.push_back(kv_gauge_of(gauge, report, out, rows.units()));
      }
      add_moments(centred_keys, report, rows.sink_rows(), head.positions, options, out);
    }
    if (main && !out.learned().usable()) continue;
    if (main) out.noise = noise_of(report, rows.units());
    out.centred[i] = centred_of(report, rows.units());
  }
  if (options.before_rope && head.placement.rope && out.centred[2]) {
    out.correction = KvCorrection{
        .turning_share = keys::turning_share(mean, head.planes),
        .of_scores = keys::score_correction(head.queries, mean, head.planes, head.positions)};
  }
  return out;
}

}  // namespace rg::experiments
