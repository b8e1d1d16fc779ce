// What a pass is asked to do: its texts, its engine, its experiments. Plain data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "experiments/experiment.h"
#include "stream/pass.h"
#include "text/windows.h"

namespace rg::lab {

struct TextSettings {
  std::vector<text::DomainSpec> domains;
  text::WindowSettings windows;  // threads, memory_bytes and spill_folder are set when it is read
  bool allow_regex = false;      // a pre-tokenizer pattern that is not on the tested list
};

struct EngineSettings {
  int threads = 0;                       // 0: every core this process may use
  size_t block_windows = 0;              // 0: chosen by the plan
  std::optional<uint64_t> memory_bytes;  // none: what is available
  std::string compute = "auto";          // auto, bf16, f32
  stream::NonFinite nonfinite = stream::NonFinite::stop;
  double disk_bytes_per_s = 1e9;  // the plan's assumption
};

struct ExperimentSettings {
  std::vector<std::string> names;          // of experiments::all_experiments(); may be none
  std::map<std::string, Json> parameters;  // by key, for all of them
  bool allow_small_t = false;              // measure windows that are too short for an experiment
};

struct PassSettings {
  std::optional<std::vector<int>> layers;  // measured ones, ascending; none: every MoE layer
  EngineSettings engine;
  ExperimentSettings experiments;
};

stream::Settings stream_settings(const EngineSettings& engine, stream::Compute compute,
                                 const std::filesystem::path& spill_folder);

// RT070 for a name that isn't an experiment's.
const experiments::Declaration& declaration_of(const std::string& experiment);

// Those of `parameters` that the experiment declares, but for its inputs.
std::map<std::string, Json> parameters_for(const experiments::Declaration& declaration,
                                           const std::map<std::string, Json>& parameters);

}  // namespace rg::lab
