// A text that normalisation may have changed, and where each of its characters came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/regex.h"

namespace rg::text {

// Whether a changed text knows where its characters came from: 8 more bytes for each of its own.
enum class Origins { kept, dropped };

class AlignedText {
 public:
  // `text` (UTF-8, borrowed) stands at byte `offset` of the input, unchanged.
  AlignedText(std::string_view text, size_t offset, Origins origins)
      : borrowed_(text), offset_(offset), origins_(origins) {}

  std::string_view text() const noexcept { return owned_ ? std::string_view(storage_) : borrowed_; }
  // The input bytes behind [begin, end) of the text, widened to whole characters. An empty range
  // has an empty source. Not where origins are dropped.
  Range source(size_t begin, size_t end) const;

 private:
  friend class AlignedBuilder;
  std::string_view borrowed_;
  size_t offset_;
  Origins origins_;
  bool owned_ = false;
  std::string storage_;
  std::vector<uint32_t> begins_, ends_;  // per byte of storage_: its character's source
};

// Makes the text that follows from `from` by keeping and replacing stretches of it, in order and
// without gaps. Costs nothing per byte until something really changes.
class AlignedBuilder {
 public:
  explicit AlignedBuilder(AlignedText from) : from_(std::move(from)) {}

  std::string_view text() const noexcept { return from_.text(); }
  void keep(size_t bytes);
  // The next `bytes` of `from` become `out`; every character of `out` has all of them as source.
  void replace(size_t bytes, std::string_view out);
  AlignedText finish();

 private:
  void materialise();
  void append(std::string_view text, Range source);

  AlignedText from_;
  size_t at_ = 0;  // bytes of `from_` used
  bool changed_ = false;
  AlignedText to_{{}, 0, Origins::kept};
};

}  // namespace rg::text
