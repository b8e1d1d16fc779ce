// `plan --power`: from artifacts of a pilot run, or an assumed effect, instead of a checkpoint.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cmath>

#include "app/command_lines.h"

namespace rg::app {

void add_power_options(CLI::App& command, RawPower& raw) {
  const char* group = "Power, instead of cost";
  command
      .add_option("--power", raw.pilots,
                  "artifacts of a pilot run, or folders with run.json files: how many windows each "
                  "criterion needs to be shown with 80, 90 and 95 % probability")
      ->type_name("PATH")
      ->expected(0, -1)
      ->group(group);
  command
      .add_option("--effect", raw.effect,
                  "with --power and no artifact: the same for this effect, the mean over the "
                  "standard deviation of a window")
      ->type_name("D")
      ->group(group);
}

std::optional<PowerOptions> chosen_power(const CLI::App& command, const RawPower& raw, bool json) {
  const bool asked = command.get_option("--power")->count() > 0;
  if (!asked) {
    if (raw.effect) throw usage_error("--effect", "given without --power", "--power before it");
    return std::nullopt;
  }
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    const bool allowed = name == "--power" || name == "--effect" || name == "--json";
    if (option->count() == 0 || allowed) continue;
    throw usage_error(name, "given with --power", "artifacts of a pilot run, or --effect, alone");
  }
  PowerOptions options{.pilots = {}, .effect = raw.effect, .json = json};
  for (const std::string& path : raw.pilots) {
    if (!path.empty() && path != "{}") options.pilots.emplace_back(path);
  }
  if (options.pilots.empty() == !options.effect) {
    throw usage_error("--power", options.effect ? "both artifacts and --effect" : "neither of both",
                      "artifacts of a pilot run, or --effect D");
  }
  if (options.effect && !(std::isfinite(*options.effect) && *options.effect > 0)) {
    throw usage_error("--effect", "a number that isn't above 0", "a standardised effect above 0");
  }
  return options;
}

}  // namespace rg::app
