// What theorem_slack found, as members of its artifact, and their summary with the verdict
// (docs/artifacts.md, 18).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "experiments/common.h"
#include "slack/measure.h"
#include "tap/keys.h"

namespace rg::experiments {

struct SlackLayer {
  int layer;
  std::string without_keys;  // why; empty: it has keys
  Json attention;            // null without keys
  slack::GateFacts gate;
  std::vector<slack::TheoremFound> found;  // one per check
};

Json slack_attention_json(const tap::KeyView& view, const slack::KeyFacts& facts);
Json slack_gate_json(const slack::GateFacts& facts);
Json slack_theorems_json(std::span<const slack::TheoremCheck> checks);
Json slack_no_check_json();
// {ID: reason}, {ID[per quantity]}.
Json slack_not_applicable_json(std::span<const slack::TheoremCheck> checks,
                               const SlackLayer& layer);
Json slack_cases_json(std::span<const slack::TheoremCheck> checks, const SlackLayer& layer,
                      Nulls& nulls);
// per_theorem, per_layer and verdict.
Json slack_summary_json(std::span<const slack::TheoremCheck> checks,
                        std::span<const SlackLayer> layers, Nulls& nulls);

}  // namespace rg::experiments
