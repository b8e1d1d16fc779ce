// What an audit adds to the passes that it needs.
#pragma once

#include <filesystem>

#include "formats/checkpoint.h"
#include "model/model.h"
#include "stream/pass.h"

namespace rg::bench {

struct AuditRate {
  double seconds;         // four passes with everything that an audit does, forecasts included
  double passes_seconds;  // four passes with a loss alone
  double flip_rate;       // of the decisions of the copy
};
// Of the checkpoint against itself with some outputs scaled in its first layer, so that decisions
// of later layers flip. Without the pass with another compute type, which is a plain one.
AuditRate audit_rate(const formats::Checkpoint& checkpoint, const model::Model& model,
                     const tap::SequenceSet& windows, const stream::Settings& settings);

}  // namespace rg::bench
