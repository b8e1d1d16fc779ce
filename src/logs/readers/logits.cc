// Router logits: which of three kinds they are, and the choice that follows from them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "gate/order.h"
#include "logs/readers/reader.h"
#include "logs/refuse.h"

namespace rg::logs {
namespace {

constexpr double kSumTolerance = 1e-3;

LogitsKind kind_of_row(std::span<const float> row, std::optional<uint32_t> k) {
  double sum = 0;
  size_t positive = 0;
  for (const float value : row) {
    if (!(value >= 0)) return LogitsKind::raw;
    sum += double{value};
    positive += value > 0 ? 1u : 0u;
  }
  if (k && positive == *k && positive < row.size()) return LogitsKind::weights;
  return std::abs(sum - 1) <= kSumTolerance ? LogitsKind::probabilities : LogitsKind::raw;
}

// The ids and weights of the k largest values of a row.
void rank_row(std::span<const float> row, uint32_t k, int32_t* ids) {
  uint64_t keys[kMaxColumns];
  gate::TopKeys top(keys, k);
  for (size_t e = 0; e < row.size(); ++e) {
    top.offer(gate::order_key(row[e], static_cast<uint32_t>(e)));
  }
  for (uint32_t i = 0; i < k; ++i) ids[i] = static_cast<int32_t>(top.index(i));
}

}  // namespace

LogitsKind kind_of_logits(std::span<const float> logits, uint32_t columns,
                          std::optional<uint32_t> k, const std::string& file,
                          const std::string& what) {
  const size_t rows = logits.size() / columns;
  size_t counts[3] = {0, 0, 0};
  for (size_t row = 0; row < rows; ++row) {
    ++counts[static_cast<size_t>(kind_of_row(logits.subspan(row * columns, columns), k))];
  }
  for (const LogitsKind kind : {LogitsKind::raw, LogitsKind::probabilities, LogitsKind::weights}) {
    if (counts[static_cast<size_t>(kind)] == rows) return kind;
  }
  refuse(ErrorId::LG009, file, what,
         fmt::format("{} raw rows, {} of probabilities, {} of weights", counts[0], counts[1],
                     counts[2]),
         "one kind in all rows",
         "The file was joined from outputs of different versions or models.");
}

void choose_by_logits(Record& record, const ReadOptions& options, const std::string& file) {
  const std::optional<uint32_t> k = options.top_k ? options.top_k
                                    : options.model
                                        ? std::optional<uint32_t>(options.model->gate.top_k)
                                        : std::nullopt;
  if (!k) {
    refuse(ErrorId::LG011, file, "", "router logits without ids", "the number of chosen experts",
           "Give --model, or --top-k.");
  }
  if (options.model && (options.model->gate.selection_bias || options.model->gate.groups > 1 ||
                        options.model->gate.ids_from_table)) {
    refuse(ErrorId::LG011, file, "", "router logits without ids",
           "the ids too: this gate chooses by more than its logits",
           "Record what the gate returns, or trace the model with routegauge trace.");
  }
  if (*k == 0 || *k > record.logit_columns || *k > kMaxColumns) {
    refuse(ErrorId::LG011, file, "", fmt::format("{} logits per row", record.logit_columns),
           fmt::format("at least k, which is {}", *k));
  }
  record.k = *k;
  record.ids_from_logits = true;
  parallel_for(record.layers.size(), options.threads, [&](size_t at, int) {
    LayerLog& log = record.layers[at];
    log.ids.resize(size_t{record.rows} * record.k);
    for (size_t row = 0; row < record.rows; ++row) {
      rank_row(std::span(log.logits).subspan(row * record.logit_columns, record.logit_columns),
               record.k, log.ids.data() + row * record.k);
    }
  });
}

}  // namespace rg::logs
