// Sentences broken into lines at spaces.
#pragma once

#include <string>
#include <string_view>

namespace rg::app {

// Lines of at most `columns` code points where words allow it, each after `indent` spaces, the
// first one after `first` instead (of the same width, or empty). Ends with a line end.
std::string wrapped(std::string_view text, std::string_view first, size_t indent, size_t columns);

}  // namespace rg::app
