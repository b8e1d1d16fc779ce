// What kv_distortion found of every layer, as members of its artifact (docs/artifacts.md, 17.1).
#pragma once

#include <array>

#include "experiments/common.h"
#include "experiments/kv_distortion_observer.h"

namespace rg::experiments {

inline constexpr std::array<const char*, keys::kBounds> kBoundNames = {"B1", "B2", "B3",
                                                                       "B4", "B5", "B6"};
// A sum of a record, by its name in the artifact.
struct KvSumMember {
  const char* name;
  double keys::DistortionSums::*of;
};
inline constexpr KvSumMember kSumMembers[] = {
    {"error", &keys::DistortionSums::error},
    {"forecast", &keys::DistortionSums::forecast},
    {"product", &keys::DistortionSums::product},
    {"forecast_squares", &keys::DistortionSums::forecast_squares},
    {"variation", &keys::DistortionSums::variation},
    {"divergence", &keys::DistortionSums::divergence},
    {"score_squares", &keys::DistortionSums::score_squares},
    {"isotropic_squares", &keys::DistortionSums::isotropic_squares}};

// {B1, .., B6}, each what `value` says of its index.
template <typename Value>
Json by_bound(const Value& value) {
  Json out = Json::object();
  for (size_t b = 0; b < keys::kBounds; ++b) out[kBoundNames[b]] = value(b);
  return out;
}

Json kv_distortion_heads_json(const KvDistortionLayer& layer, const std::vector<KvCode>& codes,
                              Nulls& nulls);
Json kv_distortion_windows_json(const KvDistortionLayer& layer);  // per_window.attention.L

}  // namespace rg::experiments
