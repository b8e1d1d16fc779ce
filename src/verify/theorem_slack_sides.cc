// What must hold between theorem_slack's numbers of one layer: the sides of a tightest case are
// numbers that its theorem speaks of, equal things are equal, and the same keys were left out.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "verify/theorem_slack.h"

namespace rg::verify::slack {
namespace {

constexpr double kSameNumber = 1e-12;  // relative: constants and formulas
constexpr double kOfRange = 1e-9;      // of 1 + |x|: computed from keys

bool same_number(double a, double b) {
  return std::abs(a - b) <= kSameNumber * std::max(std::abs(a), std::abs(b));
}
bool close_to(double a, double b) { return std::abs(a - b) <= kOfRange * (1 + std::abs(b)); }

// What the layer's other quantities say of its keys.
struct Known {
  Range cosine{0, 1};  // of a key that isn't zero
  Range pooled{0, 1};  // of a head
};

Known known_of(const Layer& layer) {
  Known known;
  if (!layer.facts.keys) return known;
  known.cosine = {1 / std::sqrt(static_cast<double>(layer.facts.width)), 1};
  const Cases* least = layer.find("JF-2", "least");
  const Cases* most = layer.find("JF-2", "most");
  if (least->all_counted() && most->all_counted()) {
    known.cosine = {*least->tightest->bound, *most->tightest->value};
  }
  // A zero key is in no key's number, but maybe in all entries of its head.
  const Cases* ratio = layer.find("MR-1", "ratio");
  if (ratio->all_counted() && most->skipped == 0) {
    known.pooled = {ratio->quantiles->front(), *ratio->tightest->value};
  }
  return known;
}

bool is_constant(Side side) {
  return side == Side::zero || side == Side::one || side == Side::inverse_root_width ||
         side == Side::inverse_root_two || side == Side::even_load || side == Side::turn_ceiling ||
         side == Side::turn_ceiling_squared;
}

double constant_of(Side side, const LayerFacts& facts) {
  const double ceiling = std::sqrt(2.0) / (8 * std::sin(std::acos(-1.0) / 16));
  switch (side) {
    case Side::one:
      return 1;
    case Side::inverse_root_width:
      return 1 / std::sqrt(static_cast<double>(facts.width));
    case Side::inverse_root_two:
      return std::sqrt(0.5);
    case Side::even_load:
      return static_cast<double>(facts.topk) / static_cast<double>(facts.experts);
    case Side::turn_ceiling:
      return ceiling;
    case Side::turn_ceiling_squared:
      return ceiling * ceiling;
    default:
      return 0;
  }
}

// Of sides that are functions of a key's cosine, or of a head's beta.
Range range_of_keys(Side side, const Known& known) {
  const double lo = known.cosine.lo, hi = known.cosine.hi;
  switch (side) {
    case Side::cosine:
      return known.cosine;
    case Side::squared_cosine:
      return {lo * lo, hi * hi};
    case Side::code_error:
      return {1 - hi * hi, 1 - lo * lo};
    case Side::kept_error:
      return {2 * (1 - hi), 2 * (1 - lo)};
    case Side::unbiased_error:
      return {1 / (hi * hi) - 1, 1 / (lo * lo) - 1};
    case Side::cosine_gap:
      return {1 - hi, 1 - lo};
    case Side::three_quarters:
      return {0.75 * (1 - hi), 0.75 * (1 - lo)};
    case Side::pooled:
      return known.pooled;
    case Side::pooled_error:
      return {1 - known.pooled.hi, 1 - known.pooled.lo};
    default:
      return {-std::numeric_limits<double>::max(), std::numeric_limits<double>::max()};
  }
}

Range range_of(Side side, const LayerFacts& facts, const Known& known) {
  switch (side) {
    case Side::not_negative:
      return {0, std::numeric_limits<double>::max()};
    case Side::share:
    case Side::flag:
      return {0, 1};
    case Side::signed_share:
      return {-1, 1};
    case Side::up_to_two:
      return {0, 2};
    case Side::of_eight:
      return {std::sqrt(0.125), 1};
    case Side::experts:
      return {0, static_cast<double>(facts.topk)};
    default:
      return range_of_keys(side, known);
  }
}

// The checks of one layer.
class LayerChecks {
 public:
  LayerChecks(const Case& c, const Sample& sample, int number, const Layer& layer)
      : inspect_(c.inspect),
        sample_(sample),
        number_(number),
        layer_(layer),
        known_(known_of(layer)) {}

  void check() {
    for (size_t t = 0; t < layer_.theorems.size(); ++t) {
      const Theorem& theorem = checked_theorems()[t];
      for (size_t i = 0; i < layer_.theorems[t].size(); ++i) {
        of_quantity(theorem.quantities[i], layer_.theorems[t][i], path_of(number_, theorem.id, i));
      }
    }
    same_skips();
    if (inspect_.sound()) relations();
  }

 private:
  void miss(Check check, const std::string& path, const std::string& text) {
    inspect_.invalid(check, path, text);
  }

  void side(Side side, std::optional<double> found, bool holds, const std::string& path) {
    if (!found) return;
    if (is_constant(side)) {
      const double expected = constant_of(side, layer_.facts);
      if (same_number(*found, expected)) return;
      return miss(Check::case_sides, path, fmt::format("is {}, expected {}", *found, expected));
    }
    if (!holds) return;  // whatever breaks the theorem
    const Range range = range_of(side, layer_.facts, known_);
    const bool whole = side == Side::flag || side == Side::experts;
    const double slack = whole ? 0 : kOfRange;
    const bool inside = *found >= range.lo - slack * (1 + std::abs(range.lo)) &&
                        *found <= range.hi + slack * (1 + std::abs(range.hi));
    if (inside && (!whole || *found == std::floor(*found))) return;
    miss(Check::case_sides, path,
         fmt::format("is {}, expected {}{} to {}", *found, whole ? "a whole number from " : "",
                     range.lo, range.hi));
  }

  void allowance(const Allowance& rule, const Tightest& of, const std::string& path) {
    std::optional<double> expected;
    switch (rule.kind) {
      case Allowance::Kind::exactly:
        expected = rule.factor;
        break;
      case Allowance::Kind::times_bound:
        if (of.bound) expected = rule.factor * *of.bound;
        break;
      case Allowance::Kind::times_bound_and_one:
        if (of.bound) expected = rule.factor * (1 + *of.bound);
        break;
      default:
        return allowance_range(rule, of, path);
    }
    if (!expected || same_number(of.allowance, *expected)) return;
    miss(Check::case_sides, path, fmt::format("is {}, expected {}", of.allowance, *expected));
  }

  void allowance_range(const Allowance& rule, const Tightest& of, const std::string& path) {
    Range range{rule.factor, kUnbounded};
    if (rule.kind == Allowance::Kind::between) range.hi = rule.largest;
    if (rule.kind == Allowance::Kind::within_value) {
      const double largest =
          case_holds(Relation::at_most, of) ? rule.factor * *of.value : kUnbounded;
      range = {0, largest * (1 + kSameNumber)};
    }
    if (of.allowance >= range.lo && of.allowance <= range.hi) return;
    miss(Check::case_sides, path,
         fmt::format(
             "is {}, expected at least {}{}", of.allowance, range.lo,
             range.hi < kUnbounded ? fmt::format(" and at most {}", range.hi) : std::string()));
  }

  void of_quantity(const Quantity& quantity, const Cases& of, const std::string& path) {
    const bool never = quantity.relation == Relation::equal &&
                       quantity.allowance.kind == Allowance::Kind::exactly &&
                       quantity.allowance.factor == 0;
    if (never && of.shares > 0) {
      miss(Check::count_total, path + ".histogram",
           "holds cases, but without an allowance none has a share");
    }
    if (!of.tightest) return;
    const std::string below = path + ".tightest.";
    const bool holds = of.violated == 0;
    side(quantity.value, of.tightest->value, holds, below + "value");
    side(quantity.bound, of.tightest->bound, holds, below + "bound");
    allowance(quantity.allowance, *of.tightest, below + "allowance");
  }

  // Of each kind the first quantity says how many were skipped; zero keys come first.
  void same_skips() {
    std::map<Skips, int64_t> skipped;
    for (size_t t = 0; t < layer_.theorems.size(); ++t) {
      const Theorem& theorem = checked_theorems()[t];
      for (size_t i = 0; i < layer_.theorems[t].size(); ++i) {
        const Quantity& quantity = theorem.quantities[i];
        const Cases& of = layer_.theorems[t][i];
        const int64_t expected = skipped.try_emplace(quantity.skips, of.skipped).first->second;
        const bool alike = quantity.skips == Skips::stated || of.skipped == expected;
        if (alike && can_skip(quantity, of, skipped)) continue;
        miss(Check::count_total, path_of(number_, theorem.id, i) + ".skipped",
             fmt::format("is {}, which other quantities don't allow", of.skipped));
      }
    }
  }

  // A head or context of which everything is zero has only zero keys.
  bool can_skip(const Quantity& quantity, const Cases& of,
                const std::map<Skips, int64_t>& skipped) const {
    const auto by_others = [&](Skips skips) {
      const auto found = skipped.find(skips);
      return found == skipped.end() ? int64_t{0} : found->second;
    };
    const int64_t zero_keys = by_others(Skips::zero_keys);
    switch (quantity.skips) {
      case Skips::zero_or_centred:
        return of.skipped == zero_keys || of.skipped >= std::max(zero_keys, sample_.rows());
      case Skips::zero_blocks:
      case Skips::flat_keys:
        return of.skipped >= zero_keys;
      case Skips::zero_heads:
        return of.skipped * sample_.rows() <= zero_keys;
      case Skips::zero_contexts:
        return of.skipped * sample_.positions <= zero_keys;
      case Skips::stated:
        // RG-6 also leaves out what RG-5 does.
        return quantity.id != "RG-6" || quantity.name != "token" ||
               of.skipped >= by_others(Skips::same_set);
      default:
        return true;
    }
  }

  // The numbers of a case that holds and names both.
  const Tightest* held(const char* id, const char* name) const {
    const Cases* of = layer_.find(id, name);
    if (of == nullptr || of->violated > 0 || !of->tightest) return nullptr;
    return &*of->tightest;
  }

  void follows(const char* id, size_t quantity, const std::string& member, double found,
               double expected) {
    if (close_to(found, expected)) return;
    miss(Check::case_sides, path_of(number_, id, quantity) + '.' + member,
         fmt::format("is {}, other numbers give {}", found, expected));
  }

  void relations() {
    if (const Tightest* of = held("JF-5", "least_to_kept")) {
      const double cosine = std::sqrt(std::max(0.0, 1 - *of->value));
      follows("JF-5", 3, "tightest.bound", *of->bound, 2 * (1 - cosine));
    }
    if (const Tightest* of = held("JF-5", "kept_to_unbiased")) {
      const double cosine = 1 - *of->value / 2;
      follows("JF-5", 4, "tightest.bound", *of->bound, 1 / (cosine * cosine) - 1);
    }
    if (const Tightest* of = held("LH-3", "loss")) {
      follows("LH-3", 1, "tightest.bound", *of->bound, *of->value * (2 - *of->value));
    }
    const Tightest* balance = held("RG-2", "balance");
    const Tightest* overlap = held("RG-2", "overlap");
    if (balance != nullptr && overlap != nullptr) {
      follows("RG-2", 1, "tightest.bound", *overlap->bound, *balance->bound);
    }
    mirrored_cosines();
  }

  // Both quantities of JF-2 are of the same keys: one is tightest where the other has most room.
  void mirrored_cosines() {
    const Cases* least = layer_.find("JF-2", "least");
    const Cases* most = layer_.find("JF-2", "most");
    if (least == nullptr || most == nullptr) return;
    if (!least->all_counted() || !most->all_counted()) return;
    follows("JF-2", 1, "quantiles[0]", most->quantiles->front(),
            *least->tightest->bound / (1 + most->tightest->allowance));
    follows("JF-2", 0, "quantiles[0]", least->quantiles->front(),
            *least->tightest->value / (*most->tightest->value + least->tightest->allowance));
  }

  Inspector& inspect_;
  const Sample& sample_;
  int number_;
  const Layer& layer_;
  Known known_;
};

}  // namespace

void check_layer(const Case& c, const Sample& sample, int number, const Layer& layer) {
  LayerChecks(c, sample, number, layer).check();
}

}  // namespace rg::verify::slack
