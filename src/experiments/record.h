// What an experiment keeps of every layer until the end of a run. Each array is said once: from a
// column come its place in the artifact's `per_window`, the reason for its nulls and its title in
// the schema; from all arrays together the bytes that the plan counts.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"

namespace rg::experiments {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

class Nulls;

// Per-window values of one quantity: (layers, windows), NaN where undefined. Artifacts hold no
// infinity, so an infinite value is undefined too.
class WindowValues {
 public:
  WindowValues() = default;
  WindowValues(size_t layers, size_t windows)
      : windows_(windows), values_(layers * windows, kNaN) {}
  void set(size_t layer, size_t window, double value) {
    values_[layer * windows_ + window] = std::isfinite(value) ? value : kNaN;
  }
  std::span<const double> of_layer(size_t layer) const {
    return {values_.data() + layer * windows_, windows_};
  }
  uint64_t bytes() const { return values_.size() * sizeof(double); }

 private:
  size_t windows_ = 0;
  std::vector<double> values_;
};

// The same for counts, which are always defined.
class WindowCounts {
 public:
  WindowCounts() = default;
  WindowCounts(size_t layers, size_t windows) : windows_(windows), values_(layers * windows, 0) {}
  uint64_t& at(size_t layer, size_t window) { return values_[layer * windows_ + window]; }
  uint64_t at(size_t layer, size_t window) const { return values_[layer * windows_ + window]; }
  std::span<const uint64_t> of_layer(size_t layer) const {
    return {values_.data() + layer * windows_, windows_};
  }
  uint64_t bytes() const { return values_.size() * sizeof(uint64_t); }

 private:
  size_t windows_ = 0;
  std::vector<uint64_t> values_;
};

// A count per expert: (layers, windows, E).
class ExpertCounts {
 public:
  ExpertCounts() = default;
  ExpertCounts(size_t layers, size_t windows, size_t experts)
      : windows_(windows), experts_(experts), values_(layers * windows * experts, 0) {}
  std::span<uint64_t> at(size_t layer, size_t window) {
    return {values_.data() + (layer * windows_ + window) * experts_, experts_};
  }
  std::span<const uint64_t> at(size_t layer, size_t window) const {
    return {values_.data() + (layer * windows_ + window) * experts_, experts_};
  }
  size_t windows() const { return windows_; }
  uint64_t bytes() const { return values_.size() * sizeof(uint64_t); }

 private:
  size_t windows_ = 0, experts_ = 0;
  std::vector<uint64_t> values_;
};

struct Column {
  std::string path;         // below `per_window`, without the layer: "margins.m_thr"
  const char* title;        // in the schema: what a value is, with its unit if it has one
  const char* null_reason;  // why a value is null; empty for counts, which never are
};

// Base of the structs that hold the arrays: a constructor lists each of them.
class Record {
 public:
  Record(const Record&) = delete;  // columns point into it
  Record& operator=(const Record&) = delete;

  std::vector<Column> columns() const;
  // {path: {layer: values by window}} of every column, in their order.
  Json per_window(const std::vector<int>& layers, Nulls& nulls) const;
  uint64_t bytes() const { return bytes_; }

 protected:
  Record(size_t layers, size_t windows) : layers_(layers), windows_(windows) {}
  ~Record() = default;

  // Gives an array its size and lists it as a column.
  void column(WindowValues& values, Column column);
  void column(WindowCounts& counts, Column column);
  void column(ExpertCounts& counts, size_t experts, Column column);
  // The same for arrays that `per_window` doesn't show.
  void keep(WindowValues& values);
  void keep(WindowCounts& counts);
  template <typename T>
  void keep(std::vector<T>& array, size_t count, const T& value) {
    array.assign(count, value);
    bytes_ += count * sizeof(T);
  }

 private:
  struct Row {
    Column column;
    std::function<Json(size_t slot, const std::string& path, Nulls&)> json;  // of one layer
  };
  const size_t layers_, windows_;
  std::vector<Row> rows_;
  uint64_t bytes_ = 0;
};

}  // namespace rg::experiments
