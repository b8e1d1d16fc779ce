// The theorems that say nothing about what a pass shows, each with the reason.
#include <array>

#include "slack/check.h"

namespace rg::slack {
namespace {

constexpr std::string_view kMatrices = "about matrices, whatever the keys are";
constexpr std::string_view kLaw = "about a law that keys are drawn from, which real ones have not";
constexpr std::string_view kOutputMatrix = "needs the output matrix, which a pass doesn't show";
constexpr std::string_view kKeyMatrix =
    "needs the matrix that makes the keys, which a pass doesn't show";
constexpr std::string_view kRandomSets = "about random sets, not about a gate's";

constexpr std::array kWithout{
    NoCheck{"GI-2", kMatrices},
    NoCheck{"GI-5", kOutputMatrix},
    NoCheck{"MR-2", kLaw},
    NoCheck{"MR-3", kLaw},
    NoCheck{"MR-4", kLaw},
    NoCheck{"MR-5", "about the mean over all rotations, which draws only estimate"},
    NoCheck{"MR-6", "needs channels that are equally distributed up to scale"},
    NoCheck{"IF-1", "about the mean over all rotations, which draws only estimate"},
    NoCheck{"IF-2", kLaw},
    NoCheck{"IF-3", "about the worst of all keys, not of a sample"},
    NoCheck{"IF-4", kLaw},
    NoCheck{"IF-5", kLaw},
    NoCheck{"IF-7", kLaw},
    NoCheck{"DC-3", "a counterexample of its own keys"},
    NoCheck{"DC-4", kLaw},
    NoCheck{"LH-2", "about keys on the sign lattice, where real ones aren't"},
    NoCheck{"LH-4", "about the end of a search; kv_gauge states it of its gauges"},
    NoCheck{"LH-5", kLaw},
    NoCheck{"RR-5", "about white residuals; kv_gauge states bits and edge"},
    NoCheck{"RC-3", "about the dimension of a group; its planes are those of RC-1 and RC-2"},
    NoCheck{"RC-5", "needs the gains of QK-norm, which a pass doesn't show"},
    NoCheck{"RC-6", "about independent uniform phases, which positions don't give"},
    NoCheck{"MH-1", kOutputMatrix},
    NoCheck{"MH-2", "a counterexample of its own rotations"},
    NoCheck{"MH-3", kMatrices},
    NoCheck{"MH-4", "about the best of all rotations, which a search only approaches"},
    NoCheck{"KR-2", kKeyMatrix},
    NoCheck{"KR-3", kKeyMatrix},
    NoCheck{"KR-4", kKeyMatrix},
    NoCheck{"KR-5", kKeyMatrix},
    NoCheck{"KR-6", kKeyMatrix},
    NoCheck{"KR-7", "about prompts made to collide"},
    NoCheck{"KR-8", "needs a surrogate that is exact"},
    NoCheck{"KR-10", kKeyMatrix},
    NoCheck{"RG-1", kRandomSets},
    NoCheck{"RG-3", kRandomSets},
    NoCheck{"RG-4", "about randomly placed masses"},
    NoCheck{"RG-8", "about an exact tie, which no token has"},
    NoCheck{"RG-12", "about rank correlations of a family's edges"},
    NoCheck{"GS-3", "about the best of all rotations, which a search only approaches"},
    NoCheck{"GS-4", "a bound that holds with a probability"}};

}  // namespace

std::span<const NoCheck> theorems_without_slack() { return kWithout; }

}  // namespace rg::slack
