#include "text/unicode_form.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/utf8.h"
#include "text/unicode.h"

namespace rg::text {
namespace {

struct CodePointRange {
  char32_t first, last;
};

constexpr CodePointRange kNewerThanReference[] = {
#include "text/newer_marks.inc"
};

bool newer_than_reference(char32_t c) {
  const auto* after = std::upper_bound(
      std::begin(kNewerThanReference), std::end(kNewerThanReference), c,
      [](char32_t value, const CodePointRange& range) { return value < range.first; });
  return after != std::begin(kNewerThanReference) && c <= std::prev(after)->last;
}

int combining_class(char32_t c) {
  if (newer_than_reference(c)) return 0;
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class;
}

constexpr size_t kLongestDecomposition = 32;  // U+FDFA has 18

// Full decomposition of one character; its length.
size_t decompose(char32_t c, bool compatible,
                 std::array<utf8proc_int32_t, kLongestDecomposition>& out) {
  if (newer_than_reference(c)) {
    out[0] = static_cast<utf8proc_int32_t>(c);
    return 1;
  }
  const auto options =
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0));
  const auto count =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), out.data(),
                              static_cast<utf8proc_ssize_t>(out.size()), options, nullptr);
  check_internal(count >= 1 && static_cast<size_t>(count) <= out.size(),
                 "length of a decomposition");
  return static_cast<size_t>(count);
}

// Characters of combining class 0 that can still fuse with the one before them: all that stand
// after the first in some canonical decomposition, and the Hangul vowels and finals.
class SecondCharacters {
 public:
  SecondCharacters() : members_(kSpan, false) {
    std::array<utf8proc_int32_t, kLongestDecomposition> parts;
    for (char32_t c = 0x80; c < kSpan; ++c) {
      if (utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->decomp_seqindex == UINT16_MAX)
        continue;
      const size_t count = decompose(c, false, parts);
      for (size_t i = 1; i < count; ++i) members_[static_cast<size_t>(parts[i])] = true;
    }
    for (char32_t c = 0x1161; c <= 0x11c2; ++c) members_[c] = true;
  }
  bool contains(char32_t c) const { return c < kSpan && members_[c]; }

 private:
  static constexpr char32_t kSpan = 0x20000;  // checked below: nothing above decomposes to more
  std::vector<bool> members_;
};

const SecondCharacters& second_characters() {
  static const SecondCharacters set;
  return set;
}

class FormMaker {
 public:
  FormMaker(AlignedText text, UnicodeForm form)
      : builder_(std::move(text)),
        compose_(form == UnicodeForm::nfc || form == UnicodeForm::nfkc),
        compatible_(form == UnicodeForm::nfkc || form == UnicodeForm::nfkd) {}

  AlignedText run() {
    const std::string_view text = builder_.text();
    for (size_t at = 0; at < text.size();) {
      const size_t plain = ascii_before_ascii(text, at);
      builder_.keep(plain);
      at += plain;
      if (at == text.size()) break;
      const size_t end = segment_end(text, at);
      if (end == at + 1) {
        builder_.keep(1);
      } else {
        builder_.replace(end - at, convert(text.substr(at, end - at)));
      }
      at = end;
    }
    return builder_.finish();
  }

 private:
  // Length of the stretch whose every character and follower are ASCII: it is in every form.
  static size_t ascii_before_ascii(std::string_view text, size_t at) {
    const auto ascii = [&](size_t i) { return static_cast<uint8_t>(text[i]) < 0x80; };
    size_t end = at;
    while (end < text.size() && ascii(end)) ++end;
    return end == text.size() || end == at ? end - at : end - at - 1;
  }

  // Normalisation never reaches across the start of a segment.
  bool starts_segment(char32_t c) {
    if (c < 0x80) return true;
    decompose(c, compatible_, parts_);
    const auto first = static_cast<char32_t>(parts_[0]);
    return combining_class(first) == 0 && !second_characters().contains(first);
  }

  size_t segment_end(std::string_view text, size_t at) {
    size_t end = at + decode_utf8(text, at).bytes;
    while (end < text.size()) {
      const Utf8Step step = decode_utf8(text, end);
      if (starts_segment(step.code_point)) break;
      end += step.bytes;
    }
    return end;
  }

  const std::string& convert(std::string_view segment) {
    points_.clear();
    for (size_t i = 0; i < segment.size();) {
      const Utf8Step step = decode_utf8(segment, i);
      const size_t count = decompose(step.code_point, compatible_, parts_);
      points_.insert(points_.end(), parts_.begin(), parts_.begin() + static_cast<ptrdiff_t>(count));
      i += step.bytes;
    }
    order_marks();
    if (compose_) {
      const auto length = utf8proc_normalize_utf32(
          points_.data(), static_cast<utf8proc_ssize_t>(points_.size()),
          static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
      check_internal(length >= 1, "length of a composition");
      points_.resize(static_cast<size_t>(length));
    }
    out_.clear();
    for (const auto c : points_) append_utf8(out_, static_cast<char32_t>(c));
    return out_;
  }

  // Canonical ordering: each run of marks sorted by combining class, equals in place. utf8proc's
  // own ordering exchanges neighbours and is quadratic on long runs.
  void order_marks() {
    const auto is_starter = [](utf8proc_int32_t c) {
      return combining_class(static_cast<char32_t>(c)) == 0;
    };
    for (auto run = points_.begin(); run != points_.end();) {
      run = std::find_if_not(run, points_.end(), is_starter);
      const auto end = std::find_if(run, points_.end(), is_starter);
      std::stable_sort(run, end, [](utf8proc_int32_t a, utf8proc_int32_t b) {
        return combining_class(static_cast<char32_t>(a)) <
               combining_class(static_cast<char32_t>(b));
      });
      run = end;
    }
  }

  AlignedBuilder builder_;
  const bool compose_, compatible_;
  std::array<utf8proc_int32_t, kLongestDecomposition> parts_;
  std::vector<utf8proc_int32_t> points_;
  std::string out_;
};

}  // namespace

AlignedText to_unicode_form(AlignedText text, UnicodeForm form) {
  return FormMaker(std::move(text), form).run();
}

}  // namespace rg::text
