// The options that plan, run and trace share: the text and the engine.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "app/options.h"
#include "base/error.h"

namespace CLI {
class App;
}

namespace rg::app {

// Texts as typed.
struct RawPass {
  std::string compute = "auto";
  std::string layers, memory, max_decompressed;
  std::string windows = "200", disk = "1GB", utf8 = "refuse", nonfinite = "stop";
  bool pack = false;
  std::vector<std::string> domains;
};

// `options` and `raw` stay where they are until parsing is over.
void add_pass_options(CLI::App& command, PassOptions& options, RawPass& raw);

// `options` with what `raw` says; US001.
void finish_pass(PassOptions& options, const RawPass& raw);

Error usage_error(std::string object, std::string found, std::string expected);

// `text` itself; US001 naming `option` if it is not among `allowed`.
std::string one_of(const std::string& text, std::initializer_list<const char*> allowed,
                   const char* option);

// What --model takes, in --help.
inline constexpr const char* kModelHelp =
    "checkpoint: a folder, or ORG/NAME[@REVISION] in the Hugging Face cache";

}  // namespace rg::app
