// The window bootstrap: windows drawn with replacement, one table of draws for all layers and
// statistics of an artifact (Philox purpose 1, i = draw, j = replicate, layer 0).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "verify/order_statistics.h"

namespace rg::verify {

// Per-window values of one statistic; a window may be undefined.
using Windows = std::vector<std::optional<double>>;

// Sums over windows in window order; undefined windows left out of both.
struct Total {
  double sum = 0;
  uint64_t windows = 0;
};
Total total(const Windows& values);
std::optional<double> mean(const Windows& values);  // sum / defined windows
// sqrt(sum (x - mean)^2 / (m - 1)) / sqrt(m); none below two defined windows.
std::optional<double> standard_error(const Windows& values);
// Sample standard deviation (divisor m - 1); none below two values.
std::optional<double> sample_deviation(const std::vector<double>& values);
// Window by window; undefined where either is.
Windows difference(const Windows& a, const Windows& b);

// One column per statistic, (windows, columns), the columns padded to a multiple of 8.
class Columns {
 public:
  explicit Columns(size_t windows) : windows_(windows) {}
  size_t add(const Windows& values);  // its column number
  size_t windows() const { return windows_; }
  size_t size() const { return columns_.size(); }
  const Windows& column(size_t index) const { return columns_[index]; }

 private:
  size_t windows_;
  std::vector<Windows> columns_;
};

enum class KeepDraws { yes, no };

struct ResampleSettings {
  uint64_t seed;
  uint32_t replicates;
  uint32_t layer;  // of the counter: 0 windows, 1 documents
  int threads;
  KeepDraws keep_draws;  // for intervals that need more than sums
};

// Sums of every column in every replicate.
class Replicates {
 public:
  Replicates(const Columns& columns, const ResampleSettings& settings);

  uint32_t count() const { return replicates_; }
  double sum(size_t column, size_t replicate) const { return sums_[replicate * stride_ + column]; }
  // sum / count of defined windows drawn; none where no defined window was drawn.
  std::optional<double> mean(size_t column, size_t replicate) const;
  std::vector<double> means(size_t column) const;  // defined replicates only
  // How often window w was drawn; only with KeepDraws::yes.
  uint32_t draws(size_t replicate, size_t window) const {
    return draws_[replicate * windows_ + window];
  }
  std::span<const uint32_t> draws_of(size_t replicate) const {  // (windows)
    return std::span(draws_).subspan(replicate * windows_, windows_);
  }

 private:
  size_t stride_;
  uint32_t replicates_;
  std::vector<double> sums_;                   // (replicates, stride)
  std::vector<int32_t> partial_;               // (columns) row of counts_, -1 if none undefined
  std::vector<std::vector<uint32_t>> counts_;  // (partial columns)(replicates)
  size_t windows_;
  std::vector<uint32_t> draws_;  // (replicates, windows) or empty
};

// What the settings ask for, checked before anything is drawn (AR004).
struct ResampleWork {
  uint64_t windows, columns, replicates;
};
void check_resample_budget(const ResampleWork& work, uint64_t max_replicates,
                           const std::string& file);

}  // namespace rg::verify
