#include "readout/split.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "readout/draws.h"

namespace rg::readout {

std::vector<Part> split_documents(uint32_t documents, Shares shares, uint64_t seed) {
  check_internal(documents >= 3, "three documents to split");
  check_internal(shares.validation_percent + shares.test_percent < 100, "documents to fit on");
  const auto count = [&](uint32_t percent) {
    return std::max<uint32_t>(1, static_cast<uint32_t>(uint64_t{documents} * percent / 100));
  };
  const uint32_t test = count(shares.test_percent), validation = count(shares.validation_percent);
  const std::vector<uint32_t> order =
      shuffled({.seed = seed, .layer = 0}, Draw::split, documents, 0);
  std::vector<Part> parts(documents, Part::train);
  for (uint32_t i = 0; i < test; ++i) parts[order[i]] = Part::test;
  for (uint32_t i = test; i < test + validation; ++i) parts[order[i]] = Part::validation;
  return parts;
}

std::vector<uint32_t> rows_of(Part part, std::span<const Part> parts,
                              std::span<const uint32_t> document_of_row) {
  std::vector<uint32_t> rows;
  for (uint32_t n = 0; n < document_of_row.size(); ++n) {
    check_internal(document_of_row[n] < parts.size(), "a part for every document");
    if (parts[document_of_row[n]] == part) rows.push_back(n);
  }
  return rows;
}

bool apart(std::span<const uint32_t> rows, std::span<const uint32_t> other_rows,
           std::span<const uint32_t> document_of_row) {
  std::set<uint32_t> seen;
  for (const uint32_t n : rows) seen.insert(document_of_row[n]);
  return std::none_of(other_rows.begin(), other_rows.end(),
                      [&](uint32_t n) { return seen.contains(document_of_row[n]); });
}

}  // namespace rg::readout
