#include "experiments/key_only_split.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace rg::experiments {
namespace {

constexpr readout::Shares kRouterShares = {.validation_percent = 10, .test_percent = 30};
constexpr uint32_t kMostRouterUnits = 128;
constexpr uint32_t kLeastDocuments = 3;

std::vector<uint32_t> numbered_by_window(std::span<const uint32_t> window_document) {
  std::unordered_map<uint32_t, uint32_t> numbers;
  std::vector<uint32_t> out;
  for (const uint32_t document : window_document) {
    out.push_back(numbers.emplace(document, static_cast<uint32_t>(numbers.size())).first->second);
  }
  return out;
}

}  // namespace

RouterSplit::RouterSplit(std::span<const uint32_t> window_document, uint32_t rows_each,
                         uint64_t seed)
    : of_window(window_document.size(), -2), first_row(window_document.size(), 0) {
  const std::vector<uint32_t> number = numbered_by_window(window_document);
  for (const uint32_t document : number) documents = std::max(documents, document + 1);
  if (documents < kLeastDocuments) return;
  parts = readout::split_documents(documents, kRouterShares, seed);
  for (const readout::Part part : parts) {
    const bool test = part == readout::Part::test;
    unit_of_document.push_back(test ? static_cast<int>(tests % kMostRouterUnits) : -1);
    ++(test ? tests : part == readout::Part::train ? fitted : choosing);
  }
  units = std::min(kMostRouterUnits, tests);
  std::vector<uint32_t> order(number.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return number[a] < number[b]; });
  for (const uint32_t window : order) {
    const uint32_t document = number[window];
    const readout::Part part = parts[document];
    if (part == readout::Part::validation) of_window[window] = -1;
    if (part == readout::Part::test) of_window[window] = unit_of_document[document];
    first_row[window] = static_cast<uint32_t>(document_of_row.size());
    document_of_row.insert(document_of_row.end(), rows_each, document);
  }
}

uint32_t RouterSplit::rows_of(readout::Part part) const {
  return static_cast<uint32_t>(
      std::count_if(document_of_row.begin(), document_of_row.end(),
                    [&](uint32_t document) { return parts[document] == part; }));
}

uint64_t RouterSplit::bytes() const {
  return document_of_row.size() * sizeof(uint32_t) +
         of_window.size() * (sizeof(int) + sizeof(uint32_t)) +
         parts.size() * (sizeof(readout::Part) + sizeof(int));
}

}  // namespace rg::experiments
