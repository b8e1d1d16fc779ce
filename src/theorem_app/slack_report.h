// Artifacts of theorem_slack as tables, as JSON, and as what the page of the theorems shows of
// them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json_fwd.h"

namespace rg::app {

// US001 for a file that is no artifact of theorem_slack; IO0xx, JS0xx.
Json read_slack_artifact(const std::filesystem::path& file);

// A line per theorem with a check on tensors, and the verdict.
std::string slack_table(const Json& artifact);
// Every quantity of these theorems at every layer, or why there is none.
std::string slack_in_full(const Json& artifact, const std::vector<std::string>& ids);

// The artifact without its cases: what `--json` prints and what the page holds.
Json slack_for_page(const Json& artifact);

bool slack_holds(const Json& artifact);  // no violated case

}  // namespace rg::app
