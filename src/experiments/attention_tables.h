// Two further tables of attention_router: token ids against context, and the router matrix itself
// (docs/artifacts.md, 5).
#pragma once

#include "experiments/attention_summary.h"

namespace rg::experiments {

// `token_id` and `gate_geometry` of one measured layer.
Json token_json(const AttentionRecords& records, size_t slot, Nulls& nulls);
Json geometry_json(const GateGeometry& geometry);

}  // namespace rg::experiments
