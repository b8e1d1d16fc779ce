#include "levels/nulls.h"

#include <cmath>

#include "base/parallel.h"

namespace rg::levels {
namespace {

constexpr double kLimit = 3;  // standard deviations
constexpr const char* kAmplificationTest = "V1 boundary_amplification";
constexpr const char* kChartTest = "V2 chart_compatibility";
constexpr const char* kScanTest = "V3 terminal_ovk_scan";
constexpr const char* kGrowthTest = "V5a kl_edge_dominance";
constexpr ChartEffect kNoMargin = {Shape::symmetric, 0, 0.2};
constexpr ChartEffect kNoSkewed = {Shape::left_skewed, 0, 0};
constexpr Profile kFlat = {0.8, 0.8, 0.8}, kEqualDrops = {0.9, 0.7, 0.5};

FalseClaim flag(std::string name, double nominal, Bound bound, const std::string& member) {
  return {std::move(name), nominal, bound,
          [path = "summary." + member](const Found& found) { return found.flag(path); }};
}

FalseClaim text(std::string name, double nominal, Bound bound, const std::string& member,
                const std::string& value) {
  return {std::move(name), nominal, bound, [path = "summary." + member, value](const Found& found) {
            return found.text(path) == value;
          }};
}

void add_edges(std::vector<Null>& nulls) {
  const std::string layer = "per_layer.5.";
  const FalseClaim joint =
      flag("(a) by the joint test", 0.025, Bound::at_most, layer + "a_joint.holds");
  nulls.push_back({kAmplificationTest,
                   "disagreement that ignores the margin; margins differ",
                   [](const Size& size) { return amplification(size, Margins::continuous, 0); },
                   {flag("(a)", 0.10, Bound::at_most, layer + "a.holds"), joint,
                    text("PASS", 0.10, Bound::at_most, "verdict", "PASS")}});
  nulls.push_back(
      {kAmplificationTest,
       "the same; every margin is shared by 5 % of the tokens",
       [](const Size& size) { return amplification(size, Margins::partly_tied, 0); },
       {flag("(a), tie-aware baseline", 0.10, Bound::at_most, layer + "a.holds"),
        flag("(a), published baseline", 0.10, Bound::none, layer + "a_published.holds"), joint}});
  nulls.push_back({kAmplificationTest,
                   "the same; all margins are equal",
                   [](const Size& size) { return amplification(size, Margins::all_equal, 0); },
                   {text("PASS", 0, Bound::equal_to, "verdict", "PASS"),
                    text("DEGENERATE", 1, Bound::equal_to, "verdict", "DEGENERATE")}});
  nulls.push_back({"V1b behavior_compression",
                   "change of log-probability that ignores the margin",
                   control,
                   {text("BROKEN", 0.10, Bound::at_most, "verdict", "BROKEN")}});
}

void add_charts(std::vector<Null>& nulls) {
  const std::string layer = "per_layer.5.";
  const FalseClaim matched = flag("C1_matched", 0.025, Bound::at_most, layer + "c1_matched.holds");
  nulls.push_back(
      {kChartTest,
       "kappa ignores the margin, of a symmetric distribution; that with another partner is higher",
       [](const Size& size) { return chart(size, kNoMargin); },
       {flag("C1, published", 0.025, Bound::at_most, layer + "c1.holds"), matched,
        text("PASS", 0.025, Bound::at_most, "convergence.verdict", "PASS"),
        text("terminal_compatibility safe, where the scan surely passes", 0.025, Bound::at_most,
             "convergence.verdict", "PASS")}});
  nulls.push_back({kChartTest,
                   "kappa ignores margin and partner, of a left-skewed distribution",
                   [](const Size& size) { return chart(size, kNoSkewed); },
                   {flag("C1, published", 0.025, Bound::none, layer + "c1.holds"), matched,
                    flag("C2", 0.025, Bound::at_most, layer + "c2.holds"),
                    flag("C2_unselected", 0.025, Bound::at_most, layer + "c2_unselected.holds")}});
}

void add_scans(std::vector<Null>& nulls) {
  const auto pass = [](const char* name) {
    return text(name, 0.05, Bound::at_most, "convergence.verdict", "PASS");
  };
  const FalseClaim largest = {
      "interval of the largest drop below 0", 0.025, Bound::none,
      [](const Found& found) { return found.upper_end("summary.max_jump.ci95") < 0; }};
  nulls.push_back({kScanTest,
                   "a flat profile of three layers",
                   [](const Size& size) { return scan(size, kFlat); },
                   {pass("PASS"), largest}});
  nulls.push_back({kScanTest,
                   "two equal drops, the last one terminal: the null that is hardest to keep",
                   [](const Size& size) { return scan(size, kEqualDrops); },
                   {pass("PASS"), pass("V4 PASS, where the other scans surely pass"),
                    pass("terminal_compatibility safe, where the chart surely passes")}});
}

void add_families(std::vector<Null>& nulls) {
  const FalseClaim pass = text("PASS", 0.025, Bound::at_most, "verdict", "PASS");
  nulls.push_back({kGrowthTest,
                   "one domain, one edge: drift grows, forgetting doesn't",
                   [](const Size& size) { return growth(size, {0}); },
                   {pass}});
  nulls.push_back({kGrowthTest,
                   "two domains, one edge: forgetting grows in one of them alone",
                   [](const Size& size) {
                     return growth(size, {1, 0});
                   },
                   {pass}});
  for (const size_t runs : {size_t{5}, size_t{8}}) {
    nulls.push_back(
        {"V5b kl_bounded_adaptation",
         "drift and forgetting of " + std::to_string(runs) + " runs are independent",
         [runs](const Size&) { return adaptation(runs); },
         {flag("(3) rank correlation", 0.067, Bound::at_most, "conditions.correlation")}});
  }
}

double deviation(double level, size_t runs) {
  return std::sqrt(level * (1 - level) * static_cast<double>(runs));
}

}  // namespace

std::vector<Null> all_nulls() {
  std::vector<Null> nulls;
  add_edges(nulls);
  add_charts(nulls);
  add_scans(nulls);
  add_families(nulls);
  return nulls;
}

std::vector<size_t> count_claims(const Draw& draw, const std::vector<FalseClaim>& claims,
                                 uint64_t first, size_t runs, int threads) {
  std::vector<uint8_t> made(runs * claims.size(), 0);
  parallel_for(runs, threads, [&](size_t run, int) {
    const Found found(draw(first + run).artifact);
    for (size_t c = 0; c < claims.size(); ++c) {
      made[run * claims.size() + c] = claims[c].made(found) ? 1 : 0;
    }
  });
  std::vector<size_t> counts(claims.size(), 0);
  for (size_t i = 0; i < made.size(); ++i) counts[i % claims.size()] += made[i];
  return counts;
}

double most_expected(double level, size_t runs) {
  return level * static_cast<double>(runs) + kLimit * deviation(level, runs);
}
double least_expected(double level, size_t runs) {
  return level * static_cast<double>(runs) - kLimit * deviation(level, runs);
}

}  // namespace rg::levels
