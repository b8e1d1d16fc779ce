#include "experiments/kv_gauge_units.h"

#include <algorithm>
#include <unordered_map>

namespace rg::experiments {
namespace {

keys::KeySet gathered(std::span<const float> keys, uint32_t width, std::span<const size_t> rows) {
  keys::KeySet out{.width = width, .values = {}, .documents = {}};
  out.values.reserve(rows.size() * width);
  for (const size_t row : rows) {
    const std::span<const float> key = keys.subspan(row * width, width);
    out.values.insert(out.values.end(), key.begin(), key.end());
  }
  return out;
}

}  // namespace

KvUnits::KvUnits(std::span<const uint32_t> window_document) {
  std::unordered_map<uint32_t, uint32_t> numbers;
  for (const uint32_t document : window_document) {
    const auto number = static_cast<uint32_t>(numbers.size());
    const uint32_t own = numbers.emplace(document, number).first->second;
    of_window.push_back(own % 2 == 0 ? -1 : static_cast<int>(own / 2 % kMostUnits));
  }
  held_out_documents = static_cast<uint32_t>(numbers.size() / 2);
  fitted_documents = static_cast<uint32_t>(numbers.size()) - held_out_documents;
  count = std::min(kMostUnits, held_out_documents);
}

KvRows::KvRows(const KeySampleRecord& record, const KvUnits& units, uint32_t seq_len,
               uint32_t sink_positions)
    : units_(units.count),
      keys_of_window_(units.of_window.size(), 0),
      sinks_of_window_(units.of_window.size(), 0) {
  std::vector<std::vector<size_t>> of_unit(units_ + size_t{1});  // the last: sinks
  for (size_t row = 0; row < record.rows(); ++row) {
    const uint32_t at = record.place(row).row;
    const bool sink = at % seq_len < sink_positions;
    const size_t window = at / seq_len;
    ++(sink ? sinks_of_window_ : keys_of_window_)[window];
    const int unit = units.of_window[window];
    if (unit < 0) {
      if (!sink) fit_.push_back(row);
    } else {
      of_unit[sink ? units_ : static_cast<size_t>(unit)].push_back(row);
    }
  }
  sinks_ = static_cast<uint32_t>(of_unit.back().size());
  for (uint32_t unit = 0; unit < of_unit.size(); ++unit) {
    if (of_unit[unit].empty()) continue;
    const auto begin = static_cast<uint32_t>(held_out_.size());
    held_out_.insert(held_out_.end(), of_unit[unit].begin(), of_unit[unit].end());
    documents_.push_back(
        {.index = unit, .begin = begin, .end = static_cast<uint32_t>(held_out_.size())});
  }
}

keys::KeySet KvRows::fit(std::span<const float> keys, uint32_t width) const {
  keys::KeySet out = gathered(keys, width, fit_);
  if (!fit_.empty()) out.documents.push_back({.index = 0, .begin = 0, .end = fit_rows()});
  return out;
}

keys::KeySet KvRows::held_out(std::span<const float> keys, uint32_t width) const {
  keys::KeySet out = gathered(keys, width, held_out_);
  out.documents = documents_;
  return out;
}

uint64_t KvRows::bytes() const {
  return (fit_.size() + held_out_.size()) * sizeof(size_t) +
         documents_.size() * sizeof(keys::Document) +
         (keys_of_window_.size() + sinks_of_window_.size()) * sizeof(uint32_t);
}

}  // namespace rg::experiments
