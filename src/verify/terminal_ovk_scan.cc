// Does routing's agreement with itself after the layer's own update drop most at the last MoE
// layer? docs/artifacts.md section 4.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "verify/analysis.h"
#include "verify/overlap_nulls.h"

namespace rg::verify {
namespace {

constexpr double kDominanceNeeded = 0.95;
constexpr double kGridTolerance = 1e-6;

struct Series {
  const char* array;
  const char* mean;
  const char* interval;
  bool published;
  Range range;
};
constexpr Series kSeries[] = {
    {"ovk_cf_mean", "ovk_cf_mean", "ovk_cf_ci95", true, kUnit},
    {"swap_k_mean", "swap_k_mean", "swap_k_ci95", false, kUnit},
    {"update_ratio", "update_ratio_mean", "update_ratio_ci95", false, kNotNegative},
    {"ovk_cf_other", "ovk_cf_other_mean", "ovk_cf_other_ci95", false, kUnit}};

using Arrays = std::map<std::string, LayerWindows>;

// Value times `unit` times T_def must be a whole number.
void check_grid(const Case& c, const std::string& name, const LayerWindows& values,
                const LayerWindows& undefined, uint32_t unit) {
  const auto positions = static_cast<double>(c.header.seq_len - 1);
  for (const auto& [layer, windows] : values) {
    for (size_t w = 0; w < windows.size(); ++w) {
      const double defined = positions - undefined.at(layer)[w].value_or(0);
      const double count = windows[w].value_or(0) * unit * defined;
      if (std::abs(count - std::round(count)) <= kGridTolerance) continue;
      c.inspect.invalid(Check::integer_grid, fmt::format("per_window.{}.{}[{}]", name, layer, w),
                        fmt::format("times {} gives {}, expected a whole number of tokens",
                                    unit * defined, count));
      break;
    }
  }
}

// Every array is undefined in exactly the windows that have no defined position; where a window
// has one position, there is no other one whose update could take its place.
void check_nulls_of(const Case& c, const std::string& name, const LayerWindows& values,
                    const LayerWindows& undefined) {
  const auto positions = static_cast<double>(c.header.seq_len - 1);
  const double least = name == "ovk_cf_other" ? 2 : 1;
  for (const auto& [layer, windows] : values) {
    for (size_t w = 0; w < windows.size(); ++w) {
      const double defined = positions - undefined.at(layer)[w].value_or(0);
      if (windows[w].has_value() == (defined > 0 && positions >= least)) continue;
      c.inspect.invalid(Check::null_pattern, fmt::format("per_window.{}.{}[{}]", name, layer, w),
                        fmt::format("is {} where {} positions are defined",
                                    windows[w] ? "defined" : "null", defined));
      break;
    }
  }
}

Arrays read_arrays(const Case& c, LayerWindows& undefined) {
  Arrays arrays;
  const At per_window = c.inspect.need(c.root, "per_window");
  for (const int layer : c.header.layers) undefined[layer] = Windows(c.header.n_windows, 0.0);
  if (c.header.full || (per_window / "n_undefined")) {
    undefined = c.inspect.layer_counts(c.inspect.need(per_window, "n_undefined"), c.header.layers,
                                       c.header.n_windows, c.header.seq_len - 1);
  }
  for (const Series& series : kSeries) {
    const bool due = c.header.full || series.published || series.array == kSeries[1].array;
    const At at = due ? c.inspect.need(per_window, series.array) : per_window / series.array;
    if (!at) continue;
    arrays[series.array] =
        c.inspect.layer_windows(at, c.header.layers, c.header.n_windows, series.range);
  }
  return arrays;
}

// The strict argmin of a replicate, if the terminal pair is it. Not where a pair is undefined.
enum class Argmin { terminal, tied, other };
Argmin argmin(const Sample& sample, const std::vector<ColumnId>& jumps, size_t b) {
  const std::optional<double> terminal = sample.mean(jumps.back(), b);
  if (!terminal) return Argmin::other;
  bool tied = false;
  for (size_t i = 0; i + 1 < jumps.size(); ++i) {
    const std::optional<double> jump = sample.mean(jumps[i], b);
    if (!jump || *jump < *terminal) return Argmin::other;
    tied = tied || *jump == *terminal;
  }
  return tied ? Argmin::tied : Argmin::terminal;
}

double dominance(const Sample& sample, const std::vector<ColumnId>& jumps) {
  uint32_t wins = 0;
  for (size_t b = 0; b < sample.count(); ++b) {
    wins += argmin(sample, jumps, b) == Argmin::terminal ? 1u : 0u;
  }
  return wins / static_cast<double>(sample.count());
}

std::optional<Interval> smallest_jump_interval(const Sample& sample,
                                               const std::vector<ColumnId>& jumps) {
  std::vector<double> smallest;
  for (size_t b = 0; b < sample.count(); ++b) {
    std::optional<double> least = 1e300;
    for (const ColumnId id : jumps) {
      const std::optional<double> jump = sample.mean(id, b);
      least = least && jump ? std::optional(std::min(*least, *jump)) : std::nullopt;
    }
    if (least) smallest.push_back(*least);
  }
  return percentile_interval(std::move(smallest));
}

// summary as a published artifact states it; none where it states too little to tell.
std::optional<Verdict> stated_verdict(const Case& c) {
  if (c.header.full) return std::nullopt;
  const At summary = c.root / "summary";
  const At ends = (summary / "terminal_jump") / "ci95";
  const At share = summary / "dominance_probability";
  if (!ends || ends.value->is(Kind::null) || !share) return std::nullopt;
  const std::optional<Interval> interval = c.inspect.interval(ends);
  const std::optional<double> dominance = c.inspect.number(share, kUnit);
  if (!interval || !dominance) return std::nullopt;
  return interval->hi < 0 && *dominance >= kDominanceNeeded ? Verdict::pass : Verdict::fail;
}

std::string pair_name(const std::vector<int>& layers, size_t jump) {
  return fmt::format("{}->{}", layers[jump], layers[jump + 1]);
}

struct TerminalDrop {
  double drop;                       // of the overlap, at the last MoE layer
  std::optional<Interval> interval;  // of the jump, which is -drop
  double dominance;                  // share of replicates in which it is the largest
};

// In percentage points of the selected set.
void say(Judgement& judgement, Verdict verdict, const TerminalDrop& found) {
  if (verdict == Verdict::degenerate) {
    judgement.reasons.push_back({"", "", "layers", "two layers make one jump"});
    judgement.sentence =
        "With two MoE layers there is a single jump, so being the largest says nothing.";
    return;
  }
  if (verdict == Verdict::pass) {
    judgement.sentence = fmt::format(
        "Routing again after its own update, the last MoE layer would keep {:.1f} percentage "
        "points less of its choice than the layer before (at least {:.1f}): the largest drop of "
        "all layers in {:.0f} % of resamples.",
        100 * found.drop, -100 * found.interval->hi, 100 * found.dominance);
    return;
  }
  if (verdict != Verdict::fail) return;
  constexpr std::string_view kClaim =
      "that the last MoE layer, routing again after its own update, would keep less of its choice "
      "than the layer before";
  if (!found.interval) {
    judgement.sentence = fmt::format("Not shown: {}; the difference is undefined.", kClaim);
  } else if (found.interval->hi < 0) {
    judgement.sentence = fmt::format(
        "Routing again after its own update, the last MoE layer would keep {:.1f} percentage "
        "points less of its choice than the layer before, but that is the largest drop of all "
        "layers in only {:.1f} % of resamples; {:.0f} % are needed.",
        100 * found.drop, 100 * found.dominance, 100 * kDominanceNeeded);
  } else {
    judgement.sentence =
        fmt::format("Not shown: {} (difference {:+.1f} percentage points; {} is excluded).", kClaim,
                    -100 * found.drop,
                    found.interval->lo < 0
                        ? fmt::format("a drop of more than {:.1f}", -100 * found.interval->lo)
                        : "any drop");
  }
}

}  // namespace

void judge_terminal_ovk_scan(const Case& c, Finding& finding) {
  Judgement& judgement = c.inspect.judgement();
  const Header& header = c.header;
  if (header.layers.size() < 2) {
    c.inspect.invalid(Check::terminal_layer, "layers",
                      "holds one layer; a jump needs the last one and one before");
    return;
  }
  LayerWindows undefined;
  const Arrays arrays = read_arrays(c, undefined);
  if (!c.inspect.sound()) return;
  check_grid(c, "ovk_cf_mean", arrays.at("ovk_cf_mean"), undefined, header.topk);
  check_grid(c, "swap_k_mean", arrays.at("swap_k_mean"), undefined, 1);
  for (const auto& [name, values] : arrays) check_nulls_of(c, name, values, undefined);
  if (header.full) {
    check_grid(c, "ovk_cf_other", arrays.at("ovk_cf_other"), undefined, header.topk);
  }
  ExpertCounts counts;
  if (header.full) counts = read_expert_counts(c, undefined);
  for (const int layer : header.layers) {
    if (total(arrays.at("ovk_cf_mean").at(layer)).windows == 0) {
      c.inspect.invalid(Check::layer_defined, fmt::format("per_window.ovk_cf_mean.{}", layer),
                        "is undefined in every window");
    }
  }
  if (header.full) claim_overlap_nulls(c, counts, finding.claims);
  if (!c.inspect.sound()) return;

  Analysis analysis(c);
  std::map<int, std::vector<ColumnId>> levels;
  for (const int layer : header.layers) {
    for (const Series& series : kSeries) {
      const auto array = arrays.find(series.array);
      levels[layer].push_back(array == arrays.end() ? ColumnId{}
                                                    : analysis.add(array->second.at(layer)));
    }
  }
  std::vector<ColumnId> jumps;
  for (size_t i = 0; i + 1 < header.layers.size(); ++i) {
    const LayerWindows& overlap = arrays.at("ovk_cf_mean");
    jumps.push_back(analysis.add_verdict(
        difference(overlap.at(header.layers[i + 1]), overlap.at(header.layers[i]))));
  }
  const size_t last = jumps.size() - 1;
  std::vector<Test> tests = {{"terminal_jump", header.layers.back(), jumps[last], 0, -1}};
  for (size_t i = 0; i < last; ++i) {
    const ColumnId id =
        analysis.add(difference(analysis.values(jumps[i]), analysis.values(jumps[last])));
    tests.push_back({fmt::format("terminal below {}", pair_name(header.layers, i)),
                     header.layers.back(), id, 0, 1});
  }
  ColumnId size_share;
  ColumnId direction_share;
  if (header.full) {
    const Windows& other = arrays.at("ovk_cf_other").at(header.layers.back());
    Windows size(other.size());
    for (size_t w = 0; w < other.size(); ++w) {
      if (other[w]) size[w] = 1 - *other[w];
    }
    size_share = analysis.add(size);
    direction_share =
        analysis.add(difference(other, arrays.at("ovk_cf_mean").at(header.layers.back())));
  }
  analysis.resample();
  const Sample& primary = analysis.primary();

  Claims& claims = finding.claims;
  for (const int layer : header.layers) {
    const std::string key = std::to_string(layer);
    for (size_t i = 0; i < std::size(kSeries); ++i) {
      const ColumnId id = levels[layer][i];
      if (id.all == SIZE_MAX || (!header.full && !kSeries[i].published)) continue;
      claims.mean({"summary", "per_layer", key, kSeries[i].mean}, analysis.mean(id));
      claims.interval({"summary", "per_layer", key, kSeries[i].interval}, primary.interval(id));
      warn_foreign_interval(c, (((c.root / "summary") / "per_layer") / key) / kSeries[i].interval,
                            analysis, id);
    }
  }
  std::optional<size_t> largest;
  for (size_t i = 0; i < jumps.size(); ++i) {
    const std::optional<double> jump = analysis.mean(jumps[i]);
    if (jump && (!largest || *jump < *analysis.mean(jumps[*largest]))) largest = i;
  }
  if (largest) {
    claims.text({"summary", "max_jump", "pair"}, pair_name(header.layers, *largest));
    claims.mean({"summary", "max_jump", "delta_mean"}, analysis.mean(jumps[*largest]));
    claims.interval({"summary", "max_jump", "ci95"}, smallest_jump_interval(primary, jumps));
  }
  const double share = dominance(primary, jumps);
  if (header.full) {
    for (size_t i = 0; i < jumps.size(); ++i) {
      const std::string row = std::to_string(i);
      claims.text({"summary", "adjacent_jumps", row, "pair"}, pair_name(header.layers, i));
      claims.mean({"summary", "adjacent_jumps", row, "delta_mean"}, analysis.mean(jumps[i]));
      claims.interval({"summary", "adjacent_jumps", row, "ci95"}, primary.interval(jumps[i]));
    }
    claims.absent({"summary", "adjacent_jumps", std::to_string(jumps.size())});
    const Claims::Path at = {"summary", "terminal_jump"};
    claims.text({at[0], at[1], "pair"}, pair_name(header.layers, last));
    claims.mean({at[0], at[1], "delta_mean"}, analysis.mean(jumps[last]));
    claims.interval({at[0], at[1], "ci95"}, primary.interval(jumps[last]));
    claims.mean({at[0], at[1], "probability"}, analysis.probability(jumps[last], -1));
    analysis.siblings(claims, at, jumps[last]);
    claims.mean({"summary", "dominance_probability"}, share);
    int64_t ties = 0;
    for (size_t b = 0; b < primary.count(); ++b) {
      ties += argmin(primary, jumps, b) == Argmin::tied ? 1 : 0;
    }
    claims.count({"summary", "argmin_ties"}, ties);
    analysis.mean_block(claims, {"summary", "size_share"}, size_share);
    analysis.mean_block(claims, {"summary", "direction_share"}, direction_share);
  }

  const auto judge = [&](const Sample& sample) {
    if (jumps.size() < 2) return Verdict::degenerate;
    const std::optional<Interval> interval = sample.interval(jumps[last]);
    const bool drops = interval && interval->hi < 0;
    return drops && dominance(sample, jumps) >= kDominanceNeeded ? Verdict::pass : Verdict::fail;
  };
  finding.verdict = analysis.conclude(
      judge,
      [&](const Sample& sample, size_t b) {
        const std::optional<double> jump = sample.mean(jumps[last], b);
        return jump && *jump < 0 && argmin(sample, jumps, b) == Argmin::terminal;
      },
      stated_verdict(c));
  const std::optional<Interval> terminal = primary.interval(jumps[last]);
  const bool drops = terminal && terminal->hi < 0;
  std::optional<double> z = 1e300;
  for (const Test& test : tests) {
    const bool holds = test.side < 0 ? drops : share >= kDominanceNeeded;
    judgement.criteria.push_back(analysis.criterion(test, holds));
    const std::optional<double> distance = judgement.criteria.back().z;
    z = z && distance ? std::optional(std::min(*z, *distance)) : std::nullopt;
  }
  judgement.effect = judgement.criteria.front();
  analysis.convergence(claims, z, [&](const Sample& sample, std::span<const uint32_t>) {
    return std::string(verdict_name(judge(sample)));
  });

  say(judgement, finding.verdict,
      {.drop = -analysis.mean(jumps[last]).value_or(0), .interval = terminal, .dominance = share});
}

}  // namespace rg::verify
