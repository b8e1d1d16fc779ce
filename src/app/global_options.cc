#include "app/global_options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "app/pass_options.h"

namespace rg::app {

void add_global_options(CLI::App& app, RawGlobal& raw) {
  app.add_flag("--quiet", raw.quiet, "no progress and no notes on stderr");
  app.add_option("--errors", raw.errors, "form of an error message: text or json")
      ->type_name("FORM")
      ->capture_default_str();
  app.add_option("--progress", raw.progress, "form of the progress on stderr: auto, plain or json")
      ->type_name("FORM")
      ->capture_default_str();
}

GlobalOptions finish_global(const RawGlobal& raw, const char* program) {
  GlobalOptions global;
  global.quiet = raw.quiet;
  global.json_errors = one_of(raw.errors, {"text", "json"}, "--errors") == "json";
  const std::string shape = one_of(raw.progress, {"auto", "plain", "json"}, "--progress");
  global.progress = shape == "json"    ? ProgressStyle::json
                    : shape == "plain" ? ProgressStyle::plain
                                       : ProgressStyle::automatic;
  global.program = program;
  return global;
}

}  // namespace rg::app
