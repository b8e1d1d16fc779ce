// Gates of other checkpoints, evaluated on this pass's own gate inputs: what an edge between two
// checkpoints is judged by. Of the other checkpoint only these gates are read.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "stream/pass.h"
#include "stream/tensor_reader.h"

namespace rg::stream {

// RT008 with both values unless the gates of both have the same layers, width and rule.
void require_same_gates(const model::Model& model, const OtherModel& other);

// Reads them layer by layer, on the read-ahead thread.
class OtherGates {
 public:
  explicit OtherGates(std::span<const OtherModel> models);

  // Of a layer with a gate, one per model. ST030 for values that are not finite. The other
  // arguments as for this pass's own router.
  std::vector<model::RouterProducts::Packed> pack(int layer, const model::RouterProducts& products,
                                                  std::span<const float> gain, std::byte* staging);
  void throw_if_changed() const;                           // IO020
  std::vector<std::vector<TensorDigest>> digests() const;  // of each model

 private:
  std::span<const OtherModel> models_;
  std::vector<std::unique_ptr<TensorReader>> readers_;
};

}  // namespace rg::stream
