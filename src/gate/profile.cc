#include "gate/profile.h"

#include <array>
#include <charconv>

#include "base/json.h"

namespace rg::gate {
namespace {

// The double that prints as the float's shortest text: 1e-20, not 9.999999682655225e-21.
double as_written(float value) {
  std::array<char, 32> text;
  const char* end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double written = 0;
  std::from_chars(text.data(), end, written);
  return written;
}

}  // namespace

Json gate_profile(const GateSpec& spec) {
  Json profile = {
      {"profile", "routegauge-gate"},
      {"version", kProfileVersion},
      {"experts", spec.experts.value},
      {"topk", spec.top_k.value},
      {"logit_bias", spec.logit_bias.value},
      {"score", name(spec.score)},
      {"score_space", score_space(spec)},
      {"scores_dtype", "fp32"},
      {"selection_bias", spec.selection_bias.value},
      {"groups", spec.groups.value},
      {"groups_kept", spec.groups_kept.value},
      {"group_score", name(spec.group_score)},
      {"group_mask", spec.groups > 1 ? Json("-inf") : Json(nullptr)},
      {"weights", name(spec.weigh)},
      {"normalise", name(spec.normalise)},
      {"epsilon", as_written(spec.epsilon)},
      {"scaling", as_written(spec.scaling)},
      {"shared_experts", spec.shared_experts.value},
      {"shared_experts_eligible", false},
      {"tie_rule", "lower index"},
      {"nan_rule", "last"},
  };
  // Only where there is one: the other gates' profiles are those of 0.1.0.
  if (spec.per_expert_scale) profile["per_expert_scale"] = true;
  if (spec.ids_from_table) profile["ids_from_table"] = true;
  return profile;
}

}  // namespace rg::gate
