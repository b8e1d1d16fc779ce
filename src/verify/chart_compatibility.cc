// Near the boundary, are the two competing experts more alike than in the interior (C1) and
// more alike than a random pair (C2)? docs/artifacts.md section 3.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "verify/analysis.h"
#include "verify/chart_arrays.h"

namespace rg::verify {
namespace {

// A row of summary.per_layer: minuend - subtrahend by name of array.
struct Delta {
  const char* member;
  const char* minuend;
  const char* subtrahend;
  bool published;
};
constexpr Delta kDeltas[] = {
    {"kappa_hidden", "boundary.kappa_hidden_median", "interior.kappa_hidden_median", true},
    {"random_e2_delta_hidden_boundary", "boundary.kappa_hidden_median",
     "boundary_random_e2.kappa_hidden_median", true},
    {"kappa_target", "boundary.kappa_target_median", "interior.kappa_target_median", true},
    {"random_e2_delta_target_boundary", "boundary.kappa_target_median",
     "boundary_random_e2.kappa_target_median", true},
    {"jump_hidden", "boundary.jump_hidden_median", "interior.jump_hidden_median", false},
    {"c2_unselected", "boundary.kappa_hidden_median", "boundary_unselected_e2.kappa_hidden_median",
     false},
    {"c1_matched", "boundary.kappa_hidden_median", "c1_matched_interior", false},
    {"kappa_target_matched", "boundary.kappa_target_median", "c1_matched_interior_target", false},
    {"kappa_hidden_mean", "boundary.kappa_hidden_mean", "interior.kappa_hidden_mean", false},
    {"interior_q90", "boundary.kappa_hidden_median", "interior_q90.kappa_hidden_median", false},
    {"c2_draws", "boundary.kappa_hidden_median", "random_draws.boundary_random_e2", false},
    {"c2_unselected_draws", "boundary.kappa_hidden_median", "random_draws.boundary_unselected_e2",
     false}};
enum DeltaIndex : size_t {
  kC1 = 0,
  kC2 = 1,
  kTargetC1 = 2,
  kTargetC2 = 3,
  kUnselected = 5,
  kMatched = 6,
  kTargetMatched = 7,
  kDraws = 10,
  kUnselectedDraws = 11
};

// A row of summary.per_layer that is the mean of one array.
struct Mean {
  const char* member;
  const char* array;
};
constexpr Mean kMeans[] = {{"cos_boundary", "boundary.cos_mean"},
                           {"cos_interior", "interior.cos_mean"},
                           {"log_r_boundary", "boundary.log_r_mean"},
                           {"log_r_interior", "interior.log_r_mean"},
                           {"exact_random", "exact_random.mean"}};

struct Layer {
  std::vector<ColumnId> deltas;  // by kDeltas; SIZE_MAX where a published artifact lacks it
  std::vector<ColumnId> means;   // by kMeans
  ColumnId kappa_excess;
};

Layer add_layer(Analysis& analysis, const chart::Arrays& arrays, int layer, bool full) {
  Layer added;
  for (size_t i = 0; i < std::size(kDeltas); ++i) {
    const auto minuend = arrays.find(kDeltas[i].minuend);
    const auto subtrahend = arrays.find(kDeltas[i].subtrahend);
    if (minuend == arrays.end() || subtrahend == arrays.end()) {
      added.deltas.emplace_back();
      continue;
    }
    const Windows values = difference(minuend->second.at(layer), subtrahend->second.at(layer));
    added.deltas.push_back(i == kC1 || i == kC2 ? analysis.add_verdict(values)
                                                : analysis.add(values));
  }
  if (full) {
    for (const Mean& mean : kMeans) {
      added.means.push_back(analysis.add(arrays.at(mean.array).at(layer)));
    }
    added.kappa_excess = analysis.add(difference(arrays.at("boundary.kappa_hidden_mean").at(layer),
                                                 arrays.at("boundary.kappa_orth_mean").at(layer)));
  }
  return added;
}

bool below_zero(const Sample& sample, ColumnId id) {
  const std::optional<Interval> interval = sample.interval(id);
  return interval && interval->hi < 0;
}

std::string failure_type(bool c1, bool c2) {
  if (c1 && c2) return "neither";
  return c1 ? "C2_only" : (c2 ? "C1_only" : "both");
}

void claim_layer(const Case& c, const Analysis& analysis, int number, const Layer& layer,
                 Claims& claims) {
  const Claims::Path at = {"summary", "per_layer", std::to_string(number)};
  const auto below = [&](std::initializer_list<const char*> keys) {
    Claims::Path path = at;
    for (const char* key : keys) path.emplace_back(key);
    return path;
  };
  for (size_t i = 0; i < std::size(kDeltas); ++i) {
    if (layer.deltas[i].all == SIZE_MAX) continue;
    if (!c.header.full && !kDeltas[i].published) continue;
    analysis.delta_block(claims, below({kDeltas[i].member}), layer.deltas[i]);
    At stated = c.root;
    for (const std::string& key : below({kDeltas[i].member, "ci95"})) stated = stated / key;
    warn_foreign_interval(c, stated, analysis, layer.deltas[i]);
  }
  if (!c.header.full) return;
  const auto holds = [&](size_t i) { return below_zero(analysis.primary(), layer.deltas[i]); };
  const auto criterion = [&](const char* member, size_t i) {
    claims.flag(below({member, "holds"}), holds(i));
    claims.mean(below({member, "probability"}), analysis.probability(layer.deltas[i], -1));
  };
  criterion("c1", kC1);
  criterion("c2", kC2);
  criterion("c2_unselected", kUnselected);
  criterion("c1_matched", kMatched);
  for (const size_t i : {size_t{kDraws}, size_t{kUnselectedDraws}}) {
    if (layer.deltas[i].all == SIZE_MAX) {
      claims.absent(below({kDeltas[i].member}));
    } else {
      criterion(kDeltas[i].member, i);
    }
  }
  claims.flag(below({"kappa_target_flags", "c1"}), holds(kTargetC1));
  claims.flag(below({"kappa_target_flags", "c2"}), holds(kTargetC2));
  claims.flag(below({"kappa_target_flags", "c1_matched"}), holds(kTargetMatched));
  claims.text(below({"failure_type"}), failure_type(holds(kC1), holds(kC2)));
  for (size_t i = 0; i < std::size(kMeans); ++i) {
    analysis.mean_block(claims, below({kMeans[i].member}), layer.means[i]);
  }
  analysis.mean_block(claims, below({"kappa_excess"}), layer.kappa_excess);
}

// A required layer without any window in which C1, or C2, is defined can't be judged; one whose
// strata overlap is degenerate instead.
void check_defined(const Case& c, const chart::Arrays& arrays, const std::vector<int>& degenerate) {
  for (const int layer : c.header.required) {
    if (std::find(degenerate.begin(), degenerate.end(), layer) != degenerate.end()) continue;
    for (const size_t i : {size_t{kC1}, size_t{kC2}}) {
      const Windows& minuend = arrays.at(kDeltas[i].minuend).at(layer);
      const Windows& subtrahend = arrays.at(kDeltas[i].subtrahend).at(layer);
      if (total(difference(minuend, subtrahend)).windows > 0) continue;
      c.inspect.invalid(Check::layer_defined,
                        fmt::format("per_window.{}.{}", kDeltas[i].subtrahend, layer),
                        "leaves its difference from the boundary undefined in every window");
    }
  }
}

// Lowest to highest mean over the required layers.
struct Spread {
  double lowest = 1e300;
  double highest = -1e300;

  void add(std::optional<double> value) {
    lowest = std::min(lowest, value.value_or(lowest));
    highest = std::max(highest, value.value_or(highest));
  }
  bool defined() const { return lowest <= highest; }
  // "" where none is defined.
  std::string text() const {
    return defined() ? fmt::format("{:.4g} to {:.4g}", lowest, highest) : std::string();
  }
};

Spread spread_of_means(const Case& c, const chart::Arrays& arrays, const char* name) {
  Spread spread;
  const auto array = arrays.find(name);
  if (array == arrays.end()) return spread;
  for (const int layer : c.header.required) spread.add(mean(array->second.at(layer)));
  return spread;
}

// How often one axis fails at the required layers and, at those, the largest drop of kappa that
// their intervals do not exclude.
struct Axis {
  size_t fails = 0;
  double open = 0;
  double least_shown = 1e300;  // where it holds everywhere

  void add(const Criterion& criterion) {
    if (!criterion.ci95) return;
    if (criterion.holds) {
      least_shown = std::min(least_shown, -criterion.ci95->hi);
    } else {
      ++fails;
      open = std::max(open, -criterion.ci95->lo);
    }
  }
};

// kappa compares outputs and ignores the weight: jump_hidden tells whether a flipped choice
// matters.
std::string explain(Verdict verdict, const Axis& interior, const Axis& random_pair, size_t layers,
                    const Spread& jump) {
  std::string consequence;
  if (jump.defined()) {
    consequence =
        fmt::format(" Swapping them would change the layer's output by {:.1f} to {:.1f} %.",
                    100 * jump.lowest, 100 * jump.highest);
  }
  if (verdict == Verdict::pass) {
    return fmt::format(
               "At all {} layers the two experts competing at a routing boundary are more alike "
               "there "
               "than in the interior (kappa lower by at least {:.3g}) and than a random pair "
               "(by at least {:.3g}).",
               layers, interior.least_shown, random_pair.least_shown) +
           consequence;
  }
  std::string what;
  const auto add = [&](const Axis& axis, const char* than) {
    if (axis.fails == 0) return;
    const std::string at_most = axis.open > 0
                                    ? fmt::format("kappa is at most {:.3g} lower", axis.open)
                                    : std::string("kappa is not lower");
    what += fmt::format("{} {} (fails at {} of {} layers: {})", what.empty() ? "" : " and", than,
                        axis.fails, layers, at_most);
  };
  add(interior, "than in the interior");
  add(random_pair, "than a random pair");
  return "Not shown: that the two experts competing at a routing boundary are more alike there" +
         what + "." + consequence;
}

// What the intervals that a published artifact states give; none where one is missing.
std::optional<Verdict> stated_verdict(const Case& c) {
  if (c.header.full) return std::nullopt;
  bool pass = true;
  for (const int layer : c.header.required) {
    for (const size_t i : {size_t{kC1}, size_t{kC2}}) {
      const At stated =
          ((((c.root / "summary") / "per_layer") / std::to_string(layer)) / kDeltas[i].member) /
          "ci95";
      if (!stated || stated.value->is(Kind::null)) return std::nullopt;
      const std::optional<Interval> interval = c.inspect.interval(stated);
      if (!interval) return std::nullopt;
      pass = pass && interval->hi < 0;
    }
  }
  return pass ? Verdict::pass : Verdict::fail;
}

// Numbers without a threshold that say what a kappa means.
void add_numbers(const Case& c, const chart::Arrays& arrays, const Analysis& analysis,
                 const std::map<int, Layer>& layers) {
  Judgement& judgement = c.inspect.judgement();
  const auto add = [&](const char* name, const std::string& values) {
    if (!values.empty()) judgement.beside.push_back({name, values});
  };
  Spread excess;
  for (const int layer : c.header.required)
    excess.add(analysis.mean(layers.at(layer).kappa_excess));
  add("kappa - kappa_orth", excess.text());
  add("cos", spread_of_means(c, arrays, "boundary.cos_mean").text());
  add("log r", spread_of_means(c, arrays, "boundary.log_r_mean").text());
  add("jump_hidden, boundary", spread_of_means(c, arrays, "boundary.jump_hidden_median").text());
  add("jump_hidden, interior", spread_of_means(c, arrays, "interior.jump_hidden_median").text());
}

}  // namespace

void judge_chart_compatibility(const Case& c, Finding& finding) {
  Judgement& judgement = c.inspect.judgement();
  const Header& header = c.header;
  chart::check_definition(c);
  const chart::Record record = chart::read_record(c);
  if (!c.inspect.sound()) return;
  const chart::Arrays& arrays = record.arrays;

  std::map<int, int64_t> overlapping;
  std::vector<int> degenerate;
  for (const auto& [layer, windows] : record.overlapping) {
    overlapping[layer] = std::count(windows.begin(), windows.end(), true);
    if (overlapping[layer] > 0) degenerate.push_back(layer);
  }
  check_defined(c, arrays, degenerate);
  if (!c.inspect.sound()) return;

  Analysis analysis(c);
  std::map<int, Layer> layers;
  for (const int layer : header.layers) {
    layers[layer] = add_layer(analysis, arrays, layer, header.full);
  }
  analysis.resample();
  for (const auto& [number, layer] : layers) {
    claim_layer(c, analysis, number, layer, finding.claims);
    const bool c1 = below_zero(analysis.primary(), layer.deltas[kC1]);
    const bool c2 = below_zero(analysis.primary(), layer.deltas[kC2]);
    judgement.layers.push_back({number, failure_type(c1, c2)});
  }

  // On some windows as the producer judges them: only their own overlaps count.
  const auto judge_windows = [&](const Sample& sample, std::span<const uint32_t> members) {
    for (const int layer : header.required) {
      const auto found = record.overlapping.find(layer);
      if (found == record.overlapping.end()) continue;
      if (std::any_of(members.begin(), members.end(),
                      [&](uint32_t w) { return found->second[w]; })) {
        return Verdict::degenerate;
      }
    }
    bool pass = true;
    for (const int layer : header.required) {
      for (const size_t i : {size_t{kC1}, size_t{kC2}}) {
        const std::optional<Interval> interval = sample.interval(layers[layer].deltas[i]);
        if (!interval) return Verdict::invalid;  // undefined in every one of them
        pass = pass && interval->hi < 0;
      }
    }
    return pass ? Verdict::pass : Verdict::fail;
  };
  std::vector<uint32_t> windows(header.n_windows);
  std::iota(windows.begin(), windows.end(), 0u);
  const auto judge = [&](const Sample& sample) { return judge_windows(sample, windows); };
  const auto supports = [&](const Sample& sample, size_t b) {
    return std::all_of(header.required.begin(), header.required.end(), [&](int layer) {
      const auto c1 = sample.mean(layers[layer].deltas[kC1], b);
      const auto c2 = sample.mean(layers[layer].deltas[kC2], b);
      return c1 && *c1 < 0 && c2 && *c2 < 0;
    });
  };
  finding.verdict = analysis.conclude(judge, supports, stated_verdict(c));

  Axis c1_axis;
  Axis c2_axis;
  std::optional<double> z = 1e300;
  for (const int layer : header.required) {
    for (const size_t i : {size_t{kC1}, size_t{kC2}}) {
      const Test test{i == kC1 ? "C1" : "C2", layer, layers[layer].deltas[i], 0, -1};
      const bool holds = below_zero(analysis.primary(), test.id);
      judgement.criteria.push_back(analysis.criterion(test, holds));
      (i == kC1 ? c1_axis : c2_axis).add(judgement.criteria.back());
      const std::optional<double> distance = judgement.criteria.back().z;
      z = z && distance ? std::optional(std::min(*z, *distance)) : std::nullopt;
    }
  }
  choose_effect(judgement);
  analysis.convergence(finding.claims, z,
                       [&](const Sample& sample, std::span<const uint32_t> members) {
                         return std::string(verdict_name(judge_windows(sample, members)));
                       });

  if (header.full) {
    for (const auto& [layer, count] : overlapping) {
      finding.claims.count({"summary", "overlapping_strata", std::to_string(layer)}, count);
    }
    for (size_t i = 0; i < degenerate.size(); ++i) {
      finding.claims.count({"summary", "degenerate_layers", std::to_string(i)}, degenerate[i]);
    }
    finding.claims.absent({"summary", "degenerate_layers", std::to_string(degenerate.size())});
    const auto beside = [&](const char* name, size_t i) {
      const bool all = std::all_of(header.required.begin(), header.required.end(), [&](int layer) {
        return below_zero(analysis.primary(), layers[layer].deltas[i]);
      });
      const bool judged = finding.verdict == Verdict::pass || finding.verdict == Verdict::fail;
      judgement.beside.push_back(
          {name, std::string(judged ? (all ? "PASS" : "FAIL") : verdict_name(finding.verdict))});
    };
    beside("C2_unselected", kUnselected);
    beside("C1_matched", kMatched);
    beside("kappa_target.C2", kTargetC2);
    beside("kappa_target.C1_matched", kTargetMatched);
    add_numbers(c, arrays, analysis, layers);
  }
  if (finding.verdict == Verdict::degenerate) {
    judgement.reasons.push_back({"", "",
                                 fmt::format("summary.overlapping_strata.{}", degenerate.front()),
                                 "some window has a token in boundary and interior both"});
    judgement.sentence =
        "In some windows margins tie, so that a token is boundary and interior at once and the two "
        "cannot be compared.";
  } else if (finding.verdict != Verdict::insufficient) {
    judgement.sentence = explain(finding.verdict, c1_axis, c2_axis, header.required.size(),
                                 spread_of_means(c, arrays, "boundary.jump_hidden_median"));
  }
}

}  // namespace rg::verify
