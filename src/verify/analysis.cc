#include "verify/analysis.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "verify/words.h"

namespace rg::verify {
namespace {

constexpr double kForeignErrors = 4;

// Standard error of the q-quantile of `replicates` bootstrap means: half the distance between the
// order statistics one binomial deviation to either side.
double quantile_error(std::vector<double> means, double q, double replicates) {
  std::sort(means.begin(), means.end());
  const auto m = static_cast<double>(means.size());
  const double step = std::sqrt(q * (1 - q) / m);
  const auto at = [&](double level) {
    const double rank = std::clamp(std::ceil(level * m), 1.0, m);
    return means[static_cast<size_t>(rank) - 1];
  };
  const double at_ours = (at(q + step) - at(q - step)) / 2;
  return at_ours * std::sqrt(m / replicates + 1.0);
}

// Whether an interval of `replicates` replicates may be of the same statistic as these means.
bool within_monte_carlo(const std::vector<double>& means, const Interval& stated,
                        double replicates) {
  const std::optional<Interval> ours = percentile_interval(means);
  return std::abs(stated.lo - ours->lo) <=
             kForeignErrors * quantile_error(means, 0.025, replicates) &&
         std::abs(stated.hi - ours->hi) <=
             kForeignErrors * quantile_error(means, 0.975, replicates);
}

bool has_document_intervals(const Header& header) {
  return header.n_documents >= 2 && header.n_documents < header.n_windows &&
         header.documents.size() == header.n_windows;
}

}  // namespace

Analysis::Analysis(const Case& c)
    : case_(c),
      all_(c.header.n_windows),
      verdict_(c.header.n_windows),
      document_intervals_(has_document_intervals(c.header)) {}

ColumnId Analysis::add(const Windows& values) { return {all_.add(values), SIZE_MAX}; }

ColumnId Analysis::add_verdict(const Windows& values) {
  const size_t column = verdict_.add(values);
  return {all_.add(values), column};
}

void Analysis::resample() {
  const auto start = std::chrono::steady_clock::now();
  const Header& header = case_.header;
  const Options& options = case_.inspect.options();
  const ResampleSettings ours{options.seed, options.replicates, 0, options.threads,
                              header.full ? KeepDraws::no : KeepDraws::yes};
  const std::string& path = case_.inspect.judgement().path;
  check_resample_budget({header.n_windows, all_.size(), *header.replicates}, options.max_replicates,
                        path);
  check_resample_budget({header.n_windows, all_.size(), options.replicates}, UINT32_MAX, path);
  if (header.full) {
    const ResampleSettings theirs{*header.seed, *header.replicates, 0, options.threads,
                                  KeepDraws::yes};
    primary_replicates_ = std::make_unique<Replicates>(all_, theirs);
    if (verdict_.size() > 0) own_replicates_ = std::make_unique<Replicates>(verdict_, ours);
    primary_ = std::make_unique<Sample>(*primary_replicates_, false);
    if (own_replicates_) own_ = std::make_unique<Sample>(*own_replicates_, true);
  } else {
    own_replicates_ = std::make_unique<Replicates>(all_, ours);
    primary_ = std::make_unique<Sample>(*own_replicates_, false);
    own_ = std::make_unique<Sample>(*own_replicates_, false);
  }
  case_.inspect.judgement().bootstrap_seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

const Sample& Analysis::primary() const { return *primary_; }
const Sample& Analysis::own() const { return *own_; }

std::optional<double> Analysis::bootstrap_error(ColumnId id) const {
  return sample_deviation(primary().means(id));
}

std::optional<double> Analysis::probability(ColumnId id, int side) const {
  const std::vector<double> means = primary().means(id);
  if (means.empty()) return std::nullopt;
  const auto meets =
      std::count_if(means.begin(), means.end(), [&](double value) { return side * value > 0; });
  return static_cast<double>(meets) / static_cast<double>(means.size());
}

bool enough_for_a_verdict(const Case& c, uint64_t windows) {
  Judgement& judgement = c.inspect.judgement();
  const Header& header = c.header;
  const auto& domains = header.family.domains;
  const auto smallest = std::find_if(domains.begin(), domains.end(), [&](const auto& domain) {
    return domain.n_windows == header.n_windows;
  });
  const std::string where = smallest == domains.end() ? "" : smallest->name + '.';
  if (header.n_windows < windows) {
    judgement.reasons.push_back(
        {"", "", "data." + where + "n_windows",
         fmt::format("{}, a verdict needs {}", counted(header.n_windows, "window"), windows)});
    judgement.sentence =
        fmt::format("Only {}{} measured; a verdict needs {}.", counted(header.n_windows, "window"),
                    (smallest == domains.end() ? "" : " of " + smallest->name) +
                        (header.n_windows == 1 ? " was" : " were"),
                    windows);
    return false;
  }
  if (*header.replicates >= kMinReplicates) return true;
  judgement.reasons.push_back(
      {"", "", "summary.bootstrap.B",
       fmt::format("{}, a verdict needs {}", counted(*header.replicates, "replicate"),
                   kMinReplicates)});
  judgement.sentence = fmt::format("Only {} drawn; a verdict needs {}.",
                                   counted(*header.replicates, "bootstrap replicate") +
                                       (*header.replicates == 1 ? " was" : " were"),
                                   kMinReplicates);
  return false;
}

Stability stability_of(const Options& options, Verdict verdict, Verdict again, double supporting) {
  const bool positive = verdict != Verdict::fail && verdict != Verdict::broken;
  return {.replicates = options.replicates,
          .seed = options.seed,
          .verdict = again,
          .probability = positive ? supporting : 1 - supporting,
          .fragile = again != verdict};
}

Verdict Analysis::conclude(const Judge& judge,
                           const std::function<bool(const Sample&, size_t)>& supports,
                           std::optional<Verdict> stated) {
  if (!enough_for_a_verdict(case_)) return Verdict::insufficient;
  const Verdict verdict = judge(primary());
  if (verdict == Verdict::degenerate) return verdict;
  const Verdict again = case_.header.full ? judge(own()) : stated.value_or(verdict);
  uint32_t supporting = 0;
  for (size_t b = 0; b < own().count(); ++b) supporting += supports(own(), b) ? 1u : 0u;
  case_.inspect.judgement().stability = stability_of(
      case_.inspect.options(), verdict, again, supporting / static_cast<double>(own().count()));
  return verdict;
}

std::optional<double> Analysis::distance(const Test& test) const {
  const std::optional<double> estimate = mean(test.id);
  const std::optional<double> error = bootstrap_error(test.id);
  if (!estimate || !error || !(*error > 0)) return std::nullopt;
  const double z = test.side * (*estimate - test.threshold) / *error;
  return std::isfinite(z) ? std::optional(z) : std::nullopt;
}

Criterion Analysis::criterion(const Test& test, bool holds) const {
  return {.name = test.name,
          .layer = test.layer,
          .estimate = mean(test.id).value_or(0),
          .ci95 = primary().interval(test.id),
          .holds = holds,
          .z = distance(test)};
}

void Analysis::mean_block(Claims& claims, const Claims::Path& at, ColumnId id) const {
  Claims::Path path = at;
  path.push_back("mean");
  claims.mean(path, mean(id));
  path.back() = "ci95";
  claims.interval(path, primary().interval(id));
}

void Analysis::delta_block(Claims& claims, const Claims::Path& at, ColumnId id) const {
  Claims::Path path = at;
  path.push_back("delta");
  claims.mean(path, mean(id));
  path.back() = "ci95";
  claims.interval(path, primary().interval(id));
  siblings(claims, at, id);
}

void add_ratio(Analysis& analysis, const Windows& numerator, const Windows& denominator,
               ColumnId& numerator_id, ColumnId& denominator_id) {
  Windows top = numerator;
  Windows bottom = denominator;
  for (size_t w = 0; w < top.size(); ++w) {
    if (top[w] && bottom[w]) continue;
    top[w].reset();
    bottom[w].reset();
  }
  numerator_id = analysis.add(top);
  denominator_id = analysis.add(bottom);
}

std::optional<Interval> Analysis::ratio_interval(ColumnId numerator, ColumnId denominator) const {
  std::vector<double> replicates;
  for (size_t b = 0; b < primary().count(); ++b) {
    const double den = primary().sum(denominator, b);
    if (den != 0) replicates.push_back(primary().sum(numerator, b) / den);
  }
  return percentile_interval(std::move(replicates));
}

void Analysis::ratio_block(Claims& claims, const Claims::Path& at, ColumnId numerator,
                           ColumnId denominator, const char* mean_key,
                           const char* interval_key) const {
  const Total top = total(values(numerator));
  const Total bottom = total(values(denominator));
  std::optional<double> ratio;
  if (bottom.windows > 0 && bottom.sum != 0) ratio = top.sum / bottom.sum;
  Claims::Path path = at;
  path.push_back(mean_key);
  claims.mean(path, ratio);
  path.back() = interval_key;
  claims.interval(path, ratio_interval(numerator, denominator));
}

void choose_effect(Judgement& judgement) {
  const Criterion* weakest = nullptr;
  for (const Criterion& criterion : judgement.criteria) {
    if (!criterion.z) continue;
    if (weakest == nullptr || *criterion.z < *weakest->z) weakest = &criterion;
  }
  if (weakest != nullptr) {
    judgement.effect = *weakest;
  } else if (!judgement.criteria.empty()) {
    judgement.effect = judgement.criteria.front();
  }
}

void warn_foreign_interval_of_two(const Case& c, const At& stated, const Analysis& analysis,
                                  ColumnId one, ColumnId other) {
  if (c.header.full || !stated) return;
  const std::optional<Interval> theirs = c.inspect.interval(stated);
  const std::optional<Interval> ours = analysis.primary().interval(one);
  if (!theirs || !ours) return;
  const double replicates = *c.header.replicates;
  if (within_monte_carlo(analysis.primary().means(one), *theirs, replicates) ||
      within_monte_carlo(analysis.primary().means(other), *theirs, replicates)) {
    return;
  }
  c.inspect.warn(fmt::format(
      "{}: stated [{}, {}], the verifier's {} replicates give [{}, {}], beyond Monte-Carlo error",
      stated.path, theirs->lo, theirs->hi, analysis.primary().count(), ours->lo, ours->hi));
}

void warn_foreign_interval(const Case& c, const At& stated, const Analysis& analysis, ColumnId id) {
  warn_foreign_interval_of_two(c, stated, analysis, id, id);
}

}  // namespace rg::verify
