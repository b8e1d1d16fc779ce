// What coded keys (and values) do to the attention of the query heads that read one KV head, under
// a list of codes: summaries over queries, without the keys.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/kv_contexts.h"
#include "keys/distortion_record.h"
#include "keys/draws.h"
#include "keys/gauge.h"
#include "keys/quantiser.h"

namespace rg::experiments {

struct KvCode {
  keys::QuantiserSpec spec;
  keys::GaugeKind gauge;  // identity, signed_hadamard or itq_cosine, number 0
  bool values;            // coded too: as many bits, a least-squares scale per position, no gauge
};
// For 1 to 4 bits: the plain code (a least-squares scale per key, no gauge, nothing subtracted),
// and what differs from it in one thing: scales per channel and per head, the other two rules, a
// random and a learned gauge, the keys' mean subtracted, values coded too.
std::vector<KvCode> kv_codes();

struct KvCodeResult {
  std::string refused = {};  // why this head has no such code; then nothing below
  keys::DistortionSummary all = {};
  keys::DistortionSummary sinks_exact = {};   // the first positions stored as they are
  std::vector<keys::DistortionSums> windows;  // (contexts), of `all`
};

struct KvHeadContexts {
  const KvContextRecord& contexts;
  uint32_t head, group;      // KV head; query heads that read it
  const keys::KeySet& fit;   // keys of other documents: of gauges, means and shared scales
  keys::Place place;         // of the random gauge
  keys::AttentionRule rule;  // without a sink
  uint32_t sink_positions;   // stored exactly in `sinks_exact`
};

// One per code, in their order. Depends on the arguments alone; one thread.
std::vector<KvCodeResult> measure_kv_distortion(const KvHeadContexts& head,
                                                std::span<const KvCode> codes);
// What one call holds beyond its arguments and results, about.
uint64_t kv_distortion_bytes(size_t codes, size_t queries_of_group, size_t longest_context,
                             size_t widest_head);

}  // namespace rg::experiments
