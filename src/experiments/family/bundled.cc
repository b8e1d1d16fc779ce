#include "experiments/family/bundled.h"

#include <algorithm>

namespace rg::experiments {
namespace {

const Json& convergence_of(const Json& artifact) {
  return artifact.at("summary").at("convergence");
}

// The largest; null where one artifact has none.
Json latest_settled(std::span<const Json* const> artifacts) {
  size_t latest = 0;
  for (const Json* const artifact : artifacts) {
    const Json& settled_at = convergence_of(*artifact).at("settled_at");
    if (settled_at.is_null()) return nullptr;
    latest = std::max(latest, settled_at.get<size_t>());
  }
  return latest;
}

}  // namespace

std::string bundled_verdict(const Json& artifact) {
  if (artifact.at("data").at("n_windows").get<uint32_t>() < kWindowsRequired) return "INSUFFICIENT";
  return artifact.at("summary").at("convergence").at("verdict").get<std::string>();
}

size_t least_certain(std::span<const Json* const> artifacts) {
  size_t least = 0;
  for (size_t i = 0; i < artifacts.size(); ++i) {
    const Json& z = convergence_of(*artifacts[i]).at("z");
    if (z.is_null()) return i;
    if (z.get<double>() < convergence_of(*artifacts[least]).at("z").get<double>()) least = i;
  }
  return least;
}

Json bundled_convergence(std::span<const Json* const> deciding, Nulls& nulls) {
  const Json& least = convergence_of(*deciding[least_certain(deciding)]);
  const auto optional = [&](const Json& value) {
    return value.is_null()
               ? nulls.null("summary.convergence", "a part has none, or it is not reached")
               : value;
  };
  return {{"settled_at", optional(latest_settled(deciding))},
          {"settled", std::all_of(deciding.begin(), deciding.end(),
                                  [](const Json* artifact) {
                                    return convergence_of(*artifact).at("settled").get<bool>();
                                  })},
          {"z", optional(least.at("z"))},
          {"replication", optional(least.at("replication"))},
          {"n_for_90", optional(least.at("n_for_90"))}};
}

bool is_weaker(const Json& change, const Json& than) {
  if (than.is_null()) return false;
  return change.is_null() || change.get<double>() > than.get<double>();
}

Json bundled_effect(const Json& value, Nulls& nulls) {
  return value.is_null() ? nulls.null("summary.effect", "undefined in the part") : value;
}

}  // namespace rg::experiments
