// What a pass over layer 0 shows of twin tokens.
#pragma once

#include <cstddef>
#include <vector>

#include "tap/tap.h"

namespace rg::lab {

// Sets and margins of every row of some sets at layer 0.
class RowRoutes : public tap::Observer {
 public:
  RowRoutes(std::vector<const tap::SequenceSet*> sets, uint32_t top_k);

  tap::Needs needs() const override;
  std::span<const tap::SequenceSet* const> sets() const override { return sets_; }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;

  std::vector<uint32_t> set_of(size_t set, size_t row) const;  // ascending
  float margin(size_t set, size_t row) const { return margins_[first_[set] + row]; }

 private:
  std::vector<const tap::SequenceSet*> sets_;
  uint32_t top_k_;
  std::vector<size_t> first_;  // row of each set
  std::vector<uint32_t> chosen_;
  std::vector<float> margins_;
};

// What is cached of the last token of each sequence, all of one length, at layer 0.
class LastKeys : public tap::Observer {
 public:
  explicit LastKeys(const tap::SequenceSet& set) : sets_{&set}, keys_(set.sequences()) {}

  tap::Needs needs() const override;
  std::span<const tap::SequenceSet* const> sets() const override { return sets_; }
  void on_keys(const tap::KeyView& view, const tap::KeyBlock& block) override;

  // Byte by byte, and there are some.
  bool all_equal() const;

 private:
  std::vector<const tap::SequenceSet*> sets_;
  std::vector<std::vector<std::byte>> keys_;
};

}  // namespace rg::lab
