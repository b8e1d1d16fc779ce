#include "app/run_summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace rg::app {

std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=+,:@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + '\'';
}

std::string run_summary(const std::filesystem::path& out,
                        const std::vector<std::filesystem::path>& files, const TableShape& shape,
                        const std::string& program) {
  const auto is_artifact = [](const std::filesystem::path& file) {
    return file.filename() == "run.json";
  };
  const auto name = [&](const std::filesystem::path& file) {
    return escape_for_terminal(file.lexically_relative(out).string());
  };
  std::string text = fmt::format("\nWritten to {}:", escape_for_terminal(out.string()));
  if (shape.details) {
    for (const std::filesystem::path& file : files) text += "\n  " + name(file);
  } else {
    const auto artifacts = std::count_if(files.begin(), files.end(), is_artifact);
    text += fmt::format(" {} artifact{} (run.json)", artifacts, artifacts == 1 ? "" : "s");
    for (const std::filesystem::path& file : files) {
      if (!is_artifact(file)) text += ", " + name(file);
    }
  }
  // A name that a terminal must not see whole cannot be typed either.
  const std::string folder = out.string(), shown = escape_for_terminal(folder);
  if (shape.details || shown != folder) return text + '\n';
  const bool on_path = program.find('/') == std::string::npos;
  return text + fmt::format("\nNext: {} verify {} --details\n",
                            on_path ? "routegauge" : escape_for_terminal(shell_word(program)),
                            shell_word(folder));
}

}  // namespace rg::app
