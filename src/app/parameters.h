// The list of experiments and their --parameter key=JSON settings.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "app/options.h"
#include "experiments/experiment.h"

namespace rg::app {

// "a,b" or "all" as names in the order of the explicit list; US001 with the known names.
std::vector<std::string> parse_experiments(const std::string& text);

// "key=JSON"; the value of `prompts` may be a bare file name. US001.
std::pair<std::string, Json> parse_parameter(const std::string& text);

// US003 with the known keys unless some chosen experiment, or the program itself, knows each key.
// The program's own: layers, models.
void check_parameter_keys(const RunOptions& options);

// What `--help` and docs/experiments.md say of each key.
struct ParameterLine {
  std::string key;
  std::vector<std::string> experiments;  // none: the program's own
  std::string text;
};
std::vector<ParameterLine> parameter_lines();

// --model, or the checkpoints of `models`; US001 if both or neither.
std::vector<std::string> chosen_models(const RunOptions& options);

// --layers, or the parameter `layers`; US001 if both. None: every MoE layer.
std::optional<std::vector<int>> chosen_layers(const RunOptions& options);

// What each pass of the run is asked to do.
lab::PassSettings pass_settings(const RunOptions& options);

}  // namespace rg::app
