// What `import` prints of a log and its checks.
#pragma once

#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "logs/checks/check.h"
#include "logs/record.h"

namespace rg::app {

// What was written where; empty: nothing.
struct LogOutputs {
  std::string record, cleaned;
  uint64_t rows_left_out = 0;
};

// `checks`: empty if none ran. Text that came from files is escaped.
std::string log_text(const logs::Record& record, const std::vector<logs::CheckOutcome>& checks,
                     const LogOutputs& outputs, bool colour, size_t columns);
// With entropy, busiest expert and overlap of neighbours of every layer.
Json log_json(const logs::Record& record, const std::vector<logs::CheckOutcome>& checks,
              const LogOutputs& outputs, int threads);

}  // namespace rg::app
