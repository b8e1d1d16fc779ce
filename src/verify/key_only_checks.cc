// What must hold between the numbers of key_only_router: rows, cases and chosen experts are counted
// in several ways.
#include <fmt/format.h>

#include <algorithm>

#include "verify/key_only_router.h"
#include "verify/kv_copies.h"

namespace rg::verify::key_only {
namespace {

class LayerChecks {
 public:
  LayerChecks(const Case& c, const Record& record, int number, const Layer& layer)
      : inspect_(c.inspect),
        header_(c.header),
        record_(record),
        layer_(layer),
        key_(std::to_string(number)),
        topk_(static_cast<int64_t>(c.header.topk)) {}

  void check() {
    const Truth& truth = layer_.truth;
    chosen("fitted_chosen", truth.fitted_chosen, record_.rows.fitted);
    chosen("test_chosen", truth.test_chosen, record_.rows.tests);
    const int64_t rows = sum_of(truth.margin_rows);
    if (rows != record_.rows.tests) {
      inspect_.invalid(Check::count_total, "truth." + key_ + ".margin_rows",
                       fmt::format("adds up to {}, of {} test rows", rows, record_.rows.tests));
    }
    for (size_t i = 0; i < layer_.predictors.size(); ++i) {
      if (!layer_.predictors[i].refused) entry(i);
    }
    best_set();
    masses();
    ceiling();
  }

 private:
  size_t units() const { return record_.rows.of_unit.size(); }
  int64_t rows(size_t unit) const { return record_.rows.of_unit[unit]; }
  // Experts that a prefetcher with this budget fetches.
  int64_t fetched(size_t budget) const {
    return std::min<int64_t>(header_.experts, topk_ << budget);
  }
  std::string path_of(size_t index, const std::string& member) const {
    return fmt::format("predictors.{}[{}].{}", key_, index, member);
  }
  void miss(Check check, size_t index, const std::string& member, const std::string& what) {
    inspect_.invalid(check, path_of(index, member), what);
  }

  void chosen(const char* member, const std::vector<int64_t>& counts, int64_t rows) {
    const std::string path = fmt::format("truth.{}.{}", key_, member);
    if (sum_of(counts) != topk_ * rows) {
      inspect_.invalid(Check::count_total, path,
                       fmt::format("adds up to {}, {} rows choose {} experts each", sum_of(counts),
                                   rows, topk_));
    }
    if (std::any_of(counts.begin(), counts.end(), [&](int64_t n) { return n > rows; })) {
      inspect_.invalid(Check::count_total, path,
                       fmt::format("has an expert chosen more often than {} rows", rows));
    }
  }

  void entry(size_t index) {
    const Entry& of = layer_.predictors[index];
    if (of.width != layer_.architecture.width_of(of.feature)) {
      miss(Check::value_range, index, "width",
           fmt::format("is {}, the layer has {} such features", of.width,
                       layer_.architecture.width_of(of.feature)));
    }
    if (of.choosing_common > topk_ * record_.rows.choosing) {
      miss(Check::count_total, index, "choosing_common", "is more than all cases that choose");
    }
    for (size_t u = 0; u < units(); ++u) {
      if (!sets_fit(index, u) || !hits_fit(index, u)) break;
    }
    const int64_t common = sum_of(of.common);
    if (sum_of(of.margin_common) != common) {
      miss(Check::count_total, index, "margin_common",
           fmt::format("adds up to {}, units to {}", sum_of(of.margin_common), common));
    }
    for (size_t i = 0; i < kMargins; ++i) {
      if (of.margin_common[i] <= topk_ * layer_.truth.margin_rows[i]) continue;
      miss(Check::count_total, index, fmt::format("margin_common[{}]", i),
           "is more than all cases of this margin");
      break;
    }
  }

  bool sets_fit(size_t index, size_t u) {
    const Entry& of = layer_.predictors[index];
    const int64_t common = of.common[u], exact = of.exact[u], top1 = of.top1[u];
    const char* member = nullptr;
    if (common > topk_ * rows(u)) {
      member = "common";
    } else if (exact > rows(u) || topk_ * exact > common ||
               common - topk_ * exact > (topk_ - 1) * (rows(u) - exact)) {
      member = "exact";
    } else if (top1 > common || top1 > rows(u)) {
      member = "top1";
    }
    if (member == nullptr) return true;
    miss(Check::count_total, index, fmt::format("{}[{}]", member, u),
         fmt::format("is none that {} rows can have: {} cases, {} sets, {} first experts", rows(u),
                     common, exact, top1));
    return false;
  }

  bool hits_fit(size_t index, size_t u) {
    const Entry& of = layer_.predictors[index];
    const int64_t all = topk_ * rows(u);
    int64_t least = 0;
    for (size_t b = 0; b < kBudgets; ++b) {
      const int64_t hits = of.hits[b][u];
      const bool whole = fetched(b) == static_cast<int64_t>(header_.experts);
      const bool is_common = b == 0 && (index == 0 || header_.groups == 1);
      if (least <= hits && hits <= all && (!whole || hits == all) &&
          (!is_common || hits == of.common[u])) {
        least = hits;
        continue;
      }
      miss(Check::count_total, index, fmt::format("hits[{}][{}]", b, u),
           fmt::format("is {}, of {} cases of which {} are found with fewer experts", hits, all,
                       least));
      return false;
    }
    return true;
  }

  // What the experts chosen most often find.
  void best_set() {
    const Entry& first = layer_.predictors.front();
    const std::vector<int64_t>& chosen = layer_.truth.test_chosen;
    const std::vector<size_t> order = by_count(layer_.truth.fitted_chosen);
    const auto found = [&](int64_t experts) {
      int64_t sum = 0;
      for (size_t i = 0; i < static_cast<size_t>(experts); ++i) sum += chosen[order[i]];
      return sum;
    };
    const auto expect = [&](const std::string& member, const std::vector<int64_t>& counts,
                            int64_t expected) {
      if (sum_of(counts) == expected) return;
      miss(Check::count_total, 0, member,
           fmt::format("adds up to {}, test_chosen gives {}", sum_of(counts), expected));
    };
    expect("common", first.common, found(topk_));
    for (size_t b = 0; b < kBudgets; ++b) {
      expect(fmt::format("hits[{}]", b), first.hits[b], found(fetched(b)));
    }
    for (size_t u = 0; u < units(); ++u) {
      if (*first.error[u] == *layer_.truth.energy[u]) continue;
      miss(Check::share_total, 0, fmt::format("error[{}]", u), "is not the energy of its unit");
      break;
    }
  }

  void masses() {
    const bool defined = layer_.predictors.front().mass.has_value();
    for (size_t i = 0; i < layer_.predictors.size(); ++i) {
      const Entry& of = layer_.predictors[i];
      if (of.refused) continue;
      if (of.mass.has_value() != defined) {
        miss(Check::null_pattern, i, "mass", "is null here and not elsewhere, or the other way");
        return;
      }
      for (size_t u = 0; defined && u < units(); ++u) {
        const double mass = *(*of.mass)[u];
        if (static_cast<double>(of.exact[u]) <= mass && mass <= static_cast<double>(rows(u))) {
          continue;
        }
        miss(Check::share_total, i, fmt::format("mass[{}]", u),
             fmt::format("is {}, of {} rows with {} whole sets", mass, rows(u), of.exact[u]));
        break;
      }
    }
  }

  void ceiling() {
    if (!layer_.ceiling) return;
    for (size_t u = 0; u < units(); ++u) {
      const double lower = *layer_.ceiling->lower[u], upper = *layer_.ceiling->upper[u];
      if (lower <= upper && upper <= static_cast<double>(rows(u))) continue;
      inspect_.invalid(Check::share_total, fmt::format("ceiling.{}.upper[{}]", key_, u),
                       fmt::format("is {}, from {} on, of {} rows", upper, lower, rows(u)));
      return;
    }
  }

  Inspector& inspect_;
  const Header& header_;
  const Record& record_;
  const Layer& layer_;
  std::string key_;
  int64_t topk_;
};

}  // namespace

void check_layer(const Case& c, const Record& record, int number, const Layer& layer) {
  LayerChecks(c, record, number, layer).check();
}

void warn_copies(const Case& c, const Record& record) {
  kv::Copies copies(c.inspect, record.rows.of_unit.size(), {"unit", "layers"});
  for (const auto& [number, layer] : record.layers) {
    copies.visit("truth." + std::to_string(number), "energy", layer.truth.energy);
    const std::string path = "predictors." + std::to_string(number);
    for (size_t i = 1; i < layer.predictors.size(); ++i) {
      if (layer.predictors[i].refused) continue;
      copies.visit(path, fmt::format("[{}].error", i), layer.predictors[i].error);
    }
  }
  copies.report_parts();
}

}  // namespace rg::verify::key_only
