// The options that every command has.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace rg::app {

enum class ProgressStyle { automatic, terminal, plain, json };

struct GlobalOptions {
  bool quiet = false;        // no progress, no notes
  bool json_errors = false;  // --errors=json
  ProgressStyle progress = ProgressStyle::automatic;
  std::string program;  // as it was called, for commands that we suggest
};

struct RawGlobal {
  bool quiet = false;
  std::string errors = "text", progress = "auto";
};

// CLI11 keeps pointers into `raw`.
void add_global_options(CLI::App& app, RawGlobal& raw);
// `program`: argv[0]. US001 for a word that is none of an option's.
GlobalOptions finish_global(const RawGlobal& raw, const char* program);

}  // namespace rg::app
