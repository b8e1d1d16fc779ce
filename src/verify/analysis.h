// Means over windows with their intervals, once with the artifact's own B and seed and once with
// the verifier's, and what both say about a verdict (docs/artifacts.md section 1).
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "verify/tests.h"

namespace rg::verify {

struct ColumnId {
  size_t all = SIZE_MAX;
  size_t verdict = SIZE_MAX;  // SIZE_MAX for statistics that no verdict uses
};

// One bootstrap as a judge sees it.
class Sample {
 public:
  Sample(const Replicates& replicates, bool verdict_columns)
      : replicates_(&replicates), verdict_columns_(verdict_columns) {}
  uint32_t count() const { return replicates_->count(); }
  const Replicates& replicates() const { return *replicates_; }
  std::optional<double> mean(ColumnId id, size_t replicate) const {
    return replicates_->mean(index(id), replicate);
  }
  double sum(ColumnId id, size_t replicate) const { return replicates_->sum(index(id), replicate); }
  std::vector<double> means(ColumnId id) const { return replicates_->means(index(id)); }
  std::optional<Interval> interval(ColumnId id) const { return percentile_interval(means(id)); }

 private:
  size_t index(ColumnId id) const { return verdict_columns_ ? id.verdict : id.all; }
  const Replicates* replicates_;
  bool verdict_columns_;
};

// A statistic that a verdict compares with a threshold: holds where side * (mean - threshold) > 0.
struct Test {
  std::string name;
  int layer;
  ColumnId id;
  double threshold;
  int side;  // +1: above holds, -1: below holds
};

class Analysis {
 public:
  explicit Analysis(const Case& c);

  ColumnId add(const Windows& values);          // in the summary
  ColumnId add_verdict(const Windows& values);  // in the summary and in the verdict
  size_t columns() const { return all_.size(); }
  const Windows& values(ColumnId id) const { return all_.column(id.all); }
  std::optional<double> mean(ColumnId id) const { return verify::mean(values(id)); }
  // Sample standard deviation (divisor B' - 1) of the primary replicates.
  std::optional<double> bootstrap_error(ColumnId id) const;

  void resample();                // after the last add
  const Sample& primary() const;  // the artifact's B and seed; a published artifact: the verifier's
  const Sample& own() const;      // the verifier's B and seed, verdict columns

  // Share of the primary replicates on the passing side, strictly; none without replicates.
  std::optional<double> probability(ColumnId id, int side) const;

  using Judge = std::function<Verdict(const Sample&)>;
  // n < 200 or B < 200 give INSUFFICIENT; otherwise what `judge` says. Fills stability:
  // `supports` says whether one replicate lies on the passing side of every criterion.
  // `stated`: what the intervals of a published artifact give, whose generator is unknown; there
  // `fragile` compares with it, since the verdict uses the verifier's replicates already.
  Verdict conclude(const Judge& judge, const std::function<bool(const Sample&, size_t)>& supports,
                   std::optional<Verdict> stated);

  // Names the verdict of a sample of these windows (ascending), whatever their number.
  using Label = std::function<std::string(const Sample&, std::span<const uint32_t>)>;
  // summary.convergence (docs/artifacts.md section 1.2).
  void convergence(Claims& claims, std::optional<double> z, const Label& label);
  // The verdict columns of these windows, resampled as a subset of the convergence grid is.
  Replicates subset_replicates(std::span<const uint32_t> members) const;
  // Distance to the threshold in standard errors; none without a positive error.
  std::optional<double> distance(const Test& test) const;
  Criterion criterion(const Test& test, bool holds) const;

  void mean_block(Claims& claims, const Claims::Path& at, ColumnId id) const;
  void delta_block(Claims& claims, const Claims::Path& at, ColumnId id) const;
  // The optional siblings ci95_bca, ci95_t, ci95_doc of an interval.
  void siblings(Claims& claims, const Claims::Path& at, ColumnId id) const;
  // sum num / sum den, both over windows where both are defined (add_ratio).
  std::optional<Interval> ratio_interval(ColumnId numerator, ColumnId denominator) const;
  void ratio_block(Claims& claims, const Claims::Path& at, ColumnId numerator, ColumnId denominator,
                   const char* mean_key, const char* interval_key) const;

 private:
  std::optional<Interval> bca_interval(ColumnId id, double slack) const;
  std::optional<Interval> t_interval(ColumnId id) const;
  std::optional<Interval> document_interval(ColumnId id) const;

  const Case& case_;
  Columns all_, verdict_;
  std::unique_ptr<Replicates> primary_replicates_, own_replicates_;
  std::unique_ptr<Sample> primary_, own_;
  bool document_intervals_ = false;
  mutable std::unique_ptr<Replicates> document_draws_;
};

// Pairs of columns for a ratio of sums: undefined in both where either is.
void add_ratio(Analysis& analysis, const Windows& numerator, const Windows& denominator,
               ColumnId& numerator_id, ColumnId& denominator_id);

inline constexpr uint64_t kMinWindows = 200;
inline constexpr uint32_t kMinReplicates = 200;

// Whether there are windows and replicates enough for a verdict; says so in the judgement where
// there are not. With several domains the smallest counts.
bool enough_for_a_verdict(const Case& c, uint64_t windows = kMinWindows);
// `again`: the verdict by the verifier's own replicates, of which `supporting` lie on the passing
// side of every criterion.
Stability stability_of(const Options& options, Verdict verdict, Verdict again, double supporting);

// What convergence asks: the verdict of all windows, and of a subset of them (ascending).
struct ConvergenceLabels {
  std::string final;
  std::function<std::string(std::span<const uint32_t>)> of_subset;
};
// summary.convergence over Header::n_windows windows.
void claim_convergence(const Case& c, Claims& claims, std::optional<double> z,
                       const ConvergenceLabels& labels);

// How likely a repetition of n units agrees, from the smallest z; none where there is no z.
std::optional<Convergence> replication_of(uint64_t n, std::optional<double> z);
// Its z, replication and n_for_90 at a path.
void claim_replication(Claims& claims, const Claims::Path& at,
                       const std::optional<Convergence>& replication);

// The numbers of windows, up to n, at which convergence is looked at: 50 * 2^(i/2), rounded.
std::vector<uint64_t> window_grid(uint64_t n);

// Effect: the criterion with the smallest z, else the first.
void choose_effect(Judgement& judgement);

// Where a stated interval of an unknown generator lies more than 4 Monte-Carlo standard errors
// from the verifier's: a warning.
void warn_foreign_interval(const Case& c, const At& stated, const Analysis& analysis, ColumnId id);
// The same for a name that published artifacts give to either of two statistics: a warning where
// the interval fits neither.
void warn_foreign_interval_of_two(const Case& c, const At& stated, const Analysis& analysis,
                                  ColumnId one, ColumnId other);

}  // namespace rg::verify
