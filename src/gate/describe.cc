#include <fmt/format.h>

#include <type_traits>

#include "gate/gate.h"

namespace rg::gate {

std::string_view name(Score score) noexcept {
  switch (score) {
    case Score::softmax:
      return "softmax";
    case Score::sigmoid:
      return "sigmoid";
    case Score::logits:
      return "logits";
  }
  return "?";
}

std::string_view name(GroupScore score) noexcept {
  switch (score) {
    case GroupScore::none:
      return "none";
    case GroupScore::max:
      return "max";
    case GroupScore::top2_sum:
      return "top2_sum";
  }
  return "?";
}

std::string_view name(Weigh weigh) noexcept {
  switch (weigh) {
    case Weigh::scores:
      return "scores";
    case Weigh::selected_softmax:
      return "selected_softmax";
    case Weigh::selected_sigmoid:
      return "selected_sigmoid";
    case Weigh::sparsemixer:
      return "sparsemixer";
  }
  return "?";
}

std::string_view name(Normalise normalise) noexcept {
  switch (normalise) {
    case Normalise::no:
      return "no";
    case Normalise::by_sum:
      return "by_sum";
    case Normalise::by_sum_plus_epsilon:
      return "by_sum_plus_epsilon";
    case Normalise::by_max_of_sum_and_epsilon:
      return "by_max_of_sum_and_epsilon";
  }
  return "?";
}

std::vector<FieldFact> facts(const GateSpec& spec) {
  std::vector<FieldFact> all;
  const auto add = [&](const char* field, const auto& stated) {
    using T = std::decay_t<decltype(stated.value)>;
    std::string value;
    if constexpr (std::is_same_v<T, bool>) {
      value = stated.value ? "yes" : "no";
    } else if constexpr (std::is_enum_v<T>) {
      value = name(stated.value);
    } else {
      value = fmt::format("{}", stated.value);
    }
    all.push_back({field, std::move(value), stated.source});
  };
  add("experts", spec.experts);
  add("top_k", spec.top_k);
  add("logit_bias", spec.logit_bias);
  add("score", spec.score);
  add("selection_bias", spec.selection_bias);
  add("groups", spec.groups);
  add("groups_kept", spec.groups_kept);
  add("group_score", spec.group_score);
  add("weigh", spec.weigh);
  add("normalise", spec.normalise);
  add("epsilon", spec.epsilon);
  add("scaling", spec.scaling);
  add("per_expert_scale", spec.per_expert_scale);
  add("ids_from_table", spec.ids_from_table);
  add("shared_experts", spec.shared_experts);
  return all;
}

std::string score_space(const GateSpec& spec) {
  return std::string(name(spec.score)) + (spec.selection_bias ? "+bias" : "");
}

}  // namespace rg::gate
