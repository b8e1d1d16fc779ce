// What must hold between the arrays of an audit: sets that differ, totals, and what a guarantee
// rules out.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "verify/audit.h"

namespace rg::verify::audit {
namespace {

constexpr double kNatsTolerance = 1e-9;  // relative to 1 + |x|: sums of nats
constexpr double kBoundSlack = 1e-9;     // absolute per position: sums of probabilities

// One demand on every window of a layer; the first window that misses it is named.
class LayerChecks {
 public:
  LayerChecks(const Case& c, int layer) : inspect_(c.inspect), layer_(layer) {}

  template <typename Holds>
  void demand(Check check, const char* array, const char* what, size_t windows,
              const Holds& holds) {
    for (size_t w = 0; w < windows; ++w) {
      if (holds(w)) continue;
      inspect_.invalid(check, fmt::format("per_window.{}.{}[{}]", array, layer_, w), what);
      return;
    }
  }

 private:
  Inspector& inspect_;
  int layer_;
};

// Whether a mass may belong to so many decisions with different sets: 1 to k experts each.
bool mass_fits(double flips, double mass, double topk) {
  return flips <= mass && mass <= topk * flips;
}

void check_sets(const Case& c, int layer, const LayerRecord& of) {
  LayerChecks checks(c, layer);
  const size_t n = of.flips.size();
  const double topk = c.header.topk;
  const auto demand = [&](const char* array, const char* what, const auto& holds) {
    checks.demand(Check::count_total, array, what, n, holds);
  };
  demand("mass.total", "is not 1 to k experts per flip",
         [&](size_t w) { return mass_fits(*of.flips[w], *of.total[w], topk); });
  for (const auto& [name, one, two, three] :
       {std::tuple{"mass.total", &of.total, &of.local, &of.inherited},
        {"mass.local", &of.local, &of.total, &of.inherited},
        {"mass.inherited", &of.inherited, &of.total, &of.local}}) {
    const Windows &a = *one, &b = *two, &d = *three;
    demand(name, "exceeds the sum of the other two, which bounds a distance of sets",
           [&](size_t w) { return *a[w] <= *b[w] + *d[w]; });
  }
  for (const auto& [name, mass] : {std::pair{"mass.local", &of.local},
                                   {"mass.inherited", &of.inherited},
                                   {"mass.through_a", &of.through_a}}) {
    const Windows& experts = *mass;
    demand(name, "exceeds k experts per decision",
           [&](size_t w) { return *experts[w] <= topk * *of.decisions[w]; });
  }
  demand("reordered", "and flips exceed the decisions",
         [&](size_t w) { return *of.flips[w] + *of.reordered[w] <= *of.decisions[w]; });
  demand("reweighted", "exceeds the decisions that don't flip",
         [&](size_t w) { return *of.reweighted[w] <= *of.decisions[w] - *of.flips[w]; });
  demand("distance.neighbour", "does not add up to the flips with middle and far",
         [&](size_t w) { return *of.neighbour[w] + *of.middle[w] + *of.far[w] == *of.flips[w]; });
  demand("depth_n", "exceeds the experts that enter",
         [&](size_t w) { return *of.depth_n[w] <= *of.total[w]; });
  checks.demand(Check::share_total, "depth_sum", "is not 0 though depth_n is", n,
                [&](size_t w) { return *of.depth_n[w] > 0 || *of.depth_sum[w] == 0; });
}

// Whether every bin of a window could hold those flips and that mass: rates within a bin are read
// from them, and F1 predicts by them.
bool deciles_fit(const Deciles& deciles, size_t w, double topk) {
  for (size_t i = 0; i < kDeciles; ++i) {
    const double flips = *deciles.flips[i][w];
    if (flips > *deciles.decisions[i][w]) return false;
    if (!mass_fits(flips, *deciles.mass[i][w], topk)) return false;
  }
  return true;
}

void check_deciles(const Case& c, int layer, const LayerRecord& of) {
  for (const auto& [kind, deciles] : of.deciles) {
    const auto adds_up = [](const std::array<Windows, kDeciles>& parts, const Windows& whole,
                            size_t w) {
      double sum = 0;
      for (const Windows& part : parts) sum += *part[w];
      return sum == *whole[w];
    };
    for (size_t w = 0; w < of.flips.size(); ++w) {
      const bool adds = adds_up(deciles.decisions, of.decisions, w) &&
                        adds_up(deciles.flips, of.flips, w) && adds_up(deciles.mass, of.total, w);
      const bool total_fits = mass_fits(*of.flips[w], *of.total[w], c.header.topk);
      if (adds && (!total_fits || deciles_fit(deciles, w, c.header.topk))) continue;
      c.inspect.invalid(
          Check::count_total, fmt::format("per_window.deciles.{}.{}", kind, layer),
          fmt::format("in window {} {}", w,
                      adds
                          ? "a decile has more flips than decisions, or not 1 to k experts per flip"
                          : "the deciles do not add up to decisions, flips and mass"));
      break;
    }
  }
}

void check_floor(const Case& c, int layer, const LayerRecord& of) {
  LayerChecks checks(c, layer);
  const size_t n = of.flips.size();
  const double topk = c.header.topk;
  checks.demand(Check::count_total, "floor.gates.ties", "exceeds the decisions", n,
                [&](size_t w) { return *of.gates_ties[w] <= *of.decisions[w]; });
  checks.demand(Check::count_total, "floor.gates.flips", "exceeds the decisions", n,
                [&](size_t w) { return *of.gates_flips[w] <= *of.decisions[w]; });
  checks.demand(Check::count_total, "floor.gates.mass", "is not 1 to k experts per flip", n,
                [&](size_t w) { return mass_fits(*of.gates_flips[w], *of.gates_mass[w], topk); });
  if (of.pass_flips.empty()) return;
  checks.demand(Check::count_total, "floor.pass.flips", "exceeds the decisions", n,
                [&](size_t w) { return *of.pass_flips[w] <= *of.pass_decisions[w]; });
  checks.demand(Check::count_total, "floor.pass.mass", "is not 1 to k experts per flip", n,
                [&](size_t w) { return mass_fits(*of.pass_flips[w], *of.pass_mass[w], topk); });
}

void check_equal_gates(const Case& c, int layer, const LayerRecord& of) {
  LayerChecks checks(c, layer);
  const size_t n = of.flips.size();
  checks.demand(Check::count_total, "mass.local", "is not 0 though the gates are equal", n,
                [&](size_t w) { return *of.local[w] == 0; });
  checks.demand(Check::count_total, "mass.through_a", "is not the total though the gates are equal",
                n, [&](size_t w) { return *of.through_a[w] == *of.total[w]; });
  checks.demand(Check::count_total, "guaranteed", "exceeds the decisions", n,
                [&](size_t w) { return *of.guaranteed[w] <= *of.decisions[w]; });
  checks.demand(Check::count_total, "guaranteed_flips",
                "counts flips of decisions that cannot flip", n,
                [&](size_t w) { return *of.guaranteed_flips[w] == 0; });
}

void check_bounds(const Case& c, int layer, const LayerRecord& of) {
  LayerChecks checks(c, layer);
  const size_t n = of.flips.size();
  const auto at_most = [](double a, double b) { return a <= b + kBoundSlack * (1 + b); };
  const auto demand = [&](const char* array, const char* what, const Windows& a, const Windows& b) {
    checks.demand(Check::value_range, array, what, n,
                  [&](size_t w) { return at_most(*a[w], *b[w]); });
  };
  demand("bounds.pair", "exceeds the lower bound", of.pair, of.lower);
  demand("bounds.lower", "exceeds the upper bound", of.lower, of.upper);
  demand("bounds.upper", "exceeds the decisions", of.upper, of.decisions);
}

void check_forecasts(const Case& c, int layer, const LayerRecord& of) {
  for (const auto& [name, windows] : of.forecasts) {
    for (size_t w = 0; w < windows.size(); ++w) {
      double decisions = 0, flips = 0;
      for (const DrawnLevel& level : windows[w]) {
        decisions += level.decisions;
        flips += level.flips;
      }
      if (decisions == *of.decisions[w] && flips == *of.flips[w]) continue;
      c.inspect.invalid(Check::count_total,
                        fmt::format("per_window.forecasts.{}.{}[{}]", name, layer, w),
                        fmt::format("adds up to {} decisions and {} flips, not {} and {}",
                                    decisions, flips, *of.decisions[w], *of.flips[w]));
      break;
    }
  }
}

// A token that flips at a layer has its lowest flipped layer there or below.
void check_onsets(const Case& c, const Record& record) {
  const double positions = c.header.seq_len - 1.0;
  std::vector<double> so_far(c.header.n_windows, 0);
  for (const auto& [number, of] : record.layers) {
    for (size_t w = 0; w < so_far.size(); ++w) so_far[w] += *of.onset[w];
    LayerChecks checks(c, number);
    const Windows &flips = of.flips, &onset = of.onset;
    checks.demand(Check::count_total, "onset", "exceeds the flips", so_far.size(),
                  [&](size_t w) { return *onset[w] <= *flips[w]; });
    checks.demand(Check::count_total, "onset",
                  "and those of lower layers are fewer than the flips, or more than the positions",
                  so_far.size(),
                  [&](size_t w) { return *flips[w] <= so_far[w] && so_far[w] <= positions; });
  }
  for (size_t w = 0; w < so_far.size(); ++w) {
    double tokens = 0;
    for (const Windows& bin : record.tokens) tokens += *bin[w];
    if (tokens == positions && *record.tokens[0][w] == positions - so_far[w]) continue;
    c.inspect.invalid(Check::count_total, "per_window.flipped_layers.tokens",
                      fmt::format("in window {} do not add up to the positions, or those without "
                                  "a flip are not those without an onset",
                                  w));
    return;
  }
}

void check_nats(const Case& c, const Record& record) {
  const double positions = c.header.seq_len - 1.0;
  const auto close = [](double found, double expected) {
    return std::abs(found - expected) <= kNatsTolerance * (1 + std::abs(expected));
  };
  const auto check = [&](const char* name, const std::array<Windows, kFlippedBins>& bins,
                         const auto& whole) {
    for (size_t w = 0; w < c.header.n_windows; ++w) {
      double sum = 0;
      for (const Windows& bin : bins) sum += *bin[w];
      for (size_t i = 0; i < kFlippedBins; ++i) {
        if (*record.tokens[i][w] > 0 || *bins[i][w] == 0) continue;
        c.inspect.invalid(Check::share_total,
                          fmt::format("per_window.flipped_layers.{}[{}][{}]", name, i, w),
                          "is not 0 though the bin has no position");
        return;
      }
      if (close(sum, positions * whole(w))) continue;
      c.inspect.invalid(Check::share_total, fmt::format("per_window.flipped_layers.{}", name),
                        fmt::format("adds up to {} in window {}, the window's mean gives {}", sum,
                                    w, positions * whole(w)));
      return;
    }
  };
  check("kl_sum", record.kl_sum, [&](size_t w) { return *record.kl[w]; });
  check("loss_delta_sum", record.loss_delta_sum,
        [&](size_t w) { return *record.loss_b[w] - *record.loss_a[w]; });
}

}  // namespace

void check_record(const Case& c, const Record& record) {
  for (const auto& [layer, of] : record.layers) {
    check_sets(c, layer, of);
    check_deciles(c, layer, of);
    check_floor(c, layer, of);
    if (record.gates_equal) check_equal_gates(c, layer, of);
    if (record.bounds) check_bounds(c, layer, of);
    check_forecasts(c, layer, of);
  }
  check_onsets(c, record);
  check_nats(c, record);
}

bool identical(const Case& c, const Record& record) {
  const auto all = [](const Windows& windows, double value) {
    return std::all_of(windows.begin(), windows.end(),
                       [&](const auto& found) { return *found == value; });
  };
  for (const auto& [layer, of] : record.layers) {
    for (const Windows* counts : {&of.total, &of.local, &of.inherited, &of.through_a, &of.flips,
                                  &of.reordered, &of.reweighted}) {
      if (!all(*counts, 0)) return false;
    }
  }
  return all(record.kl, 0) && all(record.top1_equal, c.header.seq_len - 1.0) &&
         record.loss_b == record.loss_a && record.loss_ab == record.loss_a &&
         record.loss_ba == record.loss_a;
}

}  // namespace rg::verify::audit
