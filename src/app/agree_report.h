// What `agree` prints.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "app/agree_sides.h"
#include "base/json_fwd.h"
#include "logs/agreement/agreement.h"

namespace rg::app {

// A mean over sequences with its 95 % interval over them; none with one sequence.
struct SequenceMean {
  double value;  // NaN: undefined
  std::optional<stats::Interval> interval;
};
// One way of routing B, or A itself. Nats per token.
struct ReplayRow {
  std::string routes;  // "natural", "ids", "ids_and_weights"; "a"
  SequenceMean loss;
  std::optional<SequenceMean> loss_above_a, kl;  // none of A
};
std::vector<ReplayRow> replay_rows(const lab::ThreeWayReplay& replay, uint32_t replicates,
                                   uint64_t seed);

std::string agree_text(const AgreeSides& sides, const logs::AgreementReport& report,
                       const std::vector<ReplayRow>& replay, bool colour, size_t columns);
// schema/agreement.schema.json.
Json agree_json(const AgreeSides& sides, const logs::AgreementReport& report,
                const std::vector<ReplayRow>& replay, const AgreeOptions& options);

}  // namespace rg::app
