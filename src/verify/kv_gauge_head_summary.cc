// What kv_gauge's summary says of one KV head.
#include <boost/math/constants/constants.hpp>
#include <cmath>

#include "verify/kv_gauge_summary.h"

namespace rg::verify::kv {
namespace {

std::optional<double> finite(double value) {
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

// All four null without keys.
void claim_aggregates(const Sums& sums, double keys, double width, const Claims::Path& at,
                      Claims& claims) {
  const auto claim = [&](const char* name, double numerator, double denominator) {
    std::optional<double> value;
    if (keys > 0) value = finite(numerator / denominator);
    claims.mean(below(at, name), value);
  };
  claim("mean_cosine", sums.cosines, keys);
  claim("beta_per_key", sums.squared_norms, sums.energy);
  claim("beta_per_channel", sums.channel_squares, keys * sums.energy);
  claim("beta_pooled", sums.sizes * sums.sizes, keys * width * sums.energy);
}

void claim_gauges(const Head& head, double width, const HeadColumns& columns,
                  const UnitBootstrap& bootstrap, const Claims::Path& at, Claims& claims) {
  for (size_t g = 0; g < head.gauges.size(); ++g) {
    const Gauge& gauge = head.gauges[g];
    const Claims::Path entry = below(at, std::to_string(g));
    if (gauge.refused) {
      claims.mean(entry, std::nullopt, Check::summary_exact);
      continue;
    }
    claim_aggregates(gauge.in_sample, head.fit_keys, width, below(entry, "in_sample"), claims);
    claim_aggregates(gauge.held_out, head.held_out(), width, below(entry, "held_out"), claims);
    claims.interval(below(entry, "ci95"), bootstrap.mean_cosine(columns, g));
    if (gauge.name.kind != "identity" && gauge.name.kind != "itq_cosine") continue;
    claims.interval(below(entry, "ci95_beta_per_key"), bootstrap.beta_per_key(columns, g));
    claims.interval(below(entry, "ci95_beta_pooled"), bootstrap.beta_pooled(columns, g, width));
  }
  claims.absent(below(at, std::to_string(head.gauges.size())));
}

// Of the random gauges' mean cosines; none for fewer than two.
std::optional<double> random_spread(const Head& head) {
  const double keys = head.held_out();
  if (keys == 0) return std::nullopt;
  std::vector<double> cosines;
  for (const Gauge& gauge : head.gauges) {
    if (is_random(gauge)) cosines.push_back(gauge.held_out.cosines / keys);
  }
  return sample_deviation(cosines);
}

// Whether centring lowers the absolute error, each in its own learned gauge.
void claim_centring(const Centred* raw, const Centred* centred, const Claims::Path& at,
                    Claims& claims) {
  if (raw == nullptr || centred == nullptr || raw->energy == 0 || centred->energy == 0) {
    claims.mean(at, std::nullopt, Check::summary_exact);
    return;
  }
  const double eta = 1 - centred->energy / raw->energy;
  const double keys = total(raw->keys).sum + total(raw->zero_keys).sum;
  const double raw_error = (raw->energy - raw->squared_norms) / keys;
  const double centred_error = (centred->energy - centred->squared_norms) / keys;
  const double beta = raw->squared_norms / raw->energy;
  claims.mean(below(at, "eta"), finite(eta));
  claims.mean(below(at, "raw_error"), finite(raw_error));
  claims.mean(below(at, "centred_error"), finite(centred_error));
  claims.mean(below(at, "needed_beta"), finite((beta - eta) / (1 - eta)));
  claims.flag(below(at, "helps"), centred_error < raw_error);
}

}  // namespace

void claim_blocks(const Blocks& blocks, Words words, const Claims::Path& at, Claims& claims) {
  constexpr const char* kNames[] = {"learned", "random", "advantage", "noise_advantage", "excess"};
  const auto claim = [&](const Claims::Path& block, const Series& series) {
    claims.mean(below(block, "mean"), series.estimate);
    claims.interval(below(block, "ci95"), series.interval());
  };
  for (size_t i = 0; i < kCentred; ++i) {
    const Claims::Path block = below(at, kNames[i]);
    claim(block, blocks[i]);
    const bool worded =
        (i == kExcess && words != Words::none) || (i == kAdvantage && words == Words::both);
    if (worded) {
      claims.text(below(block, "outcome"), name_of(outcome_of(blocks[i].interval())));
    }
  }
  for (size_t i = 0; i < kCentrings; ++i) {
    const Claims::Path block = below(at, "centred", kCentringNames[i]);
    const Series& series = blocks[kCentred + i];
    claim(block, series);
    if (words == Words::none) continue;
    claims.text(below(block, "place"), name_of(place_of(series.interval(), kPublishedLearned)));
  }
}

void claim_head(const Head& head, double width, const HeadColumns& columns,
                const UnitBootstrap& bootstrap, const Blocks& blocks, const Claims::Path& at,
                Claims& claims) {
  claim_blocks(blocks, Words::none, at, claims);
  claims.near(below(at, "random_spread"), random_spread(head), Check::summary_mean);
  claims.mean(below(at, "keys_per_width"), head.fit_keys / width);
  claim_gauges(head, width, columns, bootstrap, below(at, "gauges"), claims);
  std::optional<double> reached;
  if (head.noise && head.noise->fit_keys > 0) {
    reached = head.noise->in_sample_cosines / head.noise->fit_keys;
  }
  claims.mean(below(at, "noise_in_sample"), reached);
  const auto centred = [&](size_t i) { return head.centring[i] ? &*head.centring[i] : nullptr; };
  for (size_t i = 1; i < kCentrings; ++i) {
    claim_centring(centred(0), centred(i), below(at, "dc5", kCentringNames[i]), claims);
  }
}

void claim_stated_head(const Head& head, double width, const Claims::Path& at, Claims& claims) {
  constexpr double kBitsOfScale = 16;  // of every rank, and of the code's own
  const double fitted = head.fit_keys + head.fit_zero_keys;
  for (size_t i = 0; i < head.residual_ranks.size(); ++i) {
    const Claims::Path row = below(at, "residual", std::to_string(i));
    const auto rank = static_cast<double>(head.residual_ranks[i]);
    claims.near(below(row, "bits"), 1 + kBitsOfScale * (rank + 1) / width, Check::summary_mean);
    const double edge = 1 + std::sqrt(width / fitted);
    claims.near(below(row, "white_edge"), finite(rank / width * edge * edge), Check::summary_mean);
  }
  if (!head.resting_share) return;
  constexpr double kSquaredPi = boost::math::constants::pi_sqr<double>();
  const double share = *head.resting_share;
  claims.near(below(at, "ceiling", "cosine"), std::sqrt(share + 8 / kSquaredPi * (1 - share)),
              Check::summary_mean);
}

}  // namespace rg::verify::kv
