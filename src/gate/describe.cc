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

std::string score_space(const GateSpec& spec) {
  return std::string(name(spec.score)) + (spec.selection_bias ? "+bias" : "");
}

}  // namespace rg::gate
