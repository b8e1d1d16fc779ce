#include "base/wrap.h"

#include <algorithm>

#include "base/utf8.h"

namespace rg {

size_t text_width(std::string_view text) noexcept {
  size_t width = 0;
  for (size_t at = 0; at < text.size(); at += decode_utf8(text, at).bytes) ++width;
  return width;
}

std::string wrapped(std::string_view text, std::string_view first, size_t indent, size_t columns) {
  std::string out(first.empty() ? std::string(indent, ' ') : std::string(first));
  size_t width = text_width(out);
  bool line_begins = true;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = text.find_first_not_of(' ', at);
    if (begin == std::string_view::npos) break;
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (!line_begins && width + 1 + text_width(word) > columns) {
      out += '\n' + std::string(indent, ' ');
      width = indent;
      line_begins = true;
    }
    if (!line_begins) out += ' ', ++width;
    out += word;
    width += text_width(word);
    line_begins = false;
    at = end;
  }
  return out + '\n';
}

}  // namespace rg
