#include "logs/agreement/pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include "base/numbers.h"
#include "logs/refuse.h"

namespace rg::logs {
namespace {

// Rows of every sequence by position.
struct PlacedRows {
  const Side& side;
  std::vector<std::vector<uint32_t>> sequences;
};

PlacedRows placed_rows(const Side& side) {
  const Record& record = side.record;
  const SequenceRows groups = rows_by_sequence(record);
  PlacedRows placed{.side = side, .sequences = {}};
  for (size_t s = 0; s + 1 < groups.first.size(); ++s) {
    std::vector<uint32_t> rows(groups.order.begin() + groups.first[s],
                               groups.order.begin() + groups.first[s + 1]);
    std::stable_sort(rows.begin(), rows.end(), [&](uint32_t x, uint32_t y) {
      return record.position[x] < record.position[y];
    });
    for (size_t i = 1; i < rows.size(); ++i) {
      if (record.position[rows[i]] != record.position[rows[i - 1]]) continue;
      refuse(ErrorId::LG008, side.name, fmt::format("sequence {}", s),
             fmt::format("position {} twice", record.position[rows[i]]), "every position once",
             "Leave rows out that an engine wrote at start-up (import --check --clean), or give "
             "sequences their own numbers.");
    }
    placed.sequences.push_back(std::move(rows));
  }
  return placed;
}

std::vector<int32_t> tokens_of(const Record& record, const std::vector<uint32_t>& rows) {
  std::vector<int32_t> tokens;
  tokens.reserve(rows.size());
  for (const uint32_t row : rows) tokens.push_back(record.tokens[row]);
  return tokens;
}

// Calls take(row of a, row of b) for common positions; returns how many of a and b have none.
template <typename Take>
std::pair<uint64_t, uint64_t> for_common(const Record& a, const std::vector<uint32_t>& of_a,
                                         const Record& b, const std::vector<uint32_t>& of_b,
                                         Take&& take) {
  size_t i = 0, j = 0;
  uint64_t common = 0;
  while (i < of_a.size() && j < of_b.size()) {
    const int32_t at_a = a.position[of_a[i]], at_b = b.position[of_b[j]];
    if (at_a == at_b) {
      take(of_a[i], of_b[j]);
      ++common;
    }
    i += at_a <= at_b ? 1u : 0u;
    j += at_b <= at_a ? 1u : 0u;
  }
  return {of_a.size() - common, of_b.size() - common};
}

struct TokenMismatch {
  size_t sequence;
  uint32_t row_a, row_b;
};

std::optional<TokenMismatch> first_mismatch(const PlacedRows& a, const PlacedRows& b,
                                            const std::vector<size_t>& partner) {
  const Record &of_a = a.side.record, &of_b = b.side.record;
  std::optional<TokenMismatch> found;
  for (size_t s = 0; s < a.sequences.size() && !found; ++s) {
    for_common(of_a, a.sequences[s], of_b, b.sequences[partner[s]],
               [&](uint32_t row_a, uint32_t row_b) {
                 if (!found && of_a.tokens[row_a] != of_b.tokens[row_b]) {
                   found = TokenMismatch{s, row_a, row_b};
                 }
               });
  }
  return found;
}

// For every sequence of a one of b with the same token ids, in b's order where there are several;
// none if some has no partner.
std::optional<std::vector<size_t>> partners_by_tokens(const PlacedRows& a, const PlacedRows& b) {
  std::map<std::vector<int32_t>, std::vector<size_t>> of_tokens;
  for (size_t s = b.sequences.size(); s-- > 0;) {
    of_tokens[tokens_of(b.side.record, b.sequences[s])].push_back(s);
  }
  std::vector<size_t> partner;
  for (const auto& rows : a.sequences) {
    const auto at = of_tokens.find(tokens_of(a.side.record, rows));
    if (at == of_tokens.end() || at->second.empty()) return std::nullopt;
    partner.push_back(at->second.back());
    at->second.pop_back();
  }
  return partner;
}

std::vector<size_t> partners(const PlacedRows& a, const PlacedRows& b, Pairs& pairs) {
  const Record &of_a = a.side.record, &of_b = b.side.record;
  std::vector<size_t> partner(a.sequences.size());
  std::iota(partner.begin(), partner.end(), size_t{0});
  if (of_a.tokens.empty() || of_b.tokens.empty()) {
    for (size_t s = 0; s < partner.size(); ++s) {
      if (a.sequences[s].size() == b.sequences[s].size()) continue;
      refuse(ErrorId::LG008, b.side.name, fmt::format("sequence {}", s),
             counted(b.sequences[s].size(), "row"),
             fmt::format("{} as in {}", a.sequences[s].size(), a.side.name),
             "Without token ids in both logs, sequences must have equally many rows; --tokens FILE "
             "gives logs their token ids.");
    }
    pairs.notes.push_back(fmt::format(
        "{} no token ids: rows are paired by sequence and position.",
        of_a.tokens.empty() && of_b.tokens.empty() ? "Both logs have" : "One of the logs has"));
    return partner;
  }
  const auto mismatch = first_mismatch(a, b, partner);
  if (!mismatch) return partner;
  if (const auto by_tokens = partners_by_tokens(a, b)) {
    pairs.notes.push_back("The logs have their sequences in another order: paired by token ids.");
    return *by_tokens;
  }
  refuse(
      ErrorId::LG008, b.side.name,
      fmt::format("sequence {}, position {}", mismatch->sequence, of_b.position[mismatch->row_b]),
      fmt::format("token id {}", of_b.tokens[mismatch->row_b]),
      fmt::format("{} as in {}", of_a.tokens[mismatch->row_a], a.side.name),
      "Only the routing of the same tokens can be compared.");
}

void require_alike(const Side& a, const Side& b) {
  const Record &of_a = a.record, &of_b = b.record;
  if (of_a.experts > 0 && of_b.experts > 0 && of_a.experts != of_b.experts) {
    refuse(ErrorId::LG008, b.name, "experts", fmt::format("{} of a layer", of_b.experts),
           fmt::format("{} as in {}", of_a.experts, a.name));
  }
  if (of_a.sequences() != of_b.sequences()) {
    refuse(ErrorId::LG008, b.name, "sequences", counted(of_b.sequences(), "sequence"),
           fmt::format("{} as in {}", of_a.sequences(), a.name),
           "If the log doesn't tell sequences apart, give their token ids with --tokens.");
  }
}

std::vector<int> common_layers(const Side& a, const Side& b, Pairs& pairs) {
  std::vector<int> common, only_a, only_b;
  for (const LayerLog& log : a.record.layers) {
    (b.record.find(log.layer) != nullptr ? common : only_a).push_back(log.layer);
  }
  for (const LayerLog& log : b.record.layers) {
    if (a.record.find(log.layer) == nullptr) only_b.push_back(log.layer);
  }
  if (common.empty()) {
    refuse(ErrorId::LG008, b.name, "layers", format_ranges(only_b),
           fmt::format("some of {}, those of {}", format_ranges(only_a), a.name),
           "--layers says which layers of the model the log has.");
  }
  const auto note = [&](const std::vector<int>& only, const std::string& side) {
    if (only.empty()) return;
    pairs.notes.push_back(
        fmt::format("Layers that only {} has are left out: {}.", side, format_ranges(only)));
  };
  note(only_a, "A");
  note(only_b, "B");
  return common;
}

}  // namespace

Pairs align(const Side& a, const Side& b) {
  require_alike(a, b);
  Pairs pairs;
  pairs.layers = common_layers(a, b, pairs);
  const PlacedRows of_a = placed_rows(a), of_b = placed_rows(b);
  const std::vector<size_t> partner = partners(of_a, of_b, pairs);
  pairs.first.push_back(0);
  for (size_t s = 0; s < partner.size(); ++s) {
    const auto [only_a, only_b] =
        for_common(a.record, of_a.sequences[s], b.record, of_b.sequences[partner[s]],
                   [&](uint32_t row_a, uint32_t row_b) {
                     pairs.a.push_back(row_a);
                     pairs.b.push_back(row_b);
                     pairs.position.push_back(a.record.position[row_a]);
                   });
    pairs.only_a += only_a;
    pairs.only_b += only_b;
    pairs.first.push_back(static_cast<uint32_t>(pairs.a.size()));
  }
  if (pairs.count() == 0) {
    refuse(ErrorId::LG008, b.name, "positions", "none in common",
           fmt::format("some of those of {}", a.name));
  }
  if (pairs.only_a > 0 || pairs.only_b > 0) {
    pairs.notes.push_back(fmt::format("Rows that only one side has are left out: {} of A, {} of B.",
                                      format_count(pairs.only_a), format_count(pairs.only_b)));
  }
  return pairs;
}

}  // namespace rg::logs
