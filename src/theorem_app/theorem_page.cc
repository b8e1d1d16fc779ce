#include "theorem_app/theorem_page.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"

namespace rg::app {
namespace {

constexpr std::string_view kEmpty = "null</script>";

// Makes JSON safe inside HTML: '<' occurs only inside strings, and write_json escapes the line
// separators U+2028 and U+2029.
std::string json_for_html(const Json& value) {
  std::string out;
  for (const char c : write_json(value, JsonLayout::compact)) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string_view built_page(std::span<const EmbeddedFile> files, std::string_view sources_sha256) {
  constexpr const char* kHint = "Run make viewer, then make build.";
  if (files.empty()) {
    throw Error(ErrorId::TH001,
                {.object = "theorems page",
                 .found = "a program built without the page",
                 .expected = "build/viewer/theorems.html when the program was built",
                 .hint = kHint});
  }
  if (files.front().bytes.find(sources_sha256) == std::string_view::npos) {
    throw Error(ErrorId::TH001,
                {.object = "theorems page",
                 .found = "a page built from other proofs than this program",
                 .expected = fmt::format("the page of sources_sha256 {}", sources_sha256),
                 .hint = kHint});
  }
  return files.front().bytes;
}

std::string filled_page(std::string_view page, std::string_view id, const Json& value) {
  const std::string opening = fmt::format(R"(<script id="{}" type="application/json">)", id);
  const size_t at = page.find(opening + std::string(kEmpty));
  check_internal(at != std::string_view::npos && page.find(opening) == at &&
                     page.find(opening, at + 1) == std::string_view::npos,
                 "the built page has one empty place for " + std::string(id));
  const size_t begin = at + opening.size();
  std::string out(page.substr(0, begin));
  out += json_for_html(value);
  out += page.substr(begin + std::string_view("null").size());
  return out;
}

}  // namespace rg::app
