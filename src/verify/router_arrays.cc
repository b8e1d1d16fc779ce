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

void check_grid(const Case& c, const char* name, const LayerWindows& values,
                const LayerWindows& undefined, uint32_t unit) {
  if (!c.inspect.sound()) return;
  for (const auto& [layer, windows] : values) {
    for (size_t w = 0; w < windows.size(); ++w) {
      const double defined = c.header.seq_len - 1 - *undefined.at(layer)[w];
      const double count = windows[w].value_or(0) * unit * defined;
      if (std::abs(count - std::round(count)) <= kGridTolerance) continue;
      c.inspect.invalid(
          Check::integer_grid, fmt::format("per_window.{}.{}[{}]", name, layer, w),
          fmt::format("times {} gives {}, expected a whole number", unit * defined, count));
      break;
    }
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
  check_sums(c, "norm_share", arrays.norm_share, nullptr);
  check_sums(c, "signed_num", arrays.signed_num, &arrays.signed_den);
  check_sums(c, "signed_num_varying", arrays.signed_num_varying, &arrays.signed_den_varying);
  check_sums(c, "margin_part", arrays.margin_part, &arrays.margin_total);
  check_grid(c, "agreement_top1", arrays.agreement_top1, arrays.undefined, 1);
  check_grid(c, "agreement_topk", arrays.agreement_topk, arrays.undefined, h.topk);
  return arrays;
}

LayerCounts read_counts(const Case& c, int layer, const LayerWindows& undefined) {
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
  for (const std::optional<double>& value : undefined.at(layer)) {
    defined -= static_cast<int64_t>(value.value_or(0));
  }
  const auto k = static_cast<int64_t>(h.topk);
  if (sum(counts.experts) != k * defined) {
    c.inspect.invalid(Check::count_total, experts.path,
                      fmt::format("adds up to {}, expected k times {} defined positions",
                                  sum(counts.experts), defined));
  }
  const int64_t compared = sum(counts.embedding_top1);
  if (compared > defined || sum(counts.rest_top1) != compared ||
      sum(counts.embedding_topk) != k * compared || sum(counts.rest_topk) != k * compared) {
    c.inspect.invalid(Check::count_total, agreement.path,
                      "its four lists don't count the same positions");
  }
  return counts;
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
