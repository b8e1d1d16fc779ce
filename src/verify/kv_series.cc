#include "verify/kv_series.h"

#include <chrono>
#include <cmath>

namespace rg::verify::kv {

std::optional<double> quotient(double numerator, double denominator) {
  if (denominator == 0) return std::nullopt;
  const double value = numerator / denominator;
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::vector<double> Series::defined() const {
  std::vector<double> values;
  values.reserve(replicates.size());
  for (const std::optional<double>& value : replicates) {
    if (value) values.push_back(*value);
  }
  return values;
}

std::optional<Interval> Series::interval() const { return percentile_interval(defined()); }
std::optional<double> Series::error() const { return sample_deviation(defined()); }

std::unique_ptr<Replicates> draw_units(const Case& c, const Columns& columns,
                                       const UnitDraws& draws) {
  const auto start = std::chrono::steady_clock::now();
  Judgement& judgement = c.inspect.judgement();
  check_resample_budget({columns.windows(), columns.size(), draws.replicates},
                        draws.most_replicates, judgement.path);
  auto replicates =
      std::make_unique<Replicates>(columns, ResampleSettings{.seed = draws.seed,
                                                             .replicates = draws.replicates,
                                                             .layer = kUnitCounter,
                                                             .threads = c.inspect.options().threads,
                                                             .keep_draws = KeepDraws::no});
  judgement.bootstrap_seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return replicates;
}

Series ratio(const Columns& columns, const Replicates& replicates, size_t numerator,
             size_t denominator) {
  Series series;
  series.replicates.resize(replicates.count());
  if (numerator == SIZE_MAX) return series;
  series.estimate =
      quotient(total(columns.column(numerator)).sum, total(columns.column(denominator)).sum);
  for (size_t b = 0; b < series.replicates.size(); ++b) {
    series.replicates[b] = quotient(replicates.sum(numerator, b), replicates.sum(denominator, b));
  }
  return series;
}

Series difference(const Series& a, const Series& b) {
  Series result;
  if (a.estimate && b.estimate) result.estimate = *a.estimate - *b.estimate;
  result.replicates = verify::difference(a.replicates, b.replicates);
  return result;
}

void add_to(Series& sum, const Series& series) {
  const auto add = [](std::optional<double>& total, const std::optional<double>& value) {
    if (total && value) {
      *total += *value;
    } else {
      total.reset();
    }
  };
  add(sum.estimate, series.estimate);
  for (size_t b = 0; b < series.replicates.size(); ++b) {
    add(sum.replicates[b], series.replicates[b]);
  }
}

void divide(Series& sum, double count) {
  if (sum.estimate) *sum.estimate /= count;
  for (std::optional<double>& value : sum.replicates) {
    if (value) *value /= count;
  }
}

Claims::Path below(const Claims::Path& at, const std::string& key) {
  Claims::Path path = at;
  path.push_back(key);
  return path;
}

Claims::Path below(const Claims::Path& at, const std::string& key, const std::string& next) {
  return below(below(at, key), next);
}

}  // namespace rg::verify::kv
