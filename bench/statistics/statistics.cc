// `make stats`: judges simulated artifacts under every test's null and under effects of known size,
// prints the rates and writes them as JSON; docs/statistics.md shows them.
//   bench_statistics OUT.json [--runs N] [--power-runs N]
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <string>
#include <string_view>

#include "base/cores.h"
#include "base/error.h"
#include "base/file.h"
#include "levels/nulls.h"
#include "levels/power.h"

namespace rg::levels {
namespace {

constexpr uint32_t kCurveWindows[] = {50, 100, 400};  // beside Size's own, at the middle effect

struct Budget {
  size_t runs = 2000, power_runs = 200;
  int threads = 1;
};

class Clock {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Of a share, from counts with one success and one failure added, so that 0 of 2,000 has one too.
double error_of_share(size_t count, size_t runs) {
  const double n = static_cast<double>(runs) + 2;
  const double p = (static_cast<double>(count) + 1) / n;
  return std::sqrt(p * (1 - p) / n);
}

double share_of(size_t count, size_t runs) {
  return static_cast<double>(count) / static_cast<double>(runs);
}

const char* verdict_of(const FalseClaim& claim, size_t count, size_t runs) {
  const auto found = static_cast<double>(count);
  if (claim.bound == Bound::none) return "no level promised";
  if (found > most_expected(claim.nominal, runs)) return "outside";
  if (claim.bound == Bound::equal_to && found < least_expected(claim.nominal, runs)) {
    return "outside";
  }
  return "within";
}

Json null_json(const Null& null, const Budget& budget) {
  const Clock clock;
  const std::vector<size_t> counts =
      count_claims(null.draw(Size{}), null.claims, 1, budget.runs, budget.threads);
  Json claims = Json::array();
  for (size_t c = 0; c < counts.size(); ++c) {
    const FalseClaim& claim = null.claims[c];
    claims.push_back({{"claim", claim.name},
                      {"nominal", claim.nominal},
                      {"count", counts[c]},
                      {"rate", share_of(counts[c], budget.runs)},
                      {"standard_error", error_of_share(counts[c], budget.runs)},
                      {"verdict", verdict_of(claim, counts[c], budget.runs)}});
    fmt::print("{:28} {:40} {:.4f}  {}\n", null.test, claim.name, share_of(counts[c], budget.runs),
               verdict_of(claim, counts[c], budget.runs));
  }
  fmt::print(stderr, "{}: {:.1f} s\n", null.null, clock.seconds());
  return {{"test", null.test}, {"null", null.null}, {"claims", claims}};
}

void add_points(const PowerCurve& curve, uint32_t windows, double parameter, const Budget& budget,
                Json& rows) {
  const Size size{.windows = windows};
  const std::vector<PowerPoint> points =
      power_at(curve, size, parameter, 1, budget.power_runs, budget.threads);
  for (size_t c = 0; c < points.size(); ++c) {
    const PowerPoint& point = points[c];
    rows[c]["points"].push_back({{"windows", windows},
                                 {"parameter", parameter},
                                 {"effect", point.effect},
                                 {"power", share_of(point.made, point.runs)},
                                 {"standard_error", error_of_share(point.made, point.runs)},
                                 {"approximation", approximate_power(point.effect, windows)}});
    fmt::print("{:28} {:24} n {:4} effect {:.3f} power {:.3f} normal {:.3f}\n", curve.test,
               curve.claims[c].name, windows, point.effect, share_of(point.made, point.runs),
               approximate_power(point.effect, windows));
  }
}

Json power_json(const PowerCurve& curve, const Budget& budget) {
  const Clock clock;
  Json rows = Json::array();
  for (const PowerClaim& claim : curve.claims) {
    rows.push_back({{"claim", claim.name}, {"points", Json::array()}});
  }
  for (const double parameter : curve.parameters) {
    add_points(curve, Size{}.windows, parameter, budget, rows);
  }
  const double middle = curve.parameters[curve.parameters.size() / 2];
  for (const uint32_t windows : kCurveWindows) {
    add_points(curve, windows, middle, budget, rows);
  }
  fmt::print(stderr, "{}, power: {:.1f} s\n", curve.test, clock.seconds());
  return {{"test", curve.test}, {"parameter", curve.effect}, {"claims", rows}};
}

Budget budget_of(int argc, char** argv) {
  Budget budget{.threads = effective_threads(0)};
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const size_t value = std::stoul(argv[i + 1]);
    if (name == "--runs") budget.runs = value;
    if (name == "--power-runs") budget.power_runs = value;
  }
  return budget;
}

int simulate(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "bench_statistics OUT.json [--runs N] [--power-runs N]\n");
    return 2;
  }
  const Budget budget = budget_of(argc, argv);
  const Clock clock;
  const Size size;
  Json all = {{"runs", budget.runs},           {"power_runs", budget.power_runs},
              {"windows", size.windows},       {"positions", size.positions()},
              {"replicates", size.replicates}, {"first_seed", 1},
              {"nulls", Json::array()},        {"power", Json::array()}};
  for (const Null& null : all_nulls()) all["nulls"].push_back(null_json(null, budget));
  for (const PowerCurve& curve : all_power_curves()) {
    all["power"].push_back(power_json(curve, budget));
  }
  write_file_atomically(argv[1], write_json(all, JsonLayout::indented) + '\n', IfExists::replace);
  fmt::print(stderr, "together: {:.0f} s\n", clock.seconds());
  return 0;
}

}  // namespace
}  // namespace rg::levels

int main(int argc, char** argv) { return rg::levels::simulate(argc, argv); }
