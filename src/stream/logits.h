// After the last layer: logits of every token, a few rows at a time, to the observers that ask for
// them; beside them those of a reference model, from the states that an earlier pass kept.
#pragma once

#include <optional>
#include <span>

#include "stream/layer_pass.h"
#include "stream/output_head.h"
#include "stream/pass.h"
#include "stream/tensor_reader.h"
#include "stream/token_tables.h"

namespace rg::stream {

// RT009 with both values unless the reference has the model's vocabulary.
void require_same_vocabulary(const model::Model& model, const ReferenceModel& reference);

struct LogitsRun {
  const model::Model& model;
  std::span<const tap::SequenceSet* const> sets;
  std::span<tap::Observer* const> observers;
  const Settings& settings;
  const OutputHead& head;
  const TokenTables& tables;
};
void show_logits(const LogitsRun& run, const LayerPass& layers);

// Bytes of one worker's buffers.
uint64_t logits_worker_bytes(const model::Model& model, const Settings& settings);

}  // namespace rg::stream
