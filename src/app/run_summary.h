// What a run says last: where its files are, and what to try next.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/options.h"

namespace rg::app {

// `files` lie in `out`: artifacts first, each named run.json. The folder once and its artifacts
// counted, or every file with `shape.details`. Escaped for a terminal.
std::string run_summary(const std::filesystem::path& out,
                        const std::vector<std::filesystem::path>& files, const TableShape& shape,
                        const std::string& program);

// `text` as one word of a POSIX shell.
std::string shell_word(const std::string& text);

}  // namespace rg::app
