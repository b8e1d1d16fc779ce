// Documents are split into those to fit on, those to choose by and those to report on: whole
// documents, so that no text is on both sides.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rg::readout {

enum class Part : uint8_t { train, validation, test };

struct Shares {
  uint32_t validation_percent = 10;
  uint32_t test_percent = 20;
};

// The part of each of `documents` documents, drawn by the seed, the same for every layer. Percents
// are rounded down; at least one document in every part. At least 3 documents; percents below 100
// together.
std::vector<Part> split_documents(uint32_t documents, Shares shares, uint64_t seed);

// Rows of one part, ascending. document_of_row: indices into `parts`.
std::vector<uint32_t> rows_of(Part part, std::span<const Part> parts,
                              std::span<const uint32_t> document_of_row);

// Whether no document has rows on both sides.
bool apart(std::span<const uint32_t> rows, std::span<const uint32_t> other_rows,
           std::span<const uint32_t> document_of_row);

}  // namespace rg::readout
