// What summaries over documents, or units of them, have alike: the words for where a difference or
// a mean lies, how far an outcome is from its thresholds, and estimates as JSON
// (docs/artifacts.md, 16.2, 17.2 and 20.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "experiments/common.h"
#include "stats/bootstrap.h"

namespace rg::experiments {

inline constexpr double kEquivalenceMargin = 0.01;  // of differences of mean cosines and overlaps

// What a difference above 0 is.
enum class Difference { gain, loss };

// "EQUIVALENT", "SUPERIOR", "INFERIOR", "INCONCLUSIVE": against 0 and the margin. An absent
// interval is inconclusive.
std::string_view difference_outcome(const std::optional<stats::Interval>& difference,
                                    Difference meaning);
// The outcome's distance from its thresholds in standard errors; of INCONCLUSIVE the largest of
// the other outcomes' distances. None without spread.
std::optional<double> difference_z(const stats::Replicates& difference, std::string_view outcome,
                                   Difference meaning);
// "below", "within", "above", "undecided": of a mean, against a published range, ends included.
std::string_view published_place(const std::optional<stats::Interval>& mean,
                                 const stats::Interval& range);

Json bootstrap_json(const stats::CountTable& table, uint64_t seed);
// `units`: of documents, that a repetition would have as many of.
Json replication_json(std::optional<double> z, uint32_t units, Nulls& nulls);

// Estimates as JSON; why one is null is noted at `path`.
class BlockJson {
 public:
  // Why there is no estimate, and why its number is none.
  struct Reasons {
    const char *absent, *undefined;
  };
  BlockJson(Nulls& nulls, std::string path, Reasons reasons)
      : nulls_(nulls), path_(std::move(path)), reasons_(reasons) {}

  BlockJson below(const std::string& member) const {
    return {nulls_, path_ + "." + member, reasons_};
  }
  Json number(double value, const char* reason) const {
    return nulls_.number(value, path_, reason);
  }
  Json null(const char* reason) const { return nulls_.null(path_, reason); }
  Json interval(const std::optional<stats::Interval>& interval) const {
    return interval_json(interval, nulls_, path_);
  }
  // {mean, ci95}; nullptr: absent.
  Json block(const stats::Replicates* replicates) const;
  Json block(const std::optional<stats::Replicates>& replicates) const {
    return block(replicates ? &*replicates : nullptr);
  }

 private:
  Nulls& nulls_;
  std::string path_;
  Reasons reasons_;
};

}  // namespace rg::experiments
