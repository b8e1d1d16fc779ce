#include "experiments/chart_setting.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "experiments/common.h"

namespace rg::experiments {
namespace {

constexpr uint32_t kFewestPositions = 10;  // else --allow-small-T
constexpr uint32_t kFewestEligible = 3;    // e_k, e_{k+1} and one to draw

}  // namespace

void check_chart_setting(const Setting& setting) {
  require_competitor(setting, "chart_compatibility");
  if (eligible_experts(setting.spec) < kFewestEligible) {
    throw Error(
        ErrorId::RT001,
        {.object = "chart_compatibility",
         .found = fmt::format("{} eligible experts for k={} at layers {}",
                              eligible_experts(setting.spec), setting.spec.top_k.value,
                              fmt::join(setting.layers, ", ")),
         .expected = fmt::format("at least {}", kFewestEligible),
         .hint = "Only the two competing experts are eligible: there is no random expert to "
                 "compare them with."});
  }
  if (!setting.plain_updates) {
    throw Error(
        ErrorId::RT007,
        {.object = "chart_compatibility",
         .found = "layers that norm what their experts add",
         .expected = "updates that are the sum of the experts' weighted outputs",
         .hint = "Exchanging one expert's output has no effect of its own there. Leave this "
                 "experiment out."});
  }
  const uint32_t positions = setting.seq_len - 1;
  if (positions < kFewestPositions && !setting.allow_small_t) {
    throw Error(ErrorId::RT006,
                {.object = "chart_compatibility",
                 .found = fmt::format("windows of {} tokens, {} measured positions",
                                      setting.seq_len, positions),
                 .expected = fmt::format("at least {} measured positions", kFewestPositions),
                 .hint = "The strata of so few tokens coincide. Raise --seq-len, or measure anyway "
                         "with --allow-small-T."});
  }
}

}  // namespace rg::experiments
