// Bytes appended one after the other: the last ones in memory, what is more than a bound in an
// unlinked file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "base/scratch_file.h"

namespace rg::text {

class SpillBuffer {
 public:
  // The file is made in `folder` (empty: the system's folder for temporary files) when
  // `memory_bytes` are full, not before.
  SpillBuffer(size_t memory_bytes, std::filesystem::path folder)
      : limit_(memory_bytes), folder_(std::move(folder)) {}

  uint64_t bytes() const noexcept { return in_file() + memory_.size(); }
  bool spilled() const noexcept { return file_.has_value(); }
  void append(std::span<const std::byte> bytes);  // IO004, IO010
  // Fills `out` from `offset`; all of it was appended before. IO001.
  void read(uint64_t offset, std::span<std::byte> out) const;

 private:
  uint64_t in_file() const noexcept { return file_ ? file_->bytes() : 0; }

  size_t limit_;
  std::filesystem::path folder_;
  std::vector<std::byte> memory_;  // what follows the file's bytes
  std::optional<ScratchFile> file_;
};

}  // namespace rg::text
