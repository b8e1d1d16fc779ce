#include "lab/settings.h"

#include <algorithm>

#include "base/cores.h"
#include "base/error.h"

namespace rg::lab {

stream::Settings stream_settings(const EngineSettings& engine, stream::Compute compute,
                                 const std::filesystem::path& spill_folder) {
  stream::Settings settings;
  settings.compute = compute;
  settings.threads = effective_threads(engine.threads);
  settings.block_windows = engine.block_windows;
  settings.memory_bytes = engine.memory_bytes;
  settings.nonfinite = engine.nonfinite;
  settings.spill_folder = spill_folder;
  settings.disk_bytes_per_s = engine.disk_bytes_per_s;
  return settings;
}

const experiments::Declaration& declaration_of(const std::string& experiment) {
  const auto& all = experiments::all_experiments();
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const auto& row) { return row.name == experiment; });
  check_internal(at != all.end(), "experiment names are checked when they are parsed");
  return *at;
}

std::map<std::string, Json> parameters_for(const experiments::Declaration& declaration,
                                           const std::map<std::string, Json>& parameters) {
  std::map<std::string, Json> known;
  for (const experiments::Parameter& parameter : declaration.parameters) {
    const auto at = parameters.find(parameter.key);
    if (at != parameters.end() && !parameter.is_input()) known.insert(*at);
  }
  return known;
}

}  // namespace rg::lab
