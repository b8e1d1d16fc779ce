// Fits the scales with which a model's keys (and values, or latents) are stored: watches a plain
// pass, keeps rows of a layer at sampled positions of one domain's windows, and fits each head when
// the layer's keys are complete (keys/quantiser.h). Of scales that belong to a row there is nothing
// to fit. Results are those of the keys alone, whatever threads and blocks.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "experiments/experiment.h"
#include "keys/quantiser.h"

namespace rg::experiments {

inline constexpr float kLargestStored = 1e30f;  // entry of a row that quantisers take

enum class StoredRows {
  normed,  // keys before RoPE, and values
  scored,  // keys as they enter the scores, and values
  latent,  // the latent, and the rotated part that all heads share: each one head
};

struct StoredKeyFit {
  // Documents are numbered by their first window, from 0: those of even number, or all.
  bool all_documents;
  uint32_t positions;       // sampled of each window (key_sample.h, set 0)
  uint32_t sink_positions;  // the first of a window are never fitted on; fewer than `positions`
};

class StoredKeyScales : public tap::Observer {
 public:
  // Of one head: keys, or latents; values, or shared parts. Values that aren't stored: width 0.
  struct Head {
    keys::KeyScales keys, values;
  };

  // `layers` of the model, ascending, each with such rows. Windows must have more than
  // `sink_positions` tokens.
  StoredKeyScales(const Setting& setting, const keys::QuantiserSpec& spec, const StoredKeyFit& fit,
                  StoredRows rows, bool values, std::vector<int> layers);

  tap::Needs needs() const override;
  std::span<const tap::SequenceSet* const> sets() const override { return {&set_, 1}; }
  void begin_keys(const tap::KeyView& view) override;
  void on_keys(const tap::KeyView& view, const tap::KeyBlock& block) override;
  void end_keys(const tap::KeyView& view) override;

  // After the pass has gone through the layer. Where a fitted row has an entry that is not finite,
  // or beyond kLargestStored, the head's scales are NaN, so that whatever is stored with them is.
  const Head& of(int layer, uint32_t head) const;
  const tap::SequenceSet& set() const { return *set_; }

 private:
  // Rows of all heads of a layer: (heads, rows, width).
  struct Rows {
    std::vector<keys::KeySet> of_head;
    void begin(uint32_t heads, uint32_t width, uint32_t rows);
    void keep(const float* heads, uint32_t row);  // (heads, width)
  };
  const float* keys_of(const tap::KeyBlock& block) const;
  const float* values_of(const tap::KeyBlock& block) const;
  keys::KeyScales fitted(keys::KeySet& rows) const;

  const tap::SequenceSet* set_;
  keys::QuantiserSpec spec_;
  StoredRows step_;
  bool values_;
  std::vector<int> layers_;
  std::vector<uint32_t> first_;  // (windows + 1) first fitted row of each
  std::vector<uint32_t> row_;    // (fitted rows) of the set, ascending
  bool holds_ = false;           // a layer
  Rows keys_rows_, values_rows_;
  std::map<int, std::vector<Head>> heads_;
};

}  // namespace rg::experiments
