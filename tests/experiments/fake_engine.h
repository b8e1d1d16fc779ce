// A small model made of random matrices, and an engine that feeds observers from it in blocks of
// any size, in any order, over any number of threads. Everything the model computes stays
// readable, so that tests can recompute what experiments report.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "experiments/experiment.h"
#include "tap/tap.h"

namespace rg::experiments::testing {

struct Shape {
  uint32_t width = 24, experts = 8, k = 2, layers = 4, vocabulary = 40;
  uint32_t windows = 24, seq_len = 33;
  uint64_t seed = 1;
};

gate::GateSpec softmax_spec(uint32_t experts, uint32_t k);

// What one sequence set goes through at one layer; all (rows, .).
struct Trace {
  std::vector<float> residual_in, attention_out, residual_pre, gate_input, logits, scores, weights,
      margins, logit_margins, update, attention_sum, expert_sum;
  std::vector<int32_t> ranked;
};

struct LayerWeights {
  std::vector<float> router, gain, selection_bias, logit_bias;
};

// Attention of a fake model: a row's queries, keys and values, as normed and as scored. It reads
// the residual stream through an RMS norm without gains.
struct FakeKeys {
  uint32_t heads = 2, kv_heads = 2, width = 8;
  std::vector<float> frequencies = {};  // of RoPE over all columns in halves; empty: no RoPE
  tap::KeyNorm norm = tap::KeyNorm::none;
  std::vector<int> without = {};  // layers that have no keys
  std::function<void(int layer, size_t set, size_t row, std::span<float> keys)> keys;
  std::function<void(int layer, size_t set, size_t row, std::span<float> queries)> queries =
      [](int, size_t, size_t, std::span<float>) {};
  std::function<void(int layer, size_t set, size_t row, std::span<float> values)> values =
      [](int, size_t, size_t, std::span<float>) {};
  std::vector<float> projection = {};  // (kv_heads * width, d) of every layer; empty: not shown
};

class FakeModel {
 public:
  // Changes the layers' random ingredients before anything is computed.
  struct Hooks {
    std::function<void(int layer, LayerWeights&)> weights = [](int, LayerWeights&) {};
    // Scale of the attention output and of expert outputs at a layer.
    std::function<float(int layer)> attention_scale = [](int) { return 0.7f; };
    std::function<float(int layer)> expert_scale = [](int) { return 1.0f; };
    std::function<void(int layer, size_t row, std::span<float> logits)> logits =
        [](int, size_t, std::span<float>) {};
  };
  FakeModel(const Shape& shape, const gate::GateSpec& spec, const Hooks& hooks);

  // u_e at a row of a set (index into sets()).
  void expert_output(int layer, size_t set, size_t row, int32_t expert, float* out) const;
  const float* embedding(int32_t id) const { return embedding_.data() + size_t(id) * shape.width; }
  const float* unembedding(int32_t id) const {
    return unembedding_.data() + size_t(id) * shape.width;
  }
  const Trace& trace(int layer, size_t set) const { return traces_[size_t(layer)][set]; }
  const LayerWeights& weights(int layer) const { return weights_[size_t(layer)]; }
  Setting setting() const;  // of all layers, over the windows set

  const Shape shape;
  const gate::GateSpec spec;
  static constexpr float kEpsilon = 1e-5f;
  std::vector<tap::SequenceSet> sets;  // windows, prompts, prompts unmasked
  std::vector<Setting::Prompt> prompts;
  // An expert's matrix, gate (0) and up (1) of (kExpertWidth, d), down (2) of (d, kExpertWidth).
  static constexpr uint32_t kExpertWidth = 10;
  std::function<std::vector<float>(int layer, int32_t expert, uint32_t projection)> matrix;
  // (vocabulary) logits of the token after a row of a set, and those of a reference model; empty:
  // it has none.
  using NextLogits = std::function<std::vector<float>(size_t set, size_t row)>;
  NextLogits next_logits, reference_logits;
  std::optional<FakeKeys> attention;  // none: no call about keys

 private:
  void compute(const Hooks& hooks);

  std::vector<float> embedding_, unembedding_;
  std::vector<LayerWeights> weights_;
  std::vector<std::vector<Trace>> traces_;  // (layers, sets)
  std::vector<float> expert_scale_;
};

struct Feeding {
  int threads = 1;
  size_t block_sequences = 4;
  bool backwards = false;  // blocks and answers in reverse order
  // Other checkpoints of the same shape and spec, whose gates read the model's gate inputs.
  std::vector<const FakeModel*> others = {};
  uint32_t logit_rows = 5;  // positions of a block of logits
};

// What the gate of `other` decides at a row of a set of `model`.
struct OtherDecision {
  std::vector<float> logits;    // (E)
  std::vector<int32_t> ranked;  // (k+1)
};
OtherDecision decide_other(const FakeModel& model, const FakeModel& other, int layer, size_t set,
                           size_t row);

void run(const FakeModel& model, std::span<tap::Observer* const> observers, const Feeding& feeding);

// A deterministic standard normal.
double normal(uint64_t seed, uint32_t i, uint32_t j, uint32_t layer);

const Declaration& declaration(const std::string& name);
// Makes the experiment, runs the model and returns the artifact's own fields.
record::Contribution measure(const FakeModel& model, const Setting& setting,
                             const std::string& experiment, const Feeding& feeding);

}  // namespace rg::experiments::testing
