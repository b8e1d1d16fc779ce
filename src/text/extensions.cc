// Which files of a folder are documents: docs/corpora.md shows the same list.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"
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

bool has_json_extension(std::string_view name) { return extension_of(name) == "json"; }

std::string suffix_of(std::string_view name) {
  const std::string_view plain = without_compression(name);
  const std::string extension = extension_of(plain);
  return (extension.empty() ? "" : "." + extension) + std::string(name.substr(plain.size()));
}

std::string describe_left_out(const std::map<std::string, uint64_t>& left_out) {
  constexpr size_t kShown = 8;
  uint64_t files = 0, unnamed = 0;
  std::vector<std::pair<std::string, uint64_t>> rows(left_out.begin(), left_out.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto& [suffix, count] = rows[i];
    files += count;
    if (i >= kShown) {
      unnamed += count;
      continue;
    }
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count,
                        suffix.empty() ? "without one" : escape_for_terminal(suffix));
  }
  if (files == 0) return {};
  if (unnamed > 0) text += fmt::format(", {} of {} other kinds", unnamed, rows.size() - kShown);
  return fmt::format("{} file{}: {}", files, files == 1 ? "" : "s", text);
}

}  // namespace rg::text
