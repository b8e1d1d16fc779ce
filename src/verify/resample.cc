#include "verify/resample.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "base/error.h"
#include "base/parallel.h"

namespace rg::verify {
namespace {

constexpr size_t kLane = 8;  // columns summed together
constexpr size_t kReplicatesPerItem = 25;
constexpr uint64_t kMaxSums = uint64_t{1} << 29;   // 4 GiB of doubles
constexpr uint64_t kMaxSteps = uint64_t{1} << 38;  // additions, minutes

std::ptrdiff_t offset(size_t row, size_t width) { return static_cast<std::ptrdiff_t>(row * width); }

// Adds count * value for eight columns: the trip count is fixed so that the compiler vectorises.
void accumulate(double* __restrict sum, const double* __restrict value, double count) {
  for (size_t i = 0; i < kLane; ++i) sum[i] += count * value[i];
}

}  // namespace

Total total(const Windows& values) {
  Total result;
  for (const std::optional<double>& value : values) {
    if (!value) continue;
    result.sum += *value;
    ++result.windows;
  }
  return result;
}

std::optional<double> mean(const Windows& values) {
  const Total all = total(values);
  if (all.windows == 0) return std::nullopt;
  return all.sum / static_cast<double>(all.windows);
}

std::optional<double> standard_error(const Windows& values) {
  const Total all = total(values);
  if (all.windows < 2) return std::nullopt;
  const auto m = static_cast<double>(all.windows);
  const double center = all.sum / m;
  double squares = 0;
  for (const std::optional<double>& value : values) {
    if (value) squares += (*value - center) * (*value - center);
  }
  return std::sqrt(squares / (m - 1)) / std::sqrt(m);
}

std::optional<double> sample_deviation(const std::vector<double>& values) {
  if (values.size() < 2) return std::nullopt;
  double sum = 0;
  for (const double value : values) sum += value;
  const auto count = static_cast<double>(values.size());
  const double center = sum / count;
  double squares = 0;
  for (const double value : values) squares += (value - center) * (value - center);
  return std::sqrt(squares / (count - 1));
}

Windows difference(const Windows& a, const Windows& b) {
  Windows result(a.size());
  for (size_t w = 0; w < a.size(); ++w) {
    if (a[w] && b[w]) result[w] = *a[w] - *b[w];
  }
  return result;
}

size_t Columns::add(const Windows& values) {
  check_internal(values.size() == windows_, "bootstrap column has one value per window");
  columns_.push_back(values);
  return columns_.size() - 1;
}

void check_resample_budget(const ResampleWork& work, uint64_t max_replicates,
                           const std::string& file) {
  const auto sums = checked_mul(std::max(work.columns, work.windows), work.replicates);
  const auto steps = sums ? checked_mul(*sums, std::min(work.columns, work.windows)) : std::nullopt;
  if (work.replicates <= max_replicates && steps && *sums <= kMaxSums && *steps <= kMaxSteps) {
    return;
  }
  throw Error(
      ErrorId::AR004,
      {.file = file,
       .object = "summary.bootstrap.B",
       .found = fmt::format("{} replicates of {} statistics over {} windows", work.replicates,
                            work.columns, work.windows),
       .expected = fmt::format("at most {} replicates and {} additions", max_replicates, kMaxSteps),
       .hint = "No verdict needs that many: write the artifact with B = 2000."});
}

Replicates::Replicates(const Columns& columns, const ResampleSettings& settings)
    : stride_((columns.size() + kLane - 1) / kLane * kLane),
      replicates_(settings.replicates),
      windows_(columns.windows()) {
  const size_t n = columns.windows();
  std::vector<double> values(n * stride_, 0.0);
  partial_.assign(columns.size(), -1);
  for (size_t c = 0; c < columns.size(); ++c) {
    const Windows& column = columns.column(c);
    bool complete = true;
    for (size_t w = 0; w < n; ++w) {
      if (column[w]) {
        values[w * stride_ + c] = *column[w];
      } else {
        complete = false;
      }
    }
    if (complete) continue;
    partial_[c] = static_cast<int32_t>(counts_.size());
    counts_.emplace_back(replicates_, 0u);
  }
  sums_.assign(size_t{replicates_} * stride_, 0.0);
  if (settings.keep_draws == KeepDraws::yes) draws_.assign(size_t{replicates_} * n, 0);
  if (n == 0) return;

  const size_t items = (replicates_ + kReplicatesPerItem - 1) / kReplicatesPerItem;
  parallel_for(items, settings.threads, [&](size_t item, int) {
    std::vector<uint32_t> drawn(n);
    const size_t end = std::min<size_t>(replicates_, (item + 1) * kReplicatesPerItem);
    for (size_t b = item * kReplicatesPerItem; b < end; ++b) {
      drawn.assign(n, 0);
      for (size_t i = 0; i < n; ++i) {
        ++drawn[draw_below(static_cast<uint32_t>(n), settings.seed, Purpose::bootstrap,
                           {static_cast<uint32_t>(i), static_cast<uint32_t>(b), settings.layer})];
      }
      if (!draws_.empty()) std::copy(drawn.begin(), drawn.end(), draws_.begin() + offset(b, n));
      double* sums = sums_.data() + b * stride_;
      for (size_t w = 0; w < n; ++w) {
        if (drawn[w] == 0) continue;  // adding zero changes no bit
        const double* row = values.data() + w * stride_;
        for (size_t c = 0; c < stride_; c += kLane) {
          accumulate(sums + c, row + c, static_cast<double>(drawn[w]));
        }
      }
      for (size_t c = 0; c < columns.size(); ++c) {
        if (partial_[c] < 0) continue;
        const Windows& column = columns.column(c);
        uint32_t defined = 0;
        for (size_t w = 0; w < n; ++w) defined += column[w] ? drawn[w] : 0;
        counts_[static_cast<size_t>(partial_[c])][b] = defined;
      }
    }
  });
}

std::optional<double> Replicates::mean(size_t column, size_t replicate) const {
  uint64_t defined = windows_;
  if (partial_[column] >= 0) defined = counts_[static_cast<size_t>(partial_[column])][replicate];
  if (defined == 0) return std::nullopt;
  return sum(column, replicate) / static_cast<double>(defined);
}

std::vector<double> Replicates::means(size_t column) const {
  std::vector<double> result;
  result.reserve(replicates_);
  for (size_t b = 0; b < replicates_; ++b) {
    if (const std::optional<double> value = mean(column, b)) result.push_back(*value);
  }
  return result;
}

}  // namespace rg::verify
