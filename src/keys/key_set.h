// The keys of one KV head as rows, grouped by document, and their split into a half to fit gauges
// on and a half to report. Under grouped-query attention all query heads of a group read the same
// keys and must share their gauge (MH-3), so a KV head is the unit of everything here.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linear/matrix.h"

namespace rg::keys {

// Borrowed: row i, of `width` finite values, belongs to documents[i]; documents ascend.
struct KeyView {
  std::span<const float> values;        // (rows, width), row-major
  uint32_t width = 0;                   // d, at least 1
  std::span<const uint32_t> documents;  // (rows)
};

struct Document {
  uint32_t index;       // its number in the view
  uint32_t begin, end;  // its rows in the set
};

struct KeySet {
  uint32_t width = 0;
  std::vector<float> values;        // (rows, width), row-major
  std::vector<Document> documents;  // ascending, none empty

  uint32_t rows() const { return static_cast<uint32_t>(values.size() / width); }
  std::span<const float> row(uint32_t n) const {
    return std::span(values).subspan(size_t{n} * width, width);
  }
};

// All rows as one set. Throws an internal error for shapes that disagree, documents that don't
// ascend, no width, or a value that isn't finite.
KeySet set_of(const KeyView& keys);

// Documents of even index, to fit on, and of odd index, to report on. Either may be empty.
// Documents are never cut: their keys depend on each other.
struct Halves {
  KeySet fit, held_out;
};
Halves halves_of(const KeyView& keys);

// Mean of the rows, (d); zero without rows. fp64, rows in order.
linear::Column mean_of(const KeySet& keys);

}  // namespace rg::keys
