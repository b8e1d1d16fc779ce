#include "lab/study.h"

#include <algorithm>

namespace rg::lab {

void Study::read(const EngineSettings& engine, const std::filesystem::path& spill_folder,
                 Progress& progress) {
  for (const auto& samples : programme_.samples()) samples->read(engine, spill_folder, progress);
}

void Study::assume() {
  for (const auto& samples : programme_.samples()) samples->assume();
}

bool Study::knows_window_count() const {
  return std::all_of(programme_.samples().begin(), programme_.samples().end(),
                     [](const auto& samples) { return samples->settings().windows.windows; });
}

}  // namespace rg::lab
