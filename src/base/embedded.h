// Files of the sources, or made from them, that the build compiled into the program: rg_embed in
// cmake/embed.cmake defines one function `rg::embedded_NAME()` per list of files.
#pragma once

#include <span>
#include <string_view>

namespace rg {

struct EmbeddedFile {
  std::string_view name;   // without folder
  std::string_view bytes;  // as the file was when the program was built
};

}  // namespace rg
