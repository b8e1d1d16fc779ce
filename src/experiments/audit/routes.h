// The experts that every token of a run was sent to, at every layer with a gate: what a later pass
// imposes, and compares its own with.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rg::experiments {

// Rows are those of a pass: its sets in order. Before they are recorded, every row has the experts
// 0 .. k-1, so that a plan can be made with the table.
class RouteTable {
 public:
  // `layers`: those with a gate, ascending.
  RouteTable(std::vector<int> layers, uint64_t rows, uint32_t k);

  // (k) selected experts in rank order. Rows may be written concurrently.
  void set(int layer, uint64_t row, std::span<const int32_t> selected);
  std::span<const int32_t> at(int layer, uint64_t row) const;
  std::span<const int32_t> of_layer(int layer) const;  // (rows, k)
  uint64_t bytes_of(uint64_t rows) const;              // memory of some rows, over all layers
  void release();                                      // gives the memory back

  const std::vector<int>& layers() const { return layers_; }

 private:
  size_t slot(int layer) const;

  std::vector<int> layers_;
  uint32_t k_;
  std::vector<std::vector<int32_t>> ids_;  // (layers), each (rows, k)
};

}  // namespace rg::experiments
