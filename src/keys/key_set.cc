#include "keys/key_set.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace rg::keys {
namespace {

template <typename Take>
KeySet selected(const KeyView& keys, const Take& takes) {
  KeySet out{.width = keys.width, .values = {}, .documents = {}};
  for (size_t begin = 0; begin < keys.documents.size();) {
    const uint32_t index = keys.documents[begin];
    size_t end = begin;
    while (end < keys.documents.size() && keys.documents[end] == index) ++end;
    if (takes(index)) {
      const uint32_t first = out.rows();
      const std::span<const float> rows =
          keys.values.subspan(begin * keys.width, (end - begin) * keys.width);
      out.values.insert(out.values.end(), rows.begin(), rows.end());
      out.documents.push_back({.index = index, .begin = first, .end = out.rows()});
    }
    begin = end;
  }
  return out;
}

void check_view(const KeyView& keys) {
  check_internal(keys.width >= 1, "keys have a width");
  check_internal(keys.values.size() == keys.documents.size() * keys.width,
                 "a document for every key");
  check_internal(std::is_sorted(keys.documents.begin(), keys.documents.end()),
                 "documents of keys ascend");
  check_internal(std::all_of(keys.values.begin(), keys.values.end(),
                             [](float value) { return std::isfinite(value); }),
                 "keys are finite");
}

}  // namespace

KeySet set_of(const KeyView& keys) {
  check_view(keys);
  return selected(keys, [](uint32_t) { return true; });
}

Halves halves_of(const KeyView& keys) {
  check_view(keys);
  return {.fit = selected(keys, [](uint32_t index) { return index % 2 == 0; }),
          .held_out = selected(keys, [](uint32_t index) { return index % 2 == 1; })};
}

linear::Column mean_of(const KeySet& keys) {
  linear::Column mean = linear::Column::Zero(keys.width);
  for (uint32_t n = 0; n < keys.rows(); ++n) {
    for (uint32_t j = 0; j < keys.width; ++j) mean[j] += double{keys.row(n)[j]};
  }
  return keys.rows() == 0 ? mean : linear::Column(mean / keys.rows());
}

}  // namespace rg::keys
