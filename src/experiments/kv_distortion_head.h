// What coded keys (and values) do to the attention of the query heads that read one KV head, under
// a list of codes: sums and order statistics over queries, without the keys.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/kv_codes.h"
#include "experiments/kv_contexts.h"
#include "keys/distortion_record.h"
#include "keys/draws.h"
#include "keys/rotary_turn.h"

namespace rg::experiments {

// Every key coded; and the first positions, attention sinks mostly, stored as they are.
template <typename T>
struct KvBoth {
  T all = {}, sinks_exact = {};
};

struct KvMeasured {
  keys::DistortionSums sums = {};
  keys::DistortionSummary summary = {};
};

struct KvCodeResult {
  std::string refused = {};               // why this head has no such code; then nothing below
  double key_error = 0, value_error = 0;  // squared, over the rows of all contexts
  KvBoth<KvMeasured> measured = {};       // over all queries of the group
  std::vector<KvBoth<keys::DistortionSums>> windows = {};  // (contexts)
};

struct KvHeadResult {
  double key_energy = 0, value_energy = 0;  // squares, over the rows of all contexts
  std::vector<KvCodeResult> codes = {};
};

struct KvHeadContexts {
  const KvContextRecord& contexts;
  uint32_t head, group;      // KV head; query heads that read it
  const keys::KeySet& fit;   // keys of other documents, at the step where they are stored
  keys::Place place;         // of the random gauge
  keys::AttentionRule rule;  // without a sink
  uint32_t sink_positions;   // stored exactly in `sinks_exact`
  // Null: keys are stored as they are scored.
  const keys::RotaryTurn* turn;
};

// Results of codes in their order. Depends on the arguments alone; one thread.
KvHeadResult measure_kv_distortion(const KvHeadContexts& head, std::span<const KvCode> codes);
// What one call holds beyond its arguments and results, about.
uint64_t kv_distortion_bytes(size_t codes, size_t queries_of_group, size_t longest_context,
                             size_t widest_head);

}  // namespace rg::experiments
