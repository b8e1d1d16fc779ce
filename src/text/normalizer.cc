#include "text/normalizer.h"

#include <utf8proc.h>

#include "base/utf8.h"
#include "text/unicode.h"

namespace rg::text {
namespace {

constexpr char32_t kCapitalIWithDot = 0x130;  // the one letter whose lower case is two characters

AlignedText run_step(AlignedText text, const UnicodeForm& form) {
  return to_unicode_form(std::move(text), form);
}

AlignedText run_step(AlignedText text, const Lowercase&) {
  AlignedBuilder builder(std::move(text));
  const std::string_view in = builder.text();
  std::string lower;
  for (size_t i = 0; i < in.size();) {
    const Utf8Step step = decode_utf8(in, i);
    lower.clear();
    if (step.code_point == kCapitalIWithDot) {
      lower = "i\xcc\x87";
    } else {
      append_utf8(lower, static_cast<char32_t>(
                             utf8proc_tolower(static_cast<utf8proc_int32_t>(step.code_point))));
    }
    builder.replace(step.bytes, lower);
    i += step.bytes;
  }
  return builder.finish();
}

AlignedText run_step(AlignedText text, const Strip& strip) {
  AlignedBuilder builder(std::move(text));
  const std::string_view in = builder.text();
  size_t begin = 0, end = in.size();
  while (strip.left && begin < end) {
    const Utf8Step step = decode_utf8(in, begin);
    if (!is_white_space(step.code_point)) break;
    begin += step.bytes;
  }
  while (strip.right && end > begin) {
    size_t last = end - 1;
    while ((static_cast<uint8_t>(in[last]) & 0xc0) == 0x80) --last;
    if (!is_white_space(decode_utf8(in, last).code_point)) break;
    end = last;
  }
  const size_t after = in.size() - end;
  builder.replace(begin, {});
  builder.keep(end - begin);
  builder.replace(after, {});
  return builder.finish();
}

AlignedText run_step(AlignedText text, const Replace& replace) {
  AlignedBuilder builder(std::move(text));
  const std::string_view in = builder.text();
  for (size_t at = 0; at < in.size();) {
    const size_t found = in.find(replace.pattern, at);
    if (found == std::string_view::npos) {
      builder.keep(in.size() - at);
      break;
    }
    builder.keep(found - at);
    builder.replace(replace.pattern.size(), replace.content);
    at = found + replace.pattern.size();
  }
  return builder.finish();
}

}  // namespace

AlignedText Normalizer::apply(AlignedText text) const {
  for (const NormalizerStep& step : steps_) {
    text = std::visit([&](const auto& s) { return run_step(std::move(text), s); }, step);
  }
  return text;
}

}  // namespace rg::text
