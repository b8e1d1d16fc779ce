// A temporary file without a name, for data that doesn't fit in memory. It disappears with the
// process, however that ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace rg {

class ScratchFile {
 public:
  // IO004 if no file can be created in `folder`. `hint` goes into error messages: what is stored
  // there, and what to do if there is no room.
  ScratchFile(const std::filesystem::path& folder, std::string hint);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  uint64_t bytes() const noexcept { return bytes_; }
  // IO010 if the disk is full, else IO004.
  void append(std::span<const std::byte> bytes);
  uint64_t reserve(uint64_t bytes);  // allocates room at the end; returns its offset
  // Within what was appended or reserved.
  void write(uint64_t offset, std::span<const std::byte> bytes) const;
  // Fills `out` from `offset`; IO001 on a failing device.
  void read_exact(uint64_t offset, std::span<std::byte> out) const;

 private:
  std::filesystem::path folder_;
  std::string hint_;
  int descriptor_;
  uint64_t bytes_ = 0;
};

}  // namespace rg
