#include "verify/chart_arrays.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace rg::verify::chart {
namespace {

// Norm ratios in fp64 may exceed their bound by a rounding.
constexpr Range kKappa{0, 1 + 1e-9};
constexpr Range kCosine{-1 - 1e-9, 1 + 1e-9};
constexpr Range kKappaOrth{0.707, 1 + 1e-9};
constexpr int64_t kMaxDraws = 64;

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
constexpr std::string_view kJump = "jump_hidden_median";

enum class Partner { next, random, unselected };

struct Stratum {
  const char* name;
  const char* tokens_of;  // the stratum of pairs (k, k+1) over the same tokens
  Partner partner;
  bool published;
  Fraction quantile;  // of the margin
  bool above;         // tokens at or above the quantile, else at or below
};
constexpr Fraction kTenth{1, 10};
constexpr Fraction kHalf{1, 2};
constexpr Fraction kNineTenths{9, 10};
constexpr Stratum kStrata[] = {
    {"boundary", "boundary", Partner::next, true, kTenth, false},
    {"interior", "interior", Partner::next, true, kHalf, true},
    {"interior_q90", "interior_q90", Partner::next, false, kNineTenths, true},
    {"boundary_random_e2", "boundary", Partner::random, true, kTenth, false},
    {"interior_random_e2", "interior", Partner::random, true, kHalf, true},
    {"boundary_unselected_e2", "boundary", Partner::unselected, false, kTenth, false},
    {"interior_unselected_e2", "interior", Partner::unselected, false, kHalf, true}};

// A gap in logits may be infinite where the scores' is not.
struct Margin {
  const char* name;
  Range range;
  bool may_lack;
};
constexpr Margin kMargins[] = {{"m_set_mean", kNotNegative, false},
                               {"m_logit_mean", kAnyNumber, true},
                               {"m_thr", kNotNegative, false}};
constexpr const char* kDrawn[] = {"boundary_random_e2", "boundary_unselected_e2"};

std::string array_name(const Stratum& stratum, const Metric& metric) {
  return std::string(stratum.name) + '.' + metric.name;
}

struct Counts {
  LayerWindows undefined;                      // n_undefined
  std::map<std::string, LayerWindows> tokens;  // by stratum
};

// One window of one layer: the strata as large as their quantiles make them, null exactly where
// they hold no token. False at the first defect.
class WindowCheck {
 public:
  WindowCheck(const Case& c, const Arrays& arrays, const Counts& counts, int layer, size_t window)
      : c_(c), arrays_(arrays), counts_(counts), layer_(layer), window_(window) {
    defined_ = c.header.seq_len - 1 - *counts.undefined.at(layer)[window];
  }

  bool run() const {
    for (const Stratum& stratum : kStrata) {
      if (!size_fits(stratum)) return false;
    }
    for (const Stratum& stratum : kStrata) {
      for (const Metric& metric : kMetrics) {
        const bool may_lack = metric.name == kJump;  // its divisor is zero where the update is
        if (!is_where_due(array_name(stratum, metric), tokens(stratum.name) > 0, may_lack))
          return false;
      }
    }
    for (const Margin& margin : kMargins) {
      if (!is_where_due(std::string("margins.") + margin.name, defined_ > 0, margin.may_lack)) {
        return false;
      }
    }
    for (const char* stratum : kDrawn) {
      const std::string array = std::string("random_draws.") + stratum;
      if (arrays_.contains(array) && !is_where_due(array, tokens(stratum) > 0, false)) return false;
    }
    const bool measured = tokens("boundary") > 0;
    const bool matched = measured && tokens("interior") >= tokens("boundary");
    const bool no_other = !grouped() && c_.header.experts <= 2;
    return is_where_due("c1_matched_interior", matched, false) &&
           is_where_due("c1_matched_interior_target", matched, false) &&
           is_where_due("exact_random.positions", measured, false) &&
           is_where_due("exact_random.mean", measured && !no_other, grouped());
  }

 private:
  bool grouped() const { return c_.header.groups > 1; }
  double tokens(const char* stratum) const {
    return counts_.tokens.at(stratum).at(layer_)[window_].value_or(0);
  }

  bool size_fits(const Stratum& stratum) const {
    const double count = tokens(stratum.name);
    double least = 0;
    double most = defined_;
    if (stratum.partner == Partner::next) {
      // Strata that overlap leave nothing in any of them; else none is empty.
      const auto t = static_cast<uint64_t>(defined_);
      const auto rank = static_cast<double>(quantile_rank(stratum.quantile, t));
      if (tokens("boundary") > 0) {
        least = stratum.above ? defined_ - rank + 1 : rank;
      } else {
        most = 0;
      }
    } else {
      most = tokens(stratum.tokens_of);
      const uint32_t taken = stratum.partner == Partner::random ? 2 : c_.header.topk + 1;
      if (!grouped() && c_.header.experts > taken) {
        least = most;
      } else if (!grouped()) {
        most = 0;
      }
    }
    if (count >= least && count <= most) return true;
    c_.inspect.invalid(
        Check::strata_size,
        fmt::format("per_window.{}.tokens.{}[{}]", stratum.name, layer_, window_),
        fmt::format("found {} tokens, expected {} to {}: {} margins are defined, {} tokens lie in "
                    "the boundary",
                    count, least, most, defined_, tokens("boundary")));
    return false;
  }

  bool is_where_due(const std::string& array, bool due, bool may_lack) const {
    const bool there = arrays_.at(array).at(layer_)[window_].has_value();
    if (there == due || (due && may_lack)) return true;
    c_.inspect.invalid(Check::null_pattern,
                       fmt::format("per_window.{}.{}[{}]", array, layer_, window_),
                       there ? "is defined though the window has no token for it"
                             : "is null though the window has tokens for it");
    return false;
  }

  const Case& c_;
  const Arrays& arrays_;
  const Counts& counts_;
  const int layer_;
  const size_t window_;
  double defined_ = 0;
};

// Numbers that must be whole where there are any.
void check_whole(const Case& c, const At& at) {
  if (!at || !at.value->is(Kind::array)) return;
  const Array& values = at.value->array();
  for (size_t w = 0; w < values.size(); ++w) {
    if (!values[w].is(Kind::real)) continue;
    c.inspect.invalid(Check::value_kind, fmt::format("{}[{}]", at.path, w),
                      "found a number, expected an integer");
    return;
  }
}

void read_exact(const Case& c, const At& per_window, Arrays& arrays) {
  const Header& h = c.header;
  const At exact = c.inspect.need(per_window, "exact_random");
  for (const int layer : h.layers) {
    const At at = c.inspect.need(exact, std::to_string(layer));
    const At positions = c.inspect.need(at, "positions");
    arrays["exact_random.positions"][layer] =
        c.inspect.windows(positions, h.n_windows, {0, static_cast<double>(h.seq_len - 2)});
    check_whole(c, positions);
    arrays["exact_random.mean"][layer] =
        c.inspect.windows(c.inspect.need(at, "mean"), h.n_windows, kKappa);
  }
}

// The means over all draws of the random partners, there if there was more than one draw.
void read_draws(const Case& c, const At& per_window, Arrays& arrays) {
  const At stated = c.inspect.need(c.root, "random_draws");
  const std::optional<int64_t> draws = c.inspect.integer(stated, 1, kMaxDraws);
  if (!draws) return;
  if (*draws == 1) {
    if (!(per_window / "random_draws")) return;
    c.inspect.invalid(Check::value_range, stated.path,
                      "is 1 though per_window.random_draws holds more draws");
    return;
  }
  const At drawn = c.inspect.need(per_window, "random_draws");
  for (const char* stratum : kDrawn) {
    const At values = c.inspect.need(drawn, stratum);
    if (!values) continue;
    arrays[std::string("random_draws.") + stratum] =
        c.inspect.layer_windows(values, c.header.layers, c.header.n_windows, kKappa);
  }
}

}  // namespace

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

Record read_record(const Case& c) {
  Record record;
  Counts counts;
  const Header& h = c.header;
  const At per_window = c.inspect.need(c.root, "per_window");
  const auto read = [&](const At& at, const std::string& name, Range range) {
    if (at) record.arrays[name] = c.inspect.layer_windows(at, h.layers, h.n_windows, range);
  };
  const auto read_counts = [&](const At& at) {
    return c.inspect.layer_counts(at, h.layers, h.n_windows, h.seq_len - 1);
  };
  if (h.full) counts.undefined = read_counts(c.inspect.need(per_window, "n_undefined"));
  for (const Stratum& stratum : kStrata) {
    const bool stratum_due = h.full || stratum.published;
    const At at =
        stratum_due ? c.inspect.need(per_window, stratum.name) : per_window / stratum.name;
    if (!at) continue;
    for (const Metric& metric : kMetrics) {
      const bool due = h.full || (stratum.published && metric.published);
      const At values = due ? c.inspect.need(at, metric.name) : at / metric.name;
      read(values, array_name(stratum, metric), metric.range);
    }
    if (h.full) counts.tokens[stratum.name] = read_counts(c.inspect.need(at, "tokens"));
  }
  if (!h.full) return record;
  read(c.inspect.need(per_window, "c1_matched_interior"), "c1_matched_interior", kKappa);
  read(c.inspect.need(per_window, "c1_matched_interior_target"), "c1_matched_interior_target",
       kKappa);
  read_exact(c, per_window, record.arrays);
  const At margins = c.inspect.need(per_window, "margins");
  for (const Margin& margin : kMargins) {
    read(c.inspect.need(margins, margin.name), std::string("margins.") + margin.name, margin.range);
  }
  read_draws(c, per_window, record.arrays);
  if (!c.inspect.sound()) return record;

  for (const int layer : h.layers) {
    std::vector<bool>& overlapping = record.overlapping[layer];
    for (size_t w = 0; w < h.n_windows; ++w) {
      if (!WindowCheck(c, record.arrays, counts, layer, w).run()) return record;
      overlapping.push_back(*counts.tokens.at("boundary").at(layer)[w] == 0 &&
                            *counts.undefined.at(layer)[w] < h.seq_len - 1);
    }
  }
  return record;
}

}  // namespace rg::verify::chart
