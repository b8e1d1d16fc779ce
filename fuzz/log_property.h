// What every reader of routing logs promises: a record whose arrays fit each other and whose size
// follows from the input's, or an error with an LG number.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "logs/readers/reader.h"
#include "logs/record.h"
#include "property.h"

namespace rg::fuzz {

// `format`: a reader's name; empty: whichever accepts.
inline void read_one_log(std::string_view format, std::span<const std::byte> bytes,
                         logs::ReadOptions options = {}) {
  options.format = format;
  const logs::Source source{.name = "input", .path = {}, .bytes = bytes};
  const auto record = accepted("LG", [&] { return logs::read_log(source, options); });
  if (!record) return;
  require(record->rows > 0 && record->k > 0 && !record->layers.empty(), "a log has a choice");
  require(record->k <= logs::kMaxColumns && record->layers.size() <= logs::kMaxLayers,
          "a log is within the limits");
  require(record->sequences() <= record->rows, "sequences are numbered by appearance");
  for (const int32_t sequence : record->sequence) require(sequence >= 0, "sequences from 0");
  for (size_t i = 0; i < record->layers.size(); ++i) {
    require(i == 0 || record->layers[i - 1].layer < record->layers[i].layer, "layers ascend");
    require(record->layers[i].ids.size() == size_t{record->rows} * record->k,
            "every layer has every row");
  }
}

}  // namespace rg::fuzz
