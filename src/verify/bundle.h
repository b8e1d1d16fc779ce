// Artifacts that hold whole artifacts: each part is judged as a file of its own would be, digest
// included, and what is found in it counts as found in the bundle.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "verify/tests.h"

namespace rg::verify {

struct Part {
  At at;
  Judgement judgement;
};

// bundle_parts unless the part is an artifact of this test. Its defects, warnings and notes are
// added to the bundle's with the path of the part.
Part judge_part(const Case& c, const At& at, std::string_view test);

// Of the parts' verdicts: INSUFFICIENT if one is, else DEGENERATE if one is, else what `rule` says.
using BundleRule = std::function<Verdict(std::span<const Verdict>)>;
Verdict bundle_verdict(const BundleRule& rule, std::span<const Verdict> parts);

// Verdict, windows, criteria, effect, stability and convergence of a bundle: the verdict by
// `rule`, the windows of the part that has fewest, the probability of the part that is least sure
// of its verdict, effect and convergence of the part whose z is smallest.
Verdict conclude_bundle(const Case& c, std::span<const Part> parts, const BundleRule& rule);

// The first part without a z, else the one with the smallest. A part judged by the published rule
// states none.
const Part& least_certain(std::span<const Part* const> parts);
// summary.convergence, from what the parts that decide state of theirs.
void claim_bundled_convergence(std::span<const Part* const> deciding, Claims& claims);
// A mean change and its interval as the part states them; none where it has none.
struct StatedEffect {
  std::optional<double> delta;
  std::optional<Interval> ci95;
};
StatedEffect stated_effect(const Part& part, const At& block, std::string_view delta);
// Of claims that a change is below zero: the weaker one is undefined, or else larger.
bool is_weaker(const StatedEffect& effect, const StatedEffect& than);

// The artifact's model, by the hashes of all its tensors; none if it lists no tensors.
std::optional<std::string> weights_of(const At& artifact);

}  // namespace rg::verify
