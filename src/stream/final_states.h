// What enters the unembedding, of every token of a pass, kept in a file without a name for a later
// pass that compares its logits with these: a vocabulary's logits of every token would not fit.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>

#include "base/scratch_file.h"
#include "kernels/product.h"
#include "model/model.h"

namespace rg::stream {

class FinalStates {
 public:
  // Nothing is created before begin().
  explicit FinalStates(std::filesystem::path folder);

  static uint64_t bytes(const model::Model& model, kernels::Compute compute, uint64_t rows);
  // Makes room for as many rows; IO004 if no file can be created in the folder, IO010.
  void begin(uint64_t rows, size_t row_bytes);
  // Rows after the final norm, (rows, d) in the compute type. Thread safe.
  void write(uint64_t first_row, std::span<const std::byte> rows) const;
  void read(uint64_t first_row, std::span<std::byte> rows) const;

 private:
  std::filesystem::path folder_;
  std::optional<ScratchFile> file_;
  size_t row_bytes_ = 0;
};

}  // namespace rg::stream
