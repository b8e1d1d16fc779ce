#include "verify/kv_outcome.h"

#include <algorithm>
#include <cmath>

namespace rg::verify::kv {

Outcome outcome_of(const std::optional<Interval>& gain) {
  if (!gain) return Outcome::inconclusive;
  if (-kMargin < gain->lo && gain->hi < kMargin) return Outcome::equivalent;
  if (gain->lo > 0) return Outcome::superior;
  if (gain->hi < 0) return Outcome::inferior;
  return Outcome::inconclusive;
}

Outcome mirrored(Outcome outcome) {
  if (outcome == Outcome::superior) return Outcome::inferior;
  if (outcome == Outcome::inferior) return Outcome::superior;
  return outcome;
}

std::string name_of(Outcome outcome) {
  constexpr const char* kNames[] = {"SUPERIOR", "EQUIVALENT", "INFERIOR", "INCONCLUSIVE"};
  return kNames[static_cast<size_t>(outcome)];
}

Verdict verdict_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::superior:
      return Verdict::superior;
    case Outcome::equivalent:
      return Verdict::equivalent;
    case Outcome::inferior:
      return Verdict::inferior;
    case Outcome::inconclusive:
      break;
  }
  return Verdict::inconclusive;
}

std::optional<double> distance(const Series& gain, Outcome outcome) {
  const std::optional<double> error = gain.error();
  if (!gain.estimate || !error || !(*error > 0)) return std::nullopt;
  const double a = *gain.estimate;
  const double superior = a / *error, inferior = -a / *error;
  const double equivalent = std::min((kMargin - a) / *error, (kMargin + a) / *error);
  double z = std::max({superior, inferior, equivalent});
  if (outcome == Outcome::superior) z = superior;
  if (outcome == Outcome::inferior) z = inferior;
  if (outcome == Outcome::equivalent) z = equivalent;
  return std::isfinite(z) ? std::optional(z) : std::nullopt;
}

double agreeing(const Series& gain, Outcome outcome) {
  const std::vector<double> values = gain.defined();
  if (values.empty()) return 1;
  const auto share = [&](const auto& agrees) {
    return static_cast<double>(std::count_if(values.begin(), values.end(), agrees)) /
           static_cast<double>(values.size());
  };
  const double superior = share([](double a) { return a > 0; });
  const double inferior = share([](double a) { return a < 0; });
  const double equivalent = share([](double a) { return std::abs(a) < kMargin; });
  if (outcome == Outcome::superior) return superior;
  if (outcome == Outcome::inferior) return inferior;
  if (outcome == Outcome::equivalent) return equivalent;
  return 1 - std::max({superior, inferior, equivalent});
}

void say_difference(Judgement& judgement, const char* name, const Series& difference,
                    Outcome outcome, const std::optional<Convergence>& replication) {
  if (difference.estimate) {
    Criterion criterion{.name = name,
                        .layer = -1,
                        .estimate = *difference.estimate,
                        .ci95 = difference.interval(),
                        .holds = outcome != Outcome::inconclusive,
                        .z = {}};
    if (replication) criterion.z = replication->z;
    judgement.criteria.push_back(criterion);
  }
  choose_effect(judgement);
  judgement.convergence = replication;
}

Place place_of(const std::optional<Interval>& mean, const Interval& published) {
  if (!mean) return Place::undecided;
  if (mean->hi < published.lo) return Place::below;
  if (mean->lo > published.hi) return Place::above;
  return published.lo <= mean->lo && mean->hi <= published.hi ? Place::within : Place::undecided;
}

std::string name_of(Place place) {
  constexpr const char* kNames[] = {"below", "within", "above", "undecided"};
  return kNames[static_cast<size_t>(place)];
}

}  // namespace rg::verify::kv
