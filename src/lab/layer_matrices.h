// The stored matrices that certificates of one layer are about, read from the checkpoint, with the
// SHA-256 of every tensor that was read. No product is computed.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "certificates/question.h"
#include "lab/key_question.h"
#include "lab/subject.h"

namespace rg::lab {

class LayerMatrices {
 public:
  // Of a covered layer; with W_V and W_O where attention at position 0 sees values. ST021, ST030;
  // errors of reading.
  LayerMatrices(const Subject& subject, const KeyQuestion& question);

  // Points into this object.
  certificates::Question question() const;
  // [{role, name, dtype, shape, shard, sha256}] in the order of reading. Roles: keys, key_norm,
  // router, router_norm, values, output; a tensor of scales has the role of what it scales.
  const Json& tensors() const { return tensors_; }

 private:
  struct Matrix {
    std::vector<float> values = {};  // (rows, columns)
    uint32_t rows = 0, columns = 0;
    certificates::StoredMatrix with(const std::vector<float>& gains) const {
      return {.values = values, .rows = rows, .columns = columns, .gains = gains};
    }
  };
  class Reader;

  uint32_t top_k_, heads_ = 0, kv_heads_ = 0;
  double epsilon_;
  bool values_seen_;
  Matrix keys_, router_, values_, output_;
  std::vector<float> key_gains_, router_gains_, output_gains_;
  Json tensors_ = Json::array();
};

}  // namespace rg::lab
