// The options that import and agree share: how a routing log is read, and which model it is of.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "app/options.h"

namespace CLI {
class App;
}

namespace rg::app {

// Texts as typed.
struct RawLogReading {
  std::string layers, axes;
  std::vector<std::string> fields;
};

// `reading` and `raw` must not move until parsing is over.
void add_log_reading(CLI::App& command, LogReading& reading, RawLogReading& raw);
// `reading` with what `raw` says; US001.
void finish_log_reading(LogReading& reading, const RawLogReading& raw);

logs::ReadOptions read_options(const LogReading& reading,
                               const std::optional<logs::ModelFacts>& model, int threads);

// "ids=topk_ids" as both sides of the sign; US001.
std::pair<std::string, std::string> split_assignment(const std::string& text, const char* option,
                                                     const std::string& expected);

// What --tokens takes of a log, in --help.
inline constexpr const char* kLogTokensHelp =
    "JSON, an array of ids per sequence, or of objects with prompt_token_ids and token_ids; or a "
    ".npy file";

}  // namespace rg::app
