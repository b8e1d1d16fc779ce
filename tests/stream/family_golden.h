// The golden checkpoints of tests/data/families: one folder per family and shape.
#pragma once

#include <string>
#include <vector>

#include "golden.h"

namespace rg::stream {

struct FamilyShape {
  std::string family, shape;  // names of the two folders

  std::filesystem::path folder() const;
  std::string name() const { return family + '/' + shape; }
  std::string identifier() const;  // the name in letters, digits and underscores
  // Layers that choose different numbers of experts, which is refused (CF018).
  bool has_several_gates() const { return shape == "topk-per-layer-v4"; }
};

// All of them, sorted. Some of a family that this version doesn't know may be among them.
const std::vector<FamilyShape>& family_shapes();
bool is_known(const std::string& family);

class FamilyGolden {
 public:
  explicit FamilyGolden(const FamilyShape& shape);

  const model::Model& model() const { return model_; }
  const formats::Checkpoint& checkpoint() const { return checkpoint_; }
  Record run(const model::Model& changed, const How& how) const {
    return run_recorded(checkpoint_, changed, golden_sequences(expected_, true), how);
  }
  // One line per comparison that fails: router logits, weights and final logits within kParity, the
  // same experts wherever the expected margin exceeds kSureMargin.
  std::vector<std::string> violations(const Record& record) const;

 private:
  void compare_gate(size_t layer, const LayerRecord& record, std::vector<std::string>& lines) const;

  formats::Checkpoint checkpoint_;
  model::Model model_;
  test::SafetensorsFile expected_;
};

}  // namespace rg::stream
