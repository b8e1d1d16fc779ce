// The codes of keys (and values) that kv_distortion measures, and their words.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "keys/gauge.h"
#include "keys/quantiser.h"

namespace rg::experiments {

struct KvCode {
  keys::QuantiserSpec spec;
  keys::GaugeKind gauge;  // identity, signed_hadamard or itq_cosine, number 0
  bool values;            // coded too: as many bits, a least-squares scale per position, no gauge

  // A least-squares scale per key, no gauge, nothing subtracted, exact values.
  bool plain() const;
  // Fitted on keys of other documents.
  bool needs_fit() const;
};

enum class KvCodeChoice {
  scales,  // the plain code; scales per channel and per head; the other two rules
  plain,
  all,  // also a random and a learned gauge, and the keys' mean subtracted
};

struct KvCodeRange {
  KvCodeChoice choice;
  bool values;  // also the plain code with values coded
  uint32_t fewest_bits, most_bits;
};
// By bits, ascending; of each the plain code first, then what differs from it in one thing.
std::vector<KvCode> kv_codes(const KvCodeRange& range);

Json kv_code_json(const KvCode& code);

}  // namespace rg::experiments
