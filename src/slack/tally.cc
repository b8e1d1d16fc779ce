#include "slack/tally.h"

#include <algorithm>
#include <limits>

namespace rg::slack {
namespace {

// Larger is tighter. Without a share: a case that holds comes last, a violated one first.
double tightness(const Found::Tightest& at, bool violated) {
  constexpr double kEnd = std::numeric_limits<double>::infinity();
  return at.used ? *at.used : violated ? kEnd : -kEnd;
}

}  // namespace

size_t bin_of(double used) {
  return std::min(kBins - 1, static_cast<size_t>(used * static_cast<double>(kBins)));
}

void Tally::see(const Case& at, Place place) {
  const std::optional<double> used = share_used(relation_, at);
  const bool violated = !holds(relation_, at);
  offer({.at = at, .used = used, .place = std::move(place)}, violated);
  ++counted_.cases;
  if (violated) {
    ++counted_.violated;
  } else if (used) {
    ++counted_.histogram[bin_of(*used)];
    used_.push_back(*used);
  } else {
    ++counted_.without_share;
  }
}

// Before the candidate is counted.
void Tally::offer(const Found::Tightest& candidate, bool violated) {
  const bool had_violated = counted_.violated > 0;
  if (counted_.tightest && had_violated && !violated) return;
  const bool first = !counted_.tightest || (violated && !had_violated);
  if (first || tightness(candidate, violated) > tightness(*counted_.tightest, violated)) {
    counted_.tightest = candidate;
  }
}

void Tally::append(const Tally& later) {
  if (later.counted_.tightest) offer(*later.counted_.tightest, later.counted_.violated > 0);
  counted_.cases += later.counted_.cases;
  counted_.skipped += later.counted_.skipped;
  counted_.violated += later.counted_.violated;
  counted_.without_share += later.counted_.without_share;
  for (size_t bin = 0; bin < kBins; ++bin) {
    counted_.histogram[bin] += later.counted_.histogram[bin];
  }
  used_.insert(used_.end(), later.used_.begin(), later.used_.end());
}

Found Tally::found() const {
  Found out = counted_;
  if (used_.empty()) return out;
  std::vector<double> sorted = used_;
  std::sort(sorted.begin(), sorted.end());
  constexpr size_t kParts = kQuantiles - 1;
  auto& quantiles = out.quantiles.emplace();
  for (size_t q = 0; q < kQuantiles; ++q) {
    const size_t rank = std::max<size_t>(1, (q * sorted.size() + kParts - 1) / kParts);
    quantiles[q] = sorted[rank - 1];
  }
  return out;
}

}  // namespace rg::slack
