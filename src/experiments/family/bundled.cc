#include "experiments/family/bundled.h"

#include "experiments/common.h"

namespace rg::experiments {

std::string bundled_verdict(const Json& artifact) {
  if (artifact.at("data").at("n_windows").get<uint32_t>() < kWindowsRequired) return "INSUFFICIENT";
  return artifact.at("summary").at("convergence").at("verdict").get<std::string>();
}

}  // namespace rg::experiments
