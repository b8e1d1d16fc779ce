// L10: ids read from a view as if its rows followed each other. top-k kernels rank all E experts
// and return the first k columns as a view; whoever copies the memory without its strides gets
// pieces of whole rankings.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "logs/checks/all.h"
#include "stats/pinned_math.h"

namespace rg::logs {
namespace {

constexpr double kChance = 1e-9;

// P(X > statistic) of chi-square with `freedom` degrees, by Wilson and Hilferty (1931): the cube
// root of X / freedom is nearly normal. Within 0.001 from 7 degrees on.
double chi_square_tail(double statistic, double freedom) {
  const double variance = 2 / (9 * freedom);
  const double z = (std::cbrt(statistic / freedom) - (1 - variance)) / std::sqrt(variance);
  return stats::normal_cdf(-z);
}

struct UniformFit {
  double p = 0;
  bool fits = false;
};

// Whether a layer's counts fit the uniform law. Choices within a row differ from each other, which
// makes the statistic (E - k) / (E - 1) of that of independent draws.
UniformFit uniform_fit(const CheckInput& input, size_t at) {
  const std::vector<uint64_t>& counts = input.census.counts[at];
  const auto experts = static_cast<double>(counts.size());
  const auto rows = static_cast<double>(input.census.rows[at]);
  if (counts.size() <= input.record.k || counts.size() < input.census.experts ||
      rows < input.thresholds.uniform_rows * experts)
    return {};
  const double mean = rows * input.record.k / experts;
  double statistic = 0;
  for (const uint64_t count : counts) {
    const double difference = static_cast<double>(count) - mean;
    statistic += difference * difference / mean;
  }
  statistic *= (experts - 1) / (experts - input.record.k);
  UniformFit fit;
  fit.p = chi_square_tail(statistic, experts - 1);
  fit.fits = fit.p > input.thresholds.uniform_p;
  return fit;
}

struct Pieces {
  uint64_t blocks = 0, permutations = 0;
  double chance_log = 0;  // of one block
  bool found = false;
};

// Whether E ids in a row of the layer's memory are a permutation, block by block.
Pieces permutation_pieces(const CheckInput& input, const LayerLog& log) {
  const uint32_t experts = input.census.experts;
  Pieces best;
  if (experts <= input.record.k || experts > 4096 || log.ids.size() < 2 * size_t{experts}) {
    return best;
  }
  best.chance_log = std::lgamma(experts + 1.0) - experts * std::log(static_cast<double>(experts));
  std::vector<uint32_t> seen(experts, 0);
  uint32_t stamp = 0;
  // A log may start within a ranking.
  for (size_t offset = 0; offset < experts; offset += input.record.k) {
    Pieces pieces{.blocks = 0, .permutations = 0, .chance_log = best.chance_log, .found = false};
    for (size_t at = offset; at + experts <= log.ids.size(); at += experts) {
      ++stamp;
      ++pieces.blocks;
      bool distinct = true;
      for (size_t i = 0; i < experts && distinct; ++i) {
        const auto id = static_cast<uint32_t>(log.ids[at + i]);
        distinct = id < experts && seen[id] != stamp;
        if (distinct) seen[id] = stamp;
      }
      pieces.permutations += distinct ? 1u : 0u;
      if (pieces.blocks == 64 && pieces.permutations < 8) break;  // far from it
    }
    if (pieces.permutations > best.permutations) best = pieces;
  }
  best.found = best.permutations * 10 >= best.blocks * 9 && best.blocks > 0 &&
               static_cast<double>(best.permutations) * best.chance_log < std::log(kChance);
  return best;
}

Finding view_finding(std::string found) {
  Finding finding;
  finding.found = std::move(found);
  finding.consequence =
      "Nothing of the log is a choice: counts are even, entropy is at its "
      "largest, overlap is chance.";
  finding.repair =
      "Record it again with ids.contiguous() (torch), or honour the tensor's strides "
      "(nb[1] in ggml).";
  return finding;
}

}  // namespace

CheckResult check_strides(const CheckInput& input) {
  const Record& record = input.record;
  CheckResult result;
  std::vector<Pieces> pieces(record.layers.size());
  std::vector<UniformFit> fits(record.layers.size());
  parallel_for(pieces.size(), input.threads, [&](size_t at, int) {
    pieces[at] = permutation_pieces(input, record.layers[at]);
    fits[at] = uniform_fit(input, at);
  });
  Finding cut = view_finding(""), even = view_finding("");
  Pieces all;
  double least_p = 1;
  for (size_t at = 0; at < pieces.size(); ++at) {
    if (pieces[at].found) {
      cut.layers.push_back(record.layers[at].layer);
      all.blocks += pieces[at].blocks;
      all.permutations += pieces[at].permutations;
    } else if (fits[at].fits) {
      even.layers.push_back(record.layers[at].layer);
      least_p = std::min(least_p, fits[at].p);
    }
  }
  if (!cut.layers.empty()) {
    cut.found = fmt::format(
        "neighbouring rows are pieces of one permutation: {} of {} blocks of "
        "{} ids hold every expert once",
        all.permutations, all.blocks, input.census.experts);
    cut.evidence = {{"blocks", all.blocks}, {"permutations", all.permutations}};
    result.findings.push_back(std::move(cut));
  }
  if (!even.layers.empty()) {
    even.found = fmt::format(
        "expert counts are even (chi-square p from {:.3g}), which no trained "
        "router's are",
        least_p);
    even.evidence = {{"smallest_p", least_p}, {"experts", input.census.experts}};
    result.findings.push_back(std::move(even));
  }
  if (result.findings.empty() && input.census.experts <= record.k) {
    result.not_checked = "every expert is chosen";
  }
  return result;
}

}  // namespace rg::logs
