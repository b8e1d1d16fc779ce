// Tokens of documents cut into windows, kept outside memory until it is known which are drawn.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "text/spill_buffer.h"
#include "text/windows.h"

namespace rg::text {

class WindowCutter {
 public:
  // At most kIdBytes + kNameBytes in memory, and 16 bytes per document that has a window.
  static constexpr size_t kIdBytes = size_t{32} << 20, kNameBytes = size_t{8} << 20;

  WindowCutter(uint32_t seq_len, Packing packing, const std::filesystem::path& spill_folder);

  // The tokens of a document come between its two calls, in any number of pieces.
  void begin_document(const std::string& id);
  void add(std::span<const int32_t> tokens);
  void end_document();

  uint64_t windows() const noexcept { return windows_; }
  uint64_t tokens() const noexcept { return tokens_; }
  uint64_t documents_without_window() const noexcept { return without_window_; }

  // Fills ids, document and document_ids of `set` with these windows (ascending).
  void take(std::span<const uint32_t> drawn, WindowSet& set) const;

 private:
  // A document with at least one window; its id is the bytes of `names_` up to the next one's.
  struct Owner {
    uint64_t name;          // offset
    uint64_t first_window;  // its windows go on to the next one's
  };
  void start_window();
  void finish_windows(std::span<const int32_t> ids);
  std::string name_of(size_t owner) const;

  const uint32_t seq_len_;
  const Packing packing_;
  SpillBuffer ids_, names_;
  std::vector<Owner> owners_;
  std::vector<int32_t> pending_;    // the window being filled
  std::string document_, starter_;  // ids of this document, and of the one where it started
  // Documents are counted from 1.
  uint64_t document_number_ = 0, starter_number_ = 0, owner_number_ = 0;
  uint64_t windows_ = 0, tokens_ = 0, without_window_ = 0, windows_before_ = 0;
};

}  // namespace rg::text
