// Observes what coded keys do to attention, head by head: the half of an experiment that watches a
// pass. Documents are split as in kv_gauge: of even ones come the keys that gauges, means and
// shared scales are fitted on, of odd ones the windows whose queries are measured, each with its
// whole context. Layers without keys, and those whose attention can't be computed from what is
// shown, are named. Results are those of a layer's keys alone, whatever threads and blocks.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "experiments/experiment.h"
#include "experiments/key_sample_record.h"
#include "experiments/kv_contexts.h"
#include "experiments/kv_distortion_head.h"
#include "experiments/kv_distortion_options.h"
#include "experiments/kv_gauge_units.h"

namespace rg::experiments {

// A code that one head refuses is refused at the layer: by all of its heads, with one reason.
struct KvDistortionLayer {
  int layer;
  uint32_t width;
  Json attention;                   // what it is, for the artifact
  std::vector<KvHeadResult> heads;  // (kv_heads), their codes without windows
  // (codes, measured windows) sums over all heads, none for a refused code.
  std::vector<std::vector<KvBoth<keys::DistortionSums>>> windows;
};

class KvDistortionObserver : public tap::Observer {
 public:
  KvDistortionObserver(const Setting& setting, const KvDistortionOptions& options);

  tap::Needs needs() const override;
  std::span<const tap::SequenceSet* const> sets() const override { return {&set_, 1}; }
  void begin_keys(const tap::KeyView& view) override;
  void on_keys(const tap::KeyView& view, const tap::KeyBlock& block) override;
  void end_keys(const tap::KeyView& view) override;
  void on_no_keys(int layer, std::string_view mixer) override;

  const std::vector<KvCode>& codes() const { return codes_; }
  const KvContextRecord& contexts() const { return contexts_; }
  const std::vector<KvDistortionLayer>& layers() const { return layers_; }
  const KvUnits& units() const { return units_; }
  const KvRows& rows() const { return rows_; }
  const std::map<int, std::string>& without_keys() const { return without_keys_; }

 private:
  bool measured(int layer) const;
  bool can_be_coded(const tap::KeyView& view) const;
  std::vector<KvHeadResult> measure_heads(const tap::KeyView& view) const;

  const Setting setting_;
  const KvDistortionOptions options_;
  const tap::SequenceSet* set_;
  const std::vector<KvCode> codes_;
  const KvUnits units_;
  KeySampleRecord sample_;
  const KvRows rows_;
  KvContextRecord contexts_;
  std::vector<KvDistortionLayer> layers_;
  std::map<int, std::string> without_keys_;
};

// Windows to measure: `count` of those with a unit (or all of them), evenly spread, ascending.
std::vector<uint32_t> kv_measured_windows(const KvUnits& units, uint32_t count);

}  // namespace rg::experiments
