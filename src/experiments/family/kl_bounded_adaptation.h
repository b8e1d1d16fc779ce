// kl_bounded_adaptation: with a set of layers frozen, does tuning stay near the base, forget
// little, forget in proportion to its drift, and do better in both than a recipe that freezes fewer
// layers? Drift: KL(p_run || p_base) on the eval text; forgetting: loss_run - loss_base on the base
// text; both in nats. docs/artifacts.md, section 12.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "experiments/family/output_record.h"
#include "record/artifact.h"

namespace rg::experiments {

// By layer: SHA-256 over the lines "name sha256\n" of the layer's tensors, in byte order of names.
using LayerHashes = std::map<int, std::string>;

struct AdaptationRun {
  std::string ckpt;
  const OutputRecord* eval;  // of the eval windows, passed with the base as reference
  const OutputRecord* base;  // of the base windows
  LayerHashes layer_hashes;
};

struct AdaptationFacts {
  std::string base;
  LayerHashes base_hashes;
  const OutputRecord* base_on_base;
  // As registered before the tuning; layers ascend.
  std::vector<int> frozen, comparison_frozen;
  double d_max, l_max;              // nats, of the means over runs
  std::string registration_sha256;  // of the file
  std::string registered_utc;
  std::vector<AdaptationRun> runs, comparison;  // neither empty
  std::vector<uint32_t> eval_window_document, base_window_document;
  uint64_t seed;
  uint32_t replicates;  // of the bootstrap
};

// The artifact's own fields.
record::Contribution reduce_kl_bounded_adaptation(const AdaptationFacts& facts);

}  // namespace rg::experiments
