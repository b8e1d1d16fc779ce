#include "text/aligned_text.h"

#include <utility>

#include "base/error.h"

namespace rg::text {
namespace {

bool continues_character(char c) { return (static_cast<uint8_t>(c) & 0xc0) == 0x80; }

size_t character_end(std::string_view text, size_t begin) {
  size_t end = begin + 1;
  while (end < text.size() && continues_character(text[end])) ++end;
  return end;
}

}  // namespace

Range AlignedText::source(size_t begin, size_t end) const {
  check_internal(origins_ == Origins::kept, "origins are kept where they are asked for");
  if (owned_) {
    if (begin == end) {
      const size_t at = begin < begins_.size() ? begins_[begin]
                        : ends_.empty()        ? offset_
                                               : ends_.back();
      return {at, at};
    }
    return {begins_[begin], ends_[end - 1]};
  }
  if (begin != end) {
    while (begin > 0 && continues_character(borrowed_[begin])) --begin;
    while (end < borrowed_.size() && continues_character(borrowed_[end])) ++end;
  }
  return {offset_ + begin, offset_ + end};
}

void AlignedBuilder::append(std::string_view text, Range source) {
  to_.storage_ += text;
  to_.begins_.resize(to_.storage_.size(), static_cast<uint32_t>(source.begin));
  to_.ends_.resize(to_.storage_.size(), static_cast<uint32_t>(source.end));
}

void AlignedBuilder::keep(size_t bytes) {
  if (changed_) {
    const std::string_view text = from_.text().substr(at_, bytes);
    if (from_.origins_ == Origins::dropped) {
      to_.storage_ += text;
    } else {
      for (size_t i = 0; i < bytes;) {
        const size_t end = character_end(text, i);
        append(text.substr(i, end - i), from_.source(at_ + i, at_ + end));
        i = end;
      }
    }
  }
  at_ += bytes;
}

void AlignedBuilder::replace(size_t bytes, std::string_view out) {
  if (from_.text().substr(at_, bytes) == out) return keep(bytes);
  materialise();
  if (from_.origins_ == Origins::dropped) {
    to_.storage_ += out;
  } else {
    append(out, from_.source(at_, at_ + bytes));
  }
  at_ += bytes;
}

void AlignedBuilder::materialise() {
  if (changed_) return;
  changed_ = true;
  to_.owned_ = true;
  to_.origins_ = from_.origins_;
  if (from_.origins_ == Origins::dropped) {
    to_.storage_.reserve(from_.text().size());
  } else {
    to_.offset_ = from_.source(0, 0).begin;
  }
  const size_t before = std::exchange(at_, 0);
  keep(before);
}

AlignedText AlignedBuilder::finish() { return changed_ ? std::move(to_) : std::move(from_); }

}  // namespace rg::text
