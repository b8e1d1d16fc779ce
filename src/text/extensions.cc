// Which files of a folder are documents: docs/corpora.md shows the same list.
#include <algorithm>
#include <array>
#include <string>

#include "text/corpus.h"

namespace rg::text {
namespace {

constexpr std::string_view kTextExtensions[] = {
    // prose and markup
    "adoc", "asciidoc", "htm", "html", "jsonl", "markdown", "md", "ndjson", "org", "pod", "rst",
    "tex", "texi", "text", "txt",
    // program text
    "agda", "asm", "awk", "bash", "bat", "c", "cc", "clj", "cmake", "coffee", "cpp", "cs", "css",
    "cu", "cuh", "cxx", "d", "dart", "el", "elm", "erl", "ex", "exs", "f", "f03", "f08", "f90",
    "f95", "fs", "glsl", "go", "gradle", "groovy", "h", "hh", "hpp", "hrl", "hs", "hxx", "idr",
    "inc", "inl", "ipp", "java", "jl", "js", "jsx", "kt", "kts", "lean", "lisp", "lua", "m",
    "metal", "mjs", "mk", "ml", "mli", "mm", "mojo", "nim", "nix", "pas", "php", "pl", "pm",
    "proto", "ps1", "pxd", "py", "pyi", "pyx", "r", "rb", "rkt", "rs", "s", "scala", "scm", "scss",
    "sh", "sml", "sol", "sql", "sv", "swift", "tcl", "thy", "toml", "ts", "tsx", "v", "vhd", "vhdl",
    "vim", "vue", "yaml", "yml", "zig", "zsh"};

std::string extension_of(std::string_view name) {
  const size_t slash = name.rfind('/');
  if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  std::string extension(name.substr(dot + 1));
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return extension;
}

}  // namespace

std::vector<std::string_view> text_extensions() {
  return {std::begin(kTextExtensions), std::end(kTextExtensions)};
}

bool has_text_extension(std::string_view name) {
  const std::string extension = extension_of(name);
  return std::find(std::begin(kTextExtensions), std::end(kTextExtensions), extension) !=
         std::end(kTextExtensions);
}

bool has_record_extension(std::string_view name) {
  const std::string extension = extension_of(name);
  return extension == "jsonl" || extension == "ndjson";
}

}  // namespace rg::text
