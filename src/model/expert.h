// One expert, and the experts of a group. Tensors that hold all experts, one after another, are
// described by their first expert: a config may state a thousand experts in each of a thousand
// layers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/weight.h"

namespace rg::model {

// Gate and up projections apart, or in one weight whose rows are gate's, then up's; without a gate
// projection `up` alone. With a LatentProjection (layer.h) d is the latent width.
struct Expert {
  Weight gate = {}, up = {};  // (I, d) each
  Weight gate_up = {};        // (2I, d)
  Weight down;                // (d, I)
  Weight gate_bias = {}, up_bias = {}, gate_up_bias = {}, down_bias = {};
};

class ExpertList {
 public:
  ExpertList() = default;
  ExpertList(std::vector<Expert> experts) : stored_(std::move(experts)) {}  // NOLINT: a list is one
  // `count` experts whose tensors each hold all of them in equal parts; `first` is the first one.
  static ExpertList of_equal_parts(const Expert& first, uint32_t count);

  size_t size() const { return parts_ != 0 ? parts_ : stored_.size(); }
  Expert operator[](size_t index) const;
  void push_back(Expert expert) { apart().push_back(std::move(expert)); }
  // All of them one by one, to be changed.
  std::vector<Expert>& apart();

  class Iterator {
   public:
    Iterator(const ExpertList& list, size_t index) : list_(list), index_(index) {}
    Expert operator*() const { return list_[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return index_ != other.index_; }

   private:
    const ExpertList& list_;
    size_t index_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

 private:
  std::vector<Expert> stored_;
  uint32_t parts_ = 0;  // not 0: stored_ is the first of so many
};

}  // namespace rg::model
