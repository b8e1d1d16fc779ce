#include "verify/theorem_slack_summary.h"

#include <algorithm>

namespace rg::verify::slack {
namespace {

// Over the quantities of one theorem, at one layer or at several.
struct TheoremSums {
  int64_t layers = 0;
  Cases sums;  // without quantiles and tightest case
  std::optional<Place> largest;
};

void add_layer(const Theorem& theorem, const std::vector<Cases>& quantities, int number,
               TheoremSums& to) {
  if (quantities.empty()) return;
  ++to.layers;
  for (size_t i = 0; i < quantities.size(); ++i) {
    const Cases& of = quantities[i];
    to.sums.cases += of.cases;
    to.sums.skipped += of.skipped;
    to.sums.violated += of.violated;
    to.sums.without_share += of.without_share;
    for (size_t b = 0; b < kBins; ++b) to.sums.histogram[b] += of.histogram[b];
    if (!of.quantiles) continue;
    const double used = of.quantiles->back();
    if (to.largest && used <= to.largest->used) continue;
    to.largest =
        Place{used, number, std::string(theorem.id), std::string(theorem.quantities[i].name)};
  }
}

TheoremSums sums_of(const Record& record, size_t theorem, const std::vector<int>& layers) {
  TheoremSums sums;
  for (const int number : layers) {
    add_layer(checked_theorems()[theorem], record.layers.at(number).theorems[theorem], number,
              sums);
  }
  return sums;
}

std::vector<int> all_layers(const Record& record) {
  std::vector<int> layers;
  for (const auto& [number, layer] : record.layers) layers.push_back(number);
  return layers;
}

void claim_ids(Claims& claims, Claims::Path path, const std::vector<std::string>& ids) {
  path.emplace_back();
  for (size_t i = 0; i < ids.size(); ++i) {
    path.back() = std::to_string(i);
    claims.text(path, ids[i]);
  }
  path.back() = std::to_string(ids.size());
  claims.absent(path);
}

void claim_theorem(Claims& claims, const Claims::Path& at, const TheoremSums& of) {
  const auto below = [&](std::initializer_list<std::string> keys) {
    Claims::Path path = at;
    path.insert(path.end(), keys.begin(), keys.end());
    return path;
  };
  claims.count(below({"layers"}), of.layers);
  claims.count(below({"cases"}), of.sums.cases);
  claims.count(below({"skipped"}), of.sums.skipped);
  claims.count(below({"violated"}), of.sums.violated);
  claims.count(below({"without_share"}), of.sums.without_share);
  for (size_t b = 0; b < kBins; ++b) {
    claims.count(below({"histogram", std::to_string(b)}), of.sums.histogram[b]);
  }
  claims.absent(below({"histogram", std::to_string(kBins)}));
  if (!of.largest) {
    claims.mean(below({"largest_used"}), std::nullopt);
    claims.text(below({"tightest"}), std::nullopt);
    return;
  }
  claims.mean(below({"largest_used"}), of.largest->used);
  claims.count(below({"tightest", "layer"}), of.largest->layer);
  claims.text(below({"tightest", "name"}), of.largest->name);
}

}  // namespace

Verdict Outcome::verdict() const {
  if (violated > 0) return Verdict::broken;
  return cases == 0 ? Verdict::degenerate : Verdict::holds;
}

Outcome outcome_of(const Record& record, const std::vector<int>& layers) {
  Outcome outcome;
  for (size_t t = 0; t < checked_theorems().size(); ++t) {
    const Theorem& theorem = checked_theorems()[t];
    const TheoremSums all = sums_of(record, t, layers);
    if (all.sums.cases > 0) ++outcome.theorems;
    outcome.cases += all.sums.cases;
    outcome.violated += all.sums.violated;
    if (all.sums.violated > 0) outcome.broken.emplace_back(theorem.id);
    for (const int number : layers) {
      const std::vector<Cases>& quantities = record.layers.at(number).theorems[t];
      for (size_t i = 0; i < quantities.size(); ++i) {
        const Cases& of = quantities[i];
        if (theorem.quantities[i].relation != Relation::at_most || !of.quantiles) continue;
        const double used = of.quantiles->back();
        if (outcome.closest && used <= outcome.closest->used) continue;
        outcome.closest =
            Place{used, number, std::string(theorem.id), std::string(theorem.quantities[i].name)};
      }
    }
  }
  return outcome;
}

void claim_summary(const Record& record, Claims& claims) {
  const std::vector<int> layers = all_layers(record);
  for (size_t t = 0; t < checked_theorems().size(); ++t) {
    claim_theorem(claims, {"summary", "per_theorem", std::string(checked_theorems()[t].id)},
                  sums_of(record, t, layers));
  }
  for (const int number : layers) {
    const Outcome of = outcome_of(record, {number});
    const std::vector<std::vector<Cases>>& theorems = record.layers.at(number).theorems;
    const auto members = std::count_if(theorems.begin(), theorems.end(),
                                       [](const auto& cases) { return !cases.empty(); });
    const Claims::Path at = {"summary", "per_layer", std::to_string(number)};
    claims.count({at[0], at[1], at[2], "theorems"}, members);
    claims.count({at[0], at[1], at[2], "cases"}, of.cases);
    claims.count({at[0], at[1], at[2], "violated"}, of.violated);
    claim_ids(claims, {at[0], at[1], at[2], "broken"}, of.broken);
  }
  const Outcome model = outcome_of(record, layers);
  claims.text({"summary", "verdict", "outcome"}, std::string(verdict_name(model.verdict())));
  claims.count({"summary", "verdict", "theorems"}, model.theorems);
  claims.count({"summary", "verdict", "cases"}, model.cases);
  claims.count({"summary", "verdict", "violated"}, model.violated);
  claim_ids(claims, {"summary", "verdict", "broken"}, model.broken);
}

}  // namespace rg::verify::slack
