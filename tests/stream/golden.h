// The golden checkpoints of tests/data/olmoe, run through a pass that records everything.
#pragma once

#include <string>
#include <vector>

#include "stream/pass.h"
#include "support/safetensors_file.h"

namespace rg::stream {

// Rows of all sequences in order, (rows, .) row-major.
struct LayerRecord {
  std::vector<float> residual_in, attention_out, residual_pre, gate_input, router_logits, scores,
      topk_weights, margins, update;
  std::vector<float> parts;           // embedding + attention_sum + expert_sum
  std::vector<float> counterfactual;  // router logits of residual_pre, sequence by sequence
  std::vector<int32_t> topk_ids;      // (rows, k+1)
};

struct Record {
  std::vector<LayerRecord> layers;
  std::vector<float> logits;
  PassResult result;
};

struct How {
  Compute compute = Compute::f32;
  int threads = 1;
  size_t block_windows = 0;
  const Intervention* intervention = nullptr;
};

// A pass over all layers that records everything.
Record run_recorded(const formats::Checkpoint& checkpoint, const model::Model& model,
                    const tap::SequenceSet& set, const How& how);
// The sequences of an expected.safetensors.
tap::SequenceSet golden_sequences(const test::SafetensorsFile& expected, bool causal);
// RG_MAX_ISA applied; before the first product of the process.
void limit_isa_once();
formats::Checkpoint open_golden(const std::filesystem::path& model_folder);

class Golden {
 public:
  explicit Golden(const std::string& name);
  // Another checkpoint held to the same expectations.
  Golden(const std::string& name, const std::filesystem::path& model_folder);

  const std::string& name() const { return name_; }
  const model::Model& model() const { return model_; }
  const formats::Checkpoint& checkpoint() const { return checkpoint_; }
  const test::SafetensorsFile& expected() const { return expected_; }
  tap::SequenceSet sequences(bool causal) const;

  Record run(const model::Model& changed, const tap::SequenceSet& set, const How& how) const;
  Record run(const How& how) const { return run(model_, sequences(true), how); }

 private:
  std::string name_;
  formats::Checkpoint checkpoint_;
  model::Model model_;
  test::SafetensorsFile expected_;
};

const std::vector<std::string>& golden_names();
std::filesystem::path golden_model_folder(const std::string& name);

// max |found - expected| / max |expected|; infinite where sizes differ or a value is NaN.
double relative_error(const std::vector<float>& found, const std::vector<float>& expected);

// What the issue demands of an f32 pass.
inline constexpr double kParity = 2e-5;
inline constexpr float kSureMargin = 1e-5f;

// One line per comparison that fails: router logits and final logits within kParity, the same
// ordered top-k wherever the expected margin exceeds kSureMargin. `prefix` is "" or "unmasked.".
std::vector<std::string> violations(const Golden& golden, const Record& record,
                                    const std::string& prefix);

}  // namespace rg::stream
