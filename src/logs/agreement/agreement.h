// Two routings of the same tokens compared: how far they agree, where they differ, whether noise on
// the logits explains it, and if not, which fault does. Definitions: docs/routing-logs.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "logs/agreement/comparison.h"
#include "logs/agreement/faults.h"
#include "logs/agreement/noise.h"
#include "logs/agreement/side.h"

namespace rg::logs {

struct AgreementSettings {
  uint32_t replicates = 2000;
  uint64_t seed = 0;
  int threads = 1;
};

struct LayerVerdict {
  int layer = 0;
  NoiseFit fit;
  uint64_t other_choice = 0;  // decisions left out: the reference's set isn't its gate's
};

struct AgreementReport {
  uint64_t rows = 0, sequences = 0;  // paired
  std::vector<int> layers = {};
  std::vector<std::string> notes = {};
  std::vector<AgreementRow> agreement = {};  // of every layer, then of all
  std::vector<FlipRow> by_margin = {}, by_position = {}, by_phase = {};
  Onset onset = {};
  bool all_equal = false;              // every set of every decision
  std::optional<char> reference = {};  // 'a' or 'b': whose gates are used; none has any
  std::string no_verdict = {};         // why there is none; empty: there is one
  std::vector<LayerVerdict> layer_verdicts = {};
  std::optional<NoiseFit> pooled = {};     // one eps for all layers
  std::optional<Verdict> verdict = {};     // of all
  std::optional<FaultSearch> faults = {};  // where sets differ, and the verdict is BUG or none
};

// LG008 as align().
AgreementReport compare_routings(const Side& a, const Side& b, const AgreementSettings& settings);

// schema/agreement.schema.json, but for what the caller knows of the sides.
Json agreement_json(const AgreementReport& report);

}  // namespace rg::logs
