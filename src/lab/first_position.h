// One layer's mixer and gate at position 0, for any residual: the engine's own fp32 products, norms
// and gate, without a pass.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/json.h"
#include "lab/subject.h"
#include "tensor/dtype.h"

namespace rg::lab {

// The keys that a token at position 0 leaves in a bf16 cache, and its experts.
struct FirstPositionRoute {
  std::vector<bf16_t> keys;   // (kv_heads key_width), after QK-norm and RoPE
  std::vector<uint32_t> set;  // ascending
  float margin;               // of the gate; NaN where undefined
};

class FirstPositionLayer {
 public:
  // Of a layer with softmax attention and a gate. ST021, ST030; errors of reading.
  FirstPositionLayer(const Subject& subject, int layer);
  ~FirstPositionLayer();

  // residual (D): what enters the layer. Each is a sequence of its own. On the calling thread.
  FirstPositionRoute route(std::span<const float> residual) const;

  // [{name, dtype, shape, shard, sha256}] of every tensor that was read, by name.
  const Json& tensors() const { return tensors_; }

 private:
  struct Prepared;
  std::unique_ptr<Prepared> prepared_;
  Json tensors_;
};

}  // namespace rg::lab
