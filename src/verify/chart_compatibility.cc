// V2: near the boundary, are the two competing experts more alike than in the interior (C1) and
// more alike than a random pair (C2)? docs/artifacts.md section 3.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "verify/analysis.h"

namespace rg::verify {
namespace {

// Norm ratios in fp64 may exceed their bound by a rounding.
constexpr Range kKappa{0, 1 + 1e-9};
constexpr Range kCosine{-1 - 1e-9, 1 + 1e-9};
constexpr Range kKappaOrth{0.707, 1 + 1e-9};

struct Metric {
  const char* name;
  Range range;
  bool published;
};
constexpr Metric kMetrics[] = {{"kappa_hidden_median", kKappa, true},
                               {"kappa_target_median", kKappa, true},
                               {"jump_hidden_median", kNotNegative, false},
                               {"kappa_hidden_mean", kKappa, false},
                               {"cos_mean", kCosine, false},
                               {"log_r_mean", kAnyNumber, false},
                               {"kappa_orth_mean", kKappaOrth, false}};

struct Stratum {
  const char* name;
  bool published;
  bool every_token;   // all its tokens have the pair (k, k+1)
  Fraction quantile;  // of the margin
  bool above;         // tokens at or above the quantile, else at or below
};
constexpr Fraction kTenth{1, 10};
constexpr Fraction kHalf{1, 2};
constexpr Fraction kNineTenths{9, 10};
constexpr Stratum kStrata[] = {{"boundary", true, true, kTenth, false},
                               {"interior", true, true, kHalf, true},
                               {"boundary_random_e2", true, false, kTenth, false},
                               {"interior_random_e2", true, false, kHalf, true},
                               {"boundary_unselected_e2", false, false, kTenth, false},
                               {"interior_unselected_e2", false, false, kHalf, true},
                               {"interior_q90", false, true, kNineTenths, true}};

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
    {"interior_q90", "boundary.kappa_hidden_median", "interior_q90.kappa_hidden_median", false}};
enum DeltaIndex : size_t {
  kC1 = 0,
  kC2 = 1,
  kTargetC1 = 2,
  kTargetC2 = 3,
  kUnselected = 5,
  kMatched = 6,
  kTargetMatched = 7
};

using Arrays = std::map<std::string, LayerWindows>;  // "boundary.kappa_hidden_median"

struct Layer {
  std::vector<ColumnId> deltas;  // by kDeltas; SIZE_MAX where a published artifact lacks it
  ColumnId exact_random, kappa_excess;
};

void check_definition(const Case& c) {
  Inspector& inspect = c.inspect;
  const At strata = inspect.need(c.root, "strata_def");
  const auto says = [&](const char* key, const char* wanted) {
    const At member = strata / key;
    if (member && member.value->is(Kind::string) && member.value->string() == wanted) return;
    inspect.invalid(Check::pair_definition, member.path, fmt::format("expected \"{}\"", wanted));
  };
  if (strata) {
    says("margin_used", "m_set");
    says("pair_def", "k_kp1");
    const auto at_quantile = [&](const char* key, double wanted) {
      const At member = strata / key;
      if (member && member.value->is_number() && member.value->number() == wanted) return;
      inspect.invalid(Check::strata_quantiles, member.path, fmt::format("expected {}", wanted));
    };
    at_quantile("boundary_quantile", 0.10);
    at_quantile("interior_quantile", 0.50);
    if (c.header.full) at_quantile("interior_high_quantile", 0.90);
  }
  const At control = inspect.need(c.root, "controls") / "random_e2";
  if (!control || !control.value->is(Kind::boolean) || !control.value->boolean()) {
    inspect.invalid(Check::pair_definition, control.path,
                    "the random-expert control was not measured");
  }
}

// Integers: tokens of a stratum lie between what its quantile makes at least and T_def.
void check_tokens(const Case& c, const Stratum& stratum, const At& tokens,
                  const LayerWindows& undefined, const LayerWindows& medians) {
  const auto positions = static_cast<double>(c.header.seq_len - 1);
  const LayerWindows counts =
      c.inspect.layer_counts(tokens, c.header.layers, c.header.n_windows, c.header.seq_len - 1);
  if (!c.inspect.sound()) return;
  for (const int layer : c.header.layers) {
    for (size_t w = 0; w < c.header.n_windows; ++w) {
      const double count = counts.at(layer)[w].value_or(0);
      const double defined = positions - undefined.at(layer)[w].value_or(0);
      const bool has_median = medians.at(layer)[w].has_value();
      const auto t = static_cast<uint64_t>(defined);
      const auto rank = static_cast<double>(quantile_rank(stratum.quantile, t));
      const double least = stratum.above ? defined - rank + 1 : rank;
      const bool large_enough = !stratum.every_token || !has_median || count >= least;
      if (count == std::floor(count) && count <= defined && large_enough &&
          (count > 0) == has_median) {
        continue;
      }
      c.inspect.invalid(Check::strata_size, fmt::format("{}.{}[{}]", tokens.path, layer, w),
                        fmt::format("found {} tokens of {} defined{}", count, defined,
                                    has_median ? "" : " where the median is undefined"));
      return;
    }
  }
}

Arrays read_arrays(const Case& c, const LayerWindows& undefined) {
  Arrays arrays;
  const size_t n = c.header.n_windows;
  const At per_window = c.inspect.need(c.root, "per_window");
  const auto read = [&](const At& at, const std::string& name, Range range) {
    if (at) arrays[name] = c.inspect.layer_windows(at, c.header.layers, n, range);
  };
  for (const Stratum& stratum : kStrata) {
    const bool stratum_due = c.header.full || stratum.published;
    const At at =
        stratum_due ? c.inspect.need(per_window, stratum.name) : per_window / stratum.name;
    if (!at) continue;
    for (const Metric& metric : kMetrics) {
      const bool due = c.header.full || (stratum.published && metric.published);
      const At values = due ? c.inspect.need(at, metric.name) : at / metric.name;
      read(values, std::string(stratum.name) + '.' + metric.name, metric.range);
    }
    if (!c.header.full || !c.inspect.sound()) continue;
    if (const At tokens = c.inspect.need(at, "tokens")) {
      check_tokens(c, stratum, tokens, undefined,
                   arrays.at(std::string(stratum.name) + ".kappa_hidden_median"));
    }
  }
  for (const char* name : {"c1_matched_interior", "c1_matched_interior_target"}) {
    read(c.header.full ? c.inspect.need(per_window, name) : per_window / name, name, kKappa);
  }
  if (c.header.full) {
    const At exact = c.inspect.need(per_window, "exact_random");
    for (const int layer : c.header.layers) {
      const At at = c.inspect.need(exact, std::to_string(layer));
      const auto last = static_cast<double>(c.header.seq_len - 2);
      c.inspect.windows(c.inspect.need(at, "positions"), n, {0, last});
      arrays["exact_random"][layer] = c.inspect.windows(c.inspect.need(at, "mean"), n, kKappa);
    }
  }
  return arrays;
}

Layer add_layer(Analysis& analysis, const Arrays& arrays, int layer, bool full) {
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
    added.exact_random = analysis.add(arrays.at("exact_random").at(layer));
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
  claims.flag(below({"kappa_target_flags", "c1"}), holds(kTargetC1));
  claims.flag(below({"kappa_target_flags", "c2"}), holds(kTargetC2));
  claims.flag(below({"kappa_target_flags", "c1_matched"}), holds(kTargetMatched));
  claims.text(below({"failure_type"}), failure_type(holds(kC1), holds(kC2)));
  analysis.mean_block(claims, below({"exact_random"}), layer.exact_random);
  analysis.mean_block(claims, below({"kappa_excess"}), layer.kappa_excess);
}

std::string explain(Verdict verdict, size_t c1_fails, size_t c2_fails, size_t layers) {
  if (verdict == Verdict::pass) {
    return fmt::format(
        "Near the routing boundary neighbouring experts are more alike than in the interior and "
        "than random ones at all {} required layers, so a flipped choice changes little there.",
        layers);
  }
  std::string what;
  if (c1_fails > 0) what = fmt::format("than in the interior at {} of {} layers", c1_fails, layers);
  if (c2_fails > 0) {
    what += fmt::format("{}than a random expert at {} of {} layers", what.empty() ? "" : " and ",
                        c2_fails, layers);
  }
  return "Near the routing boundary neighbouring experts are no more alike " + what +
         ", so a flipped choice does change the computation there.";
}

// Which windows had a token in both strata: nothing in them is defined though their margins are.
std::map<int, int64_t> overlapping_windows(const Case& c, const Arrays& arrays,
                                           const LayerWindows& undefined) {
  std::map<int, int64_t> result;
  const auto positions = static_cast<double>(c.header.seq_len - 1);
  for (const int layer : c.header.layers) {
    int64_t& count = result[layer];
    const Windows& medians = arrays.at("boundary.kappa_hidden_median").at(layer);
    for (size_t w = 0; w < medians.size(); ++w) {
      if (!medians[w] && undefined.at(layer)[w].value_or(0) < positions) ++count;
    }
  }
  return result;
}

}  // namespace

void judge_chart_compatibility(const Case& c, Finding& finding) {
  Judgement& judgement = c.inspect.judgement();
  const Header& header = c.header;
  check_definition(c);
  LayerWindows undefined;
  if (header.full) {
    undefined =
        c.inspect.layer_counts(c.inspect.need(c.inspect.need(c.root, "per_window"), "n_undefined"),
                               header.layers, header.n_windows, header.seq_len - 1);
  }
  const Arrays arrays = read_arrays(c, undefined);
  if (!c.inspect.sound()) return;

  std::map<int, int64_t> overlapping;
  if (header.full) overlapping = overlapping_windows(c, arrays, undefined);
  std::vector<int> degenerate;
  for (const auto& [layer, count] : overlapping) {
    if (count > 0) degenerate.push_back(layer);
  }
  for (const int layer : header.required) {
    const bool overlaps = overlapping.contains(layer) && overlapping.at(layer) > 0;
    if (total(arrays.at("boundary.kappa_hidden_median").at(layer)).windows == 0 && !overlaps) {
      c.inspect.invalid(Check::layer_defined,
                        fmt::format("per_window.boundary.kappa_hidden_median.{}", layer),
                        "is undefined in every window");
    }
  }
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

  const auto judge = [&](const Sample& sample) {
    for (const int layer : header.required) {
      if (std::find(degenerate.begin(), degenerate.end(), layer) != degenerate.end()) {
        return Verdict::degenerate;
      }
    }
    for (const int layer : header.required) {
      if (!below_zero(sample, layers[layer].deltas[kC1]) ||
          !below_zero(sample, layers[layer].deltas[kC2])) {
        return Verdict::fail;
      }
    }
    return Verdict::pass;
  };
  finding.verdict = analysis.conclude(judge, [&](const Sample& sample, size_t b) {
    return std::all_of(header.required.begin(), header.required.end(), [&](int layer) {
      const auto c1 = sample.mean(layers[layer].deltas[kC1], b);
      const auto c2 = sample.mean(layers[layer].deltas[kC2], b);
      return c1 && *c1 < 0 && c2 && *c2 < 0;
    });
  });

  size_t c1_fails = 0;
  size_t c2_fails = 0;
  std::optional<double> z = 1e300;
  for (const int layer : header.required) {
    for (const size_t i : {size_t{kC1}, size_t{kC2}}) {
      const Test test{i == kC1 ? "C1" : "C2", layer, layers[layer].deltas[i], 0, -1};
      const bool holds = below_zero(analysis.primary(), test.id);
      (i == kC1 ? c1_fails : c2_fails) += holds ? 0u : 1u;
      judgement.criteria.push_back(analysis.criterion(test, holds));
      const std::optional<double> distance = judgement.criteria.back().z;
      z = z && distance ? std::optional(std::min(*z, *distance)) : std::nullopt;
    }
  }
  choose_effect(judgement);
  analysis.convergence(finding.claims, z, [&](const Sample& sample) {
    return std::string(verdict_name(judge(sample)));
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
    beside("kappa_target.C1", kTargetC1);
    beside("kappa_target.C2", kTargetC2);
    beside("kappa_target.C1_matched", kTargetMatched);
  }
  if (finding.verdict == Verdict::degenerate) {
    judgement.reasons.push_back({"", "",
                                 fmt::format("summary.overlapping_strata.{}", degenerate.front()),
                                 "some window has a token in boundary and interior both"});
    judgement.sentence =
        "Some windows have tokens that are boundary and interior at once, so the two cannot be "
        "compared.";
  } else if (finding.verdict != Verdict::insufficient) {
    judgement.sentence = explain(finding.verdict, c1_fails, c2_fails, header.required.size());
  }
}

}  // namespace rg::verify
