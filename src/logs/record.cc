#include "logs/record.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"

namespace rg::logs {
namespace {

// The rows that are kept, of an array with `columns` values per row.
template <typename T>
std::vector<T> kept_rows(const std::vector<T>& values, size_t columns,
                         std::span<const RowRange> removed, size_t rows) {
  std::vector<T> kept;
  if (values.empty()) return kept;
  kept.reserve(values.size());
  size_t at = 0;
  const auto take_until = [&](size_t row) {
    if (row > at) {
      kept.insert(kept.end(), values.begin() + static_cast<ptrdiff_t>(at * columns),
                  values.begin() + static_cast<ptrdiff_t>(row * columns));
    }
  };
  for (const RowRange& range : removed) {
    take_until(range.first);
    at = size_t{range.last} + 1;
  }
  take_until(rows);
  return kept;
}

}  // namespace

std::string_view name(Phase phase) noexcept {
  switch (phase) {
    case Phase::unknown:
      return "unknown";
    case Phase::prefill:
      return "prefill";
    case Phase::decode:
      return "decode";
  }
  return "?";
}

std::string_view name(LogitsKind kind) noexcept {
  switch (kind) {
    case LogitsKind::raw:
      return "raw";
    case LogitsKind::probabilities:
      return "probabilities";
    case LogitsKind::weights:
      return "weights";
  }
  return "?";
}

const LayerLog* Record::find(int layer) const noexcept {
  const auto at =
      std::lower_bound(layers.begin(), layers.end(), layer,
                       [](const LayerLog& log, int wanted) { return log.layer < wanted; });
  return at == layers.end() || at->layer != layer ? nullptr : &*at;
}

bool Record::has_weights() const noexcept {
  return std::any_of(layers.begin(), layers.end(),
                     [](const LayerLog& log) { return !log.weights.empty(); });
}

uint32_t Record::sequences() const noexcept {
  const auto largest = std::max_element(sequence.begin(), sequence.end());
  return largest == sequence.end() ? 0 : static_cast<uint32_t>(*largest) + 1;
}

SequenceRows rows_by_sequence(const Record& record) {
  SequenceRows rows;
  rows.first.assign(size_t{record.sequences()} + 1, 0);
  for (const int32_t sequence : record.sequence) ++rows.first[static_cast<size_t>(sequence) + 1];
  for (size_t s = 1; s < rows.first.size(); ++s) rows.first[s] += rows.first[s - 1];
  std::vector<uint32_t> next(rows.first.begin(), rows.first.end() - 1);
  rows.order.resize(record.rows);
  for (uint32_t row = 0; row < record.rows; ++row) {
    rows.order[next[static_cast<size_t>(record.sequence[row])]++] = row;
  }
  return rows;
}

void number_by_appearance(std::vector<int32_t>& sequence) {
  std::unordered_map<int32_t, int32_t> numbers;
  int32_t last = 0, last_number = -1;
  for (int32_t& value : sequence) {
    if (last_number < 0 || value != last) {
      last = value;
      last_number = numbers.emplace(value, static_cast<int32_t>(numbers.size())).first->second;
    }
    value = last_number;
  }
}

Record without_rows(const Record& record, std::span<const RowRange> rows) {
  Record kept;
  kept.model = record.model;
  kept.format = record.format;
  kept.sources = record.sources;
  kept.stated = record.stated;
  kept.rows = record.rows - static_cast<uint32_t>(count_rows(rows));
  kept.k = record.k;
  kept.experts = record.experts;
  kept.logit_columns = record.logit_columns;
  kept.stated_k = record.stated_k;
  for (const LayerLog& log : record.layers) {
    kept.layers.push_back(
        {.layer = log.layer,
         .ids = kept_rows(log.ids, record.k, rows, record.rows),
         .weights = kept_rows(log.weights, record.k, rows, record.rows),
         .logits = kept_rows(log.logits, record.logit_columns, rows, record.rows)});
  }
  kept.tokens = kept_rows(record.tokens, 1, rows, record.rows);
  kept.sequence = kept_rows(record.sequence, 1, rows, record.rows);
  number_by_appearance(kept.sequence);
  kept.position = kept_rows(record.position, 1, rows, record.rows);
  kept.phase = kept_rows(record.phase, 1, rows, record.rows);
  kept.positions_stated = record.positions_stated;
  if (!record.positions_stated) {  // counted by the reader: count again
    std::vector<int32_t> next(kept.sequences(), 0);
    for (size_t row = 0; row < kept.rows; ++row) {
      kept.position[row] = next[static_cast<size_t>(kept.sequence[row])]++;
    }
  }
  kept.weight_epsilon = record.weight_epsilon;
  kept.logits_kind = record.logits_kind;
  kept.ids_from_logits = record.ids_from_logits;
  kept.gate = record.gate;
  kept.notes = record.notes;
  kept.checks = record.checks;
  kept.left_out = record.left_out;
  kept.left_out.insert(kept.left_out.end(), rows.begin(), rows.end());
  return kept;
}

void check_shapes(const Record& record) {
  const size_t rows = record.rows;
  check_internal(record.sequence.size() == rows && record.position.size() == rows &&
                     record.phase.size() == rows &&
                     (record.tokens.empty() || record.tokens.size() == rows),
                 "every row of a log has a sequence, a position and a phase");
  check_internal(!record.layers.empty() && record.k > 0, "a log has a layer and a choice");
  for (size_t i = 0; i < record.layers.size(); ++i) {
    const LayerLog& log = record.layers[i];
    check_internal(i == 0 || record.layers[i - 1].layer < log.layer, "layers of a log ascend");
    check_internal(log.ids.size() == rows * record.k &&
                       (log.weights.empty() || log.weights.size() == rows * record.k) &&
                       (log.logits.empty() || log.logits.size() == rows * record.logit_columns),
                   "all layers of a log have its rows");
  }
}

std::vector<RowRange> ranges_of(std::span<const uint32_t> rows) {
  std::vector<RowRange> ranges;
  for (const uint32_t row : rows) {
    if (!ranges.empty() && ranges.back().last + 1 == row) {
      ranges.back().last = row;
    } else {
      ranges.push_back({row, row});
    }
  }
  return ranges;
}

uint64_t count_rows(std::span<const RowRange> rows) {
  uint64_t count = 0;
  for (const RowRange& range : rows) count += uint64_t{range.last} - range.first + 1;
  return count;
}

std::vector<RowRange> merged(std::vector<RowRange> a, std::span<const RowRange> b) {
  a.insert(a.end(), b.begin(), b.end());
  std::sort(a.begin(), a.end(), [](const RowRange& x, const RowRange& y) {
    return x.first != y.first ? x.first < y.first : x.last < y.last;
  });
  std::vector<RowRange> all;
  for (const RowRange& range : a) {
    if (!all.empty() && uint64_t{all.back().last} + 1 >= range.first) {
      all.back().last = std::max(all.back().last, range.last);
    } else {
      all.push_back(range);
    }
  }
  return all;
}

}  // namespace rg::logs
