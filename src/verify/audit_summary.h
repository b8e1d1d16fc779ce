// The summary of an audit without its forecasts: rates per layer and over all of them, damage, and
// the exchange of weights and routes (docs/artifacts.md, audit).
#pragma once

#include <functional>

#include "verify/audit.h"

namespace rg::verify::audit {

// Statistics with the place of their claim; resampled together, then claimed.
class Report {
 public:
  explicit Report(const Case& c) : analysis_(c) {}

  ColumnId add(const Windows& values) { return analysis_.add(values); }
  // {"rate", "ci95"}: ratio of sums over windows.
  void rate(Claims::Path at, ColumnId numerator, ColumnId denominator);
  // {"mean", "ci95"}.
  void mean(Claims::Path at, ColumnId values);
  // A rate where the condition holds once all is resampled, else null.
  void rate_if(Claims::Path at, ColumnId numerator, ColumnId denominator,
               std::function<bool()> condition);
  void claim(Claims& claims) const;  // after Analysis::resample

  Analysis& analysis() { return analysis_; }
  const Analysis& analysis() const { return analysis_; }
  std::optional<double> rate_of(ColumnId numerator, ColumnId denominator) const;

 private:
  struct Entry {
    Claims::Path at;
    ColumnId numerator, denominator;
    bool is_rate;
    std::function<bool()> condition;  // empty: always
  };
  Analysis analysis_;
  std::vector<Entry> entries_;
};

// Columns that the sentence needs.
struct Headline {
  ColumnId flips, decisions, total, phi_input;  // pooled
  ColumnId loss_delta, phi_routing;             // nats
};

// Adds every statistic to the report; what needs no resampling is claimed at once.
Headline add_summary(const Case& c, const Record& record, Report& report, Claims& claims);

}  // namespace rg::verify::audit
