// Where estimates of artifacts on keys lie: a difference against 0 and a margin of equivalence, a
// mean against a published range, and how sure that is (docs/artifacts.md 16.2, 20.2).
#pragma once

#include <optional>
#include <string>

#include "verify/analysis.h"
#include "verify/kv_series.h"

namespace rg::verify::kv {

inline constexpr double kMargin = 0.01;  // of equivalence, in cosines and overlaps

enum class Outcome { superior, equivalent, inferior, inconclusive };
Outcome outcome_of(const std::optional<Interval>& gain);
// What an outcome of a gain is called where the same number is a loss, and the other way.
Outcome mirrored(Outcome outcome);
std::string name_of(Outcome outcome);  // "SUPERIOR"
Verdict verdict_of(Outcome outcome);

// Distance from the outcome's thresholds in standard errors; none without an error.
std::optional<double> distance(const Series& gain, Outcome outcome);
// The share of the defined replicates that agree with an outcome, 1 without any; with INCONCLUSIVE
// what no other outcome has.
double agreeing(const Series& gain, Outcome outcome);
// What a judgement says of the difference that its verdict follows: criterion, effect, replication.
void say_difference(Judgement& judgement, const char* name, const Series& difference,
                    Outcome outcome, const std::optional<Convergence>& replication);

// Of a mean against a published range, ends included.
enum class Place { below, within, above, undecided };
Place place_of(const std::optional<Interval>& mean, const Interval& published);
std::string name_of(Place place);

}  // namespace rg::verify::kv
