# Run by rg_embed: writes OUTPUT, which defines rg::embedded_NAME() for FILES (separated by |).
string(REPLACE "|" ";" FILES "${FILES}")
string(REPEAT "[0-9a-f]" 128 line)
set(rows "")
foreach(file IN LISTS FILES)
  get_filename_component(file_name "${file}" NAME)
  file(READ "${file}" hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR bytes "${digits} / 2")
  string(REGEX REPLACE "(${line})" "\\1\"\n\"" hex "${hex}")  # 64 bytes a line
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" hex "${hex}")
  string(APPEND rows "    {\"${file_name}\",\n     {\"${hex}\",\n      ${bytes}}},\n")
endforeach()
if(FILES)
  set(body "  static constexpr EmbeddedFile kFiles[] = {\n${rows}  };\n  return kFiles;")
else()
  set(body "  return {};")
endif()
file(WRITE "${OUTPUT}" "// Made by cmake/embed_files.cmake.
#include \"base/embedded.h\"

namespace rg {

std::span<const EmbeddedFile> embedded_${NAME}();
std::span<const EmbeddedFile> embedded_${NAME}() {
${body}
}

}  // namespace rg
")
