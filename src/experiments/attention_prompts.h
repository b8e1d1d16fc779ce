// Prompts and probes as JSON: the published table, its two verdicts, the context tests.
#pragma once

#include <vector>

#include "experiments/common.h"
#include "experiments/prompt_records.h"

namespace rg::experiments {

// First, middle and last layer if all MoE layers are measured, else all measured layers.
std::vector<size_t> published_slots(const Setting& setting);

Json prompts_json(const Setting& setting, const PromptRecords& records, Nulls& nulls);
Json probes_json(const Setting& setting, const PromptRecords& records);
Json published_table(const Setting& setting, const PromptRecords& records);
Json published_verdict(const Setting& setting, const PromptRecords& records, Nulls& nulls);
Json context_tests(const Setting& setting, const PromptRecords& records);

}  // namespace rg::experiments
