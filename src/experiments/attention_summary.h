// attention_router's records reduced to the artifact's fields (docs/artifacts.md, 5).
#pragma once

#include <string>
#include <vector>

#include "experiments/decomposition.h"
#include "experiments/gate_geometry.h"
#include "experiments/prompt_records.h"
#include "experiments/source_table.h"
#include "experiments/token_statistics.h"

namespace rg::experiments {

struct AttentionRecords {
  const Setting& setting;
  size_t parts;
  std::string convention;
  const DecompositionRecord& decomposition;
  const SourceTable& sources;
  const TokenStatistics& token_statistics;
  const std::vector<TokenStatisticsRow>& token_rows;  // by measured layer
  const std::vector<GateGeometry>& geometry;          // by measured layer
  const PromptRecords& prompts;
};

// Layers that decide the verdict: the measured ones except the model's first MoE layer.
std::vector<int> required_layers(const Setting& setting);

void reduce_attention(const AttentionRecords& records, Json& fields);

// Labels over intervals: H1 above 0.85, H2 within [0.50, 0.80], H3 below 0.50, else inconclusive.
enum class Hypothesis { H1, H2, H3, inconclusive };
const char* name(Hypothesis label);
Hypothesis judge_mean(double mean);  // of the published program: no interval
Hypothesis judge_layers(std::span<const stats::Replicates> layers);

}  // namespace rg::experiments
