// Which documents key_only_router fits on, chooses by and reports on, and where the sampled rows of
// their windows are. The same for every layer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "readout/split.h"

namespace rg::experiments {

struct RouterSplit {
  // Documents are numbered by their first window. `rows_each`: sampled rows of a window.
  RouterSplit(std::span<const uint32_t> window_document, uint32_t rows_each, uint64_t seed);

  bool usable() const { return !parts.empty(); }  // three documents
  uint32_t rows_of(readout::Part part) const;
  uint64_t bytes() const;

  uint32_t documents = 0, fitted = 0, choosing = 0, tests = 0;  // counts of documents
  uint32_t units = 0;
  std::vector<int> of_window;             // (windows) -2: fitted on, -1: chooses, else the unit
  std::vector<readout::Part> parts;       // (documents)
  std::vector<int> unit_of_document;      // (documents) -1: not a test
  std::vector<uint32_t> first_row;        // (windows) rows go by document, then window
  std::vector<uint32_t> document_of_row;  // (rows) ascending
};

}  // namespace rg::experiments
