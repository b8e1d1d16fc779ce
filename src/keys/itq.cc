#include "keys/itq.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "keys/block_sums.h"

namespace rg::keys {
namespace {

constexpr double kInertia = 2e-4;

}  // namespace

std::string_view name_of(Metric metric) {
  switch (metric) {
    case Metric::mean_cosine:
      return "mean_cosine";
    case Metric::beta_pooled:
      return "beta_pooled";
    default:
      return "beta_per_key";
  }
}

ItqKeys::ItqKeys(const PackedKeys& keys) : keys_(keys) {
  const uint32_t d = keys.width(), columns = keys.block_rows();
  const std::vector<float> identity = row_major(linear::Matrix::Identity(d, d));
  std::vector<float> columns_of_keys(size_t{d} * columns);
  BlockNorms norms{.one = std::vector<double>(columns), .squared = std::vector<double>(columns)};
  for (uint32_t block = 0; block < keys.blocks(); ++block) {
    keys.turn(block, identity, columns_of_keys);
    norms_of_block(columns_of_keys, norms);
    for (uint32_t n = 0; n < columns; ++n) {
      const bool zero = norms.squared[n] == 0;
      inverse_norms_.push_back(zero ? 0.0f : static_cast<float>(1 / std::sqrt(norms.squared[n])));
      ones_.push_back(1.0f);
      nonzero_ += zero ? 0 : 1;
      energy_ += norms.squared[n];
    }
  }
  check_internal(nonzero_ > 0, "keys that are not all zero");
}

ItqKeys::ItqKeys(const PackedKeys& part, const ItqKeys& whole)
    : keys_(part),
      inverse_norms_(whole.inverse_norms_),
      ones_(whole.ones_),
      nonzero_(whole.nonzero_),
      energy_(whole.energy_) {
  const size_t padded = size_t{part.blocks()} * part.block_rows();
  inverse_norms_.resize(padded);
  ones_.resize(padded);
}

std::span<const float> ItqKeys::weights(Metric metric) const {
  check_internal(metric != Metric::beta_per_key, "weights that don't change");
  return metric == Metric::mean_cosine ? inverse_norms_ : ones_;
}

SignMoment ItqKeys::sign_moment(const linear::Matrix& rotation, Metric metric) const {
  const uint32_t d = keys_.width(), columns = keys_.block_rows();
  const std::vector<float> matrix = row_major(rotation);
  std::vector<float> turned(size_t{d} * columns), refreshed(columns);
  BlockNorms norms{.one = std::vector<double>(columns), .squared = std::vector<double>(columns)};
  SignMoment out{.moment = linear::Matrix::Zero(d, d), .value = 0};
  for (uint32_t block = 0; block < keys_.blocks(); ++block) {
    keys_.turn(block, matrix, turned);
    std::span<const float> now = refreshed;
    if (metric == Metric::beta_per_key) {
      norms_of_block(turned, norms);
      for (uint32_t n = 0; n < columns; ++n) refreshed[n] = static_cast<float>(norms.one[n]);
    } else {
      now = weights(metric).subspan(keys_.first_row(block), columns);
    }
    put_weighted_signs(turned, now);
    keys_.add_moment(block, turned, out.moment);
  }
  const double gain = out.moment.cwiseProduct(rotation).sum();
  const double size = static_cast<double>(d);
  if (metric == Metric::mean_cosine) out.value = gain / (nonzero_ * std::sqrt(size));
  if (metric == Metric::beta_pooled) out.value = gain * gain / (nonzero_ * size * energy_);
  if (metric == Metric::beta_per_key) out.value = gain / (size * energy_);
  return out;
}

linear::Matrix itq_step(PolarFactor& polar, const linear::Matrix& moment,
                        const linear::Matrix& rotation) {
  return polar.of(moment + kInertia * moment.norm() * rotation);
}

Search ItqKeys::search(const linear::Matrix& start, Metric metric,
                       const ItqOptions& options) const {
  PolarFactor polar(keys_.width());
  Search out{.gauge = start, .values = {}, .stop = Stop::most_steps};
  SignMoment now = sign_moment(start, metric);
  out.values.push_back(now.value);
  for (uint32_t step = 0; step < options.most_steps; ++step) {
    const linear::Matrix next = itq_step(polar, now.moment, out.gauge);
    now = sign_moment(next, metric);
    const double before = out.values.back();
    if (now.value >= before) {
      out.gauge = next;
      out.values.push_back(now.value);
    }
    if (now.value < before * (1 + options.tolerance)) {
      out.stop = Stop::settled;
      break;
    }
  }
  if (out.values.size() > 1) out.gauge = orthonormal(out.gauge);
  return out;
}

Restarts search_from(const ItqKeys& keys, std::span<const Start> starts, Metric metric,
                     uint32_t trial_steps, const ItqOptions& options) {
  check_internal(!starts.empty(), "a start for a search");
  ItqOptions trial = options;
  if (trial_steps != 0) trial.most_steps = std::min(trial_steps, options.most_steps);
  Restarts out;
  for (const Start& start : starts) {
    Search found = keys.search(start.rotation, metric, trial);
    out.trial_values.push_back(found.values.back());
    if (out.start.empty() || found.values.back() > out.best.values.back()) {
      out.best = std::move(found);
      out.start = start.name;
    }
  }
  const auto taken = static_cast<uint32_t>(out.best.values.size() - 1);
  if (out.best.stop == Stop::most_steps && taken < options.most_steps) {
    ItqOptions rest = options;
    rest.most_steps -= taken;
    Search more = keys.search(out.best.gauge, metric, rest);
    out.best.gauge = std::move(more.gauge);
    out.best.stop = more.stop;
    out.best.values.insert(out.best.values.end(), more.values.begin() + 1, more.values.end());
  }
  return out;
}

}  // namespace rg::keys
