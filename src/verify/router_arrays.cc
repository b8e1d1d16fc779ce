// Reading attention_router's per-window arrays and counts, with what must add up in them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "verify/attention_router.h"

namespace rg::verify::router {
namespace {

// Sums of fp32 parts against their fp64 total.
constexpr double kSumTolerance = 1e-5;
constexpr double kGridTolerance = 1e-6;
// Beyond it nearly every number is some count plus some drops, and the search would take too long.
constexpr double kMostDropped = 1 << 14;

constexpr const char* kSubsets[] = {"embedding",         "attention",
                                    "experts",           "embedding+attention",
                                    "embedding+experts", "attention+experts"};

Parts read_parts(const Case& c, const At& at, const std::vector<std::string>& names, Range range) {
  Parts parts;
  if (!c.inspect.is(at, Kind::object)) return parts;
  for (const std::string& name : names) {
    const At member = c.inspect.need(at, name);
    if (!member) continue;
    parts[name] = c.inspect.layer_windows(member, c.header.layers, c.header.n_windows, range);
  }
  return parts;
}

// The parts of every window add up to `total` (or to 1).
void check_sums(const Case& c, const std::string& name, const Parts& parts,
                const LayerWindows* totals) {
  if (!c.inspect.sound()) return;
  for (const int layer : c.header.layers) {
    for (size_t w = 0; w < c.header.n_windows; ++w) {
      double sum = 0;
      double scale = totals == nullptr ? 1 : 0;
      bool defined = true;
      for (const auto& [part, windows] : parts) {
        const std::optional<double>& value = windows.at(layer)[w];
        defined = defined && value.has_value();
        sum += value.value_or(0);
        scale += std::abs(value.value_or(0));
      }
      std::optional<double> wanted = 1.0;
      if (totals != nullptr) wanted = totals->at(layer)[w];
      if (!defined || !wanted) continue;
      if (std::abs(sum - *wanted) <= kSumTolerance * scale) continue;
      c.inspect.invalid(Check::share_total, fmt::format("per_window.{}.*.{}[{}]", name, layer, w),
                        fmt::format("the parts add up to {}, expected {}", sum, *wanted));
      break;
    }
  }
}

double defined_in(const Case& c, const LayerWindows& undefined, int layer, size_t w) {
  return c.header.seq_len - 1 - *undefined.at(layer)[w];
}

// Means over `positions` (of a layer and window) are counts over unit * positions.
template <typename Positions>
void check_grid(const Case& c, const std::string& name, const LayerWindows& values, uint32_t unit,
                const Positions& positions) {
  if (!c.inspect.sound()) return;
  for (const auto& [layer, windows] : values) {
    for (size_t w = 0; w < windows.size(); ++w) {
      const double whole = unit * positions(layer, w);
      const double count = windows[w].value_or(0) * whole;
      if (std::abs(count - std::round(count)) <= kGridTolerance) continue;
      c.inspect.invalid(Check::integer_grid, fmt::format("per_window.{}.{}[{}]", name, layer, w),
                        fmt::format("times {} gives {}, expected a whole number", whole, count));
      break;
    }
  }
}

// `allowed(layer, window, defined)` for every value of an array.
template <typename Allowed>
void check_pattern(const Case& c, const std::string& name, const LayerWindows& values,
                   const Allowed& allowed) {
  if (!c.inspect.sound()) return;
  for (const auto& [layer, windows] : values) {
    for (size_t w = 0; w < windows.size(); ++w) {
      if (allowed(layer, w, windows[w].has_value())) continue;
      c.inspect.invalid(Check::null_pattern, fmt::format("per_window.{}.{}[{}]", name, layer, w),
                        windows[w] ? "is defined though nothing was counted for it"
                                   : "is null though the window has positions for it");
      return;
    }
  }
}

// Undefined exactly where the window has no position that defines the value.
void check_nulls_of(const Case& c, const Arrays& arrays) {
  const auto measured = [&](int layer, size_t w, bool there) {
    return there == (defined_in(c, arrays.undefined, layer, w) > 0);
  };
  const auto parts = [&](const char* name, const Parts& values, const auto& allowed) {
    for (const auto& [part, of] : values)
      check_pattern(c, fmt::format("{}.{}", name, part), of, allowed);
  };
  parts("signed_num", arrays.signed_num, measured);
  parts("signed_num_varying", arrays.signed_num_varying, measured);
  parts("margin_part", arrays.margin_part, measured);
  parts("val", arrays.val, measured);
  parts("val_mean_replaced", arrays.val_mean_replaced, measured);
  check_pattern(c, "signed_den", arrays.signed_den, measured);
  check_pattern(c, "signed_den_varying", arrays.signed_den_varying, measured);
  check_pattern(c, "margin_total", arrays.margin_total, measured);
  // Shares of nothing: every part is zero at every position, so their sum is too.
  parts("norm_share", arrays.norm_share, [&](int layer, size_t w, bool there) {
    return measured(layer, w, there) || (!there && arrays.signed_den.at(layer)[w] == 0.0);
  });
  const auto compared = [&](int layer, size_t w, bool there) {
    return there == (*arrays.agreement_positions.at(layer)[w] > 0);
  };
  check_pattern(c, "agreement_top1", arrays.agreement_top1, compared);
  check_pattern(c, "agreement_topk", arrays.agreement_topk, compared);
  // Of sampled positions: a value needs a defined position, null an undefined one.
  const auto sampled = [&](int layer, size_t w, bool there) {
    return there ? defined_in(c, arrays.undefined, layer, w) > 0
                 : *arrays.undefined.at(layer)[w] > 0;
  };
  check_pattern(c, "null_signed_num", arrays.null_signed_num, sampled);
  check_pattern(c, "null_signed_den", arrays.null_signed_den, sampled);
  check_pattern(c, "null_share", arrays.null_share, [&](int layer, size_t w, bool there) {
    return sampled(layer, w, there) || (!there && arrays.null_signed_den.at(layer)[w] == 0.0);
  });
  check_pattern(c, "published_ratio", arrays.published_ratio,
                [](int, size_t, bool there) { return there; });
}

// Whether `sum` = kept + dropped * step, kept a whole number of at most k experts at each position
// that was not dropped.
bool on_val_grid(double sum, double k, double positions, double step) {
  const auto fits = [&](double dropped) {
    const double kept = sum - dropped * step;
    return std::abs(kept - std::round(kept)) <= kGridTolerance && kept >= -kGridTolerance &&
           kept <= k * (positions - dropped) + kGridTolerance;
  };
  if (fits(0) || fits(positions)) return true;
  if (positions > kMostDropped) return true;
  for (double dropped = 1; dropped < positions; dropped += 1) {
    if (fits(dropped)) return true;
  }
  return false;
}

void check_positions(const Case& c, const Arrays& arrays) {
  for (const auto& [layer, windows] : arrays.agreement_positions) {
    for (size_t w = 0; w < windows.size(); ++w) {
      if (*windows[w] <= defined_in(c, arrays.undefined, layer, w)) continue;
      c.inspect.invalid(Check::count_total,
                        fmt::format("per_window.agreement_positions.{}[{}]", layer, w),
                        "is more than the window's defined positions");
      return;
    }
  }
}

void check_grids(const Case& c, const Arrays& arrays) {
  const auto defined = [&](int layer, size_t w) {
    return defined_in(c, arrays.undefined, layer, w);
  };
  const auto compared = [&](int layer, size_t w) {
    return *arrays.agreement_positions.at(layer)[w];
  };
  check_grid(c, "agreement_top1", arrays.agreement_top1, 1, compared);
  check_grid(c, "agreement_topk", arrays.agreement_topk, c.header.topk, compared);
  for (const auto& [subset, values] : arrays.val_mean_replaced) {
    check_grid(c, "val_mean_replaced." + subset, values, c.header.topk, defined);
  }
}

}  // namespace

Arrays read_arrays(const Case& c) {
  Arrays arrays;
  const Header& h = c.header;
  const At per_window = c.inspect.need(c.root, "per_window");
  const bool bias = static_cast<bool>((per_window / "norm_share") / "bias");
  arrays.parts.assign(std::begin(kParts), std::begin(kParts) + (bias ? 4 : 3));
  const std::vector<std::string> subsets(std::begin(kSubsets), std::end(kSubsets));
  std::vector<std::string> all_subsets = subsets;
  all_subsets.emplace_back("none");
  const auto parts = [&](const char* name, const std::vector<std::string>& names, Range range) {
    return read_parts(c, c.inspect.need(per_window, name), names, range);
  };
  const auto layers = [&](const char* name, Range range) {
    return c.inspect.layer_windows(c.inspect.need(per_window, name), h.layers, h.n_windows, range);
  };
  constexpr Range kShare{0, 1 + 1e-9};
  arrays.norm_share = parts("norm_share", arrays.parts, kShare);
  arrays.signed_num = parts("signed_num", arrays.parts, kAnyNumber);
  arrays.signed_num_varying = parts("signed_num_varying", arrays.parts, kAnyNumber);
  arrays.margin_part = parts("margin_part", arrays.parts, kAnyNumber);
  arrays.val = parts("val", subsets, kShare);
  arrays.val_mean_replaced = parts("val_mean_replaced", all_subsets, kShare);
  arrays.signed_den = layers("signed_den", kNotNegative);
  arrays.signed_den_varying = layers("signed_den_varying", kNotNegative);
  arrays.margin_total = layers("margin_total", kAnyNumber);
  arrays.agreement_top1 = layers("agreement_top1", kShare);
  arrays.agreement_topk = layers("agreement_topk", kShare);
  arrays.null_share = layers("null_share", kShare);
  arrays.null_signed_num = layers("null_signed_num", kAnyNumber);
  arrays.null_signed_den = layers("null_signed_den", kNotNegative);
  arrays.published_ratio = layers("published_ratio", kShare);
  arrays.undefined = c.inspect.layer_counts(c.inspect.need(per_window, "n_undefined"), h.layers,
                                            h.n_windows, h.seq_len - 1);
  arrays.agreement_positions = c.inspect.layer_counts(
      c.inspect.need(per_window, "agreement_positions"), h.layers, h.n_windows, h.seq_len - 1);
  if (c.inspect.sound()) check_positions(c, arrays);
  check_sums(c, "norm_share", arrays.norm_share, nullptr);
  check_sums(c, "signed_num", arrays.signed_num, &arrays.signed_den);
  check_sums(c, "signed_num_varying", arrays.signed_num_varying, &arrays.signed_den_varying);
  check_sums(c, "margin_part", arrays.margin_part, &arrays.margin_total);
  if (c.inspect.sound()) check_nulls_of(c, arrays);
  if (c.inspect.sound()) check_grids(c, arrays);
  return arrays;
}

LayerCounts read_counts(const Case& c, int layer, const Arrays& arrays) {
  LayerCounts counts;
  const Header& h = c.header;
  const std::string key = std::to_string(layer);
  const auto positions = static_cast<int64_t>(h.n_windows * (h.seq_len - 1));
  const At experts = c.inspect.need(c.inspect.need(c.root, "expert_counts"), key);
  if (experts) counts.experts = c.inspect.counts(experts, h.experts, positions);
  const At agreement = c.inspect.need(c.inspect.need(c.root, "agreement_counts"), key);
  const auto read = [&](const char* name) {
    const At at = c.inspect.need(agreement, name);
    return at ? c.inspect.counts(at, h.experts, positions) : std::vector<int64_t>();
  };
  counts.embedding_top1 = read("embedding_top1");
  counts.rest_top1 = read("rest_top1");
  counts.embedding_topk = read("embedding_topk");
  counts.rest_topk = read("rest_topk");
  if (!c.inspect.sound()) return counts;

  const auto sum = [](const std::vector<int64_t>& values) {
    return std::accumulate(values.begin(), values.end(), int64_t{0});
  };
  int64_t defined = positions;
  for (const std::optional<double>& value : arrays.undefined.at(layer)) {
    defined -= static_cast<int64_t>(value.value_or(0));
  }
  const auto k = static_cast<int64_t>(h.topk);
  if (sum(counts.experts) != k * defined) {
    c.inspect.invalid(Check::count_total, experts.path,
                      fmt::format("adds up to {}, expected k times {} defined positions",
                                  sum(counts.experts), defined));
  }
  const int64_t compared = sum(counts.embedding_top1);
  const double stated = total(arrays.agreement_positions.at(layer)).sum;
  if (stated != static_cast<double>(compared)) {
    c.inspect.invalid(
        Check::count_total, agreement.path,
        fmt::format("counts {} positions, agreement_positions adds up to {}", compared, stated));
  }
  if (compared > defined || sum(counts.rest_top1) != compared ||
      sum(counts.embedding_topk) != k * compared || sum(counts.rest_topk) != k * compared) {
    c.inspect.invalid(Check::count_total, agreement.path,
                      "its four lists don't count the same positions");
  }
  return counts;
}

void check_val_grid(const Case& c, int layer, const Arrays& arrays, double val_empty) {
  const double k = c.header.topk;
  const double step = k * val_empty;
  for (const auto& [subset, windows] : arrays.val) {
    const Windows& values = windows.at(layer);
    for (size_t w = 0; w < values.size(); ++w) {
      const double defined = defined_in(c, arrays.undefined, layer, w);
      if (!values[w] || on_val_grid(*values[w] * k * defined, k, defined, step)) continue;
      c.inspect.invalid(
          Check::integer_grid, fmt::format("per_window.val.{}.{}[{}]", subset, layer, w),
          fmt::format("times {} gives {}, expected a whole number plus up to {} times {}",
                      k * defined, *values[w] * k * defined, defined, step));
      break;
    }
  }
}

std::string label_of(const std::vector<std::optional<Interval>>& intervals) {
  const auto all = [&](auto holds) {
    return !intervals.empty() &&
           std::all_of(intervals.begin(), intervals.end(), [&](const auto& interval) {
             return interval.has_value() && holds(*interval);
           });
  };
  if (all([](const Interval& i) { return i.lo > kDominates; })) return "H1";
  if (all([](const Interval& i) { return i.lo >= kBalancedLow && i.hi <= kBalancedHigh; })) {
    return "H2";
  }
  if (all([](const Interval& i) { return i.hi < kBalancedLow; })) return "H3";
  return "inconclusive";
}

std::string label_of_mean(std::optional<double> mean) {
  if (!mean) return "inconclusive";
  return label_of({Interval{*mean, *mean}});
}

}  // namespace rg::verify::router
