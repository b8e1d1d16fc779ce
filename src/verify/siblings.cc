// The intervals given with the percentile one: BCa, studentised, documents
// (docs/artifacts.md section 1.1).
#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

#include "verify/analysis.h"

namespace rg::verify {
namespace {

constexpr double kNormalTail = 1.959963984540054;  // Phi^-1(0.975)
constexpr double kEqualDraws = 1e-6;               // the same, of draws that are nearly equal
constexpr double kRankSlack = 1e-9;                // of B': where ceil could go either way

double phi(double x) { return boost::math::cdf(boost::math::normal_distribution<double>(), x); }
double phi_inverse(double p) {
  return boost::math::quantile(boost::math::normal_distribution<double>(), p);
}

double order_statistic(const std::vector<double>& sorted, double rank) {
  const auto m = static_cast<double>(sorted.size());
  return sorted[static_cast<size_t>(std::clamp(std::ceil(rank), 1.0, m)) - 1];
}

// Whether all defined values are equal.
bool constant(const Windows& x) {
  std::optional<double> first;
  for (const std::optional<double>& value : x) {
    if (value && !first) first = value;
    if (value && *value != *first) return false;
  }
  return true;
}

}  // namespace

std::optional<Interval> Analysis::bca_interval(ColumnId id, double slack) const {
  std::vector<double> means = primary().means(id);
  const std::optional<double> estimate = mean(id);
  if (means.empty() || !estimate) return std::nullopt;
  std::sort(means.begin(), means.end());
  const auto m = static_cast<double>(means.size());
  const auto below = std::lower_bound(means.begin(), means.end(), *estimate) - means.begin();
  const auto not_above = std::upper_bound(means.begin(), means.end(), *estimate) - means.begin();
  const double share =
      (static_cast<double>(below) + static_cast<double>(not_above - below) / 2) / m;
  if (share <= 0 || share >= 1) return std::nullopt;
  double squares = 0;
  double cubes = 0;
  for (const std::optional<double>& value : values(id)) {
    if (!value) continue;
    const double d = *value - *estimate;
    squares += d * d;
    cubes += d * d * d;
  }
  const double a = squares > 0 ? cubes / (6 * squares * std::sqrt(squares)) : 0;
  const double z0 = phi_inverse(share);
  const auto end = [&](double z) {
    const double at = z0 + (z0 + z) / (1 - a * (z0 + z));
    const double level = std::isnan(at) ? 0 : phi(at);
    return order_statistic(means, level * m + slack * m);
  };
  return Interval{end(-kNormalTail), end(kNormalTail)};
}

std::optional<Interval> Analysis::t_interval(ColumnId id) const {
  const Windows& x = values(id);
  const std::optional<double> estimate = mean(id);
  const Total all = total(x);
  if (!estimate || all.windows < 2 || constant(x)) return std::nullopt;
  const auto m = static_cast<double>(all.windows);
  double squares = 0;
  for (const std::optional<double>& value : x) {
    if (value) squares += (*value - *estimate) * (*value - *estimate);
  }
  const double error = std::sqrt(squares / (m - 1) / m);
  struct Deviation {
    size_t index;           // of the window
    double value, squared;  // squared: of the distance from the estimate
  };
  std::vector<Deviation> defined;
  for (size_t w = 0; w < x.size(); ++w) {
    if (x[w]) defined.push_back({w, *x[w], (*x[w] - *estimate) * (*x[w] - *estimate)});
  }
  const Sample& sample = primary();
  std::vector<double> t;
  for (size_t b = 0; b < sample.count(); ++b) {
    const std::optional<double> center = sample.mean(id, b);
    if (!center) continue;
    const double about = *center;
    const uint32_t* const counts = sample.replicates().draws_of(b).data();
    uint64_t drawn = 0;
    double spread = 0, about_estimate = 0;
    for (const Deviation& window : defined) {
      const uint32_t count = counts[window.index];
      drawn += count;
      spread += count * ((window.value - about) * (window.value - about));
      about_estimate += count * window.squared;
    }
    if (drawn < 2 || spread <= kEqualDraws * about_estimate) continue;
    const auto n = static_cast<double>(drawn);
    const double replicate_error = std::sqrt(spread / (n - 1) / n);
    t.push_back((*center - *estimate) / replicate_error);
  }
  const std::optional<Interval> tails = percentile_interval(std::move(t));
  if (!tails) return std::nullopt;
  return Interval{*estimate - tails->hi * error, *estimate - tails->lo * error};
}

std::optional<Interval> Analysis::document_interval(ColumnId id) const {
  const Header& header = case_.header;
  std::vector<double> sums(header.n_documents, 0.0);
  std::vector<double> windows(header.n_documents, 0.0);
  const Windows& x = values(id);
  for (size_t w = 0; w < x.size(); ++w) {
    if (!x[w]) continue;
    sums[header.documents[w]] += *x[w];
    windows[header.documents[w]] += 1;
  }
  if (!document_draws_) {
    const ResampleSettings settings{*header.seed, *header.replicates, 1,
                                    case_.inspect.options().threads, KeepDraws::yes};
    document_draws_ = std::make_unique<Replicates>(Columns(header.n_documents), settings);
  }
  std::vector<double> replicates;
  for (size_t b = 0; b < *header.replicates; ++b) {
    double sum = 0;
    double count = 0;
    for (size_t d = 0; d < header.n_documents; ++d) {
      const uint32_t drawn = document_draws_->draws(b, d);
      sum += drawn * sums[d];
      count += drawn * windows[d];
    }
    if (count > 0) replicates.push_back(sum / count);
  }
  return percentile_interval(std::move(replicates));
}

void Analysis::siblings(Claims& claims, const Claims::Path& at, ColumnId id) const {
  if (!case_.header.full) return;  // needs the artifact's own replicates
  Claims::Path path = at;
  path.push_back("ci95_bca");
  claims.near_interval(path, bca_interval(id, kRankSlack), bca_interval(id, -kRankSlack));
  path.back() = "ci95_t";
  const std::optional<Interval> t = t_interval(id);
  claims.near_interval(path, t, t);
  if (!document_intervals_) return;
  path.back() = "ci95_doc";
  const std::optional<Interval> documents = document_interval(id);
  claims.near_interval(path, documents, documents);
}

}  // namespace rg::verify
