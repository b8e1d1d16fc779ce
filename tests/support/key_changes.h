// Small changes of keys and values for tests of passes that have some.
#pragma once

#include <algorithm>
#include <functional>
#include <span>
#include <utility>

#include "model/blocks/block.h"

namespace rg::test {

class EditHeads : public model::KeyChange {
 public:
  using Edit = std::function<void(const model::ChangedHead&)>;
  explicit EditHeads(Edit edit) : edit_(std::move(edit)) {}
  void change(const model::ChangedHead& head) noexcept override { edit_(head); }

 private:
  Edit edit_;
};

// What stands for a head's keys, and for its values, at any step. With the latent both are made of
// the same rows.
inline const model::ChangedRows& keys_of(const model::ChangedHead& head) {
  return head.step == model::KeyStep::latent ? head.latent : head.keys;
}
inline const model::ChangedRows& values_of(const model::ChangedHead& head) {
  return head.step == model::KeyStep::latent ? head.latent : head.values;
}

// Every value of the rows becomes f(value).
template <typename F>
void edit_rows(const model::ChangedHead& head, const model::ChangedRows& rows, const F& f) {
  for (uint32_t t = 0; t < head.positions; ++t) {
    const std::span<float> row = rows.at(t);
    std::transform(row.begin(), row.end(), row.begin(), f);
  }
}

// Every position gets the row of position 0.
inline void repeat_first(const model::ChangedHead& head, const model::ChangedRows& rows) {
  for (uint32_t t = 1; t < head.positions; ++t) {
    const std::span<const float> first = rows.at(0);
    std::copy(first.begin(), first.end(), rows.at(t).begin());
  }
}

}  // namespace rg::test
