// Sentences broken into lines at spaces, and how wide a text is.
#pragma once

#include <string>
#include <string_view>

namespace rg {

// Columns on a terminal: code points, which is enough for our own words, names and numbers.
size_t text_width(std::string_view text) noexcept;

// Lines of at most `columns` code points where words allow it, each after `indent` spaces; the
// first one after `first` instead, unless that is empty. Ends with a line end.
std::string wrapped(std::string_view text, std::string_view first, size_t indent, size_t columns);

}  // namespace rg
