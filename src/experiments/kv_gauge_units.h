// Which sampled keys are fitted on, which are held out, and in what units the held-out ones are
// resampled. The same for every layer and head.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "experiments/key_sample_record.h"
#include "keys/key_set.h"

namespace rg::experiments {

inline constexpr uint32_t kMostUnits = 128;

// Documents are numbered by their first window. Even numbers are fitted on, odd ones held out and
// dealt to units in turn.
struct KvUnits {
  explicit KvUnits(std::span<const uint32_t> window_document);

  uint32_t count = 0;
  std::vector<int> of_window;  // (windows) -1: fitted on
  uint32_t fitted_documents = 0, held_out_documents = 0;
};

// Rows of a KeySampleRecord by what becomes of them.
class KvRows {
 public:
  KvRows(const KeySampleRecord& record, const KvUnits& units, uint32_t seq_len,
         uint32_t sink_positions);

  // Of one head's keys (rows, width). Held out: the units that have keys, by number, then the
  // sinks as one more document, of index `units`, if there are any.
  keys::KeySet fit(std::span<const float> keys, uint32_t width) const;
  keys::KeySet held_out(std::span<const float> keys, uint32_t width) const;

  uint32_t units() const { return units_; }
  uint32_t sink_rows() const { return sinks_; }  // the last ones of held_out
  uint32_t fit_rows() const { return static_cast<uint32_t>(fit_.size()); }
  const std::vector<uint32_t>& keys_of_window() const { return keys_of_window_; }
  const std::vector<uint32_t>& sinks_of_window() const { return sinks_of_window_; }
  uint64_t bytes() const;

 private:
  uint32_t units_ = 0, sinks_ = 0;
  std::vector<size_t> fit_, held_out_;  // rows of the record
  std::vector<keys::Document> documents_;
  std::vector<uint32_t> keys_of_window_, sinks_of_window_;
};

}  // namespace rg::experiments
