#include "model/expert.h"

#include <utility>

namespace rg::model {

ExpertList ExpertList::of_equal_parts(const Expert& first, uint32_t count) {
  ExpertList list({first});
  list.parts_ = count;
  return list;
}

Expert ExpertList::operator[](size_t index) const {
  if (parts_ == 0) return stored_[index];
  Expert expert = stored_.front();
  for (Weight* weight : {&expert.gate, &expert.up, &expert.gate_up, &expert.down, &expert.gate_bias,
                         &expert.up_bias, &expert.gate_up_bias, &expert.down_bias}) {
    if (!*weight) continue;
    weight->first_byte += index * (weight->values->size_bytes / parts_);
    if (weight->scales.tensor == nullptr) continue;
    weight->scales.first_byte += index * (weight->scales.tensor->size_bytes / parts_);
  }
  return expert;
}

std::vector<Expert>& ExpertList::apart() {
  if (parts_ != 0) {
    std::vector<Expert> all;
    for (Expert expert : *this) all.push_back(std::move(expert));
    *this = std::move(all);
  }
  return stored_;
}

}  // namespace rg::model
