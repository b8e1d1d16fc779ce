#include "experiments/experiment.h"

#include "experiments/attention_router.h"
#include "experiments/chart_compatibility.h"
#include "experiments/expert_load.h"
#include "experiments/terminal_ovk_scan.h"

namespace rg::experiments {

const std::vector<Declaration>& all_experiments() {
  static const std::vector<Declaration> all = {
      attention_router_declaration(),
      expert_load_declaration(),
      chart_compatibility_declaration(),
      terminal_ovk_scan_declaration(),
  };
  return all;
}

}  // namespace rg::experiments
