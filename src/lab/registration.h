// The pre-registration of an adaptation with frozen layers: what was promised before anything was
// trained. recipes/finetune_frozen.py writes it; what its runs must not change is read here.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace rg::lab {

struct Registration {
  std::string sha256, registered_utc;
  std::vector<int> frozen, comparison_frozen;  // layers, ascending
  double d_max = 0, l_max = 0;                 // nats
};

// FA001 for a file that lacks one of these; IO0xx, JS00x.
Registration read_registration(const std::filesystem::path& file);

}  // namespace rg::lab
