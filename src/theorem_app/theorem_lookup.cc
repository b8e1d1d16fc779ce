#include "theorem_app/theorem_lookup.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <numeric>

#include "base/error.h"

namespace rg::app {
namespace {

constexpr size_t kSuggestions = 3;

// Levenshtein's: insertions, deletions and replacements of single bytes.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::vector<std::string> nearest_ids(const theorems::Catalogue& catalogue, std::string_view typed) {
  std::string upper(typed.substr(0, 40));  // no id is longer; the work stays small
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::vector<std::pair<size_t, std::string>> ids;
  for (const theorems::Family& family : catalogue.families) {
    for (const theorems::Entry& entry : family.entries) {
      ids.emplace_back(edit_distance(upper, entry.id), entry.id);
    }
  }
  std::stable_sort(ids.begin(), ids.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> out;
  for (size_t i = 0; i < std::min(kSuggestions, ids.size()); ++i) out.push_back(ids[i].second);
  return out;
}

}  // namespace

const theorems::Entry& find_entry(const theorems::Catalogue& catalogue, std::string_view id,
                                  const char* option) {
  if (const theorems::Entry* entry = catalogue.find_entry(id)) return *entry;
  throw Error(ErrorId::US001, {.object = option,
                               .found = fmt::format("'{}'", escape_for_terminal(id)),
                               .expected = "an id of the catalogue, such as " +
                                           join(nearest_ids(catalogue, id), ", "),
                               .hint = "See routegauge theorems list."});
}

std::string status_summary(const theorems::Catalogue& catalogue, const theorems::Entry& entry) {
  const auto rows = catalogue.formal_of(entry);
  std::vector<std::string> parts;
  for (const theorems::Status status : theorems::kStatuses) {
    const auto count = std::count_if(rows.begin(), rows.end(),
                                     [&](const auto* row) { return row->status == status; });
    if (count == 0) continue;
    const char* word = theorems::word_of(status);
    const bool alone = static_cast<size_t>(count) == rows.size();
    parts.push_back(alone ? word : fmt::format("{} {}", count, word));
  }
  if (parts.empty()) return "-";
  const std::string_view cover = formal_cover(entry);
  const char* note = cover == "part" ? " (in part)" : cover == "differs" ? " (differs)" : "";
  return join(parts, ", ") + note;
}

const char* formal_cover(const theorems::Entry& entry) {
  if (entry.formal_names.empty()) return "none";
  if (entry.gap) return "part";
  return entry.difference ? "differs" : "whole";
}

std::vector<std::string> verdict_words(const theorems::Entry& entry) {
  std::vector<std::string> words;
  for (const theorems::Claim& claim : entry.claims) {
    const std::string word = theorems::word_of(claim.verdict);
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  return words;
}

std::string join(const std::vector<std::string>& words, std::string_view between) {
  return fmt::format("{}", fmt::join(words, between));
}

}  // namespace rg::app
