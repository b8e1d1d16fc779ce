// The sample that theorem_slack keeps of one layer at a time: queries, keys, values, gate inputs,
// logits and expert outputs of the first positions of some windows. Filled concurrently.
#pragma once

#include <cstdint>
#include <vector>

#include "slack/sample.h"
#include "tap/tap.h"
#include "tensor/buffer.h"

namespace rg::experiments {

// The first `positions` of windows `chosen`, ascending. docs/artifacts.md, 18.
struct SlackChoice {
  std::vector<uint32_t> chosen;
  slack::Contexts contexts;
};
SlackChoice choose_contexts(uint32_t windows, uint32_t seq_len, uint32_t contexts,
                            uint32_t positions, uint32_t queries, uint64_t seed);

// What a layer's attention and gate are, as checks ask for it.
slack::KeyFacts key_facts(const tap::KeyView& view, bool before_rope, uint32_t seq_len);
slack::GateFacts gate_facts(const gate::GateSpec& spec);

class SlackSample {
 public:
  explicit SlackSample(SlackChoice choice);

  const SlackChoice& choice() const { return choice_; }
  uint64_t index_bytes() const;

  void begin_gate(const tap::LayerView& view);
  void begin_keys(const tap::KeyView& view);
  void add_keys(const tap::KeyView& view, const tap::KeyBlock& block);
  // Also asks for the outputs of the experts of rank k and k + 1.
  void add_gate(const tap::LayerView& view, const tap::GateBlock& block);
  void add_outputs(const tap::ExpertOutputs& answer);
  void release();  // the layer's memory

  bool has_keys() const { return keys_.size() != 0; }
  bool before_rope() const { return before_rope_; }
  // Whether queries, keys and values are finite and at most 1e30: their products are, too.
  bool usable_keys() const;
  bool finite_gate() const;

  slack::HeadSample head(const slack::LayerFacts& layer, uint32_t head,
                         const slack::GateSample& gate) const;
  slack::GateSample gate(const slack::LayerFacts& layer, const tap::LayerView& view) const;

 private:
  // Index among the chosen windows, or -1.
  int context_of(size_t window) const { return context_of_window_[window]; }

  // A row of a block that is kept, or a query of it: its number within its context, its row within
  // the block and within the set, and where it is kept.
  struct Sampled {
    size_t context, number, from, in_set, to;
  };
  // Of every chosen window in the block: its rows, then its queries.
  template <typename OnRow, typename OnQuery>
  void for_each_sampled(const tap::Block& block, const OnRow& on_row,
                        const OnQuery& on_query) const;

  SlackChoice choice_;
  std::vector<int> context_of_window_;
  // Of the current layer.
  uint32_t heads_ = 0, kv_heads_ = 0, key_width_ = 0, value_width_ = 0;
  double query_scale_ = 1;
  bool before_rope_ = false;
  uint32_t width_ = 0, experts_ = 0, top_k_ = 0;
  Buffer<float> keys_, values_;               // (kv_heads, rows, width of one)
  Buffer<float> queries_;                     // (heads, tokens, key_width)
  Buffer<float> early_keys_, early_queries_;  // (kv_heads, positions, .), (heads, queries, .)
  Buffer<float> logits_;                      // (rows, E)
  Buffer<float> inputs_, inputs_before_;      // (tokens, d)
  Buffer<float> last_output_, next_output_;   // (tokens, d)
  std::vector<std::vector<int32_t>> routes_;  // (rows)(k)
  std::vector<int32_t> last_, next_;          // (tokens) ids
};

}  // namespace rg::experiments
